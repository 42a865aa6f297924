"""The machine that a server is to run on: this one, or another by the user's own ssh. Everything is a script of sh."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from claude_local_plugin.core.shell import command, quoted
from claude_local_plugin.errors import ClaudeLocalError

#: Seconds that a short script may take; over ssh the connection counts.
PATIENCE = 60.0

#: ssh's own failures, by what it says; anything else that ends with this code is a connection, too.
SSH_FAILED = 255


@dataclass(frozen=True, slots=True)
class Done:
    """What a script came to."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that it said, errors last."""
        return f"{self.out}\n{self.err}".strip()


@dataclass(frozen=True, slots=True)
class Host:
    """Where scripts run. `ssh` is the name that ssh knows it by; None: here, in this home folder."""

    ssh: str | None
    environ: Mapping[str, str] = field(repr=False)
    home: Path = field(repr=False)

    @property
    def name(self) -> str:
        """The host in a sentence."""
        return self.ssh or "this machine"

    @property
    def on(self) -> str:
        """` on dell-pro-max` for a place elsewhere."""
        return f" on {self.ssh}" if self.ssh else ""

    def argv(self, script: str) -> list[str]:
        """The command that runs a script there."""
        if self.ssh is None:
            return ["/bin/sh", "-c", script]
        # no question in the middle of something: a key or an agent has to do
        return [
            "ssh",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=15",
            "-T",
            "--",
            self.ssh,
            words("sh", "-c", script),
        ]

    def shown(self, script: str) -> str:
        """The same as people read and type it."""
        return script if self.ssh is None else command("ssh", self.ssh, script)

    def run(self, script: str, given: str | None = None, *, timeout: float = PATIENCE) -> Done:
        """Run a script to its end; raises ClaudeLocalError where the host cannot be reached."""
        try:
            ended = subprocess.run(
                self.argv(script),
                input=given if given is not None else "",
                env=dict(self.environ),
                cwd=self.home,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError as fault:
            raise ClaudeLocalError("there is no ssh program here", "install OpenSSH's client") from fault
        except subprocess.TimeoutExpired as fault:
            raise ClaudeLocalError(
                f"{self.name} did not answer within {timeout:.0f} seconds", self._try_it("true")
            ) from fault
        if self.ssh is not None and ended.returncode == SSH_FAILED:
            raise self._unreachable(ended.stderr)
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def must(self, script: str, what: str, given: str | None = None) -> str:
        """What a script prints that has to end well; raises ClaudeLocalError with what it said."""
        done = self.run(script, given)
        if done.code:
            last = (done.err.strip() or done.out.strip() or f"exit {done.code}").splitlines()[-1]
            raise ClaudeLocalError(f"{what}{self.on}: {last}", self._try_it(script))
        return done.out

    @contextmanager
    def following(self, script: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A script that goes on saying something, ended at the end of the `with`."""
        process = subprocess.Popen(
            self.argv(script),
            env=dict(self.environ),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _try_it(self, script: str) -> str:
        return f"try it by hand: {self.shown(script)}" if len(script) < 200 else f"try it by hand: {self.shown('sh')}"

    def _unreachable(self, said: str) -> ClaudeLocalError:
        assert self.ssh is not None
        last = (said.strip() or "ssh ended without a word").splitlines()[-1]
        if "Permission denied" in said:
            hint = f"{command('ssh-copy-id', self.ssh)}, or {command('ssh-add')} if your key has a passphrase"
        elif "Host key verification failed" in said:
            hint = f"{command('ssh', self.ssh)} once, to accept its key"
        else:
            hint = f"does this work: {command('ssh', self.ssh, 'true')}"
        return ClaudeLocalError(f"ssh cannot reach {self.ssh}: {last}", hint)


def chained(*commands: str) -> str:
    """Commands of a script, each only after the one before went well."""
    return " && ".join(commands)


def words(*each: str) -> str:
    """Words as a command of a script, which is run and not shown to be typed."""
    return " ".join(map(quoted, each))


def folder_word(folder: str) -> str:
    """A path as a word of a script, below the home folder of whoever runs it where it begins with `~/`."""
    return f'"$HOME"/{words(folder[2:])}' if folder.startswith("~/") else words(folder)
