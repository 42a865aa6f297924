"""Login profiles of Anthropic's own library, which Claude Code takes a token from when there is no key and no token.

They lie in a folder of their own; which one is used is settled by variables and a file (all observed on Claude Code
2.1.329 and 2.1.332).
"""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.claude import holds
from claude_local_plugin.core.endpoint import is_anthropics_api
from claude_local_plugin.core.files import content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

#: The variable that names the profile to use.
NAME = "ANTHROPIC_PROFILE"
#: Two variables that, together, make Claude Code exchange an identity token for an access token.
FEDERATION = ("ANTHROPIC_FEDERATION_RULE_ID", "ANTHROPIC_ORGANIZATION_ID")
#: The file of the token that is exchanged, which is asked for first, and the token itself.
IDENTITY_FILE, IDENTITY = "ANTHROPIC_IDENTITY_TOKEN_FILE", "ANTHROPIC_IDENTITY_TOKEN"
#: The kinds of login that a profile can hold: a token of its own, and an identity token that is exchanged for one.
OWN_TOKEN, EXCHANGING = "user_oauth", "oidc_federation"
#: Claude Code reads no profile larger than this many bytes.
MOST_BYTES = 65_536


class Profile:
    """One login profile: its file, the file's text, why it cannot be used (or None), and what is in it.

    `data` holds `kind`, `before_login` (whether it comes before a claude.ai login: one that ANTHROPIC_PROFILE names
    does, and one that has an identity token exchanged) and, as far as they are there, `access_token`,
    `expires_at` (seconds), `base_url`, `renewed` where its token's time is over and it is exchanged for another one,
    `unusable` where it serves and no request can be sent with it (what is wrong), and `missing` where a token has to be
    exchanged first: the variables that must say what the profile does not.
    """

    __slots__ = ("absent", "data", "path", "problem", "text")

    def __init__(
        self, path: str, text: str, problem: "str | None", data: "dict[str, Any]", *, absent: bool = False
    ) -> None:
        self.path = path
        self.text = text
        self.problem = problem
        self.data = data
        self.absent = absent


def store(home: str, environ: "Mapping[str, str]") -> str:
    """The folder of login profiles: ANTHROPIC_CONFIG_DIR, else `anthropic` in XDG_CONFIG_HOME or `~/.config`."""
    chosen = environ.get("ANTHROPIC_CONFIG_DIR", "").strip()
    if chosen:
        return chosen
    return os.path.join(environ.get("XDG_CONFIG_HOME", "").strip() or os.path.join(home, ".config"), "anthropic")


def asks_administrator(address: str, client_version: "str | None") -> bool:
    """Whether an administrator's own files count where it is settled whether there is a login of this kind.

    `address` is the base URL as it is without them and without a project's files. Only where it leads to another place
    than Anthropic's, server-managed settings are not waited for (36 questions to 2.1.332).
    """
    return not holds("managed-after-served", client_version) or leads_elsewhere(address)


def leads_elsewhere(address: str) -> bool:
    """Whether a base URL is set, and to another than Anthropic's API."""
    return bool(address.strip()) and not is_anthropics_api(address)


def in_use(folder: str, early: str, late: "str | None") -> "Profile | None":
    """The profile of a session: the named one, else the active one; None where there is none.

    `early` and `late` are the name in ANTHROPIC_PROFILE before a project's files are read, and after that (None: not
    set); an empty one names none. Whether there is one at all is settled by the first, and which one by the second.
    """
    chosen = early.strip()
    active = _text(os.path.join(folder, "active_config")).strip() or "default"
    name, then = chosen or active, (late or "").strip() or active
    found = _named(folder, name)
    if found is None:
        missing = Profile(_path(folder, name), "", f"there is no profile {name}", {}, absent=True)
        return missing if chosen else None
    before_login = bool(chosen) or found.data.get("kind") == EXCHANGING
    if found.problem is None and then != name:
        found = _named(folder, then)
    if found is not None and found.problem is None:
        found.data["before_login"] = before_login
    return found


def is_served(found: Profile) -> bool:
    """Whether Anthropic is asked with its token for server-managed settings: the profile has one and leads there."""
    return found.data.get("kind") == OWN_TOKEN and not leads_elsewhere(found.data.get("base_url", ""))


def _path(folder: str, name: str) -> str:
    return os.path.join(folder, "configs", f"{name}.json")


def _named(folder: str, name: str) -> "Profile | None":
    """The profile of this name; None where there is none."""
    path = _path(folder, name)
    text = _text(path) if name else ""
    config = _object(text)
    if config is None:
        return None
    found = config.get("authentication")
    login = found if isinstance(found, dict) else {}
    if login.get("type") not in (OWN_TOKEN, EXCHANGING):
        return Profile(path, text, "it holds no login that Claude Code knows", {})
    data = {"kind": login["type"]}
    url = config.get("base_url")
    if isinstance(url, str) and url.strip():
        data["base_url"] = url.strip()
    kept = login.get("credentials_path")
    file = kept if isinstance(kept, str) and kept else os.path.join(folder, "credentials", f"{name}.json")
    credentials = _object(_text(file))
    if login["type"] == OWN_TOKEN:
        if credentials is None:
            return Profile(path, text, "the profile is signed out", {})
        data.update({key: credentials[key] for key in ("access_token", "expires_at") if credentials.get(key)})
        data.update(_condition(credentials, renewable=bool(login.get("client_id"))))
    elif credentials is not None and not _condition(credentials, renewable=False):
        data["access_token"] = credentials["access_token"]  # of the last exchange, and it still holds
    else:
        data["missing"] = _missing(config, login)
    return Profile(path, text, None, data)


def _condition(credentials: "Mapping[str, Any]", *, renewable: bool) -> "dict[str, Any]":
    """What is to be said of a token that does not hold: that it is renewed, or why it is of no use."""
    if not credentials.get("access_token"):
        return {"unusable": "there is no access_token in its credentials", "slow": True}
    if not _has_expired(credentials.get("expires_at")):
        return {}
    if renewable and credentials.get("refresh_token"):
        return {"renewed": True}
    return {"unusable": "its token has expired and cannot be renewed"}


def _missing(config: "Mapping[str, Any]", login: "Mapping[str, Any]") -> "list[str]":
    """The variables that have to say what an exchange of tokens needs and the profile does not say."""
    said = {FEDERATION[0]: login.get("federation_rule_id"), FEDERATION[1]: config.get("organization_id")}
    token = login.get("identity_token")
    path = token.get("path") if isinstance(token, dict) and token.get("source") == "file" else None
    missing = [name for name, value in said.items() if not value]
    if not isinstance(path, str) or not path:
        return [*missing, IDENTITY]
    return missing if _text(path).strip() else [*missing, f"{IDENTITY_FILE}={path}"]


def problem_of(data: "Mapping[str, Any]", environ: "Mapping[str, str]") -> "tuple[str, bool] | None":
    """Why no request is sent with a profile that serves, and whether it takes minutes to say so; None where one is."""
    if data.get("unusable"):
        return data["unusable"], bool(data.get("slow"))
    return not_exchanged(data.get("missing", ()), environ)


def not_exchanged(missing: "Sequence[str]", environ: "Mapping[str, str]") -> "tuple[str, bool] | None":
    """Why no token is exchanged where the environment has to say what is `missing`, as above; None where one is."""
    for name in missing:
        if name == IDENTITY and (path := environ.get(IDENTITY_FILE, "").strip()):
            name = f"{IDENTITY_FILE}={path}"
        if name.startswith(f"{IDENTITY_FILE}="):
            path = name.partition("=")[2]
            if not _text(path).strip():
                return f"there is no identity token in {path}", True
        elif not environ.get(name, "").strip():
            also = f" (nor {IDENTITY_FILE})" if name == IDENTITY else ""
            return f"{name} is not set{also}, and nothing else says it", False
    return None


def _has_expired(until: object) -> bool:
    """Whether a token's time, in seconds, is over; without a time it holds, and with what is no number it does not."""
    if until is None:
        return False
    import time

    try:
        return float(until) <= time.time()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return True


def _text(path: str) -> str:
    try:
        return content(path, MOST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):  # absent, not ours to read, or a name with a NUL in it: Claude Code goes on without
        return ""


def _object(text: str) -> "Mapping[str, Any] | None":
    if not text:
        return None
    import json  # where there is no profile, it is not needed

    try:
        data = json.loads(text)
    except (ValueError, RecursionError):  # no JSON: Claude Code goes on without it
        return None
    return data if isinstance(data, dict) else None
