"""What a machine has that a server needs: memory, GPUs, disk, programs; read by one script."""

from dataclasses import dataclass

from claude_local_plugin.deploy.host import Host

#: Programs that may start a server.
PROGRAMS = ("docker", "docker-compose", "podman", "systemctl", "vllm", "llama-server", "nvidia-smi", "setsid")

#: What is said of a docker command that has the plugin for compose files.
COMPOSE = "docker-with-compose"

_SCRIPT = """
echo "machine=$(uname -m)"
echo "system=$(uname -s)"
echo "home=$HOME"
[ -r /proc/meminfo ] && sed -n 's/^\\(MemTotal\\|MemAvailable\\): *\\([0-9]*\\) kB/\\1=\\2/p' /proc/meminfo
[ -r /proc/meminfo ] || echo "MemTotal=$(($(sysctl -n hw.memsize 2>/dev/null || echo 0) / 1024))"
df -Pk "$HOME" 2>/dev/null | awk 'NR == 2 { print "disk=" $4 }'
for each in %s; do command -v "$each" >/dev/null 2>&1 && echo "program=$each"; done
docker compose version >/dev/null 2>&1 && echo "program=docker-with-compose"
command -v nvidia-smi >/dev/null 2>&1 &&
  nvidia-smi --query-gpu=name,memory.total,memory.free,driver_version --format=csv,noheader,nounits 2>/dev/null |
  sed 's/^/gpu=/'
true
"""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as nvidia-smi names it; memory in GiB, None where it shares that of the machine."""

    name: str
    total: float | None
    free: float | None
    driver: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What was seen of a machine; memory and disk in GiB."""

    machine: str
    system: str
    home: str
    total: float | None
    available: float | None
    disk: float | None
    programs: frozenset[str]
    gpus: tuple[Gpu, ...] = ()

    @property
    def room(self) -> float | None:
        """GiB that a server can have now: the GPUs' where they have their own, else the machine's."""
        own = [gpu.free for gpu in self.gpus if gpu.free is not None]
        return sum(own) if own else self.available

    @property
    def words(self) -> str:
        """The machine in one line."""
        what = (
            [self.gpus[0].name if len(self.gpus) == 1 else f"{len(self.gpus)} × {self.gpus[0].name}"]
            if self.gpus
            else []
        )
        if self.gpus and self.gpus[0].total is not None:
            what.append(f"{sum(gpu.total or 0 for gpu in self.gpus):.0f} GiB")
        elif self.total is not None:
            free = f", {self.available:.1f} free" if self.available is not None else ""
            what.append(f"{self.total:.1f} GiB of memory{free}")
        if self.gpus:
            what.append(f"driver {self.gpus[0].driver}")
        return " · ".join([*what, f"{self.system} {self.machine}"])


def look_at(host: Host) -> Machine:
    """What the host has; raises ClaudeLocalError where it cannot be reached."""
    return understood(host.run(_SCRIPT % " ".join(PROGRAMS)).out)


def understood(text: str) -> Machine:
    """The machine that the script's lines speak of."""
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        said.setdefault(name, []).append(value.strip())

    def one(name: str) -> str:
        return said.get(name, [""])[0]

    return Machine(
        one("machine"),
        one("system"),
        one("home"),
        _gib(one("MemTotal")),
        _gib(one("MemAvailable")),
        _gib(one("disk")),
        frozenset(said.get("program", ())),
        tuple(_gpu(line) for line in said.get("gpu", ())),
    )


def _gib(kib: str) -> float | None:
    return int(kib) / 2**20 if kib.isdecimal() and int(kib) else None


def _gpu(line: str) -> Gpu:
    name, total, free, driver = (*(each.strip() for each in line.split(",")), "", "", "")[:4]
    return Gpu(name, _mib(total), _mib(free), driver)


def _mib(text: str) -> float | None:
    """GiB of a number of MiB; nothing of the `[N/A]` that a GPU says which shares the machine's memory."""
    return float(text) / 1024 if text.replace(".", "", 1).isdecimal() else None
