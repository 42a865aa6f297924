"""GPU, driver, CUDA and architecture do not go together."""

from claude_local_plugin.server_log.failure import Failure, Match, Told, issue, vllm_code

INSTALLING = "https://docs.vllm.ai/en/latest/getting_started/installation/gpu/"
TOOLKIT = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html"
TROUBLESHOOTING = "https://docs.vllm.ai/en/latest/usage/troubleshooting/"
COMPATIBILITY = "https://docs.nvidia.com/deploy/cuda-compatibility/"

NO_KERNEL = Failure(
    id="log.no-kernel",
    what="this build has no code for this GPU",
    why="the image or wheel was built for other compute capabilities than the card's",
    fix="a newer image, of the CUDA that the card needs: vllm/vllm-openai v0.24.0 or newer has Blackwell (RTX 50, RTX"
    " Pro 6000, GB10)",
    looks=(r"no kernel image is available for execution on the device",),
    example="RuntimeError: CUDA error: no kernel image is available for execution on the device",
    docs=INSTALLING,
    sources=(issue("vllm-project/vllm", 18916), issue("vllm-project/vllm", 16307)),
)
LIBCUDART = Failure(
    id="log.libcudart",
    what="a CUDA library is not where the server looks for it",
    why="vLLM was built for another version of CUDA than the one that is installed beside it",
    fix="use the official image, or a wheel of the CUDA that is there: pip list | grep -i cuda shows both",
    looks=(r"(?P<library>lib(?:cudart|cublas\w*|cudnn\w*|nccl|nvrtc|cuda)\.so[\w.]*): cannot open shared object file",),
    example="ImportError: libcudart.so.12: cannot open shared object file: No such file or directory",
    docs=INSTALLING,
    sources=(issue("vllm-project/vllm", 31018), issue("vllm-project/vllm", 52300)),
    tell=lambda found: (
        f"{found['library']} is not where the server looks for it",
        "start the container with --gpus all: that library is the driver's"
        if found["library"].startswith("libcuda.so")
        else None,
    ),
)
ARCHITECTURE = Failure(
    id="log.architecture",
    what="the image is for another processor than this machine's",
    why="GB10 and Grace are arm64, and an image for amd64 alone does not run there",
    fix="an image that has this machine's platform (docker manifest inspect IMAGE lists them):"
    " vllm/vllm-openai v0.24.0 or newer has both",
    looks=(
        r"exec\b.*: exec format error",
        r"Exec format error",
        r"no matching manifest for linux/(?P<arch>\w+)",
        r"image platform \(linux/\w+\) does not match the (?:expected|detected host) platform",
        r"no image found in (?:image index|manifest list) for architecture",
    ),
    example="exec /usr/bin/python3: exec format error",
    docs="https://docs.docker.com/build/building/multi-platform/",
    sources=(
        issue("mmartial/ComfyUI-Nvidia-Docker", 96),
        issue("vllm-project/vllm", 30076),
        issue("av/harbor", 14),
        issue("containers/ramalama", 801),
    ),
)


def _driver(found: Match) -> Told | None:
    said = found.groupdict()
    if said.get("needs"):
        return f"the image needs a driver for CUDA {said['needs']}, and this one is older", None
    if number := said.get("found"):  # 12080 is CUDA 12.8
        cuda = f"{int(number) // 1000}.{int(number) % 1000 // 10}"
        return f"the driver goes up to CUDA {cuda}, and this build needs a newer one", None
    return None


DRIVER = Failure(
    id="log.driver-old",
    what="the NVIDIA driver is too old for this build's CUDA",
    why="the driver must be as new as the CUDA that the image or wheel was made with",
    fix="update the driver (nvidia-smi says what CUDA it goes up to), or take an image of an older CUDA",
    looks=(
        r"NVIDIA driver on your system is too old \(found version (?P<found>\d+)\)",
        r"CUDA driver version is insufficient for CUDA runtime version",
        r"unsatisfied condition: cuda\s*>=\s*(?P<needs>[\d.]+)",
        r"cudaErrorInsufficientDriver",
    ),
    example="nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13.0, please update your driver to a"
    " newer version, or use an earlier cuda container",
    docs=COMPATIBILITY,
    sources=(
        issue("MauriceNino/dashdot", 1226),
        issue("ggml-org/llama.cpp", 9665),
        issue("modelscope/FunASR", 2973),
        issue("ovg-project/kvcached", 74),
    ),
    tell=_driver,
)


TOOLKIT_MISSING = Failure(
    id="log.no-toolkit",
    what="the container engine cannot give a container the GPU",
    why="the NVIDIA container toolkit is not installed, or the engine does not know of it",
    fix="install nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl"
    " restart docker",
    looks=(
        r"could not select device driver \"\w*\" with capabilities: \[\[gpu\]\]",
        r"unknown or invalid runtime name: nvidia",
        r"unresolvable CDI devices nvidia\.com/gpu",
    ),
    example='Error response from daemon: could not select device driver "nvidia" with capabilities: [[gpu]]',
    docs=TOOLKIT,
    sources=(issue("NVIDIA/nvidia-docker", 1352), issue("OpenBMB/XAgent", 273)),
)
NO_GPU = Failure(
    id="log.no-gpu",
    what="the server sees no GPU",
    why="the container was started without one, or the driver is not loaded",
    fix="start the container with --gpus all (compose: deploy.resources.reservations.devices), and see whether"
    " nvidia-smi works on the machine itself",
    looks=(
        r"Failed to infer device type",
        r"No CUDA GPUs are available",
        r"nvml error: driver not loaded",
        r"Found no NVIDIA driver on your system",
    ),
    example="RuntimeError: Failed to infer device type, please set the environment variable"
    " `VLLM_LOGGING_LEVEL=DEBUG` to turn on verbose logging",
    docs=INSTALLING,
    sources=(vllm_code("config/device.py"),),
)
PTXAS = Failure(
    id="log.ptxas",
    what="Triton's assembler does not know this GPU",
    why="the ptxas that Triton brings is older than the card",
    fix="TRITON_PTXAS_PATH=/usr/local/cuda/bin/ptxas, of CUDA 13 or newer; or a newer image",
    looks=(r"ptxas fatal\s*: Value '(?P<gpu>sm_\w+)' is not defined for option 'gpu-name'",),
    example="ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'",
    docs=TROUBLESHOOTING,
    sources=(issue("triton-lang/triton", 8539), issue("vllm-project/vllm", 29469), issue("vllm-project/vllm", 31338)),
    tell=lambda found: (f"Triton's assembler does not know {found['gpu']}", None),
)
COMPILER = Failure(
    id="log.no-compiler",
    what="there is no C compiler, or Python's headers are missing",
    why="Triton compiles a small library when the server starts",
    fix="apt install build-essential python3-dev, or use the official image, which has both",
    looks=(r"Failed to find C compiler", r"fatal error: Python\.h: No such file or directory"),
    example="RuntimeError: Failed to find C compiler. Please specify via CC environment variable.",
    docs=TROUBLESHOOTING,
    sources=(issue("vllm-project/vllm", 15329), issue("vllm-project/vllm", 27890)),
)
BFLOAT16 = Failure(
    id="log.no-bfloat",
    what="this GPU has no bfloat16",
    why="it is older than Ampere (compute capability 8.0)",
    fix="--dtype half",
    looks=(r"Bfloat16 is only supported on GPUs",),
    example="ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your Tesla T4 GPU"
    " has compute capability 7.5.",
    docs=INSTALLING,
    sources=(vllm_code("platforms/cuda.py"),),
)
TOO_MANY = Failure(
    id="log.too-few-gpus",
    what="the model is to be spread over more GPUs than there are",
    why="--tensor-parallel-size times --pipeline-parallel-size GPUs are needed",
    fix="a smaller --tensor-parallel-size, or give the container all GPUs",
    looks=(r"World size \((?P<wanted>\d+)\) is larger than the number of available GPUs \((?P<there>\d+)\)",),
    example="ValueError: World size (4) is larger than the number of available GPUs (2) in this node.",
    docs="https://docs.vllm.ai/en/latest/serving/parallelism_scaling/",
    sources=(vllm_code("config/parallel.py"),),
    tell=lambda found: (
        f"the model is to be spread over {found['wanted']} GPUs, and there are {found['there']}",
        f"--tensor-parallel-size {found['there']}"
        if int(found["there"])
        else "give the container the GPUs: --gpus all",
    ),
)
HEADS = Failure(
    id="log.tensor-parallel",
    what="the model's attention heads cannot be spread over so many GPUs",
    why="each GPU takes the same number of heads",
    fix="a --tensor-parallel-size that divides the number of heads: 1, 2, 4 or 8 mostly",
    looks=(
        r"number of attention heads \((?P<heads>\d+)\) must be divisible by tensor parallel size \((?P<size>\d+)\)",
    ),
    example="ValueError: Total number of attention heads (40) must be divisible by tensor parallel size (3).",
    docs="https://docs.vllm.ai/en/latest/serving/parallelism_scaling/",
    sources=(vllm_code("config/model.py"),),
    tell=lambda found: (
        f"{found['heads']} attention heads cannot be spread over {found['size']} GPUs",
        f"--tensor-parallel-size {_divisor(int(found['heads']), int(found['size']))}",
    ),
)


def _divisor(heads: int, most: int) -> int:
    return next(each for each in range(most, 0, -1) if heads % each == 0)


NCCL = Failure(
    id="log.nccl",
    what="the GPUs could not talk to each other (NCCL)",
    why="a model on several GPUs needs shared memory, a network between the workers, and one version of NCCL",
    fix="--ipc=host (compose: ipc: host) first; else NCCL_DEBUG=INFO says what failed, and NCCL_P2P_DISABLE=1 or"
    " NCCL_SOCKET_IFNAME often goes around it",
    looks=(
        r"NCCL error\b.*",
        r"ncclSystemError: System call",
        r"ncclUnhandledCudaError",
        r"ncclInternalError",
    ),
    example="RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO for details)",
    docs=TROUBLESHOOTING,
    sources=(issue("vllm-project/vllm", 6574), issue("vllm-project/vllm", 10626), issue("llm-d/llm-d", 352)),
    but_for=("log.shared-memory", "log.gpu-memory"),
)

FAILURES = (
    *(NO_KERNEL, LIBCUDART, ARCHITECTURE, DRIVER, TOOLKIT_MISSING, NO_GPU, PTXAS, COMPILER, BFLOAT16, TOO_MANY, HEADS),
    NCCL,
)
