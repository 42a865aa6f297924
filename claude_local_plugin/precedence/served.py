"""Server-managed settings: the copy Claude Code keeps of what an administrator serves, and when it counts.

Seen on Claude Code 2.1.332. The copy lies beside the user's settings and outranks every file, the administrator's
included. It counts where a session may fetch the settings: requests have to go to Anthropic as far as is known before
a project's files are read, and the account must be one that settings are served to.
"""

import time
from collections.abc import Mapping
from pathlib import Path

from claude_local_plugin.core.claude import GATEWAY, KEY_DESCRIPTOR, OAUTH_DESCRIPTOR, UNIX_SOCKET, is_hosted, is_on
from claude_local_plugin.core.credential_profiles import OWN_TOKEN, leads_elsewhere
from claude_local_plugin.core.endpoint import is_anthropics_api
from claude_local_plugin.core.frozen import replace
from claude_local_plugin.precedence.candidates import candidates, early_env, effective, first_env, winner
from claude_local_plugin.precedence.logins import federation, gateway_sign_in
from claude_local_plugin.precedence.model import Candidate, FileState, Scope, SettingsFile, Snapshot
from claude_local_plugin.precedence.table import PROVIDERS

SERVED_FILE = "remote-settings.json"

#: Subscriptions to which no settings are served.
UNSERVED = ("max", "pro", "free")

#: What a copy that the server has not confirmed (a start offline) is taken without: where requests go and with what.
ONLY_CONFIRMED = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_CUSTOM_HEADERS")


def served_path(config_dir: Path) -> Path:
    """Where the copy lies."""
    return config_dir / SERVED_FILE


def with_served(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the copy as its first file, where there is one."""
    from claude_local_plugin.precedence.one_file import read_settings_file  # which calls us

    path = served_path(snapshot.config_dir)
    file = read_settings_file(Scope.SERVED, path, snapshot.client_version)
    if file.state is FileState.ABSENT:
        return snapshot
    if file.state is FileState.READ and (reason := why_not_fetched(snapshot)) is not None:
        file = replace(file, state=FileState.UNUSED, problem=f"it counts where it may be fetched, and {reason}")
    elif file.state is FileState.READ and _is_confirmed(snapshot) is False:
        file = _unconfirmed(file)
    counts = file.state is FileState.READ and bool(file.data)
    others = (_beside_served(each) if counts and each.scope is Scope.MANAGED else each for each in snapshot.files)
    return replace(snapshot, files=(file, *others))


#: What of an administrator's own files counts beside served settings (seen on 2.1.332).
KEPT_BESIDE_SERVED = ("env", "allowedProviders", "forceLoginMethod", "forceLoginOrgUUID", "forceLoginGatewayUrl")


def _beside_served(file: SettingsFile) -> SettingsFile:
    """An administrator's file where server-managed settings count: they take the place of its other keys."""
    if file.state is not FileState.READ:
        return file
    kept = {key: value for key, value in file.data.items() if key in KEPT_BESIDE_SERVED}
    lost = tuple(f"{key}: server-managed settings take its place" for key in file.data if key not in kept)
    return replace(file, data=kept, skipped=(*file.skipped, *lost)) if lost else file


def _unconfirmed(file: SettingsFile) -> SettingsFile:
    """What counts of a copy that the server has not confirmed."""
    kept = {name: value for name, value in file.env.items() if name not in ONLY_CONFIRMED}
    return replace(file, data={**file.data, "env": kept}) if kept != file.env else file


def before_confirmation(snapshot: Snapshot) -> Snapshot | None:
    """What the first request may go by, where the server may confirm the copy after it; None where that is the same."""
    file = next((each for each in snapshot.of(Scope.SERVED) if each.state is FileState.READ), None)
    before = _unconfirmed(file) if file is not None and _is_confirmed(snapshot) is None else file
    if file is None or before is None or before is file:
        return None
    return replace(snapshot, files=tuple(before if each is file else each for each in snapshot.files))


def _is_confirmed(snapshot: Snapshot) -> bool | None:
    """Whether the server is asked whether the copy still holds; None where it is and nothing waits for its answer.

    At an address of the administrator's, which is not who serves, a key is shown to nobody and a profile's token
    neither, but for a key beside the administrator's own helper; a claude.ai login is.
    """
    own = replace(snapshot, files=tuple(file for file in snapshot.files if file.scope is not Scope.SERVED))
    if not leads_elsewhere(_managed_value(own, "env.ANTHROPIC_BASE_URL")):
        return True
    env = early_env(own)
    key = env.get("ANTHROPIC_API_KEY", "").strip() or snapshot.shell.get(KEY_DESCRIPTOR)
    if key and _managed_value(own, "apiKeyHelper"):
        return True
    if _has_key(own, env) or _profile_at_work(own, env) is not None:
        return False
    return False if _subscription(own, env) is None else None


def _managed_value(snapshot: Snapshot, key: str) -> str:
    """What an administrator's own files set a key to, where nothing stands above them; empty where they say nothing."""
    found = winner(row for row in candidates(snapshot, key) if row.scope is Scope.MANAGED)
    return (found.value or "") if found is not None else ""


def why_not_fetched(snapshot: Snapshot) -> str | None:
    """Why a session here asks nobody for server-managed settings; None where it asks api.anthropic.com."""
    env = first_env(snapshot)
    address = next((row for row in candidates(snapshot, "env.ANTHROPIC_BASE_URL") if _is_early(row)), None)
    if address is not None and address.value and not is_anthropics_api(address.value):
        return "requests go elsewhere before a project's file is read"
    if is_on(env.get("CLAUDE_CODE_SIMPLE")) and not env.get("ANTHROPIC_API_KEY", "").strip():
        return "a simple session asks nobody without ANTHROPIC_API_KEY"
    if is_hosted(snapshot.shell):
        return "the host does the routing"
    if gateway_sign_in(snapshot) is not None:
        return "a gateway sign-in is asked instead"
    # the gateway's own switch alone changes nothing: with what it needs requests would go elsewhere (seen on 2.1.332)
    if any(is_on(env.get(each.switch)) for each in PROVIDERS if each.switch != GATEWAY):
        return "requests go elsewhere"
    return None if _is_served(snapshot, env) else "nobody is signed in to whom settings are served"


def _is_early(row: Candidate) -> bool:
    """Whether an address counts before a project's files are read; an administrator's does not stand in the way."""
    return row.scope in (Scope.FLAG, Scope.USER, Scope.SHELL) and row.state not in ("refused", "dropped")


def asks_with_a_login(snapshot: Snapshot) -> bool:
    """Whether served settings count here, and it is with the claude.ai login that they are asked for."""
    counts = any(file.state is FileState.READ and file.data for file in snapshot.of(Scope.SERVED))
    kind = _subscription(snapshot, first_env(snapshot))
    return counts and kind is not None and kind not in UNSERVED


def who_is_served(snapshot: Snapshot) -> str | None:
    """The key or login with which a start here asks for server-managed settings, in words; None where none does."""
    if why_not_fetched(snapshot) is not None:
        return None
    env = first_env(snapshot)
    for name in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", KEY_DESCRIPTOR, OAUTH_DESCRIPTOR):
        if env.get(name, "").strip():
            return name
    kind = _subscription(snapshot, env)
    if kind is not None:
        return f"a claude.ai login ({kind})" if kind else "a claude.ai login"
    console = any(file.data for file in snapshot.of(Scope.CONSOLE))
    return "a saved Console key" if console else "a login profile"


def _is_served(snapshot: Snapshot, env: dict[str, str]) -> bool:
    """Whether a key or a login is there, before a project's file is read, for which settings are served.

    Whoever has no key and works with a login profile is served where that profile leads to Anthropic; an exchanged
    token is no account at all.
    """
    key = _has_key(snapshot, env)
    profile = None if key else _profile_at_work(snapshot, env)
    if profile is not None:
        address = env.get("ANTHROPIC_BASE_URL", "").strip() or profile.data.get("base_url") or ""
        return not leads_elsewhere(str(address))
    return key or _subscription(snapshot, env) not in (None, *UNSERVED)


def _has_key(snapshot: Snapshot, env: Mapping[str, str]) -> bool:
    """Whether there is a key, of which the saved one comes after a helper."""
    if env.get("ANTHROPIC_API_KEY", "").strip() or snapshot.shell.get(KEY_DESCRIPTOR):
        return True
    return _is_stored(snapshot, Scope.CONSOLE) and not effective(snapshot, "apiKeyHelper")


def _profile_at_work(snapshot: Snapshot, env: dict[str, str]) -> SettingsFile | None:
    """The login profile with a token of its own that no other token comes before; None where none is."""
    others = ("ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", UNIX_SOCKET, OAUTH_DESCRIPTOR)
    if any(env.get(name, "").strip() for name in others) or federation(snapshot):
        return None
    found = next((file for file in snapshot.of(Scope.PROFILE) if file.state is FileState.READ), None)
    if found is None or found.data.get("kind") != OWN_TOKEN:
        return None
    return found if found.data.get("before_login") or not _is_stored(snapshot, Scope.LOGIN) else None


def _is_stored(snapshot: Snapshot, scope: Scope) -> bool:
    return any(file.state is FileState.READ and file.data for file in snapshot.of(scope))


def _subscription(snapshot: Snapshot, env: Mapping[str, str]) -> str | None:
    """The subscription of the claude.ai login that serves ("" where none is said); None without a login.

    That of a token in the environment is said there.
    """
    if env.get("CLAUDE_CODE_OAUTH_TOKEN", "").strip() or snapshot.shell.get(OAUTH_DESCRIPTOR):
        return env.get("CLAUDE_CODE_SUBSCRIPTION_TYPE", "")
    for file in snapshot.of(Scope.LOGIN):
        login = file.data.get("claudeAiOauth")  # also one that is not fit for prompts
        if isinstance(login, dict):
            return str(login.get("subscriptionType") or "")
    return None


def age_of(file: SettingsFile) -> float | None:
    """How many seconds ago the copy was last compared with the server's; None where that is not written down."""
    if file.path is None:
        return None
    try:
        stamp = int(file.path.with_name(f"{SERVED_FILE}.synced-at").read_text(encoding="utf-8").strip())
    except (OSError, ValueError):  # not there, or no number in it
        return None
    return time.time() - stamp / 1000
