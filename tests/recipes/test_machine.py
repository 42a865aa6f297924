"""Which hardware it is, by what nvidia-smi and /proc say: here, and over ssh, a real sshd among them."""

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.recipes.catalogue import Catalogue, catalogue
from claude_local_plugin.recipes.fit import Ask, budget, ranked
from claude_local_plugin.recipes.machine import HERE_SECONDS, THERE_SECONDS, described, look, recognise
from tests.looped import looped
from tests.programs import program
from tests.real_servers.start_vllm import free_port

BANNER = """\
Sat Nov 28 22:10:01 2026
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 580.95.05              Driver Version: 580.95.05      CUDA Version: 13.0     |
+-----------------------------------------+------------------------+----------------------+
"""


def answer(*gpus: str, machine: str = "x86_64", kib: int = 131_000_000, code: int = 0, banner: str = BANNER) -> str:
    """What the script prints there."""
    lines = "".join(f"{each}\n" for each in gpus)
    memory = f"MemTotal:       {kib} kB\nMemFree:        1000000 kB\nMemAvailable:   90000000 kB\n"
    return f"== machine\n{machine}\n== memory\n{memory}== gpus\n{lines}== code {code}\n== banner\n{banner}"


GB10 = answer("NVIDIA GB10, [N/A], 12.1, 580.95.05", machine="aarch64", kib=127_535_000)
PRO_6000 = "NVIDIA RTX PRO 6000 Blackwell Workstation Edition, 97887, 12.0, 580.126.09"


@pytest.fixture(name="known", scope="module")
def _known() -> Catalogue:
    return catalogue()


def test_a_gb10_shares_its_memory_and_has_121_gib(known: Catalogue) -> None:
    found = recognise(known, GB10)
    assert (found.hardware.name, found.hardware.unified, found.hardware.machine) == ("gb10", True, "aarch64")
    assert found.hardware.memory.value == 121
    assert found.hardware.driver_cuda == "13.0"
    assert found.said == ()
    assert ranked(known.models.values(), found.hardware, Ask())[0].recipe == "qwen3-coder-next:fp8"


def test_a_smaller_shared_memory_is_what_was_measured(known: Catalogue) -> None:
    found = recognise(known, GB10.replace("127535000", "100000000"))
    assert round(found.hardware.memory.value, 1) == 95.4
    assert found.hardware.memory.origin.basis == "measured"


def test_one_and_two_rtx_pro_6000_are_those_of_the_catalogue(known: Catalogue) -> None:
    one, two = recognise(known, answer(PRO_6000)).hardware, recognise(known, answer(PRO_6000, PRO_6000)).hardware
    assert (one.name, one.gpus, round(one.memory.value, 1)) == ("rtx-pro-6000", 1, 95.6)
    assert (two.name, two.gpus, two.label) == ("rtx-pro-6000-2x", 2, "2 × RTX Pro 6000 Blackwell")
    three = recognise(known, answer(PRO_6000, PRO_6000, PRO_6000)).hardware
    assert (three.name, three.gpus, three.label) == ("rtx-pro-6000", 3, "3 × RTX Pro 6000 Blackwell")


def test_a_gpu_that_is_not_known_is_measured_and_said(known: Catalogue) -> None:
    found = recognise(known, answer("NVIDIA L40S, 46068, 8.9, 550.54.15"), "box")
    assert (found.hardware.label, found.hardware.architecture, found.hardware.gpus) == ("NVIDIA L40S", "8.9", 1)
    assert round(found.hardware.memory.value, 1) == 45.0
    assert found.said == (
        "NVIDIA L40S is not in the catalogue: its memory is measured, the rest is vLLM's own default",
    )


def test_gpus_of_another_kind_are_not_counted_and_that_is_said(known: Catalogue) -> None:
    found = recognise(known, answer(PRO_6000, "NVIDIA T400 4GB, 4096, 7.5, 580.126.09"))
    assert (found.hardware.name, found.hardware.gpus) == ("rtx-pro-6000", 1)
    assert found.said[0].startswith("1 of its 2 GPUs are of another kind")


def test_without_nvidia_smi_it_is_a_cpu_and_that_is_said(known: Catalogue) -> None:
    found = recognise(known, answer("sh: 4: nvidia-smi: not found", code=127, banner="", kib=32_000_000), "box")
    assert (found.hardware.name, found.hardware.gpus) == ("cpu", 0)
    assert found.hardware.label == "CPU alone (31 GiB of main memory)"
    assert found.said == ("no nvidia-smi on box: its CPU is all it has",)


@looped(
    "said",
    [
        "Failed to initialize NVML: Driver/library version mismatch",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
    ],
)
def test_a_broken_driver_is_an_error_and_no_cpu(said: str) -> None:
    with pytest.raises(ClaudeLocalError) as error:
        recognise(catalogue(), answer(said, code=18, banner=""), "box")
    assert error.value.message == f"nvidia-smi on box fails: {said}"
    assert "--hardware NAME" in str(error.value.hint)


def test_what_has_no_proc_is_told() -> None:
    with pytest.raises(ClaudeLocalError, match="cannot be read from /proc/meminfo"):
        recognise(catalogue(), "== machine\nDarwin\n== memory\n== gpus\n== code 127\n== banner\n")


def test_a_described_machine_goes_by_its_size() -> None:
    card, large, cpu = described(24, 2, "12.8", "8.9"), described(96, 1), described(64, 0)
    assert (card.gpus, card.architecture, card.driver_cuda, card.label) == (2, "8.9", "12.8", "2 × 24 GiB, SM 8.9")
    assert budget(card) == pytest.approx(24 * 0.9 - 1.5)
    assert budget(large) == pytest.approx(96 * 0.9 - 4)
    assert cpu.gpus == 0


# --- asking for real


def bin_with(folder: Path, **scripts: str) -> dict[str, str]:
    """An environment with these programs before the system's."""
    folder.mkdir(exist_ok=True)
    for name, body in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)}


#: Answers as nvidia-smi of a GB10 does: a table of values where it is asked for them, its banner else.
SMI = f"""\
case "$*" in
*query-gpu=name,memory.total,compute_cap,driver_version*) echo 'NVIDIA GB10, [N/A], 12.1, 580.95.05' ;;
'') cat <<'END'
{BANNER}END
;;
*) echo "unknown arguments: $*" >&2; exit 1 ;;
esac"""


def test_this_machine_is_asked_by_a_shell(known: Catalogue, tmp_path: Path) -> None:
    found = look(known, bin_with(tmp_path / "bin", nvidia_smi=SMI))
    assert (found.hardware.name, found.hardware.driver_cuda) == ("gb10", "13.0")
    assert found.hardware.machine == os.uname().machine
    nothing = look(known, {"PATH": "/usr/bin:/bin"})
    if shutil.which("nvidia-smi", path="/usr/bin:/bin") is None:
        assert nothing.hardware.gpus == 0


def test_another_machine_is_asked_by_ssh_with_one_command_and_no_question(known: Catalogue, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    ssh = f'printf "%s\\n" "$@" >> {tmp_path}/asked; cat > {tmp_path}/script; cat {tmp_path}/answer'
    (tmp_path / "answer").write_text(GB10)
    found = look(known, bin_with(folder, ssh=ssh), "user@dell-pro-max")
    assert found.hardware.name == "gb10"
    words = (tmp_path / "asked").read_text().splitlines()
    assert words == ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", "user@dell-pro-max", "sh -s"]
    assert "nvidia-smi --query-gpu" in (tmp_path / "script").read_text()


def test_an_ssh_that_fails_is_told_with_its_own_words(known: Catalogue, tmp_path: Path) -> None:
    ssh = "cat > /dev/null; echo 'user@box: Permission denied (publickey).' >&2; exit 255"
    with pytest.raises(ClaudeLocalError) as error:
        look(known, bin_with(tmp_path / "bin", ssh=ssh), "box")
    assert error.value.message == "box cannot be asked by ssh: user@box: Permission denied (publickey)."
    assert error.value.hint == "it must work without a question: ssh -- box true"


@looped("host", ["-oProxyCommand=touch /tmp/x", "", " "])
def test_a_host_that_is_an_option_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="no name of a host"):
        look(catalogue(), {"PATH": "/usr/bin:/bin"}, host)


def test_without_ssh_that_is_said(known: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(ClaudeLocalError, match="ssh is not installed here"):
        look(known, {"PATH": str(tmp_path)}, "box")


def test_both_have_a_time_limit() -> None:
    assert 0 < HERE_SECONDS < THERE_SECONDS < 60


# --- a real sshd on loopback


@pytest.fixture(name="loopback", scope="module")
def _loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment whose ssh reaches a real sshd of this test under the name `box`, with keys of its own."""
    sshd, keygen = program("sshd", "openssh-server"), program("ssh-keygen", "openssh-client")
    ssh = program("ssh", "openssh-client")
    folder = tmp_path_factory.mktemp("sshd")
    port = free_port()
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "authorized").write_text((folder / "user.pub").read_text())
    (folder / "authorized").chmod(0o600)
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"PidFile {folder}/pid\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n"
        f"SetEnv PATH={folder}/bin:/usr/bin:/bin\n"
    )
    (folder / "config").write_text(
        f"Host box\n HostName 127.0.0.1\n Port {port}\n IdentityFile {folder}/user\n IdentitiesOnly yes\n"
        f" UserKnownHostsFile {folder}/known\n StrictHostKeyChecking accept-new\n LogLevel ERROR\n"
        "Host nowhere\n HostName 127.0.0.1\n Port 1\n"
    )
    environ = bin_with(folder / "bin", nvidia_smi=SMI, ssh=f'exec {ssh} -F {folder}/config "$@"')
    privilege = Path("/run/sshd")  # where it confines itself when root starts it
    if os.geteuid() == 0 and not privilege.exists():
        privilege.mkdir(mode=0o755)
    with (folder / "log").open("w") as log:
        command = [sshd, "-D", "-e", "-f", str(folder / "sshd_config")]
        server = subprocess.Popen(command, stderr=log, env={"PATH": "/usr/bin"})
    try:
        for _ in range(200):
            tried = subprocess.run(["ssh", "-o", "BatchMode=yes", "box", "true"], env=environ, capture_output=True)
            if tried.returncode == 0:
                break
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        else:
            pytest.fail(f"sshd does not let us in: {tried.stderr!r}\n{(folder / 'log').read_text()}")
        yield environ
    finally:
        server.terminate()
        server.wait()


@pytest.mark.process
@pytest.mark.programs
def test_a_real_sshd_is_asked(known: Catalogue, loopback: dict[str, str]) -> None:
    found = look(known, loopback, "box", "2026-11-28")
    assert (found.hardware.name, found.hardware.driver_cuda) == ("gb10", "13.0")
    with pytest.raises(ClaudeLocalError, match="nowhere cannot be asked by ssh"):
        look(known, loopback, "nowhere")
