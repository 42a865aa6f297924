"""What Claude Code takes from the text of a settings file: for the hooks and for the resolver alike."""

from claude_local_plugin.core.claude import (
    BESIDE_A_SOCKET,
    FROM_THE_ENVIRONMENT,
    HOST_AUTH,
    HOSTED,
    LOGIN_FOLDER,
    PINNED,
    holds,
    is_hosted,
    is_on,
)
from claude_local_plugin.core.document_rules import faults
from claude_local_plugin.core.env_rules import refused_everywhere, refused_in_projects, routed_by_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from claude_local_plugin.core.document_rules import Steps

#: Besides what routes: what an administrator's files alone move where Claude Code is bound to the stored login.
BOUND_TO_LOGIN = (LOGIN_FOLDER, "CLAUDE_CODE_MAX_CONTEXT_TOKENS")

#: An administrator's restrictions that hold all the more when they cannot be understood.
CLOSED_WHEN_UNREADABLE = ("availableModels", "enforceAvailableModels", "forceLoginOrgUUID")

#: What JavaScript takes for blank at the ends of a text.
JS_BLANKS = "\ufeff \t\r\n\v\f\u00a0\u2028\u2029"


class Taken:
    """What is taken: `state` is "read", "dropped" or "unknown", `data` the object also of a dropped file.

    `problem` and `steps` say why and where a file is dropped, `skipped` which keys of an administrator's are left out,
    with `steps` to a hook that cannot be loaded.
    """

    __slots__ = ("data", "problem", "skipped", "state", "steps")

    def __init__(
        self,
        state: str,
        data: "Mapping[str, Any]",
        problem: "str | None" = None,
        steps: "Steps" = (),
        skipped: "tuple[str, ...]" = (),
    ) -> None:
        self.state = state
        self.data = data
        self.problem = problem
        self.steps = steps
        self.skipped = skipped


def decoded(raw: bytes) -> str:
    """The text of a file as Claude Code decodes it: UTF-8, or UTF-16 where it begins with that byte order mark."""
    if raw.startswith(b"\xff\xfe"):
        return raw[2:].decode("utf-16-le", errors="replace")
    return raw.decode("utf-8", errors="replace")


def taken(text: str, *, managed: bool, client_version: "str | None" = None) -> Taken:
    """What Claude Code takes from this text, of an administrator's file only the bad keys are left out."""
    if text.startswith("\ufeff") and not holds("bom-tolerated", client_version):
        return Taken("dropped", {}, "begins with a byte order mark")
    if not text.strip(JS_BLANKS):
        return Taken("read", {})
    try:
        data = strict_json(text)
    except ValueError as error:
        return Taken("dropped", {}, f"not valid JSON: {describe_json_error(error)}")
    except RecursionError:  # Claude Code reads deeper than we can
        return Taken("unknown", {}, "nested too deeply to be read here")
    if not isinstance(data, dict):
        return Taken("dropped", {}, f"holds {_kind(data)}, not an object")
    found = faults(data, client_version)
    if managed:
        bad = {fault.key for fault in found}
        kept = {key: value for key, value in data.items() if key not in bad}
        kept.update({key: _closed(data[key]) for key in bad.intersection(CLOSED_WHEN_UNREADABLE)})
        unguarded = next((fault.steps for fault in found if fault.key == "hooks"), ())
        return Taken("read", kept, None, unguarded, tuple(fault.problem for fault in found))
    if found:
        return Taken("dropped", data, found[0].problem, found[0].steps)
    return Taken("read", data)


def refusal(
    name: str,
    text: str,
    *,
    project: bool,
    host: str = "",
    socket: bool = False,
    client_version: "str | None" = None,
) -> "str | None":
    """Why a variable is not taken from a file, `project` for a project's or a local one; None when it is.

    `host` is the variable with which a program that starts Claude Code decides, see `routed_by`.
    "everywhere": from no file; "socket": requests go through a Unix socket; "host": a program that starts Claude Code
    decides; "project": from no project's file.
    """
    if refused_everywhere(name, text) or name in FROM_THE_ENVIRONMENT:
        return "everywhere"
    if socket and name in BESIDE_A_SOCKET:
        return "socket"
    if host and (routed_by_host(name) or (host == PINNED and name in BOUND_TO_LOGIN)):
        return "host"
    if name == "CLAUDE_CODE_OAUTH_TOKEN" and not holds("oauth-refused-in-projects", client_version):
        return None
    return "project" if project and refused_in_projects(name, text) else None


def routed_by(environ: "Mapping[str, str]", client_version: "str | None", *, managed: bool = False) -> str:
    """The variable for which the routing variables of a file count for nothing, "" where they do.

    `managed` is for an administrator's files.
    """
    if is_hosted(environ):
        return HOSTED
    if environ.get(HOST_AUTH):
        return HOST_AUTH
    return PINNED if is_bound_to_login(environ, client_version) and not managed else ""


def is_bound_to_login(environ: "Mapping[str, str]", client_version: "str | None") -> bool:
    """Whether a program that starts Claude Code binds it to the stored claude.ai login."""
    return is_on(environ.get(PINNED)) and holds("bound-to-login", client_version)


def strict_json(text: str) -> object:
    """Parse JSON as strictly as Claude Code does: no comments, trailing commas, NaN or Infinity; a BOM is fine.

    The C scanner behind `json` is called directly, as in the hook: `json` itself loads `re` and `enum`.
    """
    text = text[1:] if text.startswith("\ufeff") else text
    whole = text.strip(" \t\n\r")
    try:
        import _json

        scan: Any = _json.make_scanner
        value, end = scan(_Scanning)(whole, 0)
        if end == len(whole):
            return value
    except (ImportError, AttributeError, TypeError, SystemError, StopIteration, ValueError):
        pass  # another Python's scanner wants to be called otherwise, or the text is at fault: `json` says which
    import json

    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


class _Scanning:
    """How the scanner is to read: as `json.loads` does, and without NaN and Infinity."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse_constant)
    array_hook = None


def describe_json_error(error: ValueError) -> str:
    """Where and what, with the two usual suspects named; the same in every version of Python."""
    import json

    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    at, what = error.pos, error.msg[:1].lower() + error.msg[1:]
    if what.endswith(" at"):
        what = what[:-3]
    before = error.doc[:at].rstrip()
    if error.doc.startswith(("//", "/*", "#"), at):
        what = "comments are not allowed"
    elif error.doc.startswith(("}", "]"), at) and before.endswith(","):
        at, what = len(before) - 1, "trailing comma"
    elif what.startswith("illegal trailing comma"):
        what = "trailing comma"
    line = error.doc.count("\n", 0, at) + 1
    column = at - error.doc.rfind("\n", 0, at)
    return f"line {line}, column {column}: {what}"


def _closed(value: object) -> object:
    """What is left of a restriction that cannot be understood: of a list its texts, else an empty list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _kind(value: object) -> str:
    return {list: "a list", str: "a string", bool: "true or false", type(None): "null"}.get(type(value), "a number")
