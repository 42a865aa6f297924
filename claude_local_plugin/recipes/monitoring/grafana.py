"""A Grafana dashboard of model servers: what is up, what waits, what the caches do, how fast answers begin."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from claude_local_plugin.recipes.monitoring.expressions import JOB, Ask
from claude_local_plugin.servers.kinds import Kind

NAME = "claude-local.dashboard.json"
#: What Grafana fills in: the servers chosen at the top of the page, and a time that fits the scrape interval.
CHOSEN, WINDOW = f'job=~"{JOB}.*", instance=~"$instance"', "$__rate_interval"
#: The version of the dashboard's own format (Grafana 10 and newer).
SCHEMA_VERSION = 39
_ACROSS, _WIDTH, _HEIGHT = 24, 8, 7
_SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: its title, its lines (what the legend says, the question), their unit, and what to see in it."""

    title: str
    lines: tuple[tuple[str, str], ...]
    unit: str
    why: str
    kind: str = "timeseries"
    most: float | None = None


def panels(kinds: Sequence[Kind]) -> tuple[Panel, ...]:
    """What is shown of servers of these kinds; nothing that none of them tells."""
    asked = _panels(Ask(kinds, WINDOW, CHOSEN))
    answered = (replace(panel, lines=tuple(line for line in panel.lines if line[1])) for panel in asked)
    return tuple(panel for panel in answered if panel.lines)


def _panels(ask: Ask) -> Iterator[Panel]:
    yield Panel("Answers", (("{{instance}}", ask.up()),), "bool_on_off", "1: its metrics could be read", "stat")
    yield Panel(
        "Requests",
        (("{{instance}} running", ask.latest("running")), ("{{instance}} waiting", ask.latest("waiting"))),
        "short",
        "what waits has no room: let it do more at once, or add a replica",
    )
    yield Panel(
        "KV cache",
        (("{{instance}}", ask.latest("kv_usage", fullest=True)),),
        "percentunit",
        "full, it throws conversations out and computes them again",
        most=1,
    )
    yield Panel(
        "Prefix cache: share of prompts found",
        (("{{instance}}", ask.hit_rate()),),
        "percentunit",
        "an agent's turn is nearly all prefix; a low share means that its beginning changes, or that sessions move",
        most=1,
    )
    yield Panel(
        "Time to the first token", _quantiles(ask, "ttft"), "s", "what a person waits for; also the queue is in it"
    )
    yield Panel("Time between tokens", _quantiles(ask, "inter_token"), "s", "it grows with the sessions at once")
    yield Panel(
        "Tokens read",
        (("{{instance}}", ask.per_second("prompt_tokens")),),
        "short",
        "prompt tokens a second; llama.cpp leaves out those that its cache had",
    )
    yield Panel(
        "Tokens written",
        (("{{instance}}", ask.per_second("generation_tokens")),),
        "short",
        "tokens of answers a second",
    )
    yield Panel(
        "Requests finished",
        (
            ("{{instance}} finished", ask.per_second("requests_finished")),
            ("{{instance}} failed", ask.per_second("failed")),
        ),
        "reqps",
        "a gateway also counts those that failed",
    )
    yield Panel(
        "Time in the queue",
        _quantiles(ask, "queue_time"),
        "s",
        "the part of the time to the first token in which nothing is computed",
    )
    yield Panel(
        "Conversations thrown out",
        (("{{instance}}", ask.per_second("preemptions")),),
        "short",
        "a second; each is computed again from its beginning",
    )
    yield Panel(
        "Tool calls",
        (("{{instance}} {{outcome}}", ask.tool_calls()),),
        "short",
        "what the tool-call parser came to; an agent whose calls are not understood does nothing",
    )
    yield Panel(
        "Replicas behind a gateway",
        (("{{instance}} {{api_base}}", ask.states("deployment_state", "api_base")),),
        "short",
        "0 healthy, 1 some requests failed, 2 left alone",
    )


def _quantiles(ask: Ask, meaning: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"{{{{instance}}}} p{share:.0%}".rstrip("%"), ask.quantile(meaning, share)) for share in (0.5, 0.95))


def dashboard(kinds: Sequence[Kind]) -> str:
    """The dashboard, to be imported into Grafana or put into its provisioning."""
    made = {
        "title": "Model servers of Claude Code",
        "uid": JOB,
        "tags": [JOB],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_source(), _instance()]},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels(kinds))],
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _source() -> dict[str, Any]:
    """Which Prometheus: chosen on the page, so that the file fits every Grafana."""
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _instance() -> dict[str, Any]:
    return {
        "name": "instance",
        "label": "Server",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": f'label_values(up{{job=~"{JOB}.*"}}, instance)', "refId": "instance"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, _ACROSS // _WIDTH)
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.why,
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, **({} if panel.most is None else {"max": panel.most})},
            "overrides": [],
        },
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": _SOURCE, "expr": question, "legendFormat": legend}
            for place, (legend, question) in enumerate(panel.lines)
        ],
    }
