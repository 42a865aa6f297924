"""Starting a server on a host, seeing whether it runs, stopping it: processes by group, containers by their engine."""

import time
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from claude_local_plugin.deploy.host import Host, chained, folder_word, words
from claude_local_plugin.deploy.record import Deployment
from claude_local_plugin.deploy.start import LOG, Start
from claude_local_plugin.errors import ClaudeLocalError

#: What fails where no docker daemon can be asked.
ASK_DOCKER = "docker ps"

#: Seconds a server gets to end by itself.
GRACE = 20


def write_files(start: Start, host: Host) -> tuple[str, ...]:
    """Write the files on the host, each whole, for the owner alone; gives their paths."""
    folder = folder_word(start.folder)
    host.must(f"umask 077 && mkdir -p {folder}", f"{start.folder} cannot be made")
    written = []
    for name, text in start.files.items():
        path = f"{folder}/{words(name)}"
        mode = "700" if name in start.programs else "600"
        host.must(
            chained("umask 077", f"cat > {path}.new", f"chmod {mode} {path}.new", f"mv {path}.new {path}"),
            f"{start.folder}/{name} cannot be written",
            text,
        )
        written.append(str(PurePosixPath(start.folder) / name))
    return tuple(written)


def start_process(start: Start, host: Host) -> tuple[int, str]:
    """Start the server in the background, in a session of its own; its process number and when it began."""
    folder, log = folder_word(start.folder), folder_word(start.log)
    variables = "".join(f"{name}={words(value)} " for name, value in start.environment.items())
    return in_background(
        f"umask 077 && mkdir -p {folder} && : > {log} && cd {folder_word(start.cwd or start.folder)}",
        variables,
        start.argv,
        log,
        host,
    )


def in_background(before: str, variables: str, argv: Sequence[str], log: str, host: Host) -> tuple[int, str]:
    """Start a program that goes on when we end; its process number, which is its group's, and when it began.

    `before` is done first, in the same shell; `log` is the word of the file that its output is added to.
    """
    out = host.must(
        f"{before} || exit 1\n"
        "leader=$(command -v setsid || true)\n"
        f"{variables}nohup $leader {words(*argv)} >> {log} 2>&1 < /dev/null &\n"
        "echo $!",
        f"{argv[0]} cannot be started",
    )
    pid = int(out.split()[-1])
    return pid, began(pid, host) or ""


def start_kept(start: Start, host: Host) -> str:
    """Start a server that an engine keeps; what the commands said. Raises ClaudeLocalError where one fails."""
    folder = folder_word(start.folder)
    said = []
    for each in start.commands:
        done = host.run(f"cd {folder} && {each}", timeout=3600)
        said.append(done.said)
        if done.code:
            raise StartFailedError("\n".join(said), each, done.code)
    return "\n".join(said)


class StartFailedError(ClaudeLocalError):
    """A command that starts a server has failed; `said` is what it said."""

    def __init__(self, said: str, line: str, code: int) -> None:
        last = said.strip().splitlines()[-1] if said.strip() else f"exit {code}"
        super().__init__(f"{line} failed: {last}", "what it said is above")
        self.said = said


def began(pid: int, host: Host) -> str | None:
    """When the process of this number began, as its machine says it; None where there is none."""
    out = host.run(f"cat /proc/{pid}/stat 2>/dev/null || ps -o lstart= -p {pid}").out.strip()
    if not out:
        return None
    if out.startswith(f"{pid} ("):  # the 22nd field, counted behind the name, which may hold blanks
        fields = out.rpartition(")")[2].split()
        return None if fields[0] in ("Z", "X") else fields[19]
    return out


def is_running(deployment: Deployment, host: Host) -> bool:
    """Whether the server is there, and the one that was started."""
    if deployment.alive:
        return host.run(f"cd {folder_word(deployment.folder)} && {deployment.alive}").code == 0
    if deployment.pid is None:
        return False
    now = began(deployment.pid, host)
    if now is not None:
        return now == deployment.began
    return _group_there(deployment.pid, host)


def _processes(host: Host) -> dict[int, tuple[int, int, int]]:
    """Every process that still does something: its parent, its group and its session."""
    found = host.run(
        "if [ -r /proc/self/stat ]; then cat /proc/[0-9]*/stat 2>/dev/null | sed 's/ (.*) / /'"
        " | awk '{ print $1, $3, $4, $5, $2 }'; else ps -A -o pid=,ppid=,pgid=,sess=,stat=; fi"
    ).out
    rows = (line.split() for line in found.splitlines())
    return {
        int(row[0]): (int(row[1]), int(row[2]), int(row[3]) if row[3].isdecimal() else 0)
        for row in rows
        if len(row) == 5 and row[4][:1] not in ("Z", "X")  # one that has ended, and waits for its parent
    }


def _group_there(group: int, host: Host) -> bool:
    """Whether a process is left of the group; its number is not given to another while there is one."""
    return any(each[1] == group for each in _processes(host).values())


def _belonging(group: int, there: Mapping[int, tuple[int, int, int]]) -> set[int]:
    """The processes of a group and its session, and all that they have started, wherever those went."""
    found = {pid for pid, (_, own, session) in there.items() if group in (own, session)}
    while more := {pid for pid, (parent, _, _) in there.items() if parent in found} - found:
        found |= more
    return found


def stop(deployment: Deployment, host: Host) -> bool:
    """Stop the server; whether there was one to stop. Raises ClaudeLocalError where it does not end."""
    if deployment.stop:
        ran = is_running(deployment, host) if deployment.alive else True
        for each in deployment.stop:
            done = host.run(f"cd {folder_word(deployment.folder)} && {each}", timeout=300)
            if done.code:
                last = done.said.splitlines()[-1] if done.said else f"exit {done.code}"
                raise ClaudeLocalError(f"{each} failed{host.on}: {last}", "stop it by hand")
        return ran
    if deployment.pid is None or not is_running(deployment, host):
        return False
    group = deployment.pid
    # before anything ends: a child of what has ended is nobody's
    left = _belonging(group, _processes(host))
    for signal, patience in (("TERM", GRACE), ("KILL", 10)):
        host.run(f"kill -s {signal} {words(*map(str, sorted(left)))} 2>/dev/null; true")
        until = time.monotonic() + patience
        while time.monotonic() < until:
            there = _processes(host)
            left = (left & there.keys()) | _belonging(group, there)
            if not left:
                return True
            time.sleep(0.2)
    raise ClaudeLocalError(f"process {group}{host.on} does not end", "it waits for a device, or is another user's")


def container_runs(name: str) -> str:
    """The script that ends well while docker's container of this name runs."""
    return f'[ "$(docker inspect -f "{{{{.State.Running}}}}" {words(name)})" = true ]'


def unit_runs(name: str) -> str:
    """The script that ends well while the user's unit of this name runs."""
    return f"systemctl --user is-active --quiet {words(name)}.service"


def follow_script(deployment: Deployment) -> str:
    """The script that says the server's log from its beginning, and goes on."""
    if deployment.follow:
        return f"cd {folder_word(deployment.folder)} && exec {deployment.follow}"
    assert deployment.log is not None
    return f"exec tail -n +1 -f {folder_word(deployment.log)}"


def log_script(deployment: Deployment) -> str:
    """The script that says the log so far."""
    if deployment.follow:
        return f"cd {folder_word(deployment.folder)} && {deployment.follow.replace(' -f', '', 1)}"
    assert deployment.log is not None
    return f"cat {folder_word(deployment.log)}"


def keep_log(deployment: Deployment, host: Host) -> None:
    """Keep the log of a server that an engine keeps, which is gone with its container, in the server's folder."""
    if deployment.log is None:
        host.run(f"{log_script(deployment)} > {folder_word(f'{deployment.folder}/{LOG}')} 2>&1")


def tunnel_argv(host: str, here: int, there: int) -> tuple[str, ...]:
    """The ssh that brings a port of the host to this machine's loopback."""
    return (
        *("ssh", "-N", "-T", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=15"),
        *("-L", f"127.0.0.1:{here}:127.0.0.1:{there}", "--", host),
    )
