"""Which of the lines that `enable` writes belong together, each group with one reason, for a screen of 24 lines.

What is in no group, as it is written for some servers or some people alone, stands by itself with its own reason.
"""

from dataclasses import dataclass

from claude_local_plugin.client_config import build


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that are needed for the same thing: `paths` of values, or `items` of lists by their path and value."""

    reason: str
    paths: tuple[tuple[str, ...], ...]
    items: tuple[tuple[tuple[str, ...], object], ...] = ()

    def has(self, path: tuple[str, ...], item: object = None) -> bool:
        """Whether this value, or this item of a list, is in the group."""
        return path in self.paths if item is None else (path, item) in self.items


def _env(*names: str) -> tuple[tuple[str, ...], ...]:
    return tuple(("env", name) for name in names)


#: In the order in which they are shown. The reasons stand beside the values, in a narrow column.
GROUPS = (
    Group(
        "to your server, with no other credential",
        _env("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"),
    ),
    Group("its model, whichever Claude Code asks for", _env("ANTHROPIC_MODEL", *build.ALIAS_VARIABLES)),
    Group(
        "its window; else 1,000,000 is assumed",
        _env("CLAUDE_CODE_MAX_CONTEXT_TOKENS", "CLAUDE_CODE_MAX_OUTPUT_TOKENS"),
    ),
    Group(
        "minutes for prompts, not for dead servers",
        _env("API_TIMEOUT_MS", "CLAUDE_STREAM_IDLE_TIMEOUT_MS", "API_FORCE_IDLE_TIMEOUT", "CLAUDE_CODE_MAX_RETRIES"),
    ),
    Group(
        "no telemetry, updates, downloads, web-page checks",
        tuple(line.path for line in build.QUIET_LINES),
    ),
    Group(
        "airgap: nothing but the model's requests",
        tuple(line.path for line in build.AIRGAP_LINES if not line.item),
        tuple((line.path, line.value) for line in build.AIRGAP_LINES if line.item and line.value != build.WEB_SEARCH),
    ),
    Group(
        "else needs Anthropic",
        (("permissions", "defaultMode"),),
        ((("permissions", "deny"), build.WEB_SEARCH),),
    ),
)


def group_of(path: tuple[str, ...], item: object = None) -> Group | None:
    """The group that this value, or this item of a list, belongs to."""
    return next((group for group in GROUPS if group.has(path, item)), None)
