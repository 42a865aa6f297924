"""What there is to know of servers, in PromQL: each meaning under the names that its kinds and versions have for it.

A question is a chain of `… or …`: whichever name a server knows, answers for it. An old and a new name are never added
up, though a version may have both.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.kinds import Kind
from claude_local_plugin.servers.kinds.kind import MetricNames

#: What scrape jobs of ours are called at their beginning; alerts and panels look at nothing else.
JOB = "claude-local"


@dataclass(frozen=True, slots=True)
class Ask:
    """How questions are put: of these kinds, over this time, of the series that `where` (label matchers) chooses."""

    kinds: Sequence[Kind]
    window: str = "5m"
    where: str = f'job=~"{JOB}.*"'

    def up(self) -> str:
        """1 for a server whose metrics could be read, 0 for one whose could not."""
        return f"up{{{self.where}}}"

    def latest(self, meaning: str, *, fullest: bool = False) -> str:
        """A gauge, added up for each server; of what its engines do not add up, the fullest."""
        how = "max" if fullest else "sum"
        return _either(f"{how} by (instance) ({name}{{{self.where}}})" for name in self._names(meaning))

    def states(self, meaning: str, by: str) -> str:
        """A gauge of several things of each server, as it is."""
        return _either(f"max by (instance, {by}) ({name}{{{self.where}}})" for name in self._names(meaning))

    def per_second(self, meaning: str) -> str:
        """A counter's growth, in one second."""
        return _either(self._growth(name) for name in self._names(meaning))

    def quantile(self, meaning: str, share: float) -> str:
        """A quantile of a histogram, in seconds."""
        return _either(
            f"histogram_quantile({share}, sum by (instance, le) (rate({name}_bucket{{{self.where}}}[{self.window}])))"
            for name in self._names(meaning)
        )

    def hit_rate(self) -> str:
        """The share (0 to 1) of prompt tokens that the prefix cache had."""
        return _either(part for names in self._metrics() for part in self._hit_rates(names))

    def looked_up(self) -> str:
        """How many prompt tokens a second are looked up in the prefix cache."""
        return _either(self._looked_up(*each) for names in self._metrics() for each in _cache_counters(names))

    def tool_calls(self) -> str:
        """What the tool-call parser came to, in one second, by outcome."""
        counters = (names.tool_parser.removesuffix("_total") for names in self._metrics())
        return _either(self._growth(name, "instance, outcome") for name in counters if name)

    def _growth(self, name: str, by: str = "instance") -> str:
        return f"sum by ({by}) (rate({name}_total{{{self.where}}}[{self.window}]))"

    def _hit_rates(self, names: MetricNames) -> Iterator[str]:
        for each in _cache_counters(names):
            yield f"{self._growth(each[0])} / ({self._looked_up(*each)})"
        for name in names.names.get("prefix_hit_rate", ()):
            yield f"max by (instance) ({name}{{{self.where}}})"

    def _looked_up(self, found: str, looked_up: str | None, missed: str | None) -> str:
        if looked_up is not None:
            return self._growth(looked_up)
        return f"{self._growth(found)} + {self._growth(str(missed))}"

    def _names(self, meaning: str) -> Iterator[str]:
        for names in self._metrics():
            yield from names.names.get(meaning, ())
            yield from names.charted.get(meaning, ())

    def _metrics(self) -> Iterator[MetricNames]:
        yield from (kind.metrics for kind in self.kinds if kind.metrics is not None)


def measured(names: Sequence[str] = ()) -> tuple[Kind, ...]:
    """The kinds of these names, by default all, that have metrics."""
    chosen = [kinds.of(name) for name in names] if names else list(kinds.ALL.values())
    return tuple(kind for kind in chosen if kind.metrics is not None)


def _either(parts: Iterable[str]) -> str:
    return "\nor ".join(parts)


def _cache_counters(names: MetricNames) -> Iterator[tuple[str, str | None, str | None]]:
    """Counters of tokens found, looked up (or None) and missed (or None), of each generation of names."""
    found = (*names.names.get("prefix_hits", ()), *names.charted.get("prefix_hits", ()))
    looked_up, missed = names.names.get("prefix_queries", ()), names.charted.get("prefix_misses", ())
    for place, hits in enumerate(found):
        queries = looked_up[place] if place < len(looked_up) else None
        misses = missed[place] if place < len(missed) else None
        if queries is not None or misses is not None:
            yield hits, queries, misses
