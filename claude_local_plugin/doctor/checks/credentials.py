"""Checks of keys and tokens: none of the cloud's reaches a server that is not its own, and the server gets its own."""

from collections.abc import Iterator

from claude_local_plugin.core.endpoint import PLACEHOLDER
from claude_local_plugin.core.helper import NO_KEY
from claude_local_plugin.core.shell import Words, command, export, then
from claude_local_plugin.doctor import preconditions
from claude_local_plugin.doctor.explained import explained
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.doctor.fixers import as_enable_plans
from claude_local_plugin.doctor.model import Check, Found, Result, place_of
from claude_local_plugin.precedence import Candidate
from claude_local_plugin.servers import State, kinds


def sent(facts: Facts) -> dict[str, Candidate]:
    """The credentials that a session here sends: the header's name, and who supplies it."""
    named = (("authorization", "Authorization"), ("x_api_key", "x-api-key"))
    decisions = facts.resolution.decisions
    return {
        header: winner
        for name, header in named
        if decisions[name].value and (winner := decisions[name].winner) is not None
    }


def _key(facts: Facts) -> Iterator[Found]:
    server = facts.server
    assert server is not None
    if server.state not in (State.NEEDS_KEY, State.WRONG_KEY):
        return
    export_key = export("SERVER_KEY", Words("…"))
    again = then(export_key, facts.enable(None, "--token-env", "SERVER_KEY"))
    if facts.elsewhere:
        what = f"{facts.host} {server.problem or 'asks for a key'}"
        ask = command("claude-local", "doctor", "--url", facts.url or Words("URL"), "--token-env", "SERVER_KEY")
        yield Found(Result.ERROR, what, None, then(export_key, ask))
        return
    if facts.no_key is not None:
        what = f"{facts.host} asks for a key, and sessions send the mark {NO_KEY}: {facts.no_key.message}"
        yield Found(Result.ERROR, what, None, facts.no_key.hint or again)
        return
    headers = sent(facts)
    token, key = headers.get("Authorization"), headers.get("x-api-key")
    if server.state is State.WRONG_KEY:
        yield Found(Result.ERROR, f"{facts.host} {server.problem}", place_of(token), again)
    elif key is not None and (token is None or token.value == PLACEHOLDER) and kinds.of(server.kind).quirks.only_bearer:
        what = f"{facts.host} reads only Authorization, and your key goes there as x-api-key"
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
    if any(warning.id == "leak.shell-api-key" for warning in facts.resolution.warnings):
        return  # fixing the leak takes the key away, and the question with it
    if any(value.endswith(ending) for ending in facts.snapshot.approved_api_keys if ending):
        return
    yield Found(
        Result.WARNING,
        "ANTHROPIC_API_KEY is set: an interactive session asks whether to use it, and the default answer is No",
        place_of(winner),
        f"{facts.enable()}   (uses ANTHROPIC_AUTH_TOKEN, about which nothing is asked)",
    )


#: What people call a credential that goes where it does not belong.
LEAK = ("leak", "key", "token")

_WHY = "a credential for another place is handed to this server, over whatever network lies between"
_REMEDY = "`--fix` writes a placeholder token and cancels the credential in the file that names the server."


#: What enable writes so that no other credential goes to its server.
_CREDENTIALS = ("env.ANTHROPIC_AUTH_TOKEN", "env.ANTHROPIC_API_KEY", "env.ANTHROPIC_CUSTOM_HEADERS", "apiKeyHelper")


def _leak_check(check_id: str, asks: str, finds: str) -> Check:
    return Check(
        id=check_id,
        group="credentials",
        said=LEAK,
        asks=asks,
        fine="no such credential leaves for your server",
        why=_WHY,
        finds=finds,
        remedy=_REMEDY,
        find=explained(check_id),
        preconditions=(preconditions.own_server,),
        fix=as_enable_plans(*_CREDENTIALS),
    )


CHECKS: tuple[Check, ...] = (
    _leak_check(
        "leak.shell-api-key",
        "is an ANTHROPIC_API_KEY of your shell sent to your server?",
        "`ANTHROPIC_API_KEY` exported in the shell and not cancelled by a settings file; it goes as `x-api-key`.",
    ),
    _leak_check(
        "leak.shell-token",
        "is an ANTHROPIC_AUTH_TOKEN of your shell sent to your server?",
        "`ANTHROPIC_AUTH_TOKEN` exported in the shell; a warning only, where the address is exported beside it.",
    ),
    _leak_check(
        "leak.shell-oauth-token",
        "is a CLAUDE_CODE_OAUTH_TOKEN of your shell sent to your server?",
        "`CLAUDE_CODE_OAUTH_TOKEN`, which is used where no key, token or helper is set.",
    ),
    _leak_check(
        "leak.login",
        "is your claude.ai login sent to your server?",
        "The login in `~/.claude/.credentials.json` or in a settings file's `CLAUDE_CODE_OAUTH_TOKEN`, which is used"
        " where no key, token or helper is set.",
    ),
    _leak_check(
        "leak.console-key",
        "is a saved Console key sent to your server?",
        "The key that Claude Code has saved in `~/.claude.json`; an empty ANTHROPIC_API_KEY does not cancel it.",
    ),
    _leak_check(
        "leak.helper",
        "is what an apiKeyHelper prints sent to your server?",
        "A helper; its output goes as both headers. A warning only, where one file names the helper and the address.",
    ),
    _leak_check(
        "leak.headers",
        "do custom headers carry a credential to your server?",
        "`ANTHROPIC_CUSTOM_HEADERS` with a header that speaks of a credential, or set elsewhere than the address.",
    ),
    _leak_check(
        "leak.api-key",
        "is an ANTHROPIC_API_KEY of another settings file sent to your server?",
        "A key set in another file than the address, or one that begins as Anthropic's do.",
    ),
    _leak_check(
        "leak.token",
        "is an ANTHROPIC_AUTH_TOKEN of another settings file sent to your server?",
        "A token set in another file than the address, or one that begins as Anthropic's do.",
    ),
    Check(
        id="leak.provider-token",
        group="credentials",
        said=LEAK,
        asks="is a cloud provider's credential sent to somebody else?",
        fine="no provider's credential goes to somebody else",
        why="whoever answers at that address can use it at the provider, in your name",
        finds="A provider's switch with an address that is none of the provider's, and a credential set elsewhere:"
        " `AWS_BEARER_TOKEN_BEDROCK`, `ANTHROPIC_FOUNDRY_API_KEY`, `ANTHROPIC_AWS_API_KEY`.",
        remedy="Take the provider's address out, or the credential; `unset` is printed for one of the shell.",
        find=explained("leak.provider-token"),
    ),
    Check(
        id="credentials.key",
        group="credentials",
        said=("key", "token", "auth", "401"),
        asks="does the server get the key it asks for?",
        fine="the server gets the key it asks for, or asks for none",
        why="Claude Code retries a refused key eleven times, in silence, for about three minutes",
        finds="A server that asks for a key and gets none, the placeholder, the wrong one, or one in the wrong header.",
        remedy="`claude-local enable --token-env VARIABLE` writes the key; it never goes on the command line.",
        find=_key,
        preconditions=(preconditions.answering_at_all,),
    ),
    Check(
        id="credentials.question",
        group="credentials",
        said=("key", "start"),
        asks="does an interactive session start without a question about a key?",
        fine="no question about a key is asked",
        why="whoever presses Enter at that question has said No, and is asked to log in",
        finds="A non-empty `ANTHROPIC_API_KEY`, which guides recommend as a dummy, that was not approved before.",
        remedy="Use ANTHROPIC_AUTH_TOKEN, as `claude-local enable` does.",
        find=_question,
        covers=("key.approval",),
        preconditions=(preconditions.own_server,),
    ),
)
