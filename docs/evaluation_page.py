"""Writes docs/evaluation.md anew from the suites: `python docs/evaluation_page.py`."""

from pathlib import Path

from claude_local_plugin.evaluation.outcome import FAILURES
from claude_local_plugin.evaluation.suite import SHIPPED, Suite, suite

PAGE = Path(__file__).with_name("evaluation.md")

HEAD = """# How good is a model at Claude Code's work?

A *task* is a small repository and what an agent is told to do in it. Afterwards a hidden check, which the agent never
sees, says whether the result is right. A *suite* is a folder of tasks. `claude-local eval --list` shows those that came
with claude-local; the lists on this page are made of them (`python docs/evaluation_page.py`).

```console
$ claude-local eval --list
$ claude-local eval --list --suite core --tasks 'long*' --json
$ claude-local eval --profile spark                                # smoke, each task once
$ claude-local eval --profile spark --suite core --repeat 3 --parallel 2 --compare qwen3.6-35b
```

## What is measured

Each trial runs the real Claude Code (`claude -p`) on a task, with the settings that `claude-local run` would give it on
that server and nothing of yours, in a repository and a home that are thrown away. Where Linux allows namespaces it
sees of this machine only the system's programs, and reaches the server and nobody else; the check afterwards is run in
such a box, too (that of a task of your own sees your programs, and can change nothing). The box takes `unshare` of
util-linux and nothing more: bubblewrap, which is made of the same namespaces, is not needed. Elsewhere it says why
there is none, and asks on a terminal; a script needs `--no-isolation`, which lets trials see this machine. A task's
limits of turns, minutes and tokens end a trial with all that it has started.

The answer is *pass@1*, the share of trials that pass, with its 95 % interval (Wilson's, for as many independent trials
as the tasks vary like); *pass^k*, the share of tasks passed k times in a row; medians of turns, time and tokens; and
for each failure what it was and what mends it:

| a trial failed by | when | what mends it | check of `doctor --deep` |
| --- | --- | --- | --- |
{failures}

What ended a session counts before what the model did in it, and that before what is wrong with the result. Two results
are compared by `--compare`, with a results file or the name of a profile or model that was evaluated here before: task
by task, those that are the same in both; where the interval leaves open which is better it says so, and about how many
more trials would tell. Each line of the results file is a trial, and its first line holds what is needed to repeat it:
versions, server, model, settings without secrets, the tasks' hashes, the seed. Broken off, even killed, the same
command goes on where it was; two do not write into one file. `--show FILE` reports on such a file without a server.
`--html FILE` writes one page beside what is printed: the sentence to act on, the shares with their intervals, each
task, each failure with what mends it, and all that repeats it; it needs no network, and replaces no file that is not
such a page. Costs are those of the prices in config.toml.

A server that goes away in the middle is waited for, ten minutes at most, and fails no model: a trial that got no word
of it begins again, once, and what is left after that is left for the same command. Nothing follows from a trial whose
check is broken, whose client never began (one that is too old, say), or that found no room for its files; the same
command tries it again.

Anthropic's API is evaluated only where it is named in so many words: by `--cloud`, with its model and with
`--cost-limit AMOUNT`. Whoever leaves one out is told what it would cost and the command that does it, and nobody is
asked anything (exit code 2). With all of them the cost is said before the first trial, by what these tasks took here
before, or else by their limits of tokens, a twentieth of them written; a terminal is asked, and Enter says no.
None begins once the amount is spent: what runs then still ends, and the rest is left. The key is that of
`ANTHROPIC_API_KEY`, `CLAUDE_CODE_OAUTH_TOKEN` or `--token-env`, since a trial has not your login. `--cost-limit` is
asked for as well for any address that is not on a network of your own.

## Measured here

Results are kept in `evaluations/` of claude-local's state folder, unless `--output` says another place. From there they
speak wherever their server or model does, in a line such as `measured here: 22 of 30 (56 to 86 %), core, 2026-11-28; 9
turns, 84 s a trial`:

| where | of which results | what of it |
| --- | --- | --- |
| `profile show` | this address, and the profile's model | the line, for each suite |
| `recipe show` | servers that serve it under a name by which it is known | the line, with model and address |
| `enable` | this address and this model | the line, before it asks |
| `bench` | this address and this model | the line, and how often a turn's time goes into GuardKit's time-out |
| `run … -- guardkit` | this address and this model | `GUARDKIT_TIMEOUT_MULTIPLIER`, instead of 4.0 |

Of several results of one suite the one with the most tasks counts, and of those the newest; none that is older than 180
days. What was otherwise then is said behind it, as far as it is known: another version of the server or of Claude Code,
another window, longest answer, system prompt, tool search or thinking, tasks that have been changed since, trials that
were not kept apart. Addresses are compared, not machines: another model under the same name at the same address is
taken for the same.

GuardKit gives a task 1,200 seconds and 100 turns, times its multiplier. Measured, it is three times the median turn ×
100 turns over those seconds, up to the next half, and 2.0 at least, since less is no local server for it.

What an evaluation that was killed leaves in the folder for temporary files, the next one removes.

What is done for a trial beside running the client, in percent of the client's own time over the tasks of `smoke`
(`python -m tests.benchmarks --only eval`, 29 November 2026, two very busy cores, 18 trials each; the first row is the
worst case, a server that needs no time at all):

| the server answers | client, a trial | beside it | the repository | the check | box and folders |
| --- | --- | --- | --- | --- | --- |
| at once | 6.9 s | 9.1 % | 1.8 % | 2.8 % | 4.5 % |
| in 2 s | 12.8 s | 3.7 % | 1.1 % | 0.9 % | 1.8 % |

Trials side by side do not disturb each other: the same agents, one trial at a time, two and four, came to the same
results, turns, calls and tokens.

The judge is judged by agents of known skill, which need no GPU: eight of them through the real Claude Code over `core`
came to 28, 24, 22, 18, 15, 10, 6 and 5 of 30, each trial as it was drawn (`python -m tests.evaluation.record_judged
CLAUDE` says it anew, `tests/evaluation/judged.json` is the record). Over 1,000 drawn evaluations of `core` × 3 the 95 %
intervals have each agent's true rate in 94.4 to 95.5 %. Agents that draw from the same numbers are ranked right each
time; two that are 12 points apart and draw each for itself are not always: that is what the intervals say.

## The tasks

No task needs a network, or anything beyond Python 3.11, git and a POSIX shell. Each comes with a reference solution
that its check passes, and with three wrong solutions or more that somebody might hand in, which it refuses, each for
the reason that stands in the task: half done, hard-coded, the test changed instead of the code, a neighbour broken.
The tests of claude-local ask that of every task.
"""

FORM = """## A task of your own

```console
$ claude-local eval new tasks/my-task        # a small one that works, to be changed
$ claude-local eval from-git HEAD~3          # one of a commit of yours
$ claude-local eval check tasks              # are they sound? exit code 1 when one is not
$ claude-local eval --suite tasks --profile spark
```

`eval check` judges what lies in a task's folder as it would a trial's result, in a box where there can be one. The
check has to pass the reference solution, twice, to refuse what nobody touched, and to refuse each wrong solution for
the reason that stands in `task.toml`; three wrong ones or more are wanted (`--wrong N`). The repository has to be the
same each time, with nothing in it of what judges; the prompt must not speak of the check or of the solutions, nor have
a line of theirs in it that the repository has not. What is wrong is named with its place and with what mends it.

| in the folder | what it is |
| --- | --- |
| `task.toml` | What the agent is told and may use, and what is to be said of each wrong solution: below. |
| `repo/` | What the agent gets: a copy of it, with one commit, for each trial. |
| `generate.py` | Adds generated files: run with the copy's folder as its argument, it writes the same each time. |
| `check.py` | Judges the result: below. |
| `solution/` | The files of the reference solution, laid over `repo/`. |
| `wrong/NAME/` | The files of a solution that the check must refuse. |
| `hidden/` | What `check.py` needs besides; tests of a commit, for one. |

The folder's name is the task's: small letters, digits and hyphens.

| in `task.toml` | |
| --- | --- |
| `what` | What the task is for, in a line. |
| `prompt` | What the agent is told. Whatever is judged must follow from it. |
| `tools` | The tools that it has. |
| `must_call` | Tools of which each must have been called. |
| `tags` | The first is the kind of work. |
| `difficulty` | 1 to 5. |
| `limits` | `turns`, `minutes`, and `tokens`: those of all requests together, read and written. |
| `nothing_to_do` | `true` where the repository is right as it is; then there is no solution. |
| `check_seconds` | How long the check may take; 60 if nothing is said. |
| `[solution]` | `deletes`: files that are not there in the solution. |
| `[wrong.NAME]` | `what` is wrong with it, and `refused`: a part of the reason that the check gives; `deletes`, too. |

The whole form is a JSON Schema: `schemas/eval-task.schema.json`.

### check.py

It is run by the Python of claude-local, isolated (`-I`), in a process of its own with an empty environment and with the
result's folder as its argument.

| exit code | and it says | the result is |
| --- | --- | --- |
| 0 | | right |
| 1 | a line on standard output | wrong, for that reason |
| anything else, 1 without a line, or too long | | not judged: the check itself is broken |

The agent's code is somebody else's: it may end its process, never end, or print what a check would print. So a check
runs it at arm's length, with what `claude_local_plugin.evaluation.judging` brings:

| | |
| --- | --- |
| `only_changed("a.py", "docs/*")` | Wrong where another file was changed, made or removed. |
| `python("import a; answer(a.f(1))")` | What code in the result's folder hands to `answer`; wrong where it fails. |
| `run("sh", "x.sh")` | A program that is run there. |
| `unit_tests_pass(least=3)` | Wrong where a unit test fails, or where there are fewer. |
| `unit_tests_notice("a.py", broken, "what")` | Wrong where the result's own tests pass with this file broken. |
| `text`, `document`, `original` | A file of the result as text or as JSON, and the one that was given. |
| `is_exactly`, `answered` | Wrong where a file is another text, to the byte or but for blanks. |
| `changed(hidden())` | A copy of the result with the files of `hidden/` in it. |
| `wrong("why")` | Ends the check. |

### Of a commit

`claude-local eval from-git COMMIT` takes the commit's parent as `repo/`, its message as the prompt, the commit as the
reference solution, and the test files that it adds or changes as the hidden check. Before the task is written the tests
are run on both: they must fail on the parent and pass on the commit. What is taken for a test: files in folders such as
`tests/`, `test/` and `spec/`, and names such as `test_x.py`, `x_test.go`, `x.spec.ts` and `XTest.java`.

Python's are run by the interpreter of `VIRTUAL_ENV`, of the repository's `.venv` or `venv`, or by `python3`, with
pytest where it has that. Others need `--run`, as in `--run 'npm test'`. The paths of your programs then stand in
`check.py`, so such a task is for your machine. A commit without tests is refused. The parent is the one wrong solution
that is proved so: `eval check --wrong 0` is content with it.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD.replace("{failures}", failures()), *map(part, map(suite, SHIPPED)), FORM])


def failures() -> str:
    """The ways to fail, a row each."""
    rows = (
        f"| {each.words} | {each.when} | {each.mend} | {f'`{each.check}`' if each.check else ''} |"
        for each in FAILURES.values()
    )
    return "\n".join(rows)


def part(of: Suite) -> str:
    """The tasks of one suite, each with what it is for."""
    rows = [
        f"| `{task.id}` | {', '.join(task.tags)} | {task.difficulty} | {task.limits.turns} | {task.what} |"
        for task in of.tasks
    ]
    head = f"## The suite {of.name}: {len(of.tasks)} tasks"
    return "\n".join(
        [head, "", "| task | tags | 1–5 | turns | what it is for |", "| --- | --- | --- | --- | --- |", *rows, ""]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
