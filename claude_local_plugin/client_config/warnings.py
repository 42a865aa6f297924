"""What a server's own answers say against using it as it is: findings, whose words name the command that helps."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from claude_local_plugin.checks import Finding, Result
from claude_local_plugin.client_config.build import capabilities
from claude_local_plugin.client_config.destination import Destination
from claude_local_plugin.client_config.model import Backend
from claude_local_plugin.core.shell import Words, command, export
from claude_local_plugin.precedence import Scope
from claude_local_plugin.precedence.models import known_window
from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.compatibility import Needs
from claude_local_plugin.servers.urls import is_plain_http_remote


def is_claude(backend: Backend) -> bool:
    """Whether Claude Code takes the name for a model of Anthropic's whose window it knows better than anybody."""
    return known_window(backend.model) is not None


def _warning(name: str, what: str) -> Finding:
    return Finding(name, Result.WARNING, what)


def warnings(backend: Backend, needs: Needs, destination: Destination, again: Callable[..., str]) -> Iterator[Finding]:
    """What the server's own answers say against it, in words, each with the command that helps.

    The ids are those of explain or doctor for the same. What other settings do to it is explain's to say. `again` gives
    the command for the same with these changes.
    """
    if is_plain_http_remote(backend.url):
        parts = urlsplit(backend.url)
        host, port = parts.hostname, parts.port or 80
        yield _warning(
            "privacy.transport",
            f"plain HTTP: anyone on the path to {backend.host} can read code and prompts; a tunnel prevents it:"
            f" {command('ssh', '-N', '-L', f'{port}:localhost:{port}', str(host))}, then"
            f" {again(url=f'http://localhost:{port}{parts.path}')}",
        )
    if backend.max_model_len is None:
        learns = kinds.of(backend.kind).quirks.window_later
        later = f"{learns}: run this again then, or " if learns else ""
        yield _warning(
            "window.assumed",
            f"{backend.host} does not say how large its window is, so Claude Code assumes 1,000,000 tokens and never"
            f" compacts in time: {later}name it with --max-model-len N",
        )
    elif (assumed := known_window(backend.model)) and backend.max_model_len < assumed:
        kind = kinds.of(backend.kind)
        how = f" ({kind.label}: {kind.remedies.name_flag})" if kind.remedies.name_flag else ""
        yield _warning(
            "window.ignored",
            f"{backend.model} is taken for a model of Anthropic's with a window of {assumed:,} tokens, whatever"
            f" CLAUDE_CODE_MAX_CONTEXT_TOKENS says, but your server has {backend.max_model_len:,}: serve it under a"
            f" name of its own{how}, then"
            f" {again(url=backend.url, model=Words('NAME'))}",
        )
    for problem in (needs.too_old, needs.thinking_ignored):
        if problem:
            yield _warning("client.known-bad", problem)
    if needs.model_capabilities and destination.refusal(capabilities(needs.model_capabilities)):
        value, reason = needs.model_capabilities
        yield _warning(
            "client.known-bad",
            f"{reason}; a project's file may not set the cure:"
            f" {export('CLAUDE_CODE_MODEL_CAPABILITIES', value)}, or"
            f" {again(scope=Scope.USER, url=backend.url, model=backend.model)}",
        )
