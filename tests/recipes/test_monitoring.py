"""Alerts and dashboard: what promtool says of them, when alerts fire, what a real Prometheus answers to each panel."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from claude_local_plugin.core.urls import parse_url
from claude_local_plugin.recipes.monitoring import grafana, prometheus
from claude_local_plugin.recipes.monitoring.expressions import Ask, measured
from claude_local_plugin.recipes.monitoring.prometheus import CONFIG, RULES, Scraped
from claude_local_plugin.servers import kinds
from claude_local_plugin.yaml_document import parse
from tests.programs import program
from tests.real_servers.light import NEEDED, llama, require
from tests.recipes.monitored import prometheus as running_prometheus
from tests.recipes.monitored import until, working

HERE = Path(__file__).parent
ASK = Ask(measured())
PANELS = grafana.panels(measured())

NEW_VLLM = {"vllm-0.32.0", "vllm-0.33.0"}
VLLM = NEW_VLLM | {"vllm-0.33.0-rust"}
ENGINES = VLLM | {"llama.cpp"}
#: Panel -> what is to be seen in it. The Rust frontend's record is of a server that nobody had asked anything: it has
#: no histogram yet, and counts neither requests nor what it reads.
SEEN = {
    "Answers": ENGINES | {"litellm-1.110.2"},
    "Requests": ENGINES | {"litellm-1.110.2"},
    "KV cache": VLLM,
    "Prefix cache: share of prompts found": ENGINES,
    "Time to the first token": NEW_VLLM | {"litellm-1.110.2"},
    "Time between tokens": NEW_VLLM,
    "Tokens read": NEW_VLLM | {"llama.cpp", "litellm-1.110.2"},
    "Tokens written": ENGINES | {"litellm-1.110.2"},
    "Requests finished": NEW_VLLM | {"litellm-1.110.2"},
    "Time in the queue": NEW_VLLM,
    "Conversations thrown out": VLLM,
    "Tool calls": NEW_VLLM,
    "Replicas behind a gateway": {"litellm-1.110.2"},
}


def filled(question: str) -> str:
    """The question as Grafana asks it."""
    return question.replace("$instance", ".*").replace(grafana.WINDOW, "1m")


def written(folder: Path, servers: Sequence[tuple[str, str]]) -> Path:
    """The configuration for these servers (URL, kind) and its alerts, in a folder."""
    scraped = [Scraped(target, kind) for url, kind in servers if (target := parse_url(url)) is not None]
    # a test does not wait a quarter of a minute for a look
    text = prometheus.config(scraped).replace("scrape_interval: 15s", "scrape_interval: 1s")
    assert "scrape_interval: 1s" in text
    (folder / CONFIG).write_text(text, encoding="utf-8")
    (folder / RULES).write_text(prometheus.rules(ASK), encoding="utf-8")
    return folder / CONFIG


def promtool(*arguments: str) -> str:
    ended = subprocess.run(
        [program("promtool", "prometheus"), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def rules() -> list[dict[str, Any]]:
    node = parse(prometheus.rules(ASK), RULES)
    assert node is not None
    found: list[dict[str, Any]] = node.plain()["groups"][0]["rules"]
    return found


@pytest.mark.programs
def test_promtool_takes_the_configuration_and_the_alerts(tmp_path: Path) -> None:
    config = written(tmp_path, (("http://a:8000", "vllm"), ("https://gw/llm", "litellm")))
    said = promtool("check", "config", str(config))
    assert f"SUCCESS: {len(rules())} rules found" in said
    node = parse(config.read_text(encoding="utf-8"), CONFIG)
    assert node is not None
    jobs = node.plain()["scrape_configs"]
    assert [(job["job_name"], job.get("scheme"), job["metrics_path"]) for job in jobs] == [
        ("claude-local", None, "/metrics"),
        ("claude-local-2", "https", "/llm/metrics"),
    ]
    assert jobs[1]["static_configs"] == [{"targets": ["gw:443"], "labels": {"kind": "litellm"}}]


@pytest.mark.programs
def test_promtool_understands_the_question_of_every_panel(tmp_path: Path) -> None:
    questions = [filled(question) for panel in PANELS for _, question in panel.lines]
    asked = {"groups": [{"name": "g", "rules": [{"record": f"q{n}", "expr": q} for n, q in enumerate(questions)]}]}
    (tmp_path / "q.yml").write_text(json.dumps(asked), encoding="utf-8")
    assert f"SUCCESS: {len(questions)} rules found" in promtool("check", "rules", str(tmp_path / "q.yml"))


#: What a server's series are, one value a minute; when it is looked at; and what is said, if anything.
TROUBLES: tuple[tuple[str, dict[str, str], str, dict[str, str]], ...] = (
    ("up, and then not", {"up{I}": "1x5 0x20"}, "9m", {"ModelServerDown": "a:8000 does not answer any more"}),
    ("away for a moment", {"up{I}": "1x5 0 1x20"}, "9m", {}),
    (
        "not up for 20 minutes",
        {"up{I}": "0x40"},
        "21m",
        {"ModelServerLoadingTooLong": "a:8000 has not answered for 20 minutes"},
    ),
    ("loading", {"up{I}": "0x40"}, "15m", {}),
    (
        "requests wait",
        {"vllm:num_requests_waiting{I}": "3x20"},
        "6m",
        {"ModelServerRequestsWait": "3 requests wait at a:8000"},
    ),
    (
        "requests wait in llama.cpp",
        {"llamacpp:requests_deferred{I}": "1x20"},
        "6m",
        {"ModelServerRequestsWait": "1 requests wait at a:8000"},
    ),
    (
        "two engines wait",
        {"vllm:num_requests_waiting{I,engine='0'}": "3x20", "vllm:num_requests_waiting{I,engine='1'}": "4x20"},
        "6m",
        {"ModelServerRequestsWait": "7 requests wait at a:8000"},
    ),
    ("none waits", {"vllm:num_requests_waiting{I}": "0x20"}, "6m", {}),
    (
        "a full cache",
        {"vllm:kv_cache_usage_perc{I}": "0.95x20"},
        "6m",
        {"ModelServerCacheFull": "the KV cache of a:8000 is 95% full"},
    ),
    (
        "a full cache of an older vLLM",
        {"vllm:gpu_cache_usage_perc{I}": "0.95x20"},
        "6m",
        {"ModelServerCacheFull": "the KV cache of a:8000 is 95% full"},
    ),
    ("a used cache", {"vllm:kv_cache_usage_perc{I}": "0.8x20"}, "6m", {}),
    (
        "prefixes miss",
        {"vllm:prefix_cache_queries_total{I}": "0+60000x60", "vllm:prefix_cache_hits_total{I}": "0+6000x60"},
        "40m",
        {"ModelServerPrefixesMiss": "only 10% of the prompts at a:8000 are in its prefix cache"},
    ),
    (
        "prefixes miss in llama.cpp",
        {"llamacpp:prompt_tokens_total{I}": "0+45000x60", "llamacpp:prompt_tokens_cached_total{I}": "0+15000x60"},
        "40m",
        {"ModelServerPrefixesMiss": "only 25% of the prompts at a:8000 are in its prefix cache"},
    ),
    (
        "prefixes are found",
        {"vllm:prefix_cache_queries_total{I}": "0+60000x60", "vllm:prefix_cache_hits_total{I}": "0+54000x60"},
        "40m",
        {},
    ),
    (
        "hardly anybody is there",
        {"vllm:prefix_cache_queries_total{I}": "0+60x60", "vllm:prefix_cache_hits_total{I}": "0+6x60"},
        "40m",
        {},
    ),
    (
        "slow",
        {
            "vllm:time_to_first_token_seconds_bucket{I,le='10.0'}": "0x40",
            "vllm:time_to_first_token_seconds_bucket{I,le='40.0'}": "0+9x40",
            "vllm:time_to_first_token_seconds_bucket{I,le='+Inf'}": "0+9x40",
        },
        "20m",
        {"ModelServerSlowToAnswer": "at a:8000 one answer in twenty begins after 38.5s or later"},
    ),
    (
        "quick",
        {
            "vllm:time_to_first_token_seconds_bucket{I,le='10.0'}": "0+9x40",
            "vllm:time_to_first_token_seconds_bucket{I,le='+Inf'}": "0+9x40",
        },
        "20m",
        {},
    ),
    (
        "a gateway's replica is left alone",
        {"litellm_deployment_state{I,api_base='http://b/v1'}": "2x20"},
        "3m",
        {"GatewayReplicaDown": "a:8000 sends nothing to http://b/v1 any more"},
    ),
    ("a gateway's replica is well", {"litellm_deployment_state{I,api_base='http://b/v1'}": "0x20"}, "3m", {}),
    (
        "somebody else's server",
        {
            "up{job='node',instance='a:9100'}": "0x40",
            "vllm:num_requests_waiting{job='other',instance='a:8000'}": "9x40",
        },
        "30m",
        {},
    ),
)


@pytest.mark.programs
def test_alerts_fire_when_there_is_trouble_and_at_no_other_time(tmp_path: Path) -> None:
    (tmp_path / RULES).write_text(prometheus.rules(ASK), encoding="utf-8")
    tests = [_case(*trouble) for trouble in TROUBLES]
    document = {"rule_files": [RULES], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.yml").write_text(json.dumps(document), encoding="utf-8")
    promtool("test", "rules", str(tmp_path / "tests.yml"))
    assert {name for *_, said in TROUBLES for name in said} == {rule["alert"] for rule in rules()}


def _case(name: str, series: dict[str, str], at: str, said: dict[str, str]) -> dict[str, Any]:
    """A test as promtool takes it: of every alert, those that fire."""
    asked = []
    for rule in rules():
        alert, more = rule["alert"], {}
        expected: list[dict[str, Any]] = []
        if alert in said:
            if alert.startswith("GatewayReplica"):
                more = {"api_base": "http://b/v1"}
            if alert.startswith(("ModelServerDown", "ModelServerLoading")):
                more = {"job": "claude-local"}
            expected = [
                {
                    "exp_labels": {"severity": rule["labels"]["severity"], "instance": "a:8000", **more},
                    "exp_annotations": {"summary": said[alert], "description": rule["annotations"]["description"]},
                }
            ]
        asked.append({"eval_time": at, "alertname": alert, "exp_alerts": expected})
    given = [
        {"series": name.replace("I", "job='claude-local',instance='a:8000'", 1) if "{I" in name else name, "values": v}
        for name, v in series.items()
    ]
    return {"name": name, "interval": "1m", "input_series": given, "alert_rule_test": asked}


def test_the_dashboard_is_one_that_grafana_can_show() -> None:
    made = json.loads(grafana.dashboard(measured()))
    schema = json.loads((HERE / "grafana-dashboard.schema.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(made)] == []
    places = {(x, y) for panel in made["panels"] for x, y in [(panel["gridPos"]["x"], panel["gridPos"]["y"])]}
    assert len(places) == len(made["panels"]) == len({panel["id"] for panel in made["panels"]})
    variables = {each["name"] for each in made["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(made["panels"])))
    assert used - variables == {"__rate_interval"}


def test_every_metric_that_a_kind_has_a_name_for_is_asked_for() -> None:
    asked = "\n".join(question for panel in PANELS for _, question in panel.lines)
    for kind in measured():
        assert kind.metrics is not None
        names = [
            name for table in (kind.metrics.names, kind.metrics.charted) for each in table.values() for name in each
        ]
        assert [name for name in names if name not in asked] == []


def test_of_one_kind_alone_nothing_of_others_is_asked() -> None:
    for kind in measured():
        assert kind.metrics is not None
        others = [each.metrics.prefix for each in measured() if each is not kind and each.metrics is not None]
        text = grafana.dashboard(measured((kind.name,)))
        assert kind.metrics.prefix in text
        assert [prefix for prefix in others if prefix in text] == []


@pytest.mark.programs
@pytest.mark.light_server
@pytest.mark.process
def test_a_real_prometheus_answers_every_panel_for_every_server_that_tells(tmp_path: Path) -> None:
    require(*NEEDED)
    from tests.real_servers.tiny_gguf import make

    with (
        llama(make(tmp_path / "tiny.gguf")) as real,
        working("vllm-0.32.0") as first,
        working("vllm-0.33.0") as second,
        working("vllm-0.33.0-rust") as third,
        working("litellm-1.110.2") as gateway,
    ):
        urls = {
            "llama.cpp": real.url,
            "vllm-0.32.0": first,
            "vllm-0.33.0": second,
            "vllm-0.33.0-rust": third,
            "litellm-1.110.2": gateway,
        }
        names = {url.removeprefix("http://"): name for name, url in urls.items()}
        servers = [(url, next(kind for kind in kinds.ALL if name.startswith(kind))) for name, url in urls.items()]
        with running_prometheus(tmp_path, written(tmp_path, servers)) as ask:
            _speak(real.url)
            until(lambda: len(ask('count_over_time(up{job="claude-local"}[1h]) >= 3')) == len(urls))
            _speak(real.url)
            until(lambda: _hit_rates(ask, names).get("llama.cpp", 0) > 0)
            answers = {
                panel.title: [row for _, question in panel.lines for row in ask(filled(question))] for panel in PANELS
            }
            figures = _hit_rates(ask, names)
            assert [len(ask(rule["expr"])) for rule in rules() if "Down" in rule["alert"]] == [0, 2]
    seen = {title: {names[row["metric"]["instance"]] for row in rows} for title, rows in answers.items()}
    assert seen == SEEN
    assert figures["vllm-0.32.0"] == pytest.approx(0.8)
    assert figures["vllm-0.33.0-rust"] == pytest.approx(0.8)
    assert 0 < figures["llama.cpp"] < 1


def _hit_rates(ask: Callable[[str], list[dict[str, Any]]], names: dict[str, str]) -> dict[str, float]:
    rows = ask(Ask(measured(), "1m").hit_rate())
    return {names[row["metric"]["instance"]]: float(row["value"][1]) for row in rows}


def _speak(url: str) -> None:
    """Two requests that begin alike: the second finds the first one's prompt in the cache."""
    for end in ("one", "two"):
        text = "The same beginning of a prompt, over and over. " * 20 + end
        body = json.dumps({"model": "m", "max_tokens": 4, "messages": [{"role": "user", "content": text}]}).encode()
        request = urllib.request.Request(f"{url}/v1/messages", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
