"""What a later `enable` keeps of an earlier one: the server, the model, the key, the headers, and what you edited."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from claude_local_plugin.client_config import choose_server
from claude_local_plugin.fake_server.server import EmbeddedBackend, Model
from claude_local_plugin.settings import ownership
from tests.commands.place import MODEL, Place

pytestmark = pytest.mark.slow

KEY = "server-key-with-some-length-0123456789"


@pytest.fixture(autouse=True)
def nothing_on_the_well_known_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan finds nothing here, as where the server is another machine."""
    monkeypatch.setattr(choose_server, "sweep", list)


@pytest.fixture
def several() -> Iterator[EmbeddedBackend]:
    """A server with two models, so that one has to be chosen."""
    with EmbeddedBackend(models=(Model("one", 65_536), Model("two", 65_536))) as backend:
        yield backend


# --- the server


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--statusline",),
        ("--scope", "user"),
        ("--scope", "project"),
        ("--model", "two"),
        ("--no-hooks",),
        ("--dry-run",),
    ],
)
def test_without_a_url_the_server_in_effect_stays(
    place: Place, several: EmbeddedBackend, more: tuple[str, ...]
) -> None:
    place.ok("enable", "--url", several.url, "--model", "one")
    place.ok("enable", *more)
    for path in (place.local, place.user, place.shared):
        if path.exists():
            assert place.env(path)["ANTHROPIC_BASE_URL"] == several.url
            assert place.env(path)["ANTHROPIC_MODEL"] == (more[-1] if "--model" in more else "one")


def test_another_server_on_a_well_known_port_does_not_take_its_place(
    place: Place, server: EmbeddedBackend, several: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.ok("enable", "--url", server.url)
    monkeypatch.setattr(choose_server, "sweep", lambda: [choose_server.identify(several.url)])
    place.ok("enable", "--statusline")
    assert place.env()["ANTHROPIC_BASE_URL"] == server.url
    assert several.requests == [] or all(request.path != "/v1/messages" for request in several.requests)


def test_a_dead_server_in_effect_is_named_and_not_replaced(place: Place, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    place.ok("enable", "--no-check", "--url", url, "--model", "m", "--max-model-len", "65536")
    assert f"{url} refuses connections" in place.refused("enable")
    place.ok("enable", "--no-check", "--statusline")
    assert place.env()["ANTHROPIC_BASE_URL"] == url
    assert place.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "65536"


def test_an_address_that_was_taken_out_by_somebody_is_still_on_record(place: Place, several: EmbeddedBackend) -> None:
    place.ok("enable", "--url", several.url, "--model", "two")
    place.write(place.local, {"permissions": {"allow": ["Bash(ls)"]}})
    place.ok("enable")
    assert (place.env()["ANTHROPIC_BASE_URL"], place.env()["ANTHROPIC_MODEL"]) == (several.url, "two")


def test_after_disable_the_log_still_knows_where_the_last_session_went(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    place.session("a1b2c3d4-0000-4000-8000-000000000001")
    place.ok("disable")
    place.ok("enable")
    assert place.env()["ANTHROPIC_BASE_URL"] == server.url


def test_an_export_in_the_shell_is_in_effect_too(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    place.ok("enable")
    assert place.env()["ANTHROPIC_BASE_URL"] == server.url


@pytest.mark.parametrize("committed", ["settings.json", "settings.local.json"])
def test_an_address_that_came_with_a_repository_is_not_taken_up(
    repository: Place, server: EmbeddedBackend, committed: str
) -> None:
    repository.write(repository.project / ".claude" / committed, {"env": {"ANTHROPIC_BASE_URL": server.url}})
    repository.git("add", "--force", ".claude")
    assert "no model server answers" in repository.refused("enable")
    assert server.requests == []


def test_a_model_that_is_not_served_any_more_is_chosen_anew(place: Place) -> None:
    with EmbeddedBackend(models=(Model("old"),)) as backend:
        place.ok("enable", "--url", backend.url)
        backend.models = (Model("new"),)
        place.ok("enable")
    assert place.env()["ANTHROPIC_MODEL"] == "new"


# --- the key and the headers


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedBackend]:
    monkeypatch.setenv("MY_KEY", KEY)
    with EmbeddedBackend(models=(Model(MODEL),), api_key=KEY) as backend:
        yield backend


@pytest.mark.parametrize("more", [(), ("--statusline",), ("--scope", "user")])
@pytest.mark.parametrize("with_url", [False, True])
def test_the_key_in_effect_stays_and_is_read_from_nowhere_else(
    place: Place,
    guarded: EmbeddedBackend,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    with_url: bool,
) -> None:
    place.ok("enable", "--url", guarded.url, "--token-env", "MY_KEY")
    monkeypatch.setenv("MY_KEY", "another-key")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "sk-ant-oat01-login")
    ended = place.ok("enable", *(("--url", guarded.url) if with_url else ()), *more)
    path = place.user if "user" in more else place.local
    assert place.env(path)["ANTHROPIC_AUTH_TOKEN"] == KEY
    assert KEY not in ended.all
    assert "already enabled" in ended.err or path != place.local or more


def test_the_key_of_one_server_is_not_shown_to_another(
    place: Place, guarded: EmbeddedBackend, server: EmbeddedBackend
) -> None:
    place.ok("enable", "--url", guarded.url, "--token-env", "MY_KEY")
    place.ok("enable", "--url", server.url)
    assert place.env()["ANTHROPIC_AUTH_TOKEN"] == "claude-local"
    assert all(KEY not in str(request.headers) for request in server.requests)


def test_the_key_in_effect_does_not_go_into_a_file_that_is_committed(place: Place, guarded: EmbeddedBackend) -> None:
    place.ok("enable", "--url", guarded.url, "--token-env", "MY_KEY")
    said = place.refused("enable", "--scope", "project", code=2)
    assert "no secret may go there" in said


@pytest.mark.parametrize("value", ["Bearer sk-1234", "bearer  x", "Basic dXNlcjpwdw=="])
def test_a_key_with_its_scheme_in_it_is_refused(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("MY_KEY", value)
    said = place.refused("enable", "--url", server.url, "--token-env", "MY_KEY", code=2)
    assert "Claude Code puts “Bearer” before it by itself" in said
    assert value not in said


def test_headers_of_the_server_are_sent_when_it_is_asked_written_and_kept(
    place: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASS", "open-sesame-0123456789")
    given = ("--header", "X-Team=shop", "--header-env", "X-Gateway-Pass=PASS")
    ended = place.ok("enable", "--url", server.url, *given)
    written = "X-Team: shop\nX-Gateway-Pass: open-sesame-0123456789"
    assert place.env()["ANTHROPIC_CUSTOM_HEADERS"] == written
    assert "open-sesame" not in ended.all
    asked = [request.headers for request in server.requests]
    assert asked
    assert all({k.lower(): v for k, v in h.items()}["x-gateway-pass"] == "open-sesame-0123456789" for h in asked)
    assert "no credential of yours goes there" in ended.err
    assert place.json("explain-precedence")["warnings"] == [] or all(
        not warning["id"].startswith("leak") for warning in place.json("explain-precedence")["warnings"]
    )
    place.ok("enable", "--statusline")
    assert place.env()["ANTHROPIC_CUSTOM_HEADERS"] == written
    place.ok("enable", "--header", "X-Team=other")
    assert place.env()["ANTHROPIC_CUSTOM_HEADERS"] == written.replace("shop", "other")
    place.ok("enable", "--no-headers")
    assert "ANTHROPIC_CUSTOM_HEADERS" not in place.env()


def test_headers_written_by_hand_beside_the_address_stay(place: Place, server: EmbeddedBackend) -> None:
    headers = "x-litellm-api-key: Bearer team-key-0123456789"
    before = place.write(place.local, {"env": {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_CUSTOM_HEADERS": headers}})
    ended = place.ok("enable")
    assert place.env()["ANTHROPIC_CUSTOM_HEADERS"] == headers
    assert "team-key-0123456789" not in ended.all
    place.ok("disable")
    assert place.local.read_bytes() == before


def test_headers_of_one_server_do_not_go_to_another(
    place: Place, server: EmbeddedBackend, several: EmbeddedBackend
) -> None:
    place.ok("enable", "--url", server.url, "--header", "X-Gateway-Pass=secret-0123456789")
    place.ok("enable", "--url", several.url, "--model", "one")
    assert "ANTHROPIC_CUSTOM_HEADERS" not in place.env()
    assert all("secret-0123456789" not in str(request.headers) for request in several.requests)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--header", "X-Pass"), "there is no NAME=… in it"),
        (("--header", "X-Pass: x"), "there is no NAME=… in it"),
        (("--header", "X Pass=x"), "cannot be the name of a header"),
        (("--header", "X-Pass\nX-Other=x"), "cannot be the name of a header"),
        (("--header", "X-Pass="), "visible ASCII text"),
        (("--header", "X-Pass=a\nX-Other: b"), "visible ASCII text"),
        (("--header", "X-Pass=é"), "visible ASCII text"),
        (("--header", "Host=elsewhere"), "the client's own"),
        (("--header", "Authorization=Bearer x"), "--token-env VARIABLE"),
        (("--header", "X-Api-Key=sk-ant-api03-x"), "a key of Anthropic's own"),
        (("--header-env", "X-Pass=NOT_SET"), "the environment variable NOT_SET named by --header-env is not set"),
    ],
)
def test_a_header_that_no_request_can_carry_is_refused(
    place: Place, server: EmbeddedBackend, given: tuple[str, ...], told: str
) -> None:
    assert told in place.refused("enable", "--url", server.url, *given, code=2)
    assert server.requests == []


def test_a_secret_header_is_refused_where_a_key_is(
    repository: Place, server: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASS", "open-sesame-0123456789")
    given = ("--url", server.url, "--header-env", "X-Whatever=PASS")
    assert "no secret may go there" in repository.refused("enable", *given, "--scope", "project", code=2)
    repository.ok("enable", "--url", server.url, "--header", "X-Team=shop", "--scope", "project")
    repository.ok("disable", "--scope", "project")
    repository.write(repository.local, "{}\n")
    repository.git("add", "--force", ".claude/settings.local.json")
    assert "a secret written there would be committed" in repository.refused("enable", *given)


# --- what somebody edited since


def edited(place: Place, **changes: Any) -> None:
    settings = json.loads(place.local.read_bytes())
    settings["env"].update(changes)
    place.local.write_text(json.dumps(settings, indent=2))


def test_what_you_edited_since_stays_and_is_named_every_time(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    edited(place, CLAUDE_CODE_MAX_OUTPUT_TOKENS="8000", API_TIMEOUT_MS="5")
    for _ in range(3):
        said = place.ok("enable", "--statusline").err
        assert "env.CLAUDE_CODE_MAX_OUTPUT_TOKENS stays as you changed it since (enable would write 16384)" in said
        assert "claude-local enable --reset env.API_TIMEOUT_MS" in said
        assert place.env()["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "8000"
    place.ok("enable", "--reset", "API_TIMEOUT_MS")
    assert (place.env()["API_TIMEOUT_MS"], place.env()["CLAUDE_CODE_MAX_OUTPUT_TOKENS"]) == ("1800000", "8000")
    place.ok("disable")
    # what was reset over an edit is given back as it was edited
    assert place.env() == {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "8000", "API_TIMEOUT_MS": "5"}


def test_a_key_that_is_not_written_cannot_be_reset(place: Place, server: EmbeddedBackend) -> None:
    said = place.refused("enable", "--url", server.url, "--reset", "API_TIMEOUT", "--yes", code=2)
    assert "--reset env.API_TIMEOUT: that is no key that would be written here" in said
    assert f"claude-local enable --url {server.url} --reset env.API_TIMEOUT_MS" in said
    assert not place.local.exists()


def test_reset_all_writes_everything_again_and_disable_takes_it_out(place: Place, server: EmbeddedBackend) -> None:
    before = place.elsewhere()
    place.ok("enable", "--url", server.url)
    edited(place, CLAUDE_CODE_MAX_OUTPUT_TOKENS="8000")
    place.ok("enable")
    assert "stays as you changed it" not in place.ok("enable", "--reset", "all").err
    assert place.env()["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "16384"
    place.ok("disable")
    left = json.loads(place.local.read_bytes()) if place.local.exists() else {}
    assert left in ({}, {"env": {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "8000"}})
    del before


def test_an_edit_that_the_sentence_rests_on_is_written_again_and_said(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url)
    edited(place, ANTHROPIC_API_KEY="sk-ant-api03-by-hand", ANTHROPIC_MODEL="not-served")
    said = place.ok("enable").err
    assert "env.ANTHROPIC_API_KEY was changed since, and is written again" in said
    assert "sk-ant" not in said
    assert (place.env()["ANTHROPIC_API_KEY"], place.env()["ANTHROPIC_MODEL"]) == ("", MODEL)


def test_what_was_edited_for_one_server_is_not_carried_to_another(
    place: Place, server: EmbeddedBackend, several: EmbeddedBackend
) -> None:
    place.ok("enable", "--url", server.url)
    edited(place, ANTHROPIC_DEFAULT_HAIKU_MODEL="small", API_TIMEOUT_MS="7")
    place.ok("enable", "--url", several.url, "--model", "one")
    assert (place.env()["ANTHROPIC_DEFAULT_HAIKU_MODEL"], place.env()["API_TIMEOUT_MS"]) == ("one", "7")


def test_time_outs_that_bench_measured_belong_to_the_server_they_were_measured_on(
    place: Place, server: EmbeddedBackend, several: EmbeddedBackend
) -> None:
    from claude_local_plugin.settings.document import Set

    place.ok("enable", "--url", server.url)
    measured = (Set(("env", "API_TIMEOUT_MS"), "240000"),)
    ownership.apply(place.local, {ownership.BENCH: measured}, state_dir=place.state)
    place.ok("enable", "--statusline")
    assert place.env()["API_TIMEOUT_MS"] == "240000"
    said = place.ok("enable", "--url", several.url, "--model", "one").err
    assert f"the time-outs that bench measured on {server.url} are taken out" in said
    assert place.env()["API_TIMEOUT_MS"] == "1800000"


def test_no_hooks_is_a_choice_that_stays(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url, "--no-hooks")
    place.ok("enable", "--statusline")
    assert "hooks" not in json.loads(place.local.read_bytes())
    place.ok("enable", "--hooks")
    assert "hooks" in json.loads(place.local.read_bytes())


# --- windows that nobody has


@pytest.mark.parametrize("asked", ["65537", "131072", "1000000"])
def test_a_window_larger_than_the_servers_own_word_is_not_believed(
    place: Place, server: EmbeddedBackend, asked: str
) -> None:
    said = place.refused("enable", "--url", server.url, "--max-model-len", asked, code=2)
    assert f"{server.url} itself says that {MODEL} has a window of 65,536 tokens" in said
    place.ok("enable", "--url", server.url, "--max-model-len", asked, "--force")
    assert place.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == asked


def test_a_smaller_window_is_a_choice(place: Place, server: EmbeddedBackend) -> None:
    place.ok("enable", "--url", server.url, "--max-model-len", "40000")
    assert place.env()["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "40000"


@pytest.mark.parametrize("asked", ["0", "-1", "64k", "99999999999999999999"])
def test_no_number_of_tokens_is_refused(place: Place, asked: str) -> None:
    offline = ("--no-check", "--url", "http://127.0.0.1:8000", "--model", "m")
    before = place.files()
    assert "--max-model-len" in place.ends(2, "enable", *offline, "--max-model-len", asked).err
    assert place.files() == before


# --- the system prompt


def test_the_full_system_prompt_is_counted_written_and_kept(place: Place) -> None:
    with EmbeddedBackend(models=(Model("qwen", 36_000),)) as backend:
        said = place.refused("enable", "--url", backend.url, "--system-prompt", "full")
        assert "Claude Code needs 36,176: 21,128 for its own first prompt" in said
        place.ok("enable", "--url", backend.url)
        backend.models = (Model("qwen", 65_536),)
        place.ok("enable", "--system-prompt", "full")
        assert place.env()["CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT"] == "0"
        place.ok("enable", "--statusline")
        assert place.env()["CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT"] == "0"
        place.ok("enable", "--system-prompt", "lean")
        assert place.env()["CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT"] == "1"


def test_a_prompt_that_the_user_chose_elsewhere_is_counted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT", "off")
    with EmbeddedBackend(models=(Model("qwen", 36_000),)) as backend:
        assert "21,128 for its own first prompt" in place.refused("enable", "--url", backend.url)
