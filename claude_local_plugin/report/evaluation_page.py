"""The page of an evaluation: the verdict first, how sure it is, why trials failed, and all that repeats it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from claude_local_plugin.evaluation.outcome import FAILURES, Trial
from claude_local_plugin.evaluation.report import Against, Report
from claude_local_plugin.evaluation.statistics import Outcomes, median_of, pass_at_1
from claude_local_plugin.report import charts, parts, words
from claude_local_plugin.report.charts import Span
from claude_local_plugin.report.html import Content, Markup, element
from claude_local_plugin.report.parts import Column, figure, section, table, tile
from claude_local_plugin.report.svg import About

#: Which pages are ours and may be replaced.
MARK = '<meta name="generator" content="claude-local eval'


def document(said: Report, *, made_at: datetime, version: str) -> str:
    """The whole document, in English."""
    title = f"How good is {words.clipped(said.result.conditions.model)} at Claude Code’s work?"
    content = [_header(said, title), element("main", _verdict(said), *_sections(said)), _footer(made_at, version)]
    return parts.document(content, title=title, mark=MARK, version=version)


def _header(said: Report, title: str) -> Markup:
    of, result = said.result.conditions, said.result
    server = ", ".join(each for each in (of.server, f"Claude Code {of.client}" if of.client else "") if each)
    repeated = f", each {of.repeat} times" if of.repeat > 1 else ""
    tasks = f"{words.plural(len(of.tasks), 'task')} of the suite {words.clipped(of.suite)}{repeated}"
    return element(
        "header",
        element("h1", title),
        element("p", f"{tasks}, on {words.clipped(of.url)}" + (f" ({server})." if server else ".")),
        element("p", f"Begun {_day(of.began)}.", class_="quiet") if of.began else None,
        element("p", f"Not whole yet: {len(result.trials)} of {result.wanted} trials have ended.", class_="quiet")
        if len(result.trials) < result.wanted
        else None,
    )


def _day(moment: str) -> str:
    """`28 Nov 2026 14:05 UTC`; what is no time stays as it is."""
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        return words.clipped(moment)
    return f"{words.day(when)} {when:%H:%M} UTC"


def _footer(made_at: datetime, version: str) -> Markup:
    return element(
        "footer",
        element(
            "p",
            f"Made by claude-local {version} on {words.moment(made_at, None)} from the evaluation’s results file. Every"
            " trial ran the real Claude Code in a repository that was thrown away, and was judged by a check that it"
            " never saw.",
        ),
    )


# --- the answer first


def _verdict(said: Report) -> list[Markup]:
    return [element("p", said.sentence, class_="verdict"), element("dl", *_tiles(said), class_="tiles")]


def _tiles(said: Report) -> Iterator[Markup]:
    if (share := said.share) is not None:
        passed = sum(row.count(True) for row in map(list, said.result.outcomes().values()))
        sure = f"{_percent(share.low)} to {_percent(share.high)} with 95 % certainty; {passed} of {share.trials} trials"
        yield tile("Passed (pass@1)", _percent(share.value), sure, kind="own")
    if said.power is not None:
        times = said.result.conditions.repeat
        yield tile(f"Passed every time (pass^{times})", _percent(said.power), f"of the tasks, {times} times in a row")
    failed = sum(said.failures.values())
    if failed:
        worst, count = said.failures.most_common(1)[0]
        yield tile("Failed", words.number(failed), f"most often ({count} ×): {FAILURES[worst].words}", kind="bad")
    if (seconds := said.medians["seconds"]) is not None and (turns := said.medians["turns"]) is not None:
        yield tile("A trial", _seconds(seconds), f"and {turns:g} turns (medians)")
    if said.valid is not None:
        yield tile("Tool calls", words.share(said.valid, 1), "were valid", kind=None if said.valid > 0.9 else "bad")
    if said.cost is not None:
        yield tile("Cost", f"{said.cost:,.2f}", "for all of it, at the prices in config.toml")
    if said.broken:
        yield tile("Broken", words.number(said.broken), "trials of which nothing follows: the check or the harness")


# --- the sections


def _sections(said: Report) -> Iterator[Markup]:
    if said.share is not None:
        yield section("kinds", "How sure, and at what", _kinds(said))
    if said.compared:
        yield section("compared", "Beside others", _compared(said))
    if said.failures:
        yield section("failures", "Why trials failed, and what mends it", _failures(said))
    if said.result.trials:
        yield section("tasks", "Task by task", _tasks(said))
        yield section("trial", "What a trial takes", _medians(said))
    yield section("repeat", "To repeat it", _repeat(said))


def _kinds(said: Report) -> Markup:
    kind_of = {trial.task: trial.kind for trial in said.result.trials}
    outcomes = said.result.outcomes()
    rows = [_span("all of it", outcomes)]
    for kind in said.kinds:
        rows.append(_span(kind, {task: row for task, row in outcomes.items() if kind_of[task] == kind}))
    title = "Share of trials that passed, by kind of work"
    cells = [(row.title, row.total, *(_percent(each) for each in (row.value, row.low, row.high))) for row in rows]
    return figure(
        About("kinds", title, "; ".join(f"{row.title}: {row.total}" for row in rows) + "."),
        "The dot is the share that passed, the line where the true one is with 95 % certainty (Wilson’s interval, for"
        " as many independent trials as the tasks vary like). Long lines mean few trials: --repeat shortens them.",
        lambda about, size: charts.spans(about, size, rows, _SHARES),
        table(
            title,
            (
                ("kind of work", "name"),
                ("trials", "number"),
                ("passed", "number"),
                ("from", "number"),
                ("to", "number"),
            ),
            cells,
        ),
        title,
    )


#: What is named on a scale of shares, and on one of differences.
_SHARES = tuple((each / 100, f"{each} %") for each in (0, 50, 100))
_POINTS = ((-1.0, "−100"), (0.0, "0"), (1.0, "+100"))


def _span(title: str, outcomes: Outcomes) -> Span:
    share = pass_at_1(outcomes)
    passed = sum(sum(row) for row in outcomes.values())
    return Span(title, f"{passed} of {share.trials} passed", share.value, share.low, share.high)


def _compared(said: Report) -> list[Content]:
    rows = [
        Span(each.name, each.short, each.found.value, each.found.low, each.found.high)
        for each in said.compared
        if each.found is not None
    ]
    told = [
        (
            each.name,
            each.sentence,
            "–" if each.found is None else words.number(each.found.tasks),
            "–" if each.found is None or each.found.more_trials is None else words.number(each.found.more_trials),
        )
        for each in said.compared
    ]
    title = "How far it is above or below, in points"
    numbers = table(
        title, (("beside", "name"), ("says", "name"), ("tasks in common", "number"), ("more trials", "number")), told
    )
    if not rows:
        return [numbers]
    chart = figure(
        About("compared", title, "; ".join(f"{row.title}: {row.total}" for row in rows) + "."),
        "Paired by task, over the tasks that are the same in both: right of the middle it passes more of them than the"
        " other one. Where the line crosses the middle the two cannot be told apart.",
        lambda about, size: charts.spans(about, size, rows, _POINTS),
        numbers,
        title,
    )
    return [[element("p", f"{each.name}: {each.sentence}.") for each in said.compared], chart]


_OF_FAILURES: Sequence[Column] = (
    ("failed by", "name"),
    ("trials", "number"),
    ("what mends it", "name"),
    ("doctor --deep", None),
    ("when", "name"),
)


def _failures(said: Report) -> Markup:
    rows = [
        (
            FAILURES[kind].words,
            words.number(count),
            FAILURES[kind].mend,
            FAILURES[kind].check or "–",
            FAILURES[kind].when,
        )
        for kind, count in said.failures.most_common()
    ]
    return table("Failures by kind", _OF_FAILURES, rows)


def _tasks(said: Report) -> list[Content]:
    others = [each for each in said.compared if each.outcomes]
    columns: list[Column] = [
        ("task", "name"),
        ("passed", "when"),
        ("why not", "name"),
        *((each.name, "name") for each in others),
        ("time", "number"),
        ("turns", "number"),
        ("kind", None),
    ]
    of = said.result.conditions
    by_task: dict[str, list[Trial]] = {task: [] for task in of.tasks}
    for trial in sorted(said.result.trials, key=lambda each: each.repeat):
        by_task.setdefault(trial.task, []).append(trial)
    rows = [_task(task, trials, others) for task, trials in sorted(by_task.items())]
    beside = element("p", "Beside it what the others made of the same task.", class_="quiet") if others else None
    return [beside, table("Task by task", columns, rows)]


def _task(task: str, trials: Sequence[Trial], others: Sequence[Against]) -> list[Content]:
    told = [trial for trial in trials if trial.passed is not None]
    passed = sum(bool(trial.passed) for trial in told)
    return [
        task,
        _passed(passed, len(told)),
        "; ".join(_why(trials)) or "–",
        *(_of(each.outcomes, task) for each in others),
        _seconds(_median(trials, "seconds")),
        f"{_median(trials, 'turns') or 0:g}" if trials else "–",
        trials[0].kind if trials else "–",
    ]


def _passed(passed: int, of: int) -> Content:
    if not of:
        return "not told"
    word = "✓ passed" if passed == of else "✗ failed" if passed == 0 else "± partly"
    mark = element("span", word, class_="mark bad" if passed < of else "mark")
    return mark if of == 1 else [mark, f" {passed} of {of}"]


def _of(outcomes: Outcomes, task: str) -> str:
    row = outcomes.get(task)
    if not row:
        return "–"
    return ("✓ passed" if row[0] else "✗ failed") if len(row) == 1 else f"{sum(row)} of {len(row)}"


def _why(trials: Sequence[Trial]) -> Iterator[str]:
    """Each way in which it failed, with how often and the first reason in words."""
    counts = Counter(trial.failure for trial in trials if trial.failure is not None)
    for kind, count in counts.most_common():
        reason = next((trial.reason for trial in trials if trial.failure == kind and trial.reason), "")
        times = f"{count} × " if count > 1 else ""
        yield f"{times}{FAILURES[kind].words}" + (f": {words.clipped(reason, 120)}" if reason else "")
    for trial in trials:
        if trial.passed is None:
            yield f"nothing follows: {words.clipped(trial.reason, 120)}"


#: Figures of a trial: what each is called, and how it is said.
_FIGURES = (
    ("turns", "turns"),
    ("seconds", "time"),
    ("tokens_in", "tokens read anew"),
    ("tokens_cached", "tokens read from the cache"),
    ("tokens_out", "tokens written"),
    ("ttft_ms", "first token after"),
    ("tokens_per_second", "tokens a second"),
)


def _medians(said: Report) -> Markup:
    rows = []
    for name, label in _FIGURES:
        values = sorted(value for trial in said.result.trials if (value := getattr(trial, name)) is not None)
        if values:
            slow = values[min(len(values) - 1, int(0.95 * len(values)))]
            rows.append((label, *(_figure(name, each) for each in (median_of(values), values[0], slow, values[-1]))))
    columns: Sequence[Column] = (
        ("a trial’s", "name"),
        ("median", "number"),
        ("least", "number"),
        ("95 % within", "number"),
        ("most", "number"),
    )
    return table("What a trial takes", columns, rows)


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if name == "seconds":
        return _seconds(value)
    return words.latency(value) if name == "ttft_ms" else words.number(value) if value >= 100 else f"{value:.3g}"


def _median(trials: Sequence[Trial], name: str) -> float | None:
    return median_of([getattr(trial, name) for trial in trials])


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.1f} s" if seconds < 10 else words.duration(seconds * 1000)


# --- to repeat it


_APART = "yes: a trial reached this server alone, and saw the system’s programs alone"


def _repeat(said: Report) -> Iterator[Markup]:
    of = said.result.conditions
    if of.command:
        yield element("pre", of.command, class_="scroll", tabindex=0)
    rows = [
        ("server", f"{of.server or 'not told'} at {of.url}"),
        ("model", f"{of.model}, window {of.window:,}" if of.window else of.model),
        ("Claude Code", of.client or "not told"),
        ("claude-local", of.claude_local or "not told"),
        ("machine", of.system or "not told"),
        ("profile", of.profile or "none"),
        ("suite", f"{of.suite}, SHA-256 {of.digest}"),
        ("each task", words.plural(of.repeat, "time")),
        ("seed", str(of.seed)),
        ("side by side", words.plural(of.parallel, "trial")),
        ("kept apart", _APART if of.isolated else "no: a trial saw this machine’s files, and reached its network"),
        *((("more options", " ".join(of.options)),) if of.options else ()),
    ]
    yield table("Conditions", (("what", None), ("was", "name")), rows)
    yield _folded("The settings that Claude Code was given, without secrets", _settings(of.settings))
    digests = [(task, digest) for task, digest in sorted(of.tasks.items())]
    yield _folded(
        "The tasks, each with its own SHA-256",
        table("The tasks and their hashes", (("task", None), ("SHA-256", None)), digests),
    )


def _settings(settings: Mapping[str, object]) -> Markup:
    lines = json.dumps(settings, indent=2, ensure_ascii=False, sort_keys=True).split("\n")
    # what is no HTML yet is made printable, line ends too
    return element("pre", [[line, Markup("\n")] for line in lines], class_="scroll", tabindex=0)


def _folded(title: str, content: Content) -> Markup:
    return element("details", element("summary", title), content)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
