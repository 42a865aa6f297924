"""Decides the two credential headers, `Authorization` and `x-api-key`, each by its own list of rungs."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from claude_local_plugin.core.claude import (
    KEY_DESCRIPTOR,
    PINNED,
    UNIX_SOCKET,
    custom_headers,
    is_hosted,
    is_on,
    js_string,
)
from claude_local_plugin.core.frozen import frozen, replace
from claude_local_plugin.core.settings_files import is_bound_to_login
from claude_local_plugin.core.urls import authority_of
from claude_local_plugin.precedence.candidates import candidates, effective, winning
from claude_local_plugin.precedence.logins import EXCHANGED, UNUSABLE, federation, token_of
from claude_local_plugin.precedence.model import Candidate, Decision, FileState, Scope, SettingsFile, Snapshot, why
from claude_local_plugin.precedence.table import (
    AUTHORIZATION_RUNGS,
    CUSTOM_HEADERS,
    FEDERATION,
    SCOPE_LABELS,
    X_API_KEY_RUNGS,
    Rung,
    holds,
)

#: Logins that Anthropic's own library looks after; a custom header does not take their place.
BY_ANTHROPICS_LIBRARY = ("profile.access_token", f"env.{FEDERATION[0]}")

#: What a header is said to carry when a helper supplies it: helpers are shown, never run.
HELPER_OUTPUT = "(output of apiKeyHelper)"


@frozen
class Credentials:
    """The two header decisions, and which login serves requests, if one does."""

    authorization: Decision
    x_api_key: Decision
    login: Candidate | None


def credentials(snapshot: Snapshot, env: Mapping[str, str], *, gateway: bool = False) -> Credentials:
    """What the two headers carry, `gateway` for the one that CLAUDE_CODE_USE_GATEWAY switches to.

    A key, a token or a helper makes a session one of the API: logins are then left aside. Otherwise a login serves,
    and the saved Console key is left aside. Custom headers have the last word, see `_with_custom_headers`.
    """
    trims = holds("blank-is-empty", snapshot.client_version)
    rows = {rung.key: tuple(_rows(snapshot, env, rung, trims)) for rung in (*X_API_KEY_RUNGS, *AUTHORIZATION_RUNGS)}
    explicit = any(_serving(rows[rung.key]) for rung in AUTHORIZATION_RUNGS if not rung.login_only)
    explicit = explicit or any(_serving(rows[f"env.{name}"]) for name in ("ANTHROPIC_API_KEY", KEY_DESCRIPTOR))
    # a host that does the routing takes the helper's output from nobody, and yet it stands in a login's way
    explicit = explicit or (is_hosted(snapshot.shell) and bool(effective(snapshot, "apiKeyHelper")))
    # through a Unix socket that one login comes before every key, token and helper (seen on 2.1.332)
    alone = _serving(rows["env.CLAUDE_CODE_OAUTH_TOKEN"]) if snapshot.shell.get(UNIX_SOCKET) else None
    explicit = explicit and alone is None
    rung, login = None, None
    if not explicit:
        found = ((rung, _serving(rows[rung.key])) for rung in AUTHORIZATION_RUNGS if rung.login_only)
        rung, login = next(((rung, row) for rung, row in found if row is not None), (None, None))
    by_console = rung is not None and rung.after_console and _serving(rows["primaryApiKey"]) is not None
    aside = "the saved Console key serves instead" if by_console else None
    if explicit:
        aside = "a login only serves when there is no key, token or helper"
    serving = None if by_console else login
    if alone is not None and not gateway:
        rows = {key: tuple(_beside(alone, row) for row in each) for key, each in rows.items()}
    key = _header("x_api_key", X_API_KEY_RUNGS, rows, aside=aside, login=serving)
    token = _header("authorization", AUTHORIZATION_RUNGS, rows, aside=aside, login=serving)
    return _with_custom_headers(snapshot, env, Credentials(token, key, serving))


def is_logged_in_through_a_socket(snapshot: Snapshot, env: Mapping[str, str]) -> bool:
    """Whether requests go through a Unix socket with the login that the environment names (seen on 2.1.332)."""
    token = snapshot.shell.get("CLAUDE_CODE_OAUTH_TOKEN", "").strip()
    return bool(snapshot.shell.get(UNIX_SOCKET) and token) and not is_on(env.get("CLAUDE_CODE_SIMPLE"))


def _rows(snapshot: Snapshot, env: Mapping[str, str], rung: Rung, trims: bool) -> Iterator[Candidate]:
    """The candidates of one rung: a variable, a settings key, the login file or the console key."""
    if rung.key == "primaryApiKey":
        rows = _stored(snapshot.of(Scope.CONSOLE), ("primaryApiKey",))
    elif rung.key == "federation":
        rows = _exchanged(snapshot)
    elif rung.key.startswith("profile."):
        rows = _of_a_profile(snapshot, before_login=rung.key == "profile.before_login")
    elif rung.handed_over:
        rows = _handed_over(snapshot, rung)
    elif rung.key == "claudeAiOauth.accessToken":
        rows = _stored(snapshot.of(Scope.LOGIN), ("claudeAiOauth", "accessToken"))
    else:
        rows = candidates(snapshot, rung.key)
        if rung.key != "apiKeyHelper" and (trims or rung.key != "env.ANTHROPIC_AUTH_TOKEN"):
            rows = (replace(row, value=(row.value or "").strip()) for row in rows)
    if rung.key == "apiKeyHelper" and is_bound_to_login(snapshot.shell, snapshot.client_version):
        rows = (_of_the_administrator(row) for row in rows)
    if is_on(env.get("CLAUDE_CODE_SIMPLE")):
        rows = (row for row in rows if _counts_in_simple_mode(row, rung))
    if is_hosted(snapshot.shell):
        rows = (row for row in rows if row.scope is Scope.SHELL and rung.key != "federation")
    elif snapshot.shell.get(UNIX_SOCKET):
        rows = (row for row in rows if _counts_beside_a_socket(row, rung))
    yield from rows


def _of_the_administrator(row: Candidate) -> Candidate:
    """A helper where Claude Code is bound to the stored login: only an administrator's is run (seen on 2.1.332)."""
    if row.state != "wins" or row.scope in (Scope.MANAGED, Scope.SERVED):
        return row
    return replace(row, state="refused", reason=f"{PINNED} is on, and only an administrator's helper is run")


def _counts_in_simple_mode(row: Candidate, rung: Rung) -> bool:
    """In simple mode (also `--bare`) no login counts and no saved key, and a helper only from `--settings`."""
    if rung.key == "apiKeyHelper":
        return row.scope is Scope.FLAG
    return not rung.login_only and rung.key != "primaryApiKey" and not rung.handed_over


def _counts_beside_a_socket(row: Candidate, rung: Rung) -> bool:
    """Where requests go through a Unix socket, of all logins only CLAUDE_CODE_OAUTH_TOKEN serves."""
    return not rung.login_only or rung.key == "env.CLAUDE_CODE_OAUTH_TOKEN"


def _beside(alone: Candidate, row: Candidate) -> Candidate:
    """The row where `alone` is the login that serves, whatever else there is."""
    if row.state != "wins" or row.key == alone.key:
        return row
    return replace(row, state="shadowed", reason=f"{UNIX_SOCKET} is set, and {name_of(alone)} is asked first")


def _handed_over(snapshot: Snapshot, rung: Rung) -> Iterator[Candidate]:
    """What is read from an open file descriptor, the number of which stands in the environment."""
    for row in candidates(snapshot, rung.key):
        if row.state == "wins" and not re.match(r"\s*\d", row.value or ""):
            yield replace(row, state="dropped", reason="no number of a file descriptor")
        elif row.state == "wins":
            yield replace(row, value=f"(what stands at file descriptor {(row.value or '').strip()})")
        else:
            yield row


def _exchanged(snapshot: Snapshot) -> Iterator[Candidate]:
    """The access token that an identity token is exchanged for."""
    if federation(snapshot):
        row = next(row for row in candidates(snapshot, f"env.{FEDERATION[0]}") if row.state == "wins")
        yield replace(row, value=EXCHANGED)


def _of_a_profile(snapshot: Snapshot, *, before_login: bool) -> Iterator[Candidate]:
    """The token of the login profile, if it is one that comes before the claude.ai login, or one that comes after."""
    for file in snapshot.of(Scope.PROFILE):
        if file.state is not FileState.READ or bool(file.data.get("before_login")) is not before_login:
            continue
        token, secret = token_of(snapshot, file)
        yield Candidate(file.scope, "profile.access_token", file.path, None, token, "wins", secret=secret)


def _stored(files: Iterable[SettingsFile], path: tuple[str, ...]) -> Iterator[Candidate]:
    """A credential Claude Code keeps in a file of its own."""
    for file in files:
        value: object = file.data
        for name in path:
            value = value.get(name) if isinstance(value, dict | Mapping) else None
        if not value or (file.scope is Scope.CONSOLE and not isinstance(value, str)):
            continue
        row = Candidate(
            file.scope, ".".join(path), file.path, file.line_of(path), js_string(value), "wins", secret=True
        )
        if file.state is FileState.READ:
            yield row
        else:
            yield replace(row, state="dropped", reason=file.problem or "")


def _serving(rows: Iterable[Candidate]) -> Candidate | None:
    """The row of a rung that would supply a value."""
    return next((row for row in rows if row.state == "wins" and not _is_empty(row)), None)


def _is_empty(row: Candidate) -> bool:
    """Whether a value sends nothing; blanks around variables are cut off before this is asked."""
    return not row.value


def _header(
    name: str,
    rungs: tuple[Rung, ...],
    rows: Mapping[str, tuple[Candidate, ...]],
    *,
    aside: str | None,
    login: Candidate | None,
) -> Decision:
    """One header: the first rung with a value supplies it; every other value is named with the reason it loses."""
    judged: list[Candidate] = []
    winner: Candidate | None = None
    for rung in rungs:
        for row in rows[rung.key]:
            if row.state != "wins":
                judged.append(row)
            elif reason := _set_aside(row, rung, winner, aside=aside, login=login):
                judged.append(replace(row, state="shadowed", reason=reason))
            else:
                winner = row
                judged.append(row)
    if winner is not None and winner.value == UNUSABLE:
        reason = f"what {winner.path} holds is of no use, and no request is sent"
        return Decision(name, None, winner, tuple(judged), reason, secret=True)
    if winner is not None:
        return Decision(
            name,
            _sent(name, winner),
            winner,
            tuple(judged),
            why(winner, judged, "nothing else supplies it"),
            secret=True,
        )
    return _nothing_sent(name, judged)


def _set_aside(
    row: Candidate, rung: Rung, winner: Candidate | None, *, aside: str | None, login: Candidate | None
) -> str | None:
    """Why a row that is the first of its rung does not supply the header, or None when it does."""
    if _is_empty(row):
        return EMPTY
    if winner is not None:
        return f"{name_of(winner)} is asked first"
    if rung.login_only and aside is not None:
        return aside
    if rung.key == "primaryApiKey" and login is not None:
        return f"{name_of(login)} serves instead"
    return None


EMPTY = "an empty value sends nothing, and hides what stands below it"


def _nothing_sent(name: str, rows: list[Candidate]) -> Decision:
    """A header that is not sent; the empty value that saw to it, if one did, is the winner."""
    index = next((i for i, row in enumerate(rows) if row.reason == EMPTY), None)
    if index is None:
        return Decision(name, None, None, tuple(rows), "nothing supplies it", secret=True)
    winner = replace(rows[index], state="wins", reason="")
    rows[index] = winner
    return Decision(name, None, winner, tuple(rows), f"the empty value in {winner.place} sends nothing", secret=True)


def _sent(name: str, winner: Candidate) -> str:
    value = HELPER_OUTPUT if winner.key == "apiKeyHelper" else winner.value or ""
    return f"Bearer {value}" if name == "authorization" else value


def name_of(row: Candidate) -> str:
    """A source as people say it: `ANTHROPIC_AUTH_TOKEN`, `apiKeyHelper`, `the claude.ai login`."""
    if row.scope in (Scope.LOGIN, Scope.CONSOLE, Scope.PROFILE, Scope.GATEWAY):
        return SCOPE_LABELS[row.scope]
    return row.key.removeprefix("env.")


#: What the name of a header may have in it.
_IN_NAMES = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def unusable_header(text: str) -> str | None:
    """What in ANTHROPIC_CUSTOM_HEADERS keeps every request from being sent; None when nothing does (2.1.332).

    Lines without a colon are ignored; control characters in values are sent as they are.
    """
    for line in text.replace("\r\n", "\n").split("\n"):
        name, colon, value = line.partition(":")
        if not colon:
            continue
        name, value = name.strip(), value.strip()
        if not name or not _IN_NAMES.issuperset(name):
            return f"{name!r} is no name of a header"
        if "\r" in value or any(letter > "\xff" for letter in value):
            return f"the value of {name} has characters in it that no header can carry"
    return None


def _with_custom_headers(snapshot: Snapshot, env: Mapping[str, str], found: Credentials) -> Credentials:
    """The decisions with ANTHROPIC_CUSTOM_HEADERS taken into account.

    A custom `x-api-key` replaces whatever the rungs say, also by nothing. A custom `Authorization` gives way to a
    token, a helper or a login profile, and replaces any other login, also by nothing.
    """
    custom = custom_headers(env.get(CUSTOM_HEADERS, ""))
    row = winning(snapshot, f"env.{CUSTOM_HEADERS}")
    if row is None:
        return found
    key, token = found.x_api_key, found.authorization
    if "x-api-key" in custom:
        key = _replaced(key, row, custom["x-api-key"])
    if "authorization" in custom:
        replaceable = found.login is not None and found.login.key not in BY_ANTHROPICS_LIBRARY
        if (token.value is not None or is_unusable(token)) and token.winner is not None and not replaceable:
            loser = replace(row, state="shadowed", reason=f"{name_of(token.winner)} is asked first")
            token = replace(token, candidates=(*token.candidates, loser))
        elif custom["authorization"]:
            token = _replaced(token, row, custom["authorization"])
        elif token.value is not None:
            token = replace(_replaced(token, row, ""), value=None)
    return Credentials(token, key, found.login)


def is_unusable(token: Decision) -> bool:
    """Whether the header would carry a login that is of no use: then no request is sent at all."""
    return token.winner is not None and token.winner.value == UNUSABLE


def _replaced(decision: Decision, row: Candidate, value: str) -> Decision:
    reason = f"{CUSTOM_HEADERS} replaces the header"
    rows = [
        replace(each, state="shadowed", reason=reason) if each.state == "wins" else each for each in decision.candidates
    ]
    return replace(decision, value=value, winner=row, candidates=(row, *rows), sentence=reason)


NOT_WAITED_FOR = "beside a token nothing waits for what the helper prints"


def _helps_beside_a_token(found: Credentials) -> bool:
    """Whether a helper supplies the key, and something else the token."""
    helper, token = found.x_api_key.winner, found.authorization
    if helper is None or helper.key != "apiKeyHelper" or token.winner is None or token.value is None:
        return False
    return token.winner.key != "apiKeyHelper"


def perhaps_without_helper(found: Credentials) -> Credentials:
    """The decisions, with a word where the first request may go out before a helper has run.

    Always so with one that takes a second, and often in simple mode with any (seen on 2.1.332).
    """
    if not _helps_beside_a_token(found):
        return found
    key = found.x_api_key
    sentence = f"{key.sentence}; {NOT_WAITED_FOR}, so the first requests may go without it"
    return replace(found, x_api_key=replace(key, sentence=sentence, otherwise=(None,)))


def without_late_helper(found: Credentials) -> Credentials:
    """The decisions where the first request goes out before a helper has run: beside a token nothing waits for it.

    Seen on 2.1.332 in `claude mcp serve` with a project's helper, and where served settings arrive for a login, at
    Anthropic's own address.
    """
    if not _helps_beside_a_token(found):
        return found
    key, reason = found.x_api_key, NOT_WAITED_FOR
    rows = tuple(replace(row, state="shadowed", reason=reason) if row is key.winner else row for row in key.candidates)
    return replace(found, x_api_key=replace(key, value=None, winner=None, candidates=rows, sentence=reason))


def with_basic(found: Credentials, endpoint: Decision) -> Credentials:
    """The decisions with what stands before an `@` in the base URL: sent as `Basic` where no other Authorization is.

    It is no login: a session with nothing else does not start (seen on 2.1.332).
    """
    winner = endpoint.winner
    if found.authorization.value is not None or winner is None or endpoint.value is None:
        return found
    userinfo = authority_of(endpoint.value.partition("://")[2]).rpartition("@")[0]
    if not userinfo:
        return found
    user, _, password = userinfo.partition(":")
    from base64 import b64encode  # for a login in the URL alone

    text = b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    reason = "the base URL has a user and password in it, and nothing else supplies the header"
    row = replace(winner, value=f"Basic {text}", reason=reason, secret=True)
    others = found.authorization.candidates
    rows = (row, *(replace(each, state="shadowed") if each.state == "wins" else each for each in others))
    return replace(found, authorization=Decision("authorization", row.value, row, rows, reason, secret=True))
