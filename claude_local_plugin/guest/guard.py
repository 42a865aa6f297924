"""A session that settings have moved: the prompt that would take its conversation to another backend is held once.

Claude Code reads `env` again whenever a settings file changes: endpoint and credential are other ones at the next
request, while the name of the model stays. A session that is resumed takes today's settings, too. Nobody is told
(observed on Claude Code 2.1.329 to 2.1.332).

Where a conversation is, a small file per session says, and below that where it would have gone with the prompt that is
held; it is written before a prompt is held, so that one that cannot be written holds nothing, and no prompt is held
twice for the same move. Whoever goes back instead has not been anywhere.
"""

import os

from claude_local_plugin.guest.backend import ANTHROPIC_DOMAINS, Backend, clean, parse_url
from claude_local_plugin.guest.registration import PLUGIN, SCRIPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = "conversations"

#: What the log says of a change of settings after which our hooks do not run in the session any more.
UNWATCHED = "our hooks are gone from the settings"

#: Stands for the backend of a conversation that began before our hooks were here.
UNRECORDED = "(not on record)"

#: This file in the state folder says that `disable` has left hooks for open sessions, to be taken out as they end.
RELEASE = "hooks-left"

#: When the note of a session that says nothing any more may go, in seconds.
KEPT_S = 30 * 24 * 60 * 60.0
#: How many such notes are removed as a new conversation is noted.
SWEPT = 20
#: As much of a transcript's end is read to see whether it holds an answer.
TAIL_BYTES = 256 * 1024
#: A URL and a little.
MOST_BYTES = 8192


def name_of(kind: str, url: "str | None") -> str:
    """The backend as it is compared and shown: its URL, or the kind of a provider with an endpoint of its own."""
    return url or kind


def moved_from(
    state_dir: str, session_id: str, backend: Backend, transcript: "str | None" = None, model: "str | None" = None
) -> "str | None":
    """Where this session's conversation has been until now, when that is not `backend`; None when it stays, or began
    just now, or nobody can tell; UNRECORDED where it began before our hooks were here, with another model than the
    settings' `model`, and would now go to an own server.

    From now on it counts as being on `backend`.
    """
    here = name_of(backend.kind, backend.url)
    before, held_for = _noted(state_dir, session_id)
    if before is None and (spoken := _last_model(transcript)):
        before = last_backend(state_dir, session_id)
        if before is None and not backend.cloud and spoken != model and not _is_behind(state_dir):
            before = UNRECORDED
    if before == here and held_for is None:
        return None
    goes_on = before in (None, here) or held_for == here
    try:
        remember(state_dir, session_id, here if goes_on else before or here, None if goes_on else here)
    except OSError:  # what cannot be written down would be held at every prompt
        return None
    return None if goes_on else before


def _is_behind(state_dir: str) -> bool:
    """Whether records wait beside the log, this session's start perhaps among them: then nobody can tell."""
    from claude_local_plugin.guest import sessionlog

    return bool(sessionlog.spooled(state_dir))


def recall(state_dir: str, session_id: str) -> "str | None":
    """Where the conversation is, None if nobody has noted it."""
    return _noted(state_dir, session_id)[0]


def _noted(state_dir: str, session_id: str) -> "tuple[str | None, str | None]":
    """Where the conversation is, and where it would have gone with the prompt that was held."""
    from claude_local_plugin.guest.files import content

    try:
        text = content(_path(state_dir, session_id), MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):  # no prompt yet
        return None, None
    where, _, held_for = text.strip().partition("\n")
    return where or None, held_for or None


def remember(state_dir: str, session_id: str, backend: str, held_for: "str | None" = None) -> None:
    """Notes where the conversation is, and where the prompt that is about to be held would go; raises OSError."""
    path = _path(state_dir, session_id)
    folder = os.path.dirname(path)
    for each in (state_dir, folder):  # one by one: else only the last gets the mode
        os.makedirs(each, 0o700, exist_ok=True)
    if not os.path.exists(path):
        _sweep(folder)
    unfinished = f"{path}.{os.getpid()}"
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    try:
        lines = (backend,) if held_for is None else (backend, held_for)
        os.write(file, "".join(f"{clean(line, 4000)}\n" for line in lines).encode())
    finally:
        os.close(file)
    os.replace(unfinished, path)


def _last_model(transcript: "str | None") -> "str | None":
    """The model of the last answer in a transcript; None where there is none, or no transcript."""
    if not transcript:
        return None
    from claude_local_plugin.guest.files import opened
    from claude_local_plugin.guest.hook import parse_event

    try:
        with open(opened(transcript), "rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - TAIL_BYTES))
            lines = file.read(TAIL_BYTES).split(b"\n")
    except (OSError, ValueError):
        return None
    for line in reversed(lines):
        if b'"assistant"' not in line:
            continue
        try:
            entry = parse_event(line)
        except (ValueError, RecursionError):  # cut off by where we began to read
            continue
        message, asked = entry.get("message"), entry.get("requestedModel")
        model = message.get("model") if isinstance(message, dict) else None
        if isinstance(model, str) and model != "<synthetic>":
            return asked if isinstance(asked, str) and asked else model  # a server may answer in a name of its own
    return None


def last_backend(state_dir: str, session_id: str) -> "str | None":
    """The backend that a session's last answer was on, else the one it began on; None where the log does not say."""
    from claude_local_plugin.guest import sessionlog

    path = os.path.join(state_dir, sessionlog.DATABASE)
    if not os.path.exists(path):
        return None
    engine = sessionlog._engine()
    try:
        connection = engine.connect(sessionlog._address(path), timeout=0.2, isolation_level=None, uri=True)
        try:
            row = (
                connection.execute(
                    "SELECT endpoints.kind, endpoints.url FROM spans JOIN endpoints ON endpoints.id = spans.endpoint"
                    " JOIN sessions ON sessions.id = spans.session WHERE session_id = ? AND main = 1 AND messages > 0"
                    " ORDER BY spans.started_at DESC, spans.id DESC LIMIT 1",
                    (session_id,),
                ).fetchone()
                or connection.execute(
                    # begun with our hooks and not answered yet, as far as was counted: where it began
                    "SELECT backend_kind, backend_url FROM sessions WHERE session_id = ? AND source = 'startup'",
                    (session_id,),
                ).fetchone()
            )
        finally:
            connection.close()
    except engine.Error:  # busy, damaged, or of another version: the prompt is what counts
        return None
    return name_of(row[0], row[1]) if row else None


def is_cloud(backend: str) -> bool:
    """Whether a backend's name is one of the cloud's: Anthropic's own hosts, or a provider's kind."""
    target = parse_url(backend)
    if target is None:
        return "://" not in backend and backend != UNRECORDED
    return any(target.host == domain or target.host.endswith(f".{domain}") for domain in ANTHROPIC_DOMAINS)


def held(before: str, backend: Backend, carried: "str | None") -> str:
    """What the person is told whose prompt is held: where it was, where it would go and with what, how to go on."""
    from claude_local_plugin.guest.shell import command

    here = name_of(backend.kind, backend.url)
    what = f" with {carried}" if carried else ""
    was, stay = f"this conversation has been on {before}", command("claude-local", "enable", "--url", before)
    if before == UNRECORDED:
        was = "this conversation began before claude-local was enabled here"
    if before == UNRECORDED or is_cloud(before):
        stay = "leave this session and start a new one"
    said = clean(
        f"held once: {was}, and the settings have changed: it would now go to"
        f" {here}{what}, whole, under the same model name."
        f"{unsigned(before, backend)} To go on there: send the prompt again.",
        1000,
    )
    return f"{said} To stay: {stay}"


def resumed(before: str, backend: Backend) -> str:
    """What a session is told as it is resumed on another backend than it was on."""
    here = name_of(backend.kind, backend.url)
    return clean(
        f"this conversation was on {before} and goes on at {here}: its first prompt is held once."
        f"{unsigned(before, backend)}",
        1000,
    )


def unsigned(before: str, backend: Backend) -> str:
    """The sentence about thinking that only Anthropic's own API signs, where the conversation goes there."""
    if not backend.cloud or is_cloud(before):
        return ""
    return " Thinking that another server wrote carries no signature, which Anthropic's API may refuse."


def still_registered(environ: "Mapping[str, str]", folder: str, managed_dir: "str | None" = None) -> bool:
    """Whether any settings file that counts for this session, as it is now, still runs our hook for a prompt.

    The plugin counts, too: a hook that it runs knows its root.
    """
    from claude_local_plugin.guest.leaks import World, managed_default, raw_settings

    if environ.get("CLAUDE_PLUGIN_ROOT"):
        return True
    managed_dir = managed_dir or managed_default()
    for settings in raw_settings(World(environ, folder, managed_dir), managed_dir):
        if _runs_ours(settings) or _enables_the_plugin(settings):
            return True
    return False


def _runs_ours(settings: "Mapping[str, object]") -> bool:
    hooks = settings.get("hooks")
    listed = hooks.get("UserPromptSubmit") if isinstance(hooks, dict) else None
    return SCRIPT in repr(listed)


def _enables_the_plugin(settings: "Mapping[str, object]") -> bool:
    plugins = settings.get("enabledPlugins")
    named = plugins.items() if isinstance(plugins, dict) else ()
    return any(str(name).partition("@")[0] == PLUGIN and on is True for name, on in named)


def _sweep(folder: str) -> None:
    """Removes a few notes of sessions that have been silent for long."""
    from claude_local_plugin.guest.upkeep import remove_silent

    remove_silent(folder, KEPT_S, SWEPT)


def _path(state_dir: str, session_id: str) -> str:
    from binascii import crc32

    plain = session_id.replace("-", "")
    name = session_id if plain.isalnum() and plain.isascii() and len(session_id) <= 64 else ""
    return os.path.join(state_dir, FOLDER, name or f"{crc32(session_id.encode('utf-8', 'replace')):08x}")
