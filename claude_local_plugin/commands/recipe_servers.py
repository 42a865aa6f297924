"""The servers that a recipe is for, as they are named: `URL[,URL…]`, several times."""

from collections.abc import Iterable

from claude_local_plugin.errors import UsageError
from claude_local_plugin.servers.urls import is_anthropic, normalise


def addresses(given: Iterable[str]) -> tuple[str, ...]:
    """Their base URLs, each once, in that order; raises UsageError for what is no server of the user's own."""
    found = dict.fromkeys(normalise(url.strip()) for each in given for url in each.split(","))
    if cloud := next((each for each in found if is_anthropic(each.host)), None):
        raise UsageError(f"{cloud} is Anthropic's own API, not a server of yours", "leave it out")
    return tuple(each.url for each in found)
