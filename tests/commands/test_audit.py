"""`audit`: the compliance question, answered by exit code, from what is on record and with what is not."""

from pathlib import Path

import pytest

from claude_local_plugin.core.config import Config
from tests.commands.place import Place, flat
from tests.sessionlog.recording import ANTHROPIC, BEDROCK, BOX, NAS, recording


@pytest.fixture
def log(place: Place) -> Place:
    """Client A's project, here, on the box alone; client B's on the box and then in the cloud."""
    with recording(place.state) as recorder:
        recorder.session("aaaaaaaa", 0, project=str(place.project))
        recorder.session("aaaabbbb", 60, project=str(place.project / "api"))
        recorder.session("bbbbbbbb", 120, project="/p/b")
        recorder.event("bbbbbbbb", 150, "UserPromptSubmit", ANTHROPIC, project="/p/b", model="opus")
        recorder.answers("bbbbbbbb", 151, "opus")
        recorder.session("bbbbaaaa", 240, backend=BEDROCK, project="/p/b/sub", model="opus")
    return place


def test_sessions_on_the_list_alone_pass_with_exit_0(log: Place) -> None:
    report = log.json("audit", "--allow", "http://box:8000/")
    assert (report["passed"], report["sessions"], report["outside"]) == (True, 2, [])
    assert report["allowed"] == ["http://box:8000"]
    assert report["project"] == str(log.project)
    shown = log.ok("audit", "--allow", "http://box:8000")
    assert flat(shown.out) == f"none outside the list: 2 sessions in {log.project} checked; allowed: http://box:8000"
    assert "hooks switched off" in shown.err


def test_one_stretch_elsewhere_is_exit_1_and_listed(log: Place) -> None:
    report = log.json("audit", "--project", "/p/b", "--allow", "http://box:8000", code=1)
    assert (report["passed"], report["sessions"]) == (False, 2)
    assert [(each["session_id"], each["backend"]["kind"], each["messages"]) for each in report["outside"]] == [
        ("bbbbbbbb", "anthropic", 1),
        ("bbbbaaaa", "bedrock", 1),
    ]
    shown = log.ends(1, "audit", "--project", "/p/b", "--allow", "http://box:8000").out.splitlines()
    assert shown[0] == "2 outside the list: 2 sessions in /p/b checked; allowed: http://box:8000"
    assert flat(shown[2]).endswith("bbbbbbbb cloud api.anthropic.com opus 1 /p/b")


@pytest.mark.parametrize(
    ("allow", "outside"),
    [
        (("cloud",), ["bbbbbbbb"]),
        (("cloud", "http://box:8000"), []),
        (("anthropic", "http://box:8000"), ["bbbbaaaa"]),
        (("bedrock", "http://box:8000"), ["bbbbbbbb"]),
        (("https://api.anthropic.com", "bedrock", "http://box:8000"), []),
        (("http://box:8001",), ["bbbbbbbb", "bbbbbbbb", "bbbbaaaa"]),
    ],
    ids=str,
)
def test_the_list_has_urls_kinds_and_the_cloud(log: Place, allow: tuple[str, ...], outside: list[str]) -> None:
    options = [word for entry in allow for word in ("--allow", entry)]
    report = log.json("audit", "--project", "/p/b", *options, code=1 if outside else 0)
    assert [each["session_id"] for each in report["outside"]] == outside


def test_time_narrows_what_is_looked_at(log: Place) -> None:
    options = ("--project", "/p/b", "--allow", "http://box:8000")
    assert log.json("audit", *options, "--until", "2026-11-21T12:20Z")["sessions"] == 1
    report = log.json("audit", *options, "--since", "2026-11-21T13:30Z", code=1)
    assert [each["session_id"] for each in report["outside"]] == ["bbbbaaaa"]


def test_without_any_list_it_is_exit_2(log: Place) -> None:
    said = log.ends(2, "audit").err
    assert f"no list of allowed backends for {log.project}" in said
    assert "--allow URL" in said
    assert "no list of allowed backends for /p/b, /p/b/sub" in log.ends(2, "audit", "--project", "/p/b").err


@pytest.mark.parametrize("entry", ["my_box:8000", "vllm", "clowd", ""])
def test_what_is_no_backend_is_refused_with_exit_2(log: Place, entry: str) -> None:
    assert "--allow must hold http(s) URLs, unix:/… or words of these" in log.ends(2, "audit", "--allow", entry).err


def test_the_configured_list_counts_and_each_project_has_its_own(log: Place) -> None:
    log.ok("config", "set", "allowed_backends", "http://box:8000")
    assert log.json("audit")["passed"] is True
    log.ok("config", "set", "--project", "/p/b/sub", "allowed_backends", "bedrock")
    report = log.json("audit", "--project", "/p/b", code=1)
    assert [each["session_id"] for each in report["outside"]] == ["bbbbbbbb"]
    assert report["allowed"] == ["bedrock", "http://box:8000"]
    # a list on the command line stands in for the configured ones
    assert log.json("audit", "--project", "/p/b", "--allow", "cloud", "--allow", "http://box:8000")["passed"] is True


def test_a_project_without_a_list_is_not_passed_over(log: Place) -> None:
    log.ok("config", "set", "--project", "/p/b", "allowed_backends", "cloud", "http://box:8000")
    assert log.json("audit", "--project", "/p")["sessions"] == 2
    assert f"for {log.project}, {log.project}/api" in log.ends(2, "audit", "--project", "/").err


def test_a_repository_is_looked_at_as_a_whole(log: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    log.git("init", "--quiet")
    (log.project / "web").mkdir()
    monkeypatch.chdir(log.project / "web")
    report = log.json("audit", "--allow", "http://box:8000")
    assert (report["project"], report["sessions"]) == (str(log.project), 2)


def test_a_session_of_which_every_prompt_was_held_back_did_not_use_the_backend(log: Place) -> None:
    here = {"backend": ANTHROPIC, "project": str(log.project), "model": "opus"}
    with recording(log.state) as recorder:
        recorder.event("held", 300, **here)
        recorder.event("held", 301, "UserPromptSubmit", blocked=True, **here)
    report = log.json("audit", "--allow", "http://box:8000")
    assert (report["passed"], report["held_back"], report["outside"]) == (True, 1, [])
    assert "1 more sent nothing: each prompt was held back" in log.ok("audit", "--allow", "http://box:8000").out
    with recording(log.state) as recorder:
        recorder.event("held", 302, "UserPromptSubmit", **here)  # this one was not
    report = log.json("audit", "--allow", "http://box:8000", code=1)
    assert [each["session_id"] for each in report["outside"]] == ["held"]


def test_a_session_that_only_began_there_is_no_exception(log: Place) -> None:
    with recording(log.state) as recorder:
        recorder.event("began", 300, backend=ANTHROPIC, project=str(log.project))
    assert log.json("audit", "--allow", "http://box:8000", code=1)["outside"][0]["session_id"] == "began"


def test_a_subagent_elsewhere_is_found(log: Place) -> None:
    with recording(log.state) as recorder:
        recorder.event("mixed", 300, backend=NAS, project=str(log.project), model="qwen3")
        recorder.answers("mixed", 301, "qwen3")
        recorder.answers("mixed", 302, "small", side=True)
    assert {each["model"] for each in log.json("audit", "--allow", "http://box:8000", code=1)["outside"]} == {
        "qwen3",
        "small",
    }


def test_a_project_that_is_kept_as_a_hash_is_found_by_its_folder(log: Place) -> None:
    hashed = Config(str(log.state), {}).logged("hash", str(log.project))
    with recording(log.state) as recorder:
        recorder.session("hashed", 300, backend=NAS, project=hashed)
        recorder.session("other", 400, backend=NAS, project="sha256:0123456789abcdef")
        recorder.session("nameless", 500, backend=NAS, project=None)
    report = log.json("audit", "--allow", "http://box:8000", code=1)
    assert [(each["session_id"], each["project"]) for each in report["outside"]] == [("hashed", hashed)]
    said = " ".join(report["not_known"])
    assert "not checked: 1 session without a project on record" in said
    assert "not checked: 1 session with only a hash of its project on record" in said
    # and it is judged by the list of the folder it stands for
    log.ok("config", "set", "--project", str(log.project), "allowed_backends", BOX[1], NAS[1])
    assert log.json("audit")["passed"] is True
    assert log.json("audit", "--project", hashed or "", "--allow", NAS[1])["sessions"] == 1


def test_a_folder_without_sessions_passes_and_says_how_many_were_looked_at(log: Place) -> None:
    (log.project / "new").mkdir()
    assert log.json("audit", "--project", "new", "--allow", BOX[1])["sessions"] == 0
    assert "0 sessions in" in log.ok("audit", "--project", "new", "--allow", BOX[1]).out


def test_a_folder_that_is_nowhere_is_exit_2(log: Place) -> None:
    assert "nothing to judge" in log.ends(2, "audit", "--project", "shpo", "--allow", BOX[1]).err
    assert log.json("audit", "--project", "/p", "--allow", "cloud", "--allow", BOX[1])["sessions"] == 2


def test_a_time_that_is_none_is_exit_2(log: Place) -> None:
    said = log.refused("audit", "--allow", "cloud", "--since", "2026-11-22", "--until", "2026-11-20", code=2)
    assert "--since 2026-11-22 is later than --until 2026-11-20" in said


def test_nothing_is_sent_to_an_address_that_is_none(log: Place) -> None:
    with recording(log.state) as recorder:
        recorder.event("typo", 300, backend=("unknown", None), project=str(log.project))
        recorder.event("typo", 301, "UserPromptSubmit", backend=("unknown", None), project=str(log.project))
        recorder.answers("typo", 302, None, (0, 0, 0, 0), error="unknown")
    report = log.json("audit", "--allow", BOX[1])
    assert (report["passed"], report["held_back"], report["sessions"]) == (True, 1, 3)
    assert "1 more sent nothing" in log.ok("audit", "--allow", BOX[1]).out


def test_an_audit_of_nothing_leaves_an_empty_home_empty(place: Place) -> None:
    assert place.json("audit", "--allow", "cloud")["sessions"] == 0
    assert list(place.home.iterdir()) == []


def test_many_stretches_are_listed_in_part_for_people_and_whole_for_programs(place: Place) -> None:
    with recording(place.state) as recorder:
        for number in range(30):
            recorder.session(f"s{number:02d}", number, backend=ANTHROPIC, project=str(place.project))
    assert len(place.json("audit", "--allow", BOX[1], code=1)["outside"]) == 30
    shown = place.ends(1, "audit", "--allow", BOX[1]).out.splitlines()
    assert len(shown) == 1 + 1 + 20 + 1
    assert shown[-1].strip().startswith("and 10 more")


def test_the_folder_may_be_written_as_people_do(log: Place) -> None:
    for folder in (".", str(log.project), f"{log.project}/", f"../{Path(log.project).name}"):
        assert log.json("audit", "--project", folder, "--allow", BOX[1])["sessions"] == 2


def test_answers_that_no_hook_saw_are_not_passed(place: Place) -> None:
    with recording(place.state) as recorder:
        recorder.session("aaaaaaaa", 0, project=str(place.project))
        recorder.answers("aaaaaaaa", 30, "claude-opus-5-5")  # resumed after `disable`, and nobody was told
    report = place.json("audit", "--allow", "http://box:8000", code=1)
    (found,) = report["outside"]
    assert (found["backend"], found["messages"]) == ({"kind": "not-known", "url": None}, 1)
    shown = place.ends(1, "audit", "--allow", "http://box:8000").out
    assert "not known" in shown


def test_a_proxy_on_the_way_is_outside_unless_the_list_names_it(place: Place) -> None:
    with recording(place.state) as recorder:
        for session, via in (("straight", None), ("proxied", "http://proxy:3128"), ("tunnel", "unix:/run/there.sock")):
            recorder.session(session, project=str(place.project), via=via)
    box, proxy = ("--allow", "http://box:8000"), ("--allow", "http://PROXY:3128/")
    report = place.json("audit", *box, code=1)
    assert [each["backend"] for each in report["outside"]] == [
        {"kind": "vllm", "url": "http://box:8000", "via": "http://proxy:3128"},
        {"kind": "vllm", "url": "http://box:8000", "via": "unix:/run/there.sock"},
    ]
    assert "vllm box:8000 via proxy:3128" in flat(place.ends(1, "audit", *box).out)
    assert len(place.json("audit", *box, *proxy, code=1)["outside"]) == 1
    assert place.json("audit", *box, *proxy, "--allow", "unix:/run/there.sock")["passed"]
    assert not any("through which proxy" in said for said in report["not_known"])


def test_that_nobody_looked_for_a_proxy_is_said(place: Place) -> None:
    """As of spans in a log that an older version wrote."""
    with recording(place.state) as recorder:
        recorder.session("old", project=str(place.project))
        recorder.log.execute("UPDATE endpoints SET via = ''")
    report = place.json("audit", "--allow", "http://box:8000")
    assert "through which proxy, if any: 1 session from before that was put on record" in report["not_known"]
    assert "via" not in place.json("sessions", "show", "old")["backend"]


@pytest.mark.parametrize(
    ("events", "more", "passed"),
    [
        (("SessionEnd",), {}, True),
        (("SessionStart", "SessionEnd"), {}, True),
        (("ConfigChange", "SessionEnd"), {}, True),
        (("SessionStart", "UserPromptSubmit", "SessionEnd"), {}, False),
        (("SessionStart", "StopFailure", "SessionEnd"), {}, False),
        (("SessionStart",), {}, False),
        (("SubagentStop", "SessionEnd"), {"entrypoint": "mcp"}, False),
    ],
    ids=["mcp list", "opened and left", "a lone change", "a prompt", "a failure", "still open", "mcp serve"],
)
def test_a_session_in_which_nothing_was_sent_has_used_nothing(
    place: Place, events: tuple[str, ...], more: dict[str, str], passed: bool
) -> None:
    with recording(place.state) as recorder:
        for number, event in enumerate(events):
            recorder.event("aaaaaaaa", number, event, ANTHROPIC, project=str(place.project), **more)
    report = place.json("audit", "--allow", "http://box:8000", code=0 if passed else 1)
    assert report["passed"] is passed
    shown = place.json("sessions", "stats")
    assert shown["total"]["sessions"] == (0 if passed else 1)
    for options, many in (((), 0 if passed else 1), (("--all",), 1)):
        assert len(place.json("sessions", "list", *options)["sessions"]) == many
        assert len(place.ok("sessions", "export", *options).out.splitlines()) == many
        assert len(place.ok("sessions", "export", "--spans", *options).out.splitlines()) == many
    assert ("--all shows the others" in place.ok("sessions", "list").out) is passed
    assert ("nothing was sent" in place.ok("sessions", "tail").out) is passed
