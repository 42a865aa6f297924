"""Sending to a receiver of OpenTelemetry over HTTP: the only module that knows its exporter (the extra `otlp`).

The exporter itself says no more than whether it worked, so its requests go through a session that keeps the answer:
what a receiver refuses of a batch it took stands there, and so does why it took none.
"""

import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from claude_local_plugin.core.installed import with_extra
from claude_local_plugin.core.text import clean
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.team.destination import Refused
from claude_local_plugin.team.outgoing import Batch
from claude_local_plugin.team.records import Point, Totals, records, resource

#: The paths that OTLP over HTTP appends to the URL of a receiver.
LOGS, METRICS = "/v1/logs", "/v1/metrics"
#: How long one batch may take with all its tries, in seconds, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise.
TIMEOUT_S = 10.0
_TIMEOUT = "OTEL_EXPORTER_OTLP_TIMEOUT"
_COMPRESSION = "OTEL_EXPORTER_OTLP_COMPRESSION"


def endpoint(url: str, path: str) -> str:
    """Where a signal goes: the receiver's URL with the path behind it, as the specification has it of
    OTEL_EXPORTER_OTLP_ENDPOINT; one that ends in the path of a signal is taken for the receiver of that.
    """
    base = url.rstrip("/")
    for each in (LOGS, METRICS):
        base = base.removesuffix(each)
    return f"{base}{path}"


@contextmanager
def opened(url: str, environ: Mapping[str, str]) -> "Iterator[Receiver]":
    """What sends to this receiver; raises ClaudeLocalError where the extra is missing."""
    try:
        receiver = Receiver(url, environ)
    except ImportError as fault:
        raise ClaudeLocalError(
            f"to send to {url} takes the exporter of OpenTelemetry, which is not installed ({fault.name})",
            with_extra("otlp"),
        ) from None
    except (OSError, ValueError) as fault:  # a certificate that is not there, a number that is none
        raise ClaudeLocalError(
            f"what OTEL_EXPORTER_OTLP_… says of {url} cannot be used: {clean(str(fault), 300)}",
            "correct the variable: CERTIFICATE, HEADERS, TIMEOUT or COMPRESSION",
        ) from None
    try:
        yield receiver
    finally:
        receiver.close()


class Receiver:
    """A receiver of OpenTelemetry at a URL; it cannot say what it has."""

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # what goes wrong is said by us
        self._url = url
        self._session = _session()
        timeout = float(environ.get(_TIMEOUT) or TIMEOUT_S)
        # what is not said is gzip: sessions are much alike
        shared: dict[str, Any] = {"timeout": timeout, "session": self._session}
        if not environ.get(_COMPRESSION):
            shared["compression"] = Compression.Gzip
        self._logs = OTLPLogExporter(endpoint(url, LOGS), **shared)
        self._metrics = OTLPMetricExporter(endpoint(url, METRICS), **shared)

    def close(self) -> None:
        self._logs.shutdown()  # type: ignore[no-untyped-call]
        self._metrics.shutdown()

    def reached(self, log: str) -> None:
        """Nobody can ask a receiver."""

    def send(self, batch: Batch) -> Refused:
        """The sessions of a batch as log records."""
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
        from opentelemetry.sdk._logs.export import LogRecordExportResult

        said = resource(batch.machine, batch.person, batch.program)
        done = self._logs.export(_log_records(said, batch)) is LogRecordExportResult.SUCCESS
        answer = ExportLogsServiceResponse()
        self._read(done, endpoint(self._url, LOGS), answer)
        left, why = answer.partial_success.rejected_log_records, answer.partial_success.error_message
        return self._refused(left, "log records", why)

    def total(self, totals: Totals) -> Refused:
        """What the log adds up to, as metrics."""
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
        from opentelemetry.sdk.metrics.export import MetricExportResult

        if not totals.points:
            return ()
        done = self._metrics.export(_metrics(totals)) is MetricExportResult.SUCCESS
        answer = ExportMetricsServiceResponse()
        self._read(done, endpoint(self._url, METRICS), answer)
        left, why = answer.partial_success.rejected_data_points, answer.partial_success.error_message
        return self._refused(left, "data points", why)

    def _refused(self, count: int, what: str, why: str) -> Refused:
        return ((f"{count:,} {what}", clean(why, 300) or "the receiver does not say why"),) if count else ()

    def _read(self, done: bool, url: str, answer: Any) -> None:
        """Reads the answer to the last request into a message; raises ClaudeLocalError for what is no success."""
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

        last, fault = self._session.last, self._session.fault
        if last is None:
            raise ClaudeLocalError(
                f"{url} cannot be reached: {_why(fault)}", "see whether it runs, and is the right one"
            )
        status, kind, body = last
        if status in (401, 403):
            raise ClaudeLocalError(
                f"{url} refuses us: HTTP {status}", "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20…"
            )
        if status in (404, 405):
            raise ClaudeLocalError(
                f"{url}: HTTP {status}, so it takes no OTLP there", "the URL without /v1/…, and its port"
            )
        if not done or not 200 <= status < 300:
            later = "it is tried again" if status in (429, 502, 503, 504) else "the receiver's own log says more"
            raise ClaudeLocalError(f"{url} took nothing: HTTP {status}{_said(kind, body)}", later)
        try:
            if body and not kind.startswith("application/x-protobuf"):
                raise DecodeError(kind)
            answer.ParseFromString(body)
        except DecodeError:
            raise ClaudeLocalError(
                f"{url} answers HTTP {status} with {clean(kind, 60) or 'something'} that is no OTLP",
                "something else is there: a sign-in page, or another service",
            ) from None


def _said(kind: str, body: bytes) -> str:
    """What the receiver says is wrong, where it says it in a way that is known."""
    if kind.startswith("application/x-protobuf"):
        from google.protobuf.message import DecodeError
        from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

        try:
            return f": {clean(Status.FromString(body).message, 300)}"
        except DecodeError:
            return ""
    if kind.startswith(("text/plain", "application/json")):
        return f": {clean(body[:300].decode('utf-8', 'replace'), 300)}"
    return ""


def _why(fault: BaseException | None) -> str:
    """The reason of a request that got no answer, in the system's words where it has some."""
    reason = _innermost(fault)
    if isinstance(reason, OSError) and reason.strerror:
        return clean(reason.strerror, 200)
    return "it does not answer in time" if "timed out" in str(fault).lower() else clean(str(reason), 200)


def _innermost(fault: BaseException | None) -> BaseException | None:
    """What a fault is about, through all that was wrapped around it: the last that the system itself said."""
    said = fault
    while fault is not None:
        if isinstance(fault, OSError) and fault.strerror:
            said = fault
        inner = [each for each in (*fault.args, getattr(fault, "reason", None)) if isinstance(each, BaseException)]
        fault = inner[0] if inner else fault.__cause__ or fault.__context__
    return said


def _is_nobody_there(fault: BaseException) -> bool:
    """Whether to ask again at once is no use: nobody listens there, or there is no such name."""
    reason = _innermost(fault)
    return isinstance(reason, ConnectionRefusedError | socket.gaierror)


def _session() -> Any:
    """A session that follows no redirection, which would turn a POST into a GET, and keeps the last answer."""
    import requests

    class Keeping(requests.Session):
        last: tuple[int, str, bytes] | None = None
        fault: BaseException | None = None

        def request(self, *arguments: Any, **named: Any) -> Any:
            self.last = self.fault = None
            named["allow_redirects"] = False
            try:
                answer = super().request(*arguments, **named)
            except requests.RequestException as fault:
                self.fault = fault
                if _is_nobody_there(fault):
                    raise OSError(_why(fault)) from None  # which is not tried again
                raise
            self.last = (answer.status_code, answer.headers.get("Content-Type", ""), answer.content)
            return answer

    return Keeping()


def _log_records(said: Mapping[str, str], batch: Batch) -> list[Any]:
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    where, scope = Resource(dict(said)), InstrumentationScope("claude-local", batch.program)
    return [
        ReadableLogRecord(
            LogRecord(
                timestamp=record["time"],
                # the same however often it is sent
                observed_timestamp=record["time"],
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body=record["event"],
                attributes=record["attributes"],
                event_name=record["event"],
            ),
            where,
            scope,
        )
        for record in records(batch)
    ]


def _metrics(totals: Totals) -> Any:
    """Cumulative sums: sent twice, they count once. They may become smaller, as `sessions prune` takes old ones out."""
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        Metric,
        MetricsData,
        NumberDataPoint,
        ResourceMetrics,
        ScopeMetrics,
        Sum,
    )
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    def point(each: Point) -> NumberDataPoint:
        return NumberDataPoint(each.attributes, totals.since, totals.at, each.value)

    def metric(name: str) -> Metric:
        own = [each for each in totals.points if each.name == name]
        sums = Sum([point(each) for each in own], AggregationTemporality.CUMULATIVE, is_monotonic=False)
        return Metric(name, None, own[0].unit, sums)

    scope = InstrumentationScope("claude-local", totals.resource["service.version"])
    metrics = [metric(name) for name in dict.fromkeys(each.name for each in totals.points)]
    return MetricsData([ResourceMetrics(Resource(dict(totals.resource)), [ScopeMetrics(scope, metrics, "")], "")])
