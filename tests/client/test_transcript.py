"""What is counted from the real client's transcripts, beside what the server has really sent."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from claude_local_plugin.sessionlog import transcript
from tests.client.conftest import Person
from tests.client.scripted import Say, Script, ScriptedServer, Sums, call, failure, say, tool_results
from tests.client.terminal import ENTER, Terminal

pytestmark = pytest.mark.client

ROOT = Path(__file__).parents[2]

#: Counts the session's transcript as it is when a hook runs, and appends event, session and sums to a file.
HOOK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from claude_local_plugin.sessionlog import transcript
event = json.load(sys.stdin)
counted = {}
for path in transcript.files(event["transcript_path"]):
    uses, _, at_end = transcript.read(path, None)
    assert at_end
    for use in uses:
        if use.model:
            tokens = (use.input_tokens, use.output_tokens, use.cache_read_tokens, use.cache_write_tokens)
            sums = counted.setdefault(use.model, [0] * 5)
            counted[use.model] = [a + b for a, b in zip(sums, (use.messages, *tokens))]
with open(sys.argv[2], "a") as seen:
    seen.write(json.dumps([event["hook_event_name"], event["session_id"], counted]) + "\\n")
"""


class Talk:
    """A person's sessions with a scripted server, and the counting of their transcripts."""

    def __init__(self, person: Person, server: ScriptedServer, folder: Path) -> None:
        self.person = person
        self.server = server
        self._hooked = folder / "hooked.jsonl"
        self._positions: dict[str, str] = {}
        nowhere = "http://127.0.0.1:9"
        person.shell |= {
            "ANTHROPIC_BASE_URL": server.url,
            "ANTHROPIC_AUTH_TOKEN": "placeholder",
            "ANTHROPIC_MODEL": "m-main",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "100000",
            "HTTPS_PROXY": nowhere,
            "NO_PROXY": "127.0.0.1",
        }
        (folder / "hook.py").write_text(HOOK)
        arguments = ["-I", "-S", str(folder / "hook.py"), str(ROOT), str(self._hooked)]
        hook = {"type": "command", "command": sys.executable, "args": arguments, "timeout": 20}
        settings = {
            "permissions": {"defaultMode": "default", "allow": ["Bash", "Agent"]},
            "hooks": {event: [{"hooks": [hook]}] for event in ("Stop", "SessionEnd")},
        }
        (person.home / ".claude").mkdir()
        (person.home / ".claude" / "settings.json").write_text(json.dumps(settings))
        trusted = {str(person.project): {"hasTrustDialogAccepted": True}}
        (person.home / ".claude.json").write_text(json.dumps({"hasCompletedOnboarding": True, "projects": trusted}))

    def ask(self, prompt: str, *arguments: str) -> dict[str, Any]:
        """The result of one `claude -p`."""
        ended = self.person.session(prompt, "--output-format", "json", *arguments)
        answer: dict[str, Any] = json.loads(ended.stdout)
        return answer

    def file(self, session_id: str) -> Path:
        (found,) = (self.person.home / ".claude" / "projects").glob(f"*/{session_id}.jsonl")
        return found

    def news(self, session_id: str) -> list[transcript.Use]:
        """What has come to a session's files since this was last asked."""
        uses: list[transcript.Use] = []
        for path in transcript.files(str(self.file(session_id))):
            more, self._positions[path], at_end = transcript.read(path, self._positions.get(path))
            assert at_end
            uses += more
        return uses

    def declared(self, session_id: str) -> dict[str, tuple[int, ...]]:
        """The client's own totals by model, which it writes down as the session ends."""
        lines = [json.loads(line) for line in self.file(session_id).read_text().splitlines()]
        names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
        totals = [line["modelUsage"] for line in lines if line["type"] == "cost-state"][-1]
        return {model: tuple(usage[name] for name in names) for model, usage in totals.items()}

    def hooked(self, event: str) -> list[tuple[str, dict[str, Sums]]]:
        """What hooks of this event counted, by session."""
        rows = [json.loads(line) for line in self._hooked.read_text().splitlines()]
        return [(row[1], {model: Sums(*sums) for model, sums in row[2].items()}) for row in rows if row[0] == event]


@pytest.fixture
def talk(person: Person, tmp_path: Path) -> Any:
    @contextmanager
    def begin(script: Script, **shell: str) -> Iterator[Talk]:
        with ScriptedServer(script) as server:
            begun = Talk(person, server, tmp_path)
            person.shell |= shell
            yield begun

    return begin


def by_model(uses: list[transcript.Use]) -> dict[str, Sums]:
    sums: dict[str, Sums] = {}
    for use in uses:
        if use.model:
            tokens = (use.input_tokens, use.output_tokens, use.cache_read_tokens, use.cache_write_tokens)
            sums[use.model] = sums.get(use.model, Sums()).plus(use.messages, *tokens)
    return sums


def without_messages(sums: dict[str, Sums]) -> dict[str, tuple[int, ...]]:
    return {model: tuple(of_model[1:]) for model, of_model in sums.items()}


def first(body: Mapping[str, Any]) -> str:
    """How this conversation began."""
    return json.dumps(body["messages"][:2])


def bash(command: str) -> dict[str, Any]:
    return call("Bash", command=command, description="a test")


def agent(prompt: str, kind: str = "general-purpose") -> dict[str, Any]:
    return call("Agent", description="a test", prompt=prompt, subagent_type=kind, run_in_background=False)


def test_turns_with_tools_and_subagents_come_to_what_the_server_sent_and_the_client_declares(talk: Any) -> None:
    def script(body: Mapping[str, Any]) -> Say:
        done = tool_results(body)
        if "the innermost" in first(body):
            return say(output=1000)
        if "the helper" in first(body):
            return say("so", bash("echo a"), agent("the innermost"), output=100) if not done else say(output=101)
        if not done:
            return say("well", bash("echo b"), bash("sleep 0.3; echo c"), input=90, output=57, cache_read=11, pause=0.2)
        return say(agent("the helper"), output=10) if done == 2 else say("pong", "and pong", output=11)

    with talk(script, CLAUDE_CODE_SUBAGENT_MODEL="m-sub") as t:
        session_id = t.ask("ping")["session_id"]
        counted = by_model(t.news(session_id))
        assert set(counted) == {"m-main", "m-sub"}
        assert counted["m-sub"].messages == 3
        assert counted == t.server.sent
        for _ in range(2):  # the same file goes on, and so do the client's totals
            assert t.ask("ping", "--resume", session_id)["session_id"] == session_id
            news = t.news(session_id)
            assert by_model(news) == {"m-main": Sums(1, 5, 11, 7, 2)}
            counted["m-main"] = counted["m-main"].plus(*by_model(news)["m-main"])
            assert counted == t.server.sent
        assert t.declared(session_id) == without_messages(counted)
        assert t.hooked("SessionEnd")[-1] == (session_id, counted)


def test_what_a_fork_brings_along_is_not_counted_again(talk: Any) -> None:
    with talk(lambda _: say()) as t:
        origin = t.ask("ping")["session_id"]
        t.news(origin)
        fork = t.ask("ping", "--resume", origin, "--fork-session")["session_id"]
        assert fork != origin
        assert t.file(fork).read_text().count('"id":"msg_') == 2
        assert by_model(t.news(fork)) == {"m-main": say().sums}
        assert t.news(origin) == []
        # the client's totals of a fork go on from its origin's
        assert t.declared(fork) == without_messages(t.server.sent)


def test_a_forked_subagent_is_counted_without_its_parents_call(talk: Any) -> None:
    def script(body: Mapping[str, Any]) -> Say:
        if "the fork" in json.dumps(body["messages"][-1]):
            return say(output=101)
        done = tool_results(body)
        return say("well", bash("echo"), agent("the fork", "fork"), output=20) if not done else say(output=9)

    with talk(script, CLAUDE_CODE_FORK_SUBAGENT="1") as t:
        session_id = t.ask("ping")["session_id"]
        (path,) = transcript.files(str(t.file(session_id)))[1:]
        assert Path(path).read_text().count('"id":"msg_') == 2
        uses = t.news(session_id)
        assert [use.output_tokens for use in uses if use.side] == [101]
        assert by_model(uses) == t.server.sent


def test_repeated_requests_and_errors_are_counted_and_an_answer_cut_short_as_far_as_it_came(talk: Any) -> None:
    answers = iter([failure(500), failure(529), say(), say("cut", "short", input=50, stops_after=1, pause=0.4), say()])
    with talk(lambda _: next(answers, failure(404))) as t:
        session_id = t.ask("ping")["session_id"]
        uses = t.news(session_id)
        assert [use.retry for use in uses] == [True, True, False]
        assert by_model(uses) == t.server.sent
        t.ask("ping", "--resume", session_id)
        # the counts of the beginning: the others have never come
        assert by_model(t.news(session_id)) == {"m-main": Sums(1, 50, 1, 7, 2).plus(*say().sums)}
        t.ask("ping", "--resume", session_id)
        assert [use.error for use in t.news(session_id)] == ["model_not_found"]


def test_a_servers_own_name_for_the_model_and_its_single_id_do_not_matter(talk: Any) -> None:
    def script(body: Mapping[str, Any]) -> Say:
        blocks = () if tool_results(body) else (bash("echo"),)
        return say(*blocks, id="msg_1", model="served-name")

    with talk(script) as t:
        session_id = t.ask("ping", "--model", "m-small")["session_id"]
        assert by_model(t.news(session_id)) == t.server.sent == {"m-small": Sums(2, 10, 6, 14, 4)}
        assert t.declared(session_id) == without_messages(t.server.sent)


def test_a_compactions_summary_is_in_the_clients_totals_only(talk: Any) -> None:
    with talk(lambda body: say("<summary>x</summary>", output=500) if "<summary>" in str(body) else say()) as t:
        session_id = t.ask("ping")["session_id"]
        t.ask("/compact", "--resume", session_id)
        assert by_model(t.news(session_id)) == {"m-main": say().sums}
        assert t.server.sent == {"m-main": Sums(2, 10, 503, 14, 4)}
        assert t.declared(session_id) == without_messages(t.server.sent)


def test_in_a_terminal_the_end_of_each_session_sees_all_of_it(talk: Any) -> None:
    def script(body: Mapping[str, Any]) -> Say:
        if "slowly" in json.dumps(body["messages"][-1]):
            return say("one", "two", "three", input=50, output=70, pause=3)
        return say()

    with talk(script) as t:
        person = t.person
        with Terminal([str(person.claude)], cwd=person.project, environ=person.environ) as terminal:

            def enter(text: str, answer: str) -> None:
                terminal.settle()
                terminal.forget()
                terminal.type(text)
                terminal.settle(0.3)
                terminal.type(ENTER)
                terminal.wait_for(answer)

            terminal.wait_for("❯")
            enter("ping", "●pong")
            enter("slowly", "●one")
            terminal.type(b"\x1b")
            terminal.wait_for("Interrupted")
            enter("/clear", "❯")
            enter("ping", "●pong")
            enter("/branch", "Branchedsession")
            enter("ping", "●pong")
            terminal.settle()
            terminal.type("/exit")
            terminal.settle(0.3)
            terminal.type(ENTER)
            assert terminal.wait_for_exit() == 0
        seen = t.hooked("SessionEnd")
        # an interrupted answer has the counts it began with; a branch begins with a copy of the session it leaves
        expected = [Sums(2, 55, 4, 14, 4), say().sums, say().sums]
        assert [sums for _, sums in seen] == [{"m-main": sums} for sums in expected]
        for session_id, sums in seen:
            assert by_model(t.news(session_id)) == sums
