"""A person's session whose server is down goes on at the next of its profile's fallback, and back when that is well.

What is to be written, and whether it may be, a process with our packages finds out (`commands.fall_back`): it is
started in this rare case only. Claude Code takes changed settings up within two seconds: a prompt that waits so long
goes where they lead (5 of 5 on Claude Code 2.1.329 to 2.1.332).
"""

import sys
import time

from claude_local_plugin.core import system as os
from claude_local_plugin.core.claude import is_hosted
from claude_local_plugin.core.endpoint import name_of
from claude_local_plugin.core.places import LOCAL_FILE, local_folders, managed_default
from claude_local_plugin.core.record_extras import FALLBACK, FALLEN_FROM, FALLEN_URL, PROFILE, extras_of
from claude_local_plugin.core.registration import FALLEN_NOTE, PATIENT
from claude_local_plugin.core.run_files import SETTINGS
from claude_local_plugin.core.session_settings import SessionSettings
from claude_local_plugin.core.text import clean, json_object
from claude_local_plugin.hook_runtime.visit import LIMIT, Visit, session_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: How long after the settings were written the prompt waits, in seconds.
NOTICED_S = 2.0
#: How old this process may be when it answers, in seconds, as Claude Code was told to allow it 5 or 30; and when
#: settings begin to be written at the latest.
LIMITS = {False: (4.7, 1.9), True: (27.0, 21.0)}
#: The entry point of a session that a person types into.
PERSON = "cli"
#: The module that finds out what is to be written, and writes it.
MODULE = "claude_local_plugin.cli.fall_back"

#: What names a model that a session may ask for.
MODELS = (
    "ANTHROPIC_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
    *(f"ANTHROPIC_DEFAULT_{tier}_MODEL" for tier in ("OPUS", "SONNET", "HAIKU", "FABLE")),
)


class Move:
    """What came of it: the event as one of a session on the new backend, where there was a move; else why not.

    `before` and `profile` are the profiles of that move, `origin` the one that somebody has chosen, `label` what
    answers now.
    """

    __slots__ = ("before", "label", "origin", "profile", "visit", "why")

    def __init__(
        self,
        visit: "Visit | None" = None,
        profile: str = "",
        before: str = "",
        origin: str = "",
        label: str = "",
        why: str = "",
    ) -> None:
        self.visit = visit
        self.profile = profile
        self.before = before
        self.origin = origin
        self.label = label
        self.why = why


def fall_back(visit: Visit) -> Move:
    """Moves this session on, if its folder's profile says where to."""
    extras = _extras(visit)
    if not (extras.get(PROFILE) and (extras.get(FALLBACK) or extras.get(FALLEN_FROM))):
        return Move()
    return _asked(visit, back=False)


def fallen_from(visit: Visit) -> "tuple[str, str, str] | None":
    """The profile that this folder is on by a fallback, the one it was taken from, and that one's address."""
    if not os.path.exists(os.path.join(visit.state_dir, FALLEN_NOTE)):
        return None
    extras = _extras(visit)
    if not (extras.get(PROFILE) and extras.get(FALLEN_FROM) and extras.get(FALLEN_URL)):
        return None
    return extras[PROFILE], extras[FALLEN_FROM], extras[FALLEN_URL]


def go_back(visit: Visit) -> Move:
    """Moves a session that begins back to the profile that a fallback led away from."""
    return _asked(visit, back=True)


def is_movable(visit: Visit) -> bool:
    """Whether a person sits at this session, and the settings file of its folder is what leads it."""
    environ = visit.environ
    if environ.get("CLAUDE_CODE_ENTRYPOINT") != PERSON or visit.folder is None or visit.backend.proxied:
        return False
    if is_hosted(environ) or SETTINGS in environ:
        return False
    from claude_local_plugin.hook_runtime.folders import SETTINGS as OPTION
    from claude_local_plugin.hook_runtime.folders import arguments

    words = arguments(environ.get("CLAUDE_PID", ""))
    return not any(word == OPTION or word.startswith(OPTION + "=") for word in words)


def _extras(visit: Visit) -> "dict[str, str]":
    """What the record of the folder's own settings file remembers."""
    if not is_movable(visit):
        return {}
    settings = SessionSettings(visit.environ, visit.folder or "", managed_default())
    folder = local_folders(settings.folder, settings.home, settings.client_version)[0]
    return extras_of(os.path.join(folder, LOCAL_FILE), visit.state_dir)


def _asked(visit: Visit, *, back: bool) -> Move:
    """Has it done, waits until Claude Code has taken it up, and says what came of it."""
    from claude_local_plugin.core.processes import age_s

    longest, until = LIMITS[PATIENT in sys.argv[1:]]
    LIMIT.seconds = longest
    age = age_s(os.getpid())
    found = _answer(visit, time.time() + until - age, longest - NOTICED_S - 0.1 - age, back=back)
    url = found.get("url")
    if not (found.get("moved") is True and isinstance(url, str)):
        return Move(why=clean(str(found.get("why") or ""), 600))
    there = Visit(visit.event, dict(visit.environ, ANTHROPIC_BASE_URL=url), visit.state_dir, visit.config)
    if there.backend.url is None or there.backend.cloud:
        return Move(why=f"the settings lead to {clean(url)} now")
    at = found.get("at")
    waited = time.time() - at if isinstance(at, (int, float)) else 0.0
    time.sleep(max(NOTICED_S - max(waited, 0.0), 0.0))
    label = there.backend.target.label if there.backend.target else url
    model = clean(str(found.get("model") or ""), 200)
    return Move(
        there,
        clean(str(found.get("profile"))),
        clean(str(found.get("before"))),
        clean(str(found.get("origin"))),
        f"{model} on {label}" if model else label,
    )


def _answer(visit: Visit, until: float, left: float, *, back: bool) -> "dict[str, Any]":
    """What the process with our packages says, or has done: nothing is written after `until`, and after `left` seconds
    it is ended. Raises OSError, ValueError or SubprocessError.
    """
    import json
    import subprocess

    from claude_local_plugin.hook_runtime import folders, guard
    from claude_local_plugin.hook_runtime.background import without_settings

    spoken = None if back else guard.last_model(visit.event.get("transcript_path"))
    names = MODELS[:1] if back else MODELS  # nothing has been asked for yet, and the others come with the settings
    models = [*(visit.environ.get(name, "") for name in names), spoken or ""]
    reached = [each for each, _ in folders.folders(visit.environ, visit.event, visit.state_dir, visit.config)]
    asked = {
        "folder": visit.folder,
        "session_id": session_of(visit) or "",
        "url": name_of(visit.backend.kind, visit.backend.url),
        "models": sorted({each for each in models if each}),
        "folders": reached,
        "until": until,
        "back": back,
    }
    ended = subprocess.run(
        [sys.executable, "-I", "-m", MODULE],
        input=json.dumps(asked).encode("utf-8", "surrogateescape"),
        env=dict(without_settings(visit), CLAUDE_LOCAL_STATE_DIR=visit.state_dir),
        cwd=visit.state_dir,
        capture_output=True,
        timeout=max(left, 0.1),
        check=False,
    )
    if ended.returncode:
        raise OSError("the fallback cannot be asked: " + ended.stderr.decode("utf-8", "replace")[-300:])
    return json_object(ended.stdout)
