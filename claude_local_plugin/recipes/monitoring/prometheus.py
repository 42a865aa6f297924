"""Prometheus: which servers it reads, and what it says when one of them is in trouble."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.core.urls import Target
from claude_local_plugin.recipes.monitoring.expressions import JOB, Ask
from claude_local_plugin.yaml_document import Commented, write

#: The configuration, and the file with the alerts beside it.
CONFIG, RULES = "prometheus.yml", "claude-local.rules.yml"


@dataclass(frozen=True, slots=True)
class Scraped:
    """A server whose metrics are read: where it is, what it is, and the file that holds the key which it asks for."""

    target: Target
    kind: str
    key_file: str | None = None


def config(servers: Sequence[Scraped]) -> str:
    """prometheus.yml."""
    document = {
        "global": {
            "scrape_interval": Commented("15s", "an agent's request takes seconds"),
            "evaluation_interval": Commented("15s", "alerts are looked at as often"),
        },
        "rule_files": Commented([RULES], "the alerts, beside this file"),
        "scrape_configs": list(_jobs(servers)),
    }
    return write(document, "Prometheus for the model servers of Claude Code, made by `claude-local recipe prometheus`")


def _jobs(servers: Sequence[Scraped]) -> Iterator[dict[str, Any]]:
    """One job for all servers that are reached in the same way."""
    ways: dict[tuple[str, str, str | None], list[Scraped]] = {}
    for server in servers:
        ways.setdefault((server.target.scheme, server.target.path, server.key_file), []).append(server)
    for number, ((scheme, path, key_file), reached) in enumerate(ways.items(), start=1):
        name = JOB if number == 1 else f"{JOB}-{number}"
        why = f"the alerts and the dashboard look at {JOB}* alone" if number == 1 else "reached in another way"
        job: dict[str, Any] = {"job_name": Commented(name, why), "metrics_path": f"{path}/metrics"}
        if scheme == "https":
            job["scheme"] = scheme
        if key_file is not None:
            job["authorization"] = Commented({"credentials_file": key_file}, "the key that these servers ask for")
        job["static_configs"] = [
            {"targets": [server.target.label], "labels": {"kind": server.kind}} for server in reached
        ]
        yield job


def rules(ask: Ask) -> str:
    """The alerts."""
    document = {"groups": [{"name": JOB, "rules": list(_alerts(ask))}]}
    return write(document, "Alerts for the model servers of Claude Code, made by `claude-local recipe prometheus`")


def _alerts(ask: Ask) -> Iterator[dict[str, Any]]:
    up, slow = ask.up(), Ask(ask.kinds, "15m", ask.where)
    yield _alert(
        "ModelServerDown",
        f"{up} == 0 and max_over_time({up}[6h]) == 1",
        ("2m", "a scrape or two may fail"),
        "critical",
        "{{ $labels.instance }} does not answer any more",
        f"Its sessions are refused. {command('claude-local', 'doctor', '--server-log', Words('FILE'))} reads its log.",
    )
    yield _alert(
        "ModelServerLoadingTooLong",
        f"{up} == 0",
        ("20m", "most models load in less; raise it where yours does not"),
        "critical",
        "{{ $labels.instance }} has not answered for 20 minutes",
        "A server that loads its model answers nothing. Look at its log: it may have stopped.",
    )
    yield _alert(
        "ModelServerRequestsWait",
        f"({ask.latest('waiting')}) > 0",
        ("5m", "when subagents start, some wait for a moment"),
        "warning",
        "{{ $value }} requests wait at {{ $labels.instance }}",
        "More conversations than it has room for: let it do more at once, or add a replica.",
    )
    yield _alert(
        "ModelServerCacheFull",
        f"({ask.latest('kv_usage', fullest=True)}) > 0.9",
        ("5m", "full, it throws conversations out and computes them again"),
        "warning",
        "the KV cache of {{ $labels.instance }} is {{ $value | humanizePercentage }} full",
        "Fewer sessions, a smaller window, or more memory for the cache.",
    )
    yield _alert(
        "ModelServerPrefixesMiss",
        f"({slow.hit_rate()}) < 0.5\nand on (instance) ({slow.looked_up()}) > 100",
        ("15m", "new conversations miss; those that go on should not"),
        "warning",
        "only {{ $value | humanizePercentage }} of the prompts at {{ $labels.instance }} are in its prefix cache",
        f"Every turn is computed anew. {command('claude-local', 'doctor', '--deep', 'cache')} says why;"
        " a router must keep sessions together.",
    )
    yield _alert(
        "ModelServerSlowToAnswer",
        f"({ask.quantile('ttft', 0.95)}) > 10",
        ("10m", "one long prompt is no trouble"),
        "warning",
        "at {{ $labels.instance }} one answer in twenty begins after {{ $value | humanizeDuration }} or later",
        f"Look at what waits and at the prefix cache. {command('claude-local', 'bench')} measures it.",
    )
    if replicas := ask.states("deployment_state", "api_base"):
        yield _alert(
            "GatewayReplicaDown",
            f"({replicas}) == 2",
            ("1m", "the gateway leaves it alone after failures"),
            "warning",
            "{{ $labels.instance }} sends nothing to {{ $labels.api_base }} any more",
            "Its sessions have moved to the other replicas. Start it again.",
        )


def _alert(
    name: str, expression: str, patience: tuple[str, str], severity: str, summary: str, description: str
) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expression,
        "for": Commented(*patience),
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "description": description},
    }
