"""Claude Code's own OpenTelemetry: what has it export, and the label that tells one backend from another in there."""

from urllib.parse import quote

from claude_local_plugin.client_config.model import Line
from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.errors import UsageError
from claude_local_plugin.text import printable

ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
#: The resource attribute that names the backend; Claude Code repeats it at every figure and event (seen on 2.1.332).
LABEL = "claude_local.backend"
#: The port of OTLP over gRPC; everything else is taken to be HTTP.
GRPC_PORT = 4317


def exporters(endpoint: str, option: str) -> tuple[Line, ...]:
    """Metrics and events, without prompts, to the collector there. A project's files may say none of this.

    Raises UsageError where the endpoint, which `option` gave, is no URL.
    """
    target = parse_url(endpoint)
    if target is None or not endpoint.startswith(("http://", "https://")):
        raise UsageError(f"{option} {printable(endpoint)} is no URL", f"for example {option} http://collector:4318")
    values = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc" if target.port == GRPC_PORT else "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_LOG_USER_PROMPTS": "0",
    }
    return tuple(Line(("env", name), value, "OpenTelemetry for everybody") for name, value in values.items())


#: Prometheus counts from a beginning on; Claude Code by itself tells only what came since the last time.
CUMULATIVE = Line(
    ("env", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"),
    "cumulative",
    "as Prometheus counts; else only what is new",
)


def label(name: str, attributes: str | None) -> Line:
    """The line that names the backend; what stands in these attributes already stays, since the line hides it.

    The strongest settings file replaces the others' attributes whole (seen on 2.1.329).
    """
    kept = [each for each in (attributes or "").split(",") if each.strip() and not _is_label(each)]
    return Line(
        ("env", ATTRIBUTES),
        ",".join((*kept, f"{LABEL}={quote(name, safe='')}")),
        "every figure and event says which backend it is of",
    )


def _is_label(attribute: str) -> bool:
    return attribute.partition("=")[0].strip() == LABEL
