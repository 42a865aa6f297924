"""A receiver of OpenTelemetry over HTTP that keeps what it took, decoded by the protocol's own messages."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from claude_local_plugin.sessionlog import pushing
from tests.listening import listening

PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class Answer:
    """What it answers: a status, headers, a body."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    kind: str = PROTOBUF


@dataclass
class Receiver:
    """What came: each request's path and headers, and the messages in it. `answers` come first, one each."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    logs: list[ExportLogsServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)

    def records(self) -> list[tuple[dict[str, Any], Any]]:
        """Every log record with the attributes of its resource."""
        return [
            (plain(of.resource.attributes), record)
            for request in self.logs
            for of in request.resource_logs
            for scope in of.scope_logs
            for record in scope.log_records
        ]

    def sessions(self) -> list[str]:
        """The sessions that came, in order, however often."""
        said = [record for _, record in self.records() if record.event_name == "claude_local.session"]
        return [str(plain(record.attributes)["session.id"]) for record in said]

    def points(self, name: str) -> dict[tuple[tuple[str, Any], ...], float]:
        """The last value of a metric by its attributes."""
        found = {}
        for request in self.metrics:
            for of in request.resource_metrics:
                for metric in (each for scope in of.scope_metrics for each in scope.metrics):
                    for point in metric.sum.data_points if metric.name == name else ():
                        value = point.as_double if point.HasField("as_double") else point.as_int
                        found[tuple(sorted(plain(point.attributes).items()))] = value
        return found


def waits_for_the_push(state: Path) -> None:
    """Waits until no process sends this log any more."""
    lock = pushing.lock(str(state), 120)
    assert lock is not None
    os.close(lock)


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes as Python has them."""
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes}


def partial(rejected: int, why: str) -> Answer:
    """It took the request, but for some of its records."""
    said = ExportLogsServiceResponse()
    said.partial_success.rejected_log_records = rejected
    said.partial_success.error_message = why
    return Answer(body=said.SerializeToString())


@contextmanager
def receiving(*answers: Answer) -> Iterator[Receiver]:
    """A receiver, as long as a `with` lasts."""
    receiver = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            receiver.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            answer = receiver.answers.pop(0) if receiver.answers else Answer()
            if 200 <= answer.status < 300:
                if self.path.endswith("/v1/logs"):
                    receiver.logs.append(ExportLogsServiceRequest.FromString(body))
                else:
                    receiver.metrics.append(ExportMetricsServiceRequest.FromString(body))
                    assert isinstance(ExportMetricsServiceResponse.FromString(answer.body), object)
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with listening(Handler) as url:
        receiver.url = url
        yield receiver
