"""The log of our own faults, `faults.log` in the state folder: one line each, bounded in size."""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.text import clean, now

FAULTS = "faults.log"
#: Beyond this size `faults.log` becomes `faults.log.1` and a new one begins.
MOST_FAULT_BYTES = 65536


def note_fault(state_dir: str, text: str) -> None:
    """Adds one line to `faults.log`, bounded in size; silent when that fails, for there is nowhere left to say so."""
    path = os.path.join(state_dir, FAULTS)
    line = (f"{now()} {text[:500]}".replace("\n", " ") + "\n").encode("utf-8", "replace")
    try:
        os.makedirs(state_dir, 0o700, exist_ok=True)
        if os.path.exists(path) and os.stat(path).st_size > MOST_FAULT_BYTES:
            os.replace(path, f"{path}.1")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)
    except OSError:
        return


def note_exception(state_dir: str, fault: BaseException) -> None:
    """One line about the fault in our own log: what, and where in our code.

    Only complaints of the operating system and our own are quoted; another exception's text may hold a piece of
    what was typed.
    """
    text = type(fault).__name__
    if isinstance(fault, (OSError, ValueError)):
        text += f": {fault}"
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None:
        text += f" ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})"
    note_fault(state_dir, clean(text))
