"""Not enough memory: the card's, the cache's, the machine's."""

from claude_local_plugin.server_log.failure import LLAMA_SEEN, Failure, Match, Told, issue, vllm_code

CONSERVING = "https://docs.vllm.ai/en/latest/configuration/conserving_memory/"


def _gpu_memory(found: Match) -> Told | None:
    if not found.groupdict().get("total"):
        return None
    return (
        f"the GPU's memory is full: {found['wanted']} more were wanted, {found['free']} of {found['total']} were free",
        FULL.fix,
    )


FULL = Failure(
    id="log.gpu-memory",
    what="the GPU's memory is full",
    why="weights, cache and what is computed do not fit at once",
    fix="fewer at once (--max-num-seqs), a smaller --max-num-batched-tokens, --gpu-memory-utilization 0.05 lower, or a"
    " smaller quantisation of the model",
    looks=(
        (
            r"CUDA out of memory\. Tried to allocate (?P<wanted>[\d.]+ [KMG]iB)"
            r"(?:.*total capacity of (?P<total>[\d.]+ [KMG]iB) of which (?P<free>[\d.]+ [KMG]iB) is free)?"
        ),
        r"torch\.(?:cuda\.)?OutOfMemoryError|CUDA error: out of memory",
    ),
    example="torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of"
    " 23.53 GiB of which 1.12 GiB is free.",
    docs=CONSERVING,
    sources=(issue("noonghunna/club-3090", 32), issue("vllm-project/vllm", 8903)),
    tell=_gpu_memory,
)


def _gpu_busy(found: Match) -> Told:
    free, total = float(found["free"]), float(found["total"])
    room = int(100 * free / total - 2) / 100
    what = f"only {free:g} of {total:g} GiB of the GPU are free, and {float(found['wanted']):g} are to be taken"
    other = "end what else uses the GPU (nvidia-smi lists it)"
    return what, f"{other}, or start with --gpu-memory-utilization {room:.2f}" if room >= 0.3 else other


BUSY = Failure(
    id="log.gpu-busy",
    what="something else holds a part of the GPU's memory that is to be taken",
    why="vLLM takes its share of all the memory there is, whatever is used already",
    fix="end what else uses the GPU (nvidia-smi lists it), or lower --gpu-memory-utilization",
    looks=(
        (
            r"Free memory on device (?:\S+ )?\((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on startup is less than"
            r" desired GPU memory utilization \([\d.]+, (?P<wanted>[\d.]+) GiB\)"
        ),
    ),
    example="ValueError: Free memory on device cuda:0 (51.20/95.00 GiB) on startup is less than desired GPU memory"
    " utilization (0.9, 85.50 GiB).",
    docs=CONSERVING,
    sources=(issue("vllm-project/vllm", 23192), vllm_code("v1/worker/utils.py")),
    tell=_gpu_busy,
)

NO_CACHE = Failure(
    id="log.no-cache-memory",
    what="after loading the weights no memory is left for the KV cache",
    why="without a cache no request can be answered",
    fix="raise --gpu-memory-utilization, or use a smaller quantisation of the model",
    looks=(r"No available memory for the cache blocks",),
    example="ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`.",
    docs=CONSERVING,
    sources=(vllm_code("v1/core/kv_cache_utils.py"),),
)


def _window(found: Match) -> Told:
    wanted, fits = int(found["wanted"]), found["fits"]
    groups = found.groupdict()
    if groups.get("needed"):
        what = f"a window of {wanted:,} needs {groups['needed']} GiB of KV cache, and {groups['there']} GiB are there"
    else:
        what = f"a window of {wanted:,} is larger than the KV cache, which holds {int(fits):,} tokens"
    smaller = f"--max-model-len {int(fits) // 1024 * 1024}" if fits and int(fits) >= 1024 else "a smaller model"
    return what, f"{smaller}, or --kv-cache-dtype fp8 (holds about twice as many), or more --gpu-memory-utilization"


WINDOW_OVER_CACHE = Failure(
    id="log.window-over-cache",
    what="the window is larger than the KV cache",
    why="vLLM starts only where one request of the full window fits",
    fix="a smaller --max-model-len, --kv-cache-dtype fp8, or more --gpu-memory-utilization",
    looks=(
        (
            r"max seq len \((?P<wanted>\d+)\), \((?P<needed>[\d.]+) GiB KV cache is needed, which is larger than the"
            r" available KV cache memory \((?P<there>[\d.]+) GiB\)"
            r"(?:.*estimated maximum model length is (?P<fits>\d+))?"
        ),
        (
            r"max seq len \((?P<wanted>\d+)\) is larger than the maximum number of tokens that can be stored in KV"
            r" cache \((?P<fits>\d+)\)"
        ),
    ),
    example="ValueError: To serve at least one request with the model's max seq len (262144), (24.00 GiB KV cache is"
    " needed, which is larger than the available KV cache memory (9.60 GiB). Based on the available memory, the"
    " estimated maximum model length is 104832.",
    docs=CONSERVING,
    sources=(
        vllm_code("v1/core/kv_cache_utils.py"),
        issue("vllm-project/vllm", 2418),
        issue("vllm-project/vllm", 10517),
    ),
    tell=_window,
)

WINDOW_OVER_MODEL = Failure(
    id="log.window-over-model",
    what="the window that is asked for is longer than the model's own",
    why="positions that the model never learnt give nonsense, or an error of the GPU",
    fix="leave --max-model-len out, or give at most the model's own",
    looks=(
        (
            r"User-specified max_model_len \((?P<wanted>\d+)\) is greater than the derived max_model_len"
            r" \([\w.]+=(?P<own>[\d.]+)"
        ),
    ),
    example="ValueError: User-specified max_model_len (131072) is greater than the derived max_model_len"
    " (max_position_embeddings=40960 or model_max_length=None in model's config.json).",
    docs="https://docs.vllm.ai/en/latest/cli/serve/",
    sources=(vllm_code("config/model.py"),),
    tell=lambda found: (
        f"a window of {int(found['wanted']):,} is asked for, and the model's own is {int(float(found['own'])):,}",
        f"--max-model-len {int(float(found['own']))}",
    ),
)

KILLED = Failure(
    id="log.killed",
    what="the system has killed the server: the machine's memory is full",
    why="where CPU and GPU share the memory, weights, cache and compiling share it, too",
    fix="a lower --gpu-memory-utilization (on GB10 0.85 at most), MAX_JOBS=2 while it compiles, or a smaller model",
    looks=(
        r"^Killed$",
        r"Out of memory: Killed process",
        r"exited with code 137\b",
        r"[\"']?OOMKilled[\"']?\s*[:=]\s*true",
        r"oom-kill:constraint",
    ),
    example="vllm-1 exited with code 137",
    docs="https://docs.docker.com/engine/containers/resource_constraints/",
    sources=(issue("dusty-nv/jetson-containers", 795), issue("eugr/spark-vllm-docker", 52)),
    but_for=("log.gpu-memory",),
)


def _buffer(found: Match) -> Told | None:
    said = found.groupdict()
    wanted = said.get("wanted") or (f"{int(said['bytes']) / 2**20:.2f} MiB" if said.get("bytes") else None)
    return (f"llama.cpp could not get {wanted.strip()} of memory at once", None) if wanted else None


LLAMA = Failure(
    id="log.buffer-memory",
    what="llama.cpp could not get the memory for weights or cache",
    why="the window of every slot is taken at the start",
    fix="a smaller -c, fewer --parallel, --cache-type-k q8_0 --cache-type-v q8_0, or fewer layers on the GPU (-ngl)",
    looks=(
        r"allocating (?P<wanted>[\d.]+ MiB) on device \d+: cudaMalloc failed: out of memory",
        r"insufficient memory \(attempted to allocate (?P<wanted>\s*[\d.]+ MB)\)",
        r"failed to allocate (?:\w+ )?buffer of size (?P<bytes>\d+)",
        r"unable to allocate \S+ buffer|failed to allocate buffer for kv cache|failed to allocate compute buffers",
    ),
    example="ggml_backend_cuda_buffer_type_alloc_buffer: allocating 12288.00 MiB on device 0: cudaMalloc failed: out of"
    " memory",
    docs="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    sources=(
        issue("gpustack/gpustack", 1269),
        issue("abetlen/llama-cpp-python", 1944),
        issue("ollama/ollama", 8447),
        LLAMA_SEEN,
    ),
    tell=_buffer,
)

FAILURES = (FULL, BUSY, NO_CACHE, WINDOW_OVER_CACHE, WINDOW_OVER_MODEL, KILLED, LLAMA)
