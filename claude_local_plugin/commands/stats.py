"""Usage added up by backend, model, project or day, and what it would have cost elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from claude_local_plugin.sessionlog.queries import Where
from claude_local_plugin.sessionlog.queries.usage import By, Group, Summary, Usage, usage

if TYPE_CHECKING:
    from pathlib import Path

    from claude_local_plugin.sessionlog.queries.log import Source


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens of each kind cost, in `currency`."""

    input: float
    output: float
    cache_read: float
    cache_write: float
    currency: str

    def of(self, used: Usage) -> float:
        """What this usage would have cost."""
        return (
            used.input_tokens * self.input
            + used.output_tokens * self.output
            + used.cache_read_tokens * self.cache_read
            + used.cache_write_tokens * self.cache_write
        ) / 1_000_000


def prices(config_file: "Path", environ: Mapping[str, str] | None = None) -> Prices:
    """The price table of config.toml, defaults where it sets none; raises SettingsError for a file that is no TOML."""
    from claude_local_plugin import config

    table = config.load(config_file, environ).settings.prices
    return Prices(table.input, table.output, table.cache_read, table.cache_write, table.currency)


def stats(
    source: "Source",
    by: By,
    where: Where | None = None,
    *,
    priced: Prices | None = None,
    zone: tzinfo | None = None,
) -> dict[str, Any]:
    """The report of `claude-local sessions stats` (schemas/sessions-stats.schema.json)."""
    found = usage(source, (by,), where, zone=zone)
    report = {
        "by": by.value,
        "groups": [{"key": group.key[0], **_kind(group), **_numbers(group, priced)} for group in found.groups],
        "total": {"key": "total", **_numbers(found.total, priced)},
        "local": _local(found),
    }
    if priced:
        table = {"input": priced.input, "output": priced.output}
        table |= {"cache_read": priced.cache_read, "cache_write": priced.cache_write}
        report["cost"] = {"estimate": True, "currency": priced.currency, "per_million_tokens": table}
    return report


def _kind(group: Group) -> dict[str, Any]:
    return {} if group.kind is None else {"kind": group.kind, "cloud": group.own == group.nowhere == Usage()}


def _numbers(group: Group, priced: Prices | None) -> dict[str, Any]:
    used = group.usage
    numbers = {
        "sessions": used.sessions,
        "duration_s": used.duration_ms / 1000,
        "messages": used.messages,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "cache_read_tokens": used.cache_read_tokens,
        "cache_write_tokens": used.cache_write_tokens,
        "errors": used.errors,
        "retries": used.retries,
    }
    return numbers | {"cost_avoided": round(priced.of(group.own), 4)} if priced else numbers


def _local(found: Summary) -> dict[str, Any]:
    """How much of it was on own servers; a session that used two backends counts on each, one on none on neither."""
    own, cloud = found.total.own, found.total.cloud
    return {
        "sessions": own.sessions,
        "tokens": own.tokens,
        "sessions_share": _share(own.sessions, cloud.sessions),
        "tokens_share": _share(own.tokens, cloud.tokens),
    }


def _share(part: int, rest: int) -> float | None:
    return round(part / (part + rest), 4) if part + rest else None
