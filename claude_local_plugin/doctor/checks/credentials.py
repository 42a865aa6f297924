"""Checks of keys and tokens: none of the cloud's reaches a server that is not its own, and the server gets its own."""

from collections.abc import Callable, Iterator

from claude_local_plugin.backends import State
from claude_local_plugin.doctor import conditions
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.model import Check, Found, Result, fix_command, place_of
from claude_local_plugin.precedence import Candidate, Scope, candidates
from claude_local_plugin.precedence.decisions import custom_headers
from claude_local_plugin.render import PLACEHOLDER

#: How keys and tokens of Anthropic's begin.
ANTHROPIC_PREFIX = "sk-ant-"
#: Custom headers whose names say that they carry a credential.
SECRET_HEADERS = ("authorization", "x-api-key", "api-key", "cookie", "token", "secret")


def sent(facts: Facts) -> tuple[tuple[str, Candidate], ...]:
    """The credentials that a session here sends: the header's name, and who supplies it."""
    named = (("authorization", "Authorization"), ("x_api_key", "x-api-key"))
    decisions = facts.resolution.decisions
    return tuple(
        (header, winner)
        for name, header in named
        if decisions[name].value and (winner := decisions[name].winner) is not None
    )


def own_host(facts: Facts) -> str:
    """The server that sessions here go to, as people call it."""
    return facts.backend.target.label if facts.backend.target else facts.host


def _endpoint_scope(facts: Facts) -> Scope | None:
    winner = facts.resolution.decisions["base_url"].winner
    return winner.scope if winner else None


def _is_foreign(facts: Facts, source: Candidate) -> bool:
    """Whether a credential cannot be meant for this server: Anthropic's by its look, or set elsewhere than the URL."""
    endpoint = facts.resolution.decisions["base_url"].winner
    same_source = endpoint is not None and (source.scope, source.path) == (endpoint.scope, endpoint.path)
    return not same_source or (source.value or "").strip().startswith(ANTHROPIC_PREFIX)


def _from_shell(variable: str, check_id: str) -> Callable[[Facts], Iterator[Found]]:
    def judge(facts: Facts) -> Iterator[Found]:
        for header, source in sent(facts):
            if source.key == f"env.{variable}" and source.scope is Scope.SHELL and _is_foreign(facts, source):
                what = f"your {variable} (exported in the shell) is sent to {own_host(facts)} as {header}"
                yield _leak(facts, what, source, check_id)

    return judge


def _leak(facts: Facts, what: str, source: Candidate, check_id: str) -> Found:
    """A leak; it can be mended here where no stronger scope than ours sets the credential."""
    fixable = source.scope not in (Scope.MANAGED, Scope.FLAG) and _endpoint_scope(facts) not in (Scope.MANAGED, Scope.FLAG)
    fix = fix_command(check_id) if fixable else "ask whoever manages this machine"
    return Found(Result.ERROR, what, place_of(source), fix, fixable=fixable)


def _by_key(key: str, what: str, check_id: str) -> Callable[[Facts], Iterator[Found]]:
    def judge(facts: Facts) -> Iterator[Found]:
        headers = [header for header, source in sent(facts) if source.key == key]
        source = next((source for _, source in sent(facts) if source.key == key), None)
        if source is not None:
            yield _leak(facts, f"{what} is sent to {own_host(facts)} as {' and '.join(headers)}", source, check_id)

    return judge


def _helper(facts: Facts) -> Iterator[Found]:
    headers = [header for header, source in sent(facts) if source.key == "apiKeyHelper"]
    source = next((source for _, source in sent(facts) if source.key == "apiKeyHelper"), None)
    if source is None:
        return
    what = f"what your apiKeyHelper prints is sent to {own_host(facts)} as {' and '.join(headers)}"
    if _is_foreign(facts, source):
        yield _leak(facts, what, source, "leak.helper")
    else:
        yield Found(Result.INFO, what, place_of(source), why="it is set beside the address, so it may be meant for it")


def _other_file(facts: Facts) -> Iterator[Found]:
    for header, source in sent(facts):
        ours = (source.value or "").strip() == PLACEHOLDER
        in_a_file = source.key in ("env.ANTHROPIC_API_KEY", "env.ANTHROPIC_AUTH_TOKEN") and source.scope is not Scope.SHELL
        if not in_a_file or ours or not _is_foreign(facts, source):
            continue
        name = source.key.removeprefix("env.")
        cloud = (source.value or "").strip().startswith(ANTHROPIC_PREFIX)
        what = f"{name}, {'a key of Anthropic' if cloud else 'set elsewhere than the address'}, is sent as {header}"
        found = _leak(facts, what, source, "leak.other-file")
        yield found if cloud else Found(Result.WARNING, what, found.where, found.fix, fixable=found.fixable)


def _custom_headers(facts: Facts) -> Iterator[Found]:
    winner = next(
        (each for each in candidates(facts.snapshot, "env.ANTHROPIC_CUSTOM_HEADERS") if each.state == "wins"), None
    )
    if winner is None or not winner.value:
        return
    headers = {
        name: value
        for name, value in custom_headers(winner.value).items()
        if any(word in name for word in SECRET_HEADERS) and value and value != PLACEHOLDER
    }
    if headers and _is_foreign(facts, winner):
        what = f"{', '.join(headers)} of ANTHROPIC_CUSTOM_HEADERS is sent to {own_host(facts)}"
        yield _leak(facts, what, winner, "leak.custom-headers")


def _other(facts: Facts) -> Iterator[Found]:
    own = {check.id for check in CHECKS}
    for warning in facts.resolution.warnings:
        if warning.id.startswith("leak.") and warning.id not in own:
            yield Found(Result.ERROR, warning.message, None, warning.fix or None)


def _key(facts: Facts) -> Iterator[Found]:
    server = facts.server
    assert server is not None
    if server.state not in (State.NEEDS_KEY, State.WRONG_KEY):
        return
    again = f"export SERVER_KEY=…   then: claude-local enable --url {facts.url} --token-env SERVER_KEY"
    if facts.elsewhere:
        what = f"{facts.host} {server.problem or 'asks for a key'}"
        fix = f"claude-local doctor --url {facts.url} --token-env SERVER_KEY"
        yield Found(Result.ERROR, what, None, fix)
        return
    headers = dict(sent(facts))
    token, key = headers.get("Authorization"), headers.get("x-api-key")
    if server.state is State.WRONG_KEY:
        yield Found(Result.ERROR, f"{facts.host} {server.problem}", place_of(token), again)
    elif key is not None and (token is None or token.value == PLACEHOLDER) and server.kind == "vllm":
        what = f"{facts.host} hears only Authorization, and your key goes there as x-api-key"
        yield Found(Result.ERROR, what, place_of(key), again)
    elif token is not None and token.value != PLACEHOLDER:
        what = f"{facts.host} asks for a key, and the one sent there was not tried: it may not be that server's own"
        yield Found(Result.WARNING, what, place_of(token), again)
    else:
        yield Found(Result.ERROR, f"{facts.host} asks for a key, and sessions send none of its own", None, again)


def _question(facts: Facts) -> Iterator[Found]:
    winner = facts.resolution.decisions["x_api_key"].winner
    value = (winner.value or "").strip() if winner else ""
    if winner is None or winner.key != "env.ANTHROPIC_API_KEY" or not value or not facts.snapshot.interactive:
        return
    if any(value.endswith(ending) for ending in facts.snapshot.approved_api_keys if ending):
        return
    yield Found(
        Result.WARNING,
        "ANTHROPIC_API_KEY is set: an interactive session asks whether to use it, and the default answer is No",
        place_of(winner),
        "claude-local enable   (uses ANTHROPIC_AUTH_TOKEN, about which nothing is asked)",
    )


_WHY = "a credential for the cloud is handed to a server that is not the cloud's, over whatever network lies between"
_MEND = "`--fix` writes a placeholder token and cancels the credential in the file that names the server."


def _leak_check(check_id: str, asks: str, finds: str, judge: Callable[[Facts], Iterator[Found]]) -> Check:
    return Check(
        id=check_id,
        group="credentials",
        asks=asks,
        fine="it does not leave for your server",
        why=_WHY,
        finds=finds,
        mend=_MEND,
        judge=judge,
        applies=conditions.own_server,
        fixable=check_id != "leak.other",
    )


CHECKS: tuple[Check, ...] = (
    _leak_check(
        "leak.shell-api-key",
        "is an ANTHROPIC_API_KEY of your shell sent to your server?",
        "`ANTHROPIC_API_KEY` exported in the shell while a settings file names the server; it goes as `x-api-key`.",
        _from_shell("ANTHROPIC_API_KEY", "leak.shell-api-key"),
    ),
    _leak_check(
        "leak.shell-token",
        "is an ANTHROPIC_AUTH_TOKEN of your shell sent to your server?",
        "`ANTHROPIC_AUTH_TOKEN` exported in the shell while a settings file names the server.",
        _from_shell("ANTHROPIC_AUTH_TOKEN", "leak.shell-token"),
    ),
    _leak_check(
        "leak.oauth-token",
        "is a CLAUDE_CODE_OAUTH_TOKEN sent to your server?",
        "`CLAUDE_CODE_OAUTH_TOKEN`, which is used where no key, token or helper is set.",
        _by_key("env.CLAUDE_CODE_OAUTH_TOKEN", "your CLAUDE_CODE_OAUTH_TOKEN", "leak.oauth-token"),
    ),
    _leak_check(
        "leak.login",
        "is your claude.ai login sent to your server?",
        "The login in `~/.claude/.credentials.json`, which is used where no key, token or helper is set.",
        _by_key("claudeAiOauth.accessToken", "your claude.ai login", "leak.login"),
    ),
    _leak_check(
        "leak.console-key",
        "is a saved Console key sent to your server?",
        "The key that Claude Code has saved in `~/.claude.json`; an empty ANTHROPIC_API_KEY does not cancel it.",
        _by_key("primaryApiKey", "the Console key saved in ~/.claude.json", "leak.console-key"),
    ),
    _leak_check(
        "leak.helper",
        "is what an apiKeyHelper prints sent to your server?",
        "A helper of another file than the one that names the server; its output goes as both headers.",
        _helper,
    ),
    _leak_check(
        "leak.custom-headers",
        "do custom headers carry a credential to your server?",
        "`ANTHROPIC_CUSTOM_HEADERS` of the shell or another file with a header whose name speaks of a credential.",
        _custom_headers,
    ),
    _leak_check(
        "leak.other-file",
        "is a key of another settings file sent to your server?",
        "A key or token set in another file than the address, or one that begins as Anthropic's do.",
        _other_file,
    ),
    _leak_check(
        "leak.other",
        "does explain-precedence see any other leak?",
        "The resolver's leak warnings that no other check stands for.",
        _other,
    ),
    Check(
        id="credentials.key",
        group="credentials",
        asks="does the server get the key it asks for?",
        fine="the server gets the key it asks for, or asks for none",
        why="Claude Code retries a refused key eleven times, in silence, for about three minutes",
        finds="A server that asks for a key and gets none, the placeholder, the wrong one, or one in the wrong header.",
        mend="`claude-local enable --token-env VARIABLE` writes the key; it never goes on the command line.",
        judge=_key,
        applies=conditions.looked_at,
    ),
    Check(
        id="credentials.question",
        group="credentials",
        asks="does an interactive session start without a question about a key?",
        fine="no question about a key is asked",
        why="whoever presses Enter at that question has said No, and is asked to log in",
        finds="A non-empty `ANTHROPIC_API_KEY`, which guides recommend as a dummy, that was not approved before.",
        mend="Use ANTHROPIC_AUTH_TOKEN, as `claude-local enable` does.",
        judge=_question,
        applies=conditions.own_server,
    ),
)
