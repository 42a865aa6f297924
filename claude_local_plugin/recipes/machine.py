"""Which hardware is this? `nvidia-smi` and /proc are asked, here or over the user's own ssh, by one small script."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace

from claude_local_plugin import isolated
from claude_local_plugin.core.shell import command
from claude_local_plugin.errors import ClaudeLocalError, UsageError
from claude_local_plugin.recipes.catalogue import GIB, Catalogue, Figure, Hardware, Origin

#: What is asked, of any POSIX shell. `[N/A]` is what nvidia-smi says of a GPU that shares the main memory.
SCRIPT = """\
echo == machine; uname -m
echo == memory; cat /proc/meminfo
echo == gpus; nvidia-smi --query-gpu=name,memory.total,compute_cap,driver_version --format=csv,noheader,nounits 2>&1
echo == code $?
echo == banner; nvidia-smi 2>/dev/null
exit 0
"""

#: Seconds for a shell here, and for one on another machine with its greeting.
HERE_SECONDS, THERE_SECONDS = 20, 40

#: What a shell ends with that finds no program of the name.
NOT_FOUND = 127

#: Where nothing better is known of a GPU: its memory, less what CUDA and its graphs take.
UTILISATION, OVERHEAD, SMALL_OVERHEAD, SMALL = 0.9, 4.0, 1.5, 40.0

#: Where nothing better is known of a CPU: what the operating system leaves.
CPU_UTILISATION, CPU_OVERHEAD = 0.8, 1.5


@dataclass(frozen=True, slots=True)
class Found:
    """Hardware that was looked at, and what is to be said of it beside."""

    hardware: Hardware
    said: tuple[str, ...] = ()


def look(known: Catalogue, environ: Mapping[str, str], host: str | None = None, today: str = "") -> Found:
    """The hardware of this machine, or of `host` by the user's own ssh.

    Raises ClaudeLocalError where it cannot be asked, or where its driver does not work.
    """
    where = host or "this machine"
    return recognise(known, _ask(environ, host), where, today)


def _ask(environ: Mapping[str, str], host: str | None) -> str:
    if host is None:
        name, arguments, seconds = "sh", ["-s"], HERE_SECONDS
    elif host.startswith("-") or not host.strip():
        raise UsageError(f"{host!r} is no name of a host", "--host takes what ssh takes: NAME or USER@NAME")
    else:
        name, seconds = "ssh", THERE_SECONDS
        arguments = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", host, "sh -s"]
    program = isolated.program(name, environ)
    if program is None:
        raise ClaudeLocalError(f"{name} is not installed here", "name the hardware: --hardware NAME")
    try:
        run = subprocess.run(
            [program, *arguments],
            input=SCRIPT,
            env={**environ, "PATH": isolated.search_path(environ)},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise ClaudeLocalError(
            f"{host or 'nvidia-smi'} did not answer within {seconds} seconds", "name the hardware: --hardware NAME"
        ) from error
    if run.returncode and host is not None:
        said = (run.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise ClaudeLocalError(
            f"{host} cannot be asked by ssh: {said}",
            f"it must work without a question: {command('ssh', '--', host, 'true')}",
        )
    return run.stdout


def recognise(known: Catalogue, answer: str, where: str = "this machine", today: str = "") -> Found:
    """The hardware that the script's answer speaks of: the catalogue's, with what was measured here."""
    parts = dict(re.findall(r"^== (\w+)(?: .*)?\n?((?:(?!== ).*\n?)*)", answer, re.MULTILINE))
    memory = re.search(r"^MemTotal:\s+(\d+) kB", parts.get("memory", ""), re.MULTILINE)
    if memory is None:
        raise ClaudeLocalError(
            f"how much memory {where} has cannot be read from /proc/meminfo",
            "name the hardware: --hardware NAME, or --memory GIB --gpus N",
        )
    main = int(memory[1]) * 1024 / GIB
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(found := parts.get("machine", "").strip(), found)
    measured = Origin("measured", f"nvidia-smi and /proc/meminfo of {where}", today)
    code = re.search(r"^== code (\d+)", answer, re.MULTILINE)
    lines = [line for line in parts.get("gpus", "").splitlines() if line.strip()]
    if code is None or int(code[1]) == NOT_FOUND or any("not found" in line for line in lines):
        return Found(_cpu(known, main, machine, measured), (f"no nvidia-smi on {where}: its CPU is all it has",))
    if int(code[1]) or not lines:
        said = lines[0] if lines else "it names no GPU"
        raise ClaudeLocalError(
            f"nvidia-smi on {where} fails: {said}", "repair its driver, or name the hardware: --hardware NAME"
        )
    return _gpus(known, lines, main, machine, _cuda(parts.get("banner", "")), measured)


def _gpus(known: Catalogue, lines: list[str], main: float, machine: str, cuda: str | None, measured: Origin) -> Found:
    rows = [[cell.strip() for cell in line.split(",")] for line in lines]
    name, total, architecture = (*rows[0], "", "")[:3]
    same = [row for row in rows if row[:2] == rows[0][:2]]
    unified = not total.isdecimal()
    said = []
    if len(same) < len(rows):
        said.append(f"{len(rows) - len(same)} of its {len(rows)} GPUs are of another kind: only {name} is counted")
    each = main if unified else min(int(row[1]) for row in same) / 1024
    ours = next((entry for entry in known.hardware.values() if name in entry.reported_as), None)
    if ours is None:
        small = each < SMALL
        origin = Origin("estimated", "what vLLM takes of such a GPU where nothing is said", measured.date)
        ours = Hardware(
            name="here",
            label=name,
            gpus=1,
            memory=Figure(each, measured, "GiB"),
            utilisation=Figure(UTILISATION, origin, "of the memory"),
            overhead=Figure(SMALL_OVERHEAD if small else OVERHEAD, origin, "GiB"),
            unified=unified,
            machine=machine or "x86_64",
            architecture=architecture or None,
        )
        said.append(f"{name} is not in the catalogue: its memory is measured, the rest is vLLM's own default")
    elif len(same) > 1:
        pair = next(
            (
                each
                for each in known.hardware.values()
                if each.gpus == len(same) and each.name == f"{ours.name}-{len(same)}x"
            ),
            None,
        )
        ours = pair or ours
    # what the operating system has for itself of a shared memory is not for the server
    usable = min(each, ours.memory.value) if unified else each
    memory = ours.memory if round(usable, 1) == round(ours.memory.value, 1) else Figure(usable, measured, "GiB")
    many = f"{len(same)} × " if len(same) > 1 and not ours.label.startswith(f"{len(same)} ×") else ""
    return Found(
        replace(
            ours,
            gpus=len(same),
            memory=memory,
            label=many + ours.label,
            machine=machine or ours.machine,
            driver_cuda=cuda,
        ),
        tuple(said),
    )


def _cpu(known: Catalogue, main: float, machine: str, measured: Origin) -> Hardware:
    return replace(
        known.hardware["cpu"],
        label=f"CPU alone ({main:.0f} GiB of main memory)",
        memory=Figure(main, measured, "GiB"),
        machine=machine or "x86_64",
    )


def described(
    memory: float, gpus: int, cuda: str | None = None, architecture: str | None = None, machine: str = "x86_64"
) -> Hardware:
    """Hardware that somebody describes: `memory` is what one GPU has, or the machine where it has none."""
    told = Origin("estimated", "as it was described", "")
    small = memory < SMALL
    overhead = CPU_OVERHEAD if gpus == 0 else SMALL_OVERHEAD if small else OVERHEAD
    label = f"{gpus} × {memory:g} GiB" if gpus else f"CPU alone ({memory:g} GiB of main memory)"
    return Hardware(
        name="described",
        label=label + (f", SM {architecture}" if architecture else ""),
        gpus=gpus,
        memory=Figure(memory, told, "GiB"),
        utilisation=Figure(UTILISATION if gpus else CPU_UTILISATION, told, "of the memory"),
        overhead=Figure(overhead, told, "GiB"),
        unified=False,
        machine=machine,
        architecture=architecture,
        driver_cuda=cuda,
    )


def _cuda(banner: str) -> str | None:
    found = re.search(r"CUDA (?:UMD )?Version\s*:\s*([\d.]+)", banner)
    return found[1] if found else None
