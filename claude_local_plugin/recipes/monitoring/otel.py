"""An OpenTelemetry collector for what Claude Code exports: figures for Prometheus, events in a file."""

from typing import Any

from claude_local_plugin.core.urls import Target
from claude_local_plugin.yaml_document import Commented, write

NAME = "collector.yaml"
#: Where Prometheus reads the figures, and the file that events go to, one JSON object a line.
SCRAPED, EVENTS = "127.0.0.1:8889", "claude-code-events.jsonl"
#: Cost that is told of sessions on a server of one's own.
_INVENTED = 'metric.name == "claude_code.cost.usage" and attributes["anthropic.custom_base_url"] == true'


def config(endpoint: Target, *, loopback: bool, grpc: bool) -> str:
    """The collector's file; `endpoint` is where clients send to, `loopback` whether that is this machine alone."""
    address = "127.0.0.1" if loopback else "0.0.0.0"
    why = "this machine alone" if loopback else "other machines send to it: let nobody else reach it"
    protocol = {"grpc" if grpc else "http": {"endpoint": Commented(f"{address}:{endpoint.port}", why)}}
    document: dict[str, Any] = {
        "receivers": {"otlp": {"protocols": protocol}},
        "processors": {
            "memory_limiter": Commented(
                {"check_interval": "1s", "limit_mib": 256}, "a burst is refused, and sent again, before memory runs out"
            ),
            "filter/invented_cost": Commented(
                {
                    "error_mode": "ignore",
                    "metrics": {"datapoint": [_INVENTED]},
                },
                "dollars at list price for what your own server did",
            ),
            "batch": {},
        },
        "exporters": {
            "prometheus": Commented({"endpoint": SCRAPED}, "a scrape job of Prometheus reads the figures here"),
            "file/events": Commented({"path": EVENTS}, "requests, errors, tools; prompts are left out by the client"),
        },
        "service": {
            "pipelines": {
                "metrics": _pipeline("prometheus", "filter/invented_cost"),
                "logs": _pipeline("file/events"),
            }
        },
    }
    return write(
        document, "OpenTelemetry collector (otelcol-contrib) for Claude Code, made by `claude-local recipe otel`"
    )


def _pipeline(exporter: str, *between: str) -> dict[str, list[str]]:
    return {"receivers": ["otlp"], "processors": ["memory_limiter", *between, "batch"], "exporters": [exporter]}
