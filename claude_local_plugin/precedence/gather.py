"""Reads the world once: settings files, login, console key, environment and client version, as one Snapshot."""

import errno
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from claude_local_plugin.core.claude import is_on, login_folder
from claude_local_plugin.core.files import MOST_SETTINGS, content
from claude_local_plugin.core.frozen import replace
from claude_local_plugin.core.settings_files import JS_BLANKS, describe_json_error, strict_json
from claude_local_plugin.errors import UsageError
from claude_local_plugin.precedence.candidates import effective_env
from claude_local_plugin.precedence.locate import (
    config_dir,
    global_state_file,
    managed_dir_default,
    settings_paths,
)
from claude_local_plugin.precedence.logins import gateway_file, profile_file
from claude_local_plugin.precedence.model import NOTHING, Entry, FileState, Scope, SettingsFile, Snapshot
from claude_local_plugin.precedence.one_file import NOT_A_FILE, read_settings_file, settings_from_text
from claude_local_plugin.precedence.served import why_not_fetched, with_served

TYPE_CHECKING = False
if TYPE_CHECKING:
    from claude_local_plugin.precedence.verified import Answers

__all__ = ["gather", "installed_answers", "installed_client_version", "managed_dir_default", "read_settings_file"]


#: The scope a login needs before its token is sent with a request.
INFERENCE = "user:inference"

#: What `--setting-sources` can name.
SETTING_SOURCES = ("user", "project", "local")


def gather(
    *,
    cwd: Path,
    home: Path,
    environ: Mapping[str, str],
    client_version: str | None = None,
    managed_dir: Path | None = None,
    flag_settings: str | None = None,
    setting_sources: Sequence[Scope | str] | None = None,
    cli_model: str | None = None,
    interactive: bool = True,
    entry: Entry = Entry.SESSION,
    texts: Mapping[Path, str | None] = MappingProxyType({}),
) -> Snapshot:
    """Everything a session started in `cwd` with this environment would see.

    `texts` stands in for the contents of the settings files it names (None: as if the file were absent), under every
    name that leads to them, for asking what would be if they were written.
    `flag_settings` is what `--settings` would get: a path, or inline JSON. `setting_sources` is the list of
    `--setting-sources` (local, project, user), None when the option is not given.
    """
    cwd = Path(os.path.realpath(cwd))
    sources = _sources(setting_sources, environ)
    places = settings_paths(cwd, home, environ, client_version, managed_dir, sources)
    instead = {os.path.realpath(path): text for path, text in texts.items()}
    files = [
        _stand_in(place.scope, place.path, instead[target], client_version)
        if instead and (target := os.path.realpath(place.path)) in instead
        else read_settings_file(place.scope, place.path, client_version)
        for place in places
    ]
    if flag_settings is not None and (flag := _flag_file(flag_settings, cwd, client_version)) is not None:
        files.insert(sum(file.scope is Scope.MANAGED for file in files), flag)
    state_path = global_state_file(cwd, home, environ)
    state = _plain_object(state_path)
    snapshot = Snapshot(
        cwd=cwd,
        home=home,
        config_dir=config_dir(cwd, home, environ),
        client_version=client_version,
        files=tuple(files),
        shell=dict(environ),
        cli_model=cli_model,
        setting_sources=sources,
        interactive=interactive,
        unknown=(),
        trusted=_trust(state[0], cwd),
        onboarded=state[0].get("hasCompletedOnboarding") is True,
        approved_api_keys=_approved(state[0]),
        organization=_organization(state[0]),
        entry=entry,
        auto_compact=_switch(state[0].get("autoCompactEnabled")),
    )
    folder = Path(login_folder(str(snapshot.config_dir), str(home), str(cwd), effective_env(snapshot)))
    logins = [*_login_files(folder / ".credentials.json"), _console_file(state_path, state)]
    if (profile := profile_file(snapshot)) is not None:
        logins.append(profile)
    found = with_served(replace(snapshot, files=(*files, *logins)))
    return replace(found, unknown=_invisible(found))


def listed(text: str) -> tuple[str, ...]:
    """The sources of `--setting-sources TEXT`, none for the empty text; what is wrong with them `gather` says."""
    return tuple(name.strip() for name in text.split(",")) if text else ()


def _sources(given: Sequence[Scope | str] | None, environ: Mapping[str, str]) -> tuple[Scope, ...] | None:
    """The scopes of `--setting-sources`; a restricted session reads none of them, whatever the option says."""
    restricted = is_on(environ.get("CLAUDE_CODE_RESTRICTED"))
    if given is None:
        return () if restricted else None
    names = [str(name).strip() for name in given]
    if "" in names:
        raise UsageError("--setting-sources has an empty entry, which Claude Code refuses", "leave the comma out")
    if wrong := next((name for name in names if name not in SETTING_SOURCES), None):
        raise UsageError(f"no such setting source: {wrong}", f"choose from {', '.join(SETTING_SOURCES)}")
    return () if restricted else tuple(Scope(name) for name in names)


def _stand_in(scope: Scope, path: Path, text: str | None, client_version: str | None) -> SettingsFile:
    if text is None:
        return SettingsFile(scope, path, FileState.ABSENT)
    if len(text.encode("utf-8", "surrogateescape")) > MOST_SETTINGS:
        return SettingsFile(scope, path, FileState.DROPPED, f"larger than {MOST_SETTINGS:,} bytes")
    return settings_from_text(scope, path, text, client_version)


def _flag_file(settings: str, cwd: Path, client_version: str | None) -> SettingsFile | None:
    """The file or inline object of `--settings`; None for an empty one, which counts for nothing.

    A file that is not there ends the session before it begins, so its state is `UNKNOWN` and not `ABSENT`.
    """
    if not settings:
        return None
    inline = settings.strip(JS_BLANKS)
    if inline.startswith("{") and inline.endswith("}"):
        file = settings_from_text(Scope.FLAG, None, inline, client_version)
        unusable = file.state is FileState.DROPPED and not file.data
        return replace(file, state=FileState.UNKNOWN) if unusable else file
    file = read_settings_file(Scope.FLAG, cwd / settings, client_version)
    if file.state is FileState.ABSENT or file.problem == NOT_A_FILE:
        return replace(file, state=FileState.UNKNOWN, problem=file.problem or "there is no such file")
    return file


def _plain_object(path: Path) -> tuple[Mapping[str, object], str, str | None]:
    """A JSON object and its text, both empty when there is none; and what is wrong with it, if it is no JSON."""
    try:
        text = content(path).decode("utf-8", "replace")
    except OSError as error:  # absent or not ours to read; Claude Code starts afresh then
        return NOTHING, "", error.strerror if error.errno == errno.EFBIG else None
    if not text.strip(JS_BLANKS):
        return NOTHING, "", None
    try:
        data = strict_json(text)
    except ValueError as error:
        return NOTHING, "", f"not valid JSON: {describe_json_error(error)}"
    except RecursionError:  # Claude Code reads deeper than we can
        return NOTHING, "", None
    return (data, text, None) if isinstance(data, dict) else (NOTHING, "", None)


def _login_files(path: Path) -> list[SettingsFile]:
    """The claude.ai login and, where there is one, the gateway sign-in, which Claude Code keeps in one file."""
    data, text, _ = _plain_object(path)
    gateway = gateway_file(path, data, text)
    return [_login_file(path, data, text), *([gateway] if gateway is not None else [])]


def _login_file(path: Path, data: Mapping[str, object], text: str) -> SettingsFile:
    login = data.get("claudeAiOauth")
    token = login.get("accessToken") if isinstance(login, dict) else None
    if not isinstance(login, dict) or not token or text.startswith("\ufeff"):  # a mark is tolerated in settings only
        return SettingsFile(Scope.LOGIN, path, FileState.READ if path.exists() else FileState.ABSENT)
    scopes = login.get("scopes")
    if not isinstance(scopes, list | str) or INFERENCE not in scopes:
        return SettingsFile(Scope.LOGIN, path, FileState.DROPPED, f"the login has no {INFERENCE} scope", data, text)
    return SettingsFile(Scope.LOGIN, path, FileState.READ, None, data, text)


def _console_file(path: Path, state: tuple[Mapping[str, object], str, str | None]) -> SettingsFile:
    if not path.exists():
        return SettingsFile(Scope.CONSOLE, path, FileState.ABSENT)
    if state[2] is not None:
        return SettingsFile(Scope.CONSOLE, path, FileState.DROPPED, state[2])
    key = state[0].get("primaryApiKey")
    data: Mapping[str, object] = {"primaryApiKey": key} if isinstance(key, str) and key else NOTHING
    return SettingsFile(Scope.CONSOLE, path, FileState.READ, None, data, state[1])


def _trust(state: Mapping[str, object], cwd: Path) -> bool | None:
    """The recorded answer to the trust dialog for `cwd` or a folder above it."""
    projects = state.get("projects")
    if not isinstance(projects, dict):
        return None
    answers = [
        entry.get("hasTrustDialogAccepted")
        for folder in (cwd, *cwd.parents)
        if isinstance(entry := projects.get(folder.as_posix()), dict)
    ]
    return True if True in answers else (False if answers else None)


def _approved(state: Mapping[str, object]) -> tuple[str, ...]:
    """The endings of API keys the user has approved inside Claude Code."""
    responses = state.get("customApiKeyResponses")
    approved = responses.get("approved") if isinstance(responses, dict) else None
    return tuple(str(key) for key in approved) if isinstance(approved, list) else ()


def _switch(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _organization(state: Mapping[str, object]) -> str | None:
    """The organization of the recorded claude.ai account."""
    account = state.get("oauthAccount")
    found = account.get("organizationUuid") if isinstance(account, dict) else None
    return found if isinstance(found, str) else None


def _invisible(snapshot: Snapshot) -> tuple[str, ...]:
    """What may have a say and cannot be seen from here.

    Server-managed settings can be where nobody asks for them, and where a copy of them lies here.
    """
    copied = any(file.state is FileState.READ for file in snapshot.of(Scope.SERVED))
    unseen = ["server-managed settings"] if not copied and why_not_fetched(snapshot) is None else []
    if sys.platform == "darwin":
        unseen += ["the macOS Keychain", "managed preferences (MDM)"]
    if sys.platform == "win32":
        unseen.append("the Windows policy registry")
    return tuple(unseen)


_VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")


def installed_client_version(environ: Mapping[str, str]) -> str | None:
    """The version of the `claude` on PATH, read from where it is installed and without running it; None if unclear."""
    found = _on_path("claude", environ.get("PATH", ""))
    if found is None:
        return None
    binary = Path(os.path.realpath(found))
    if _VERSION.fullmatch(binary.name):  # the native installer keeps …/versions/2.1.329
        return binary.name
    for folder in binary.parents[:3]:
        data, _, _ = _plain_object(folder / "package.json")
        if str(data.get("name", "")).startswith("@anthropic-ai/claude-code"):
            version = data.get("version")
            return version if isinstance(version, str) else None
    return None


def installed_answers(environ: Mapping[str, str], state_dir: Path) -> "Answers | None":
    """What the `claude` on PATH answered to `claude-local verify`; None where it was not asked, or differed."""
    from claude_local_plugin.precedence.verified import recall  # explanations alone rest on it

    found = _on_path("claude", environ.get("PATH", ""))
    return recall(state_dir, Path(os.path.realpath(found))) if found else None


def _on_path(program: str, path: str) -> str | None:
    """Where a program is found on PATH, as the shell finds it."""
    if sys.platform == "win32":
        import shutil  # knows PATHEXT; elsewhere its import costs more than the search

        return shutil.which(program, path=path)
    candidates = (Path(folder, program) for folder in path.split(os.pathsep)) if path else ()
    return next((str(file) for file in candidates if file.is_file() and os.access(file, os.X_OK)), None)
