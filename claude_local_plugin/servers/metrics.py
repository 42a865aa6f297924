"""A server's /metrics read by meaning: how busy it is, what its prefix cache does, how fast it is.

The same thing has different names by server and by version: vLLM's `gpu_cache_usage_perc` (0.11.1) is
`kv_cache_usage_perc` by 0.13.0, and counters carry `_total` or not by the version of its Prometheus client. vLLM's and
llama.cpp's names were seen on vLLM 0.32.0 and llama-server; LiteLLM's are read from 1.106.2, SGLang's from 0.5.23. The
names stand in `servers.kinds`.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from claude_local_plugin.servers import kinds
from claude_local_plugin.servers.kinds.kind import MetricNames

#: Longer answers than this are not read to their end.
MAX_LINES = 200_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of /metrics: a number with its labels."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """A Prometheus histogram of seconds: upper bounds with the cumulative counts below them, their number and sum."""

    buckets: tuple[tuple[float, float], ...]
    count: float
    total: float

    @property
    def mean(self) -> float | None:
        """Seconds; None before the first."""
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """The upper bound of the bucket in which this share (0 to 1) of all lies; None without any."""
        if not self.count:
            return None
        return next((bound for bound, below in self.buckets if below >= share * self.count), math.inf)

    def since(self, earlier: "Histogram | None") -> "Histogram":
        """What came since an earlier reading of the same histogram."""
        if earlier is None or earlier.count > self.count:  # the server was started again
            return self
        before = dict(earlier.buckets)
        buckets = tuple((bound, below - before.get(bound, 0.0)) for bound, below in self.buckets)
        return Histogram(buckets, self.count - earlier.count, self.total - earlier.total)


@dataclass(frozen=True, slots=True)
class Metrics:
    """What /metrics says, None for what it does not. Counters are since the server's start, summed over its engines.

    `dialect` is the kind of server whose names they are, or "unknown". `running` and `waiting` are
    requests, `kv_usage` is from 0 to 1 (the fullest engine's), `prefix_queries` and `prefix_hits` are tokens looked up
    in and found in the prefix cache, `prefix_hit_rate` (0 to 1) is for servers that give only the rate, and
    `prefix_caching` says whether the cache is switched on at all. `ttft` and `inter_token` are histograms of seconds.
    `kv_cache_tokens` is how many tokens its KV cache holds, `kv_cache_concurrency` how many requests of a full window
    fit in there at once (both seen on vLLM 0.33). `process` is what tells the process that answered from others, such
    as its start time.
    `tool_parser` maps an outcome of vLLM's tool-call parser ("tool_call", "no_tool_call", ...) to its count, None if
    the server was started without one (or is too old to say).
    """

    dialect: str
    running: float | None = None
    waiting: float | None = None
    kv_usage: float | None = None
    prefix_queries: float | None = None
    prefix_hits: float | None = None
    prefix_hit_rate: float | None = None
    prefix_caching: bool | None = None
    prompt_tokens: float | None = None
    generation_tokens: float | None = None
    requests_finished: float | None = None
    ttft: Histogram | None = None
    inter_token: Histogram | None = None
    tool_parser: Mapping[str, float] | None = None
    models: tuple[str, ...] = ()
    kv_cache_tokens: int | None = None
    kv_cache_concurrency: float | None = None
    process: str | None = None
    names: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def hit_rate(self) -> float | None:
        """The share of looked-up tokens that the prefix cache had, since the server's start."""
        if self.prefix_queries and self.prefix_hits is not None:
            return self.prefix_hits / self.prefix_queries
        return self.prefix_hit_rate


#: Whose names they are, by the prefix of all of them: engines before the gateways that may hand on theirs.
_DIALECTS = sorted(
    (kind for kind in kinds.ALL.values() if kind.metrics is not None),
    key=lambda kind: kind.sign.order if kind.sign else 0,
    reverse=True,
)
#: What engines do not add up: the fullest counts.
_FULLEST = ("kv_usage", "prefix_hit_rate")
_HISTOGRAMS = ("ttft", "inter_token")

_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$")
_LABEL = re.compile(r'\s*([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"\s*,?')


def parse(text: str) -> tuple[Sample, ...]:
    """Every sample of a text in Prometheus' format; lines that are none are left out."""
    samples = []
    for line in text.splitlines()[:MAX_LINES]:
        found = None if line.startswith("#") else _LINE.match(line)
        if found is None:
            continue
        try:
            value = float(found[3])
        except ValueError:  # no sample after all
            continue
        samples.append(Sample(found[1], dict(_LABEL.findall(found[2] or "")), value))
    return tuple(samples)


#: What is said of two readings that do not belong together.
SEVERAL = "not comparable: several replicas answer at /metrics in turn, or the server was started again meanwhile"
#: A prompt's tokens as the server counts them may exceed ours by so much, and be the same prompt's.
SPARE_TOKENS = 512
_COUNTERS = ("prefix_queries", "prefix_hits", "prompt_tokens", "generation_tokens", "requests_finished")
#: The header with which llama.cpp tells when its process began.
_STARTED = "process-start-time-unix"


def not_comparable(before: Metrics, after: Metrics) -> str | None:
    """Why what lies between two readings of one address means nothing; None where nothing speaks against it.

    Routers hand /metrics to one replica after another, and the counters of different processes tell nothing together.
    """
    other = before.process is not None and after.process is not None and before.process != after.process
    fell = any((getattr(after, name) or 0.0) < (getattr(before, name) or 0.0) for name in _COUNTERS)
    lost = before.dialect != after.dialect or any(
        later is not None and earlier is not None and later.count < earlier.count
        for earlier, later in ((before.ttft, after.ttft), (before.inter_token, after.inter_token))
    )
    return SEVERAL if other or fell or lost else None


def grown(before: Metrics | None, after: Metrics | None, name: str, *, most: float | None = None) -> float | None:
    """How much a counter has grown between two readings; None where that cannot be told, or is more than `most`."""
    if before is None or after is None or not_comparable(before, after):
        return None
    earlier, later = getattr(before, name), getattr(after, name)
    if earlier is None or later is None or (most is not None and later - earlier > most):
        return None
    return float(later - earlier)


def reused(before: Metrics | None, after: Metrics | None, sent: float | None) -> tuple[int, int] | None:
    """(found, looked up): prompt tokens in the prefix cache between two readings, while `sent` tokens were sent.

    None where it cannot be told, where nothing was looked up, and where so much was that others, or other replicas,
    must have had a part in it.
    """
    looked_up = grown(before, after, "prefix_queries", most=None if sent is None else 2 * sent + SPARE_TOKENS)
    found = grown(before, after, "prefix_hits", most=looked_up)
    return (int(found), int(looked_up)) if looked_up and found is not None else None


def read(text: str, headers: Mapping[str, str] | None = None) -> Metrics | None:
    """What a /metrics text says, and the answer's headers (lower case) with it; None if it holds no sample at all."""
    samples = parse(text)
    if not samples:
        return None
    named: dict[str, list[Sample]] = {}
    for sample in samples:
        named.setdefault(sample.name, []).append(sample)
    dialect, known = _dialect(named)
    meanings = known.names
    config = named.get(known.cache_config, ())
    values = {
        meaning: _value(named, names, fullest=meaning in _FULLEST)
        for meaning, names in meanings.items()
        if meaning not in _HISTOGRAMS
    }
    if values.get("prefix_hits") is None:
        values["prefix_queries"] = None  # SGLang's is its counter of prompts, which says nothing by itself
    return Metrics(
        dialect,
        **values,
        ttft=_histogram(named, meanings.get("ttft", ())),
        inter_token=_histogram(named, meanings.get("inter_token", ())),
        prefix_caching=_prefix_caching(config),
        tool_parser=_tool_parser(named.get(known.tool_parser, ())),
        models=tuple(dict.fromkeys(_models(samples))),
        kv_cache_tokens=None if (size := _cache_config(config, "kv_cache_size_tokens")) is None else int(size),
        kv_cache_concurrency=_cache_config(config, "kv_cache_max_concurrency"),
        process=_process(named, headers or {}),
        names=frozenset(named),
    )


def _dialect(named: Iterable[str]) -> tuple[str, MetricNames]:
    """Whose names these are."""
    for kind in _DIALECTS:
        if kind.metrics is not None and any(name.startswith(kind.metrics.prefix) for name in named):
            return kind.name, kind.metrics
    return kinds.UNKNOWN, MetricNames(prefix="", names={})


def _value(named: Mapping[str, list[Sample]], names: Sequence[str], *, fullest: bool) -> float | None:
    for name in names:
        for spelled in (name, f"{name}_total"):
            if found := [sample.value for sample in named.get(spelled, ()) if not math.isnan(sample.value)]:
                return max(found) if fullest else sum(found)
    return None


def _histogram(named: Mapping[str, list[Sample]], names: Sequence[str]) -> Histogram | None:
    for name in names:
        count = _value(named, (f"{name}_count",), fullest=False)
        if count is None:
            continue
        bounds: dict[float, float] = {}
        for sample in named.get(f"{name}_bucket", ()):
            try:
                bound = float(sample.labels.get("le", ""))
            except ValueError:  # a bucket without a bound counts for nothing
                continue
            bounds[bound] = bounds.get(bound, 0.0) + sample.value
        total = _value(named, (f"{name}_sum",), fullest=False) or 0.0
        return Histogram(tuple(sorted(bounds.items())), count, total)
    return None


def _cache_config(config: Sequence[Sample], label: str) -> float | None:
    """A positive number out of the labels in which vLLM tells its cache's configuration; over its engines together."""
    found = []
    for sample in config:
        try:
            number = float(sample.labels.get(label, ""))
        except ValueError:  # "None", or not told
            continue
        if math.isfinite(number) and number > 0:
            found.append(number)
    return sum(found) or None


def _process(named: Mapping[str, list[Sample]], headers: Mapping[str, str]) -> str | None:
    started = sorted({sample.value for sample in named.get("process_start_time_seconds", ())})
    told = [*(f"{value:.6f}" for value in started), *filter(None, [headers.get(_STARTED)])]
    return " ".join(told) or None


def _prefix_caching(config: Sequence[Sample]) -> bool | None:
    """vLLM tells its cache's configuration in labels (observed on 0.32.0)."""
    for sample in config:
        if (said := sample.labels.get("enable_prefix_caching")) in ("True", "False"):
            return said == "True"
    return None


def _tool_parser(invocations: Sequence[Sample]) -> Mapping[str, float] | None:
    """How often the tool-call parser came to which outcome; the counter is there only if a parser is set."""
    counts: dict[str, float] = {}
    for sample in invocations:
        outcome = sample.labels.get("outcome", "unknown")
        counts[outcome] = counts.get(outcome, 0.0) + sample.value
    return counts or None


def _models(samples: Iterable[Sample]) -> Iterable[str]:
    told = (sample.labels.get("model_name", "") for sample in samples)
    return (name for name in told if name and name.isprintable())
