"""A session that settings have moved: the prompt that would take its conversation to another backend is held once.

Claude Code reads `env` again whenever a settings file changes: endpoint and credential are other ones at the next
request, while the name of the model stays. A session that is resumed takes today's settings, too. Nobody is told
(observed on Claude Code 2.1.329 to 2.1.332).

Where a conversation is, the lines of its prompts in the session's journal say. The line of a prompt that is held is
written before that is told, so that one that cannot be written holds nothing, and no prompt is held twice for the same
move. Whoever goes back instead has not been anywhere.
"""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.endpoint import UNRECORDED, Backend, is_cloud, name_of
from claude_local_plugin.core.registration import PLUGIN, SCRIPT
from claude_local_plugin.core.text import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


#: As much of a transcript's end is read to see whether it holds an answer.
TAIL_BYTES = 256 * 1024


def moved_from(
    state_dir: str, session_id: str, backend: Backend, transcript: "str | None" = None, model: "str | None" = None
) -> "str | None":
    """Where this session's conversation has been until now, when that is not `backend`; None when it stays, or began
    just now, or nobody can tell; UNRECORDED where it began before our hooks were here, with another model than the
    settings' `model`, and would now go to an own server.
    """
    from claude_local_plugin.sessionlog import memory

    here = name_of(backend.kind, backend.url)
    noted = memory.memory(state_dir, session_id)
    before = noted.where
    if before is None and (spoken := last_model(transcript)):
        before = noted.began
        if before is None and not backend.cloud and spoken != model:
            before = UNRECORDED
    if noted.held_for == here or (before == UNRECORDED and backend.cloud):
        return None
    return None if before == here else before


def last_model(transcript: "str | None") -> "str | None":
    """The model of the last answer in a transcript; None where there is none, or no transcript."""
    if not transcript:
        return None
    from claude_local_plugin.core.files import opened
    from claude_local_plugin.core.text import json_object

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
            entry = json_object(line)
        except (ValueError, RecursionError):  # cut off by where we began to read
            continue
        message, asked = entry.get("message"), entry.get("requestedModel")
        model = message.get("model") if isinstance(message, dict) else None
        if isinstance(model, str) and model != "<synthetic>":
            return asked if isinstance(asked, str) and asked else model  # a server may answer in a name of its own
    return None


def held(before: str, backend: Backend, carried: "str | None") -> str:
    """What the person is told whose prompt is held: where it was, where it would go and with what, how to go on."""
    from claude_local_plugin.core.shell import command

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
    from claude_local_plugin.core.places import managed_default
    from claude_local_plugin.core.session_settings import SessionSettings, raw_settings

    if environ.get("CLAUDE_PLUGIN_ROOT"):
        return True
    managed_dir = managed_dir or managed_default()
    for settings in raw_settings(SessionSettings(environ, folder, managed_dir), managed_dir):
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
