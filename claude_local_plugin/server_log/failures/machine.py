"""The machine and the container engine: ports, disk, shared memory, rights, the daemon."""

from claude_local_plugin.checks import Result
from claude_local_plugin.server_log.failure import LLAMA_SEEN, Failure, Match, Told, issue, vllm_code

DOCKER = "https://docs.docker.com/engine/daemon/troubleshoot/"
INSTALLED = "https://docs.docker.com/engine/install/linux-postinstall/"
SHM = "https://docs.vllm.ai/en/latest/deployment/docker/"


def _port(found: Match) -> Told | None:
    if not (port := found.groupdict().get("port")):
        return None
    return (
        f"port {port} is taken",
        f"end what listens there (ss -ltnp 'sport = :{port}' names it), or start with another --port",
    )


PORT = Failure(
    id="log.port-taken",
    what="the port is taken",
    why="two programs cannot listen on one port; often it is an earlier start of the same server",
    fix="end what listens there (ss -ltnp names it), or start with another --port",
    looks=(
        r"error while attempting to bind on address \('[^']*', (?P<port>\d+)[^)]*\): address already in use",
        r"Bind for \S+:(?P<port>\d+) failed: port is already allocated",
        r"couldn't bind HTTP server socket, hostname: \S+, port: (?P<port>\d+)",
        r"listen tcp\d? \S+:(?P<port>\d+): bind: address already in use",
        r"\[Errno (?:98|48)\] Address already in use",
        r"EADDRINUSE",
    ),
    example="OSError: [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use",
    docs=DOCKER,
    sources=(
        issue("vllm-project/vllm", 7514),
        issue("vllm-project/vllm", 9763),
        issue("0xmoei/allora-testnet", 11),
        LLAMA_SEEN,
    ),
    tell=_port,
)
SHARED_MEMORY = Failure(
    id="log.shared-memory",
    what="the container's shared memory is too small",
    why="workers hand tensors to each other there, and a container gets 64 MiB",
    fix="--ipc=host (compose: ipc: host), or --shm-size 16g",
    looks=(
        r"Error while (?:creating|attaching to) shared memory segment",
        r"unable to open shared memory object",
        r"insufficient shared memory \(shm\)",
        r"No space left on device.*/dev/shm|/dev/shm.*No space left on device",
        r"Bus error",
    ),
    example="NCCL WARN Error while creating shared memory segment /dev/shm/nccl-a1b2c3 (size 9637888)",
    docs=SHM,
    sources=(
        issue("vllm-project/vllm", 18831),
        issue("vllm-project/vllm", 2719),
        issue("MiniMax-AI/MiniMax-01", 42),
        issue("llm-d/llm-d", 352),
    ),
)
WAITING = Failure(
    id="log.workers-waiting",
    what="the workers of the model have not answered for a minute",
    why="one of them compiles or loads for long, or hangs; this alone is no failure",
    fix="wait while it loads or compiles; if it goes on for ten minutes, NCCL_DEBUG=INFO says what they wait for",
    looks=(r"No available shared memory broadcast block found",),
    example="INFO 11-28 20:11:02 [shm_broadcast.py:681] No available shared memory broadcast block found in 60"
    " seconds.",
    docs="https://docs.vllm.ai/en/latest/usage/troubleshooting/",
    sources=(issue("vllm-project/vllm", 16841), vllm_code("distributed/device_communicators/shm_broadcast.py")),
    result=Result.WARNING,
)
DISK = Failure(
    id="log.disk-full",
    what="the disk is full",
    why="weights, the image's layers and the compile cache all need room, and a download needs it once more",
    fix="df -h says which; docker system prune frees old images, HF_HOME moves the weights to another disk",
    looks=(
        r"No space left on device",
        r"no space left on device",
        r"\bENOSPC\b",
        r"Not enough free disk space to download",
    ),
    example="OSError: [Errno 28] No space left on device: '/root/.cache/huggingface/hub/models--acme--big'",
    docs="https://docs.docker.com/engine/manage-resources/pruning/",
    sources=(issue("kijai/ComfyUI-Geowizard", 10), issue("huggingface/text-generation-inference", 3087)),
    but_for=("log.shared-memory",),
)
RIGHTS = Failure(
    id="log.no-right",
    what="the server may not read or write a folder that it needs",
    why="mostly a cache that another user, or root in another container, has made",
    fix='sudo chown -R "$(id -u):$(id -g)" on the folder, or run the container as its owner (--user)',
    looks=(r"PermissionError: \[Errno 13\] Permission denied: '(?P<path>[^']+)'",),
    example="PermissionError: [Errno 13] Permission denied: '/root/.cache/huggingface/hub'",
    docs="https://docs.docker.com/engine/storage/bind-mounts/",
    sources=(issue("tenstorrent/tt-inference-server", 37), issue("huggingface/sentence-transformers", 2317)),
    tell=lambda found: (f"the server may not use {found['path']}", None),
)
DAEMON = Failure(
    id="log.no-daemon",
    what="the container engine does not run here",
    why="the docker command only asks a daemon, which is not there",
    fix="sudo systemctl start docker   (or start Docker Desktop); podman needs none",
    looks=(
        r"Cannot connect to the Docker daemon",
        r"Is the docker daemon running",
        r"failed to connect to the docker API",
        r"[Cc]annot connect to Podman",
    ),
    example="Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    docs=DOCKER,
    sources=(issue("docker/for-mac", 1114), "the docker command 28.2.2 where no daemon runs"),
)
DAEMON_RIGHTS = Failure(
    id="log.daemon-denied",
    what="this user may not talk to the docker daemon",
    why="its socket belongs to root and the group docker",
    fix='sudo usermod -aG docker "$USER", then log in again',
    looks=(r"permission denied while trying to connect to the [Dd]ocker (?:daemon socket|API)",),
    example="permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
    docs=INSTALLED,
    sources=(INSTALLED,),
)
NAME = Failure(
    id="log.name-taken",
    what="there is a container of that name already",
    why="a stopped container keeps its name",
    fix="docker rm -f NAME, where it is an old one",
    looks=(r"[Tt]he container name \"/?(?P<name>[\w.-]+)\" is already in use",),
    example='Error response from daemon: Conflict. The container name "/vllm" is already in use by container "a1b2".',
    docs="https://docs.docker.com/reference/cli/docker/container/rm/",
    sources=(issue("vllm-project/vllm", 18752),),
    tell=lambda found: (
        f"there is a container called {found['name']} already",
        None,
    ),
)
NO_IMAGE = Failure(
    id="log.image-missing",
    what="the image does not exist, or wants a login",
    why="the tag is misspelt or was taken away, or the registry is not public",
    fix="look at the tag in the registry; nvcr.io wants docker login nvcr.io",
    looks=(
        r"manifest for (?P<name>\S+) not found",
        r"pull access denied for (?P<name>[^\s,]+)",
        r"manifest unknown",
        r"(?P<name>[\w./-]+:[\w.-]+): not found$",
    ),
    example="Error response from daemon: manifest for vllm/vllm-openai:v9.9.9 not found: manifest unknown",
    docs="https://docs.docker.com/reference/cli/docker/image/pull/",
    sources=(issue("docker/model-runner", 339),),
    tell=lambda found: (
        (f"there is no image {found['name']} to be had", None) if found.groupdict().get("name") else None
    ),
)
ENGINE_DEAD = Failure(
    id="log.engine-dead",
    what="vLLM's engine process ended while it was serving",
    why="the cause stands further up in the log, or was never written: a kill by the system writes nothing",
    fix="look above in the whole log; dmesg -T | grep -i oom says whether the system ended it",
    looks=(r"EngineDeadError", r"EngineCore encountered an issue"),
    example="vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above) for"
    " the root cause.",
    docs="https://docs.vllm.ai/en/latest/usage/troubleshooting/",
    sources=(vllm_code("v1/engine/exceptions.py"),),
    but_for=("*",),
)

FAILURES = (PORT, SHARED_MEMORY, WAITING, DISK, RIGHTS, DAEMON, DAEMON_RIGHTS, NAME, NO_IMAGE, ENGINE_DEAD)
