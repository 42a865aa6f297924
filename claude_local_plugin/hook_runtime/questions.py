"""What the person asks of the plugin in a session: where it goes, why, and what is wrong. No model answers that.

`/local-backend:status`, `:why` and `:doctor` come as prompts; the hook answers them in the model's place, so that they
cost no request and work on a dead server. Claude Code shows the words of a prompt that is refused, and keeps the prompt
out of the conversation (observed on Claude Code 2.1.200 to 2.1.332). Where claude-local is installed, its own command
says the rest; without it this module says what a hook can know.
"""

import sys

from claude_local_plugin.core import system as os
from claude_local_plugin.core.endpoint import PLACEHOLDER, Backend
from claude_local_plugin.core.registration import PLUGIN_ROOT, QUESTION
from claude_local_plugin.core.text import clean
from claude_local_plugin.hook_runtime.remedies import OWN_FOLDER, command_line, program_on, ways, world_of
from claude_local_plugin.hook_runtime.visit import LIMIT, Answer, Visit, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from claude_local_plugin.core.probe import Probe
    from claude_local_plugin.core.session_settings import SessionSettings

#: What can be asked, and the command of claude-local that says more.
QUESTIONS = {"status": ("status",), "why": ("explain-precedence",), "doctor": ("doctor",)}
#: How long the hook may take over a question, in seconds: Claude Code ends it after 5.
PATIENCE_S = 4.5
#: What is left of it for everything but the command, in seconds.
OWN_S = 0.5
#: As many letters of what a command printed are shown.
MOST_SHOWN = 20_000

#: What decides where a session goes: what people call it, and the variable that says it.
DECIDED_BY = (
    ("endpoint", "ANTHROPIC_BASE_URL"),
    ("token", "ANTHROPIC_AUTH_TOKEN"),
    ("key", "ANTHROPIC_API_KEY"),
    ("model", "ANTHROPIC_MODEL"),
    ("window", "CLAUDE_CODE_MAX_CONTEXT_TOKENS"),
)
#: Names that stand for a model of Anthropic's (precedence.models has what each stands for).
ALIASES = ("opus", "sonnet", "haiku", "fable", "best", "opusplan")
WINDOW = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"
ASSUMED = "(not set: Claude Code assumes 1,000,000 tokens for a model that it does not know)"
SECRET = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY")


def asked(prompt: object) -> "str | None":
    """Which question the prompt is; None where it is none, or one with words of its own, which is the model's."""
    text = prompt.strip() if isinstance(prompt, str) else ""
    name = text[len(QUESTION) :] if text.startswith(QUESTION) else ""
    return name if name in QUESTIONS else None


def answer(visit: Visit, name: str) -> Answer:
    """The answer in the place of the model's; nothing goes on record, for nothing was sent."""
    LIMIT.seconds = PATIENCE_S
    said = "\n".join(told(visit, name))
    hide = {"hookEventName": "UserPromptSubmit", "suppressOriginalPrompt": True}
    return Answer(None, {"decision": "block", "reason": said, "hookSpecificOutput": hide})


def ask(name: str, environ: "Mapping[str, str]", state_dir: str) -> None:
    """Print the answer for whoever has no prompt to be answered: the skills of the plugin."""
    from claude_local_plugin.core import config

    event = {"hook_event_name": "", "cwd": os.getcwd()}
    visit = Visit(event, environ, state_dir, config.load(state_dir, environ))
    text = "\n".join(told(visit, name if name in QUESTIONS else "status"))
    os.write(1, f"{text}\n".encode("utf-8", "replace"))


def told(visit: Visit, name: str) -> "Iterator[str]":
    """The lines of the answer: where this session goes and whether that answers, then what was asked for."""
    from claude_local_plugin.hook_runtime import events

    found, program = events.look_at(visit), command_line(visit)
    yield from _where(visit, found, installed=program is not None)
    yield ""
    more = _command(visit, program, QUESTIONS[name]) if program else None
    if more is not None:
        yield more
        return
    yield from {"status": _status, "why": _why, "doctor": _wrong}[name](visit, found)
    yield ""
    yield from _for_more(visit, name, installed=program is not None)


# --- what a hook knows by itself


def _where(visit: Visit, found: "Probe | None", *, installed: bool) -> "Iterator[str]":
    """Where this session goes, and of a server that does not answer what can be done."""
    from claude_local_plugin.hook_runtime import events

    backend, model = visit.backend, text_of(visit.environ.get("ANTHROPIC_MODEL"))
    as_model = f" as {model}" if model else ""
    wrong = events.trouble(backend, found) if not backend.cloud else None
    if backend.cloud:
        yield f"This session goes to {clean(backend.url or backend.kind)}{as_model}: the cloud, no server of your own."
    elif backend.target is not None:
        yield f"This session goes to {backend.target.url}{as_model}."
    if wrong is not None:
        yield f"✗ {wrong}"
        yield from (f"  {way}" for way in ways(visit, installed=installed))
    elif not backend.cloud:
        yield f"✓ the server {_answers(backend, found)}"


def _answers(backend: Backend, found: "Probe | None") -> str:
    if found is None or found.latency_ms is None:
        return f"is reached through {clean(backend.via or 'a proxy')}, and was not asked"
    return f"answers ({max(round(found.latency_ms), 1)} ms)"


def _status(visit: Visit, _: "Probe | None") -> "Iterator[str]":
    from claude_local_plugin.core.leaks import carried

    sent = carried(visit.environ, visit.folder or os.getcwd())
    yield f"sent with each request: {'; '.join(sent) if sent else 'no credential of yours'}"


def _why(visit: Visit, _: "Probe | None") -> "Iterator[str]":
    """Who sets what decides, strongest first, as far as a hook can tell."""
    from claude_local_plugin.core.claude import PROVIDERS, is_on

    world = world_of(visit)
    for switch, *_rest in PROVIDERS:
        if is_on(visit.environ.get(switch)):
            yield f"provider  {switch}={_decided(visit, world, switch)}"
    for label, name in DECIDED_BY:
        assumed = name == WINDOW and _is_assumed(visit)
        yield f"{label.ljust(9)} {ASSUMED if assumed else _decided(visit, world, name)}"
    yield "(--settings counts as the shell: a hook cannot tell them apart)"


def _decided(visit: Visit, world: "SessionSettings", name: str) -> str:
    from claude_local_plugin.core.session_settings import as_text

    if name not in visit.environ:
        return "(not set)"
    value = visit.environ[name].strip()
    source = world.source_of(name)
    shown = clean(value, 200) if name not in SECRET else "a placeholder" if value == PLACEHOLDER else "(set, not shown)"
    shown = shown if value else '""'
    others = [
        f"{file.place}{'' if name in SECRET else f' ({clean(as_text(file.env[name]), 100)})'}"
        for file in world.files
        if name in file.env and file is not source
    ]
    beats = f", beats {' and '.join(others)}" if others else ""
    return f"{shown}   {source.place}{beats}"


def _wrong(visit: Visit, found: "Probe | None") -> "Iterator[str]":
    """What is wrong, with what to do; one line says that nothing is."""
    from claude_local_plugin.hook_runtime import events

    problems = [*_dropped(visit), *events.objections(visit)]
    if _is_assumed(visit):
        problems.append(
            f"{WINDOW} is not set: Claude Code assumes 1,000,000 tokens and never compacts in time; set it to what your"
            " server has"
        )
    down = not visit.backend.cloud and events.trouble(visit.backend, found) is not None
    for problem in problems:
        yield f"✗ {problem}"
    if not problems:
        well = "credentials, settings files, this project's protection"
        yield f"✓ {'nothing else' if down else 'nothing'} that a hook can see is wrong   ({well})"


def _is_assumed(visit: Visit) -> bool:
    """Whether the window of one's own server is assumed: nobody sets it, and the model's name is not Anthropic's."""
    model = visit.environ.get("ANTHROPIC_MODEL", "").strip().lower()
    known = not model or model.startswith("claude-") or model.partition("[")[0] in ALIASES
    return not visit.backend.cloud and not known and not visit.environ.get(WINDOW, "").strip()


def _dropped(visit: Visit) -> "Iterator[str]":
    """Settings files that Claude Code does not take, and why."""
    from claude_local_plugin.core.files import MOST_SETTINGS
    from claude_local_plugin.core.places import managed_default
    from claude_local_plugin.core.session_settings import places, read
    from claude_local_plugin.core.settings_files import decoded, taken

    world = world_of(visit)
    for scope, path, place in places(world, managed_default()):
        raw = read(path, MOST_SETTINGS)
        if not raw:
            continue
        seen = taken(decoded(raw), managed=scope == "managed", client_version=world.client_version)
        if seen.state != "read":
            yield f"{clean(place, 200)}: {clean(seen.problem or '', 300)}; Claude Code ignores the whole file"


# --- what the command line says


def _command(visit: Visit, program: str, words: "Sequence[str]") -> "str | None":
    """What `claude-local …` prints; None where it cannot, or takes too long here."""
    import subprocess

    from claude_local_plugin.core.processes import age_s

    left_s = PATIENCE_S - OWN_S - age_s(os.getpid())
    environ = {**_without_settings(visit), "PYTHONIOENCODING": "utf-8", PLUGIN_ROOT: _plugin()}
    try:
        ended = subprocess.run(
            [program, *words],
            cwd=visit.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=max(left_s, OWN_S),
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    text = ended.stdout.decode("utf-8", "replace").strip("\n")[:MOST_SHOWN]
    return "\n".join(clean(line, 2_000) for line in text.split("\n")) if text and ended.returncode in (0, 1) else None


def _without_settings(visit: Visit) -> "dict[str, str]":
    """The environment as the shell has it: Claude Code hands on what settings files set, which is no export."""
    from claude_local_plugin.core.session_settings import SHELL

    world = world_of(visit)
    return {name: value for name, value in visit.environ.items() if world.source_of(name) is SHELL}


def _plugin() -> str:
    """The folder of the plugin whose hook this is."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def _for_more(visit: Visit, name: str, *, installed: bool) -> "Iterator[str]":
    """The command that says more, and where it is not there the one that brings it."""
    from claude_local_plugin.core.shell import command

    more = command("claude-local", *QUESTIONS[name])
    if installed:
        yield f"It could not be asked here; in a terminal: {more}"
        return
    yield f"{more} says more, once it is installed:"
    line = _install(visit)
    yield f"  {line}"
    if OWN_FOLDER in line:
        yield f"  (its programs are in ~/{OWN_FOLDER}/bin, which belongs on your PATH)"


def _install(visit: Visit) -> str:
    """The command that installs claude-local from the plugin's own folder, with what is there to install with."""
    from claude_local_plugin.core.shell import command, home_path, then

    path, home = visit.environ.get("PATH", ""), visit.environ.get("HOME", "")
    source = home_path(_plugin(), home)
    for words in (("uv", "tool", "install"), ("pipx", "install")):
        if program_on(path, words[0]):
            return command(*words, source)
    place = home_path(os.path.join(home, OWN_FOLDER), home)
    python = os.path.basename(sys.executable) if sys.version_info >= (3, 11) else "python3.11"
    pip = home_path(os.path.join(home, OWN_FOLDER, "bin", "pip"), home)
    return then(command(python, "-m", "venv", place), command(pip, "install", source))
