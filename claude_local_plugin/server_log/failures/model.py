"""The model cannot be had, read or run."""

from claude_local_plugin.server_log.failure import LLAMA_SEEN, Failure, Match, Told, issue, vllm_code

GATED_DOCS = "https://huggingface.co/docs/hub/models-gated"
OFFLINE_DOCS = "https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables"
SUPPORTED = "https://docs.vllm.ai/en/latest/models/supported_models/"
LLAMA_DOCS = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md"


def _gated(found: Match) -> Told | None:
    if not (name := found.groupdict().get("name")):
        return None
    return (
        f"{name} is gated: its licence has to be accepted, and the download wants a token",
        f"accept it at https://huggingface.co/{name}, then give the server HF_TOKEN (docker: -e HF_TOKEN)",
    )


GATED = Failure(
    id="log.model-gated",
    what="the model is gated: its licence has to be accepted, and the download wants a token",
    why="Hugging Face gives such weights only to accounts that have agreed",
    fix="accept the licence on the model's page, then give the server HF_TOKEN (docker: -e HF_TOKEN)",
    looks=(
        r"Cannot access gated repo for url https?://[^/]+/(?P<name>[\w.-]+/[\w.-]+)/",
        r"[Mm]odel (?P<name>[\w.-]+/[\w.-]+) is (?:gated|restricted)",
        r"You are trying to access a gated repo",
        r"GatedRepoError",
    ),
    example="Cannot access gated repo for url https://huggingface.co/acme/gated-8b/resolve/main/config.json.",
    docs=GATED_DOCS,
    sources=(issue("skypilot-org/skypilot", 2634), issue("kyegomez/NeoSapiens", 3)),
    tell=_gated,
)


def _missing(found: Match) -> Told | None:
    if not (name := found.groupdict().get("name")):
        return None
    return f"there is no model {name} where the server looks", None


MISSING = Failure(
    id="log.model-missing",
    what="the model does not exist where the server looks for it",
    why="the name is misspelt, the repository private, or the folder not mounted into the container",
    fix="look at its spelling on huggingface.co (a private one wants HF_TOKEN); mount a folder: -v FOLDER:FOLDER",
    looks=(
        r"Repository Not Found for url: https?://[^/]+/(?:api/models/)?(?P<name>[\w.-]+/[\w.-]+)",
        r"Invalid repository ID or local directory specified: '(?P<name>[^']+)'",
        r"RepositoryNotFoundError",
        r"(?P<name>[\w./-]+) is not a local folder and is not a valid model identifier",
        r"Repo id must be in the form 'repo_name' or 'namespace/repo_name': '(?P<name>[^']+)'",
    ),
    example="ValueError: Invalid repository ID or local directory specified: 'acme/qwen3-codr'",
    docs=SUPPORTED,
    sources=(vllm_code("transformers_utils/config.py"), issue("Sudharsanselvaraj/Token-Print", 305)),
    tell=_missing,
    but_for=("log.model-gated", "log.offline"),
)
OFFLINE = Failure(
    id="log.offline",
    what="the server could not reach Hugging Face, and has no copy of the model",
    why="without a network everything it reads has to be in its cache, tokenizer and configuration too",
    fix="give the machine a network or a proxy (HTTPS_PROXY); or download the model elsewhere, mount it, and set"
    " HF_HUB_OFFLINE=1",
    looks=(
        r"couldn't connect to 'https://huggingface\.co'",
        r"Failed to resolve '?\\?'?huggingface\.co",
        r"Cannot reach https?://huggingface\.co\S*: offline mode is enabled",
        r"LocalEntryNotFoundError",
        r"Max retries exceeded with url: /api/models/",
    ),
    example="OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the"
    " cached files.",
    docs=OFFLINE_DOCS,
    sources=(issue("vllm-project/vllm", 1986), issue("tenstorrent/tt-inference-server", 4025)),
)


def _unsupported(found: Match) -> Told:
    return f"this version of the server cannot run {found['name'].strip(chr(39))}", None


UNSUPPORTED = Failure(
    id="log.model-unsupported",
    what="this version of the server cannot run the model's architecture",
    why="the model is younger than the server, or its repository misses code",
    fix="a newer server: pull the newest release's image, or build llama.cpp anew",
    looks=(
        r"Model architectures \[(?P<name>[^\]]+)\] (?:are not supported for now|failed to be inspected)",
        r"model type `(?P<name>[\w.-]+)` but Transformers does not recognize this architecture",
        r"unknown model architecture: (?P<name>'[^']+')",
    ),
    example="ValueError: Model architectures ['Qwen9ForCausalLM'] are not supported for now.",
    docs=SUPPORTED,
    sources=(
        vllm_code("model_executor/models/registry.py"),
        issue("ollama/ollama", 12984),
        issue("utilityai/llama-cpp-rs", 866),
    ),
    tell=_unsupported,
)
CUSTOM_CODE = Failure(
    id="log.custom-code",
    what="the model brings code of its own, which the server was not allowed to run",
    why="its repository's Python would run on your machine",
    fix="read that code first; then --trust-remote-code, with --revision so that it stays the code you read",
    looks=(
        r"contains custom code which must be executed to correctly load the model",
        r"consider setting `trust_remote_code=True`",
        r"Please pass the argument `trust_remote_code=True`",
    ),
    example="ValueError: The repository acme/own-8b contains custom code which must be executed to correctly load the"
    " model.",
    docs="https://docs.vllm.ai/en/latest/cli/serve/",
    sources=(issue("OpenGVLab/InternVL", 1244), vllm_code("transformers_utils/config.py")),
)


def _no_file(found: Match) -> Told:
    return (
        f"there is no file {found['file']}",
        "look at the path; in a container it is the path inside, and the folder has to be mounted",
    )


NO_FILE = Failure(
    id="log.model-file",
    what="the model's file does not exist",
    why="llama.cpp reads one file, by its path",
    fix="look at the path; in a container it is the path inside, and the folder has to be mounted",
    looks=(
        r"failed to open GGUF file '(?P<file>[^']+)' \(No such file or directory\)",
        r"failed to open (?P<file>\S+\.gguf): No such file or directory",
    ),
    example="0.00.009.812 E gguf_init_from_file: failed to open GGUF file '/models/qwen.gguf' (No such file or"
    " directory)",
    docs=LLAMA_DOCS,
    sources=(LLAMA_SEEN,),
    tell=_no_file,
)
BROKEN = Failure(
    id="log.model-broken",
    what="the model's file is incomplete, or no model",
    why="mostly a download that was broken off, or a page of text in its place (git-lfs)",
    fix="download it again, and compare its size or sha256 with the page's",
    looks=(
        r"data is not within the file bounds, model is corrupted or incomplete",
        r"invalid magic characters: '(?P<magic>[^']*)', expected 'GGUF'",
        r"gguf_init\w*: failed to read key-value pairs",
        r"SafetensorError: Error while deserializing header",
        r"invalid magic number\b",
    ),
    example="llama_model_load: error loading model: tensor 'blk.7.ffn_up.weight' data is not within the file bounds,"
    " model is corrupted or incomplete",
    docs=LLAMA_DOCS,
    sources=(issue("moly-ai/moly-local", 13), issue("LlamaEdge/LlamaEdge", 173), LLAMA_SEEN),
)
COMPILE_CACHE = Failure(
    id="log.compile-cache",
    what="vLLM's cache of compiled code is damaged",
    why="an earlier start was ended while it compiled, or the cache is of another version",
    fix="delete it and start again: rm -r ~/.cache/vllm/torch_compile_cache   (in the container's cache volume)",
    looks=(
        r"failed to get the hash of the compiled graph",
        r"a previous compilation failed, leading to a corrupted compilation artifact",
        r"torch_compile_cache/.*(?:No such file or directory|EOFError|BadZipFile|UnpicklingError)",
    ),
    example="RuntimeError: vLLM failed to compile the model. The most likely reason for this is that a previous"
    " compilation failed, leading to a corrupted compilation artifact.",
    docs="https://docs.vllm.ai/en/latest/design/torch_compile/",
    sources=(
        issue("vllm-project/vllm", 18851),
        issue("vllm-project/vllm", 18956),
        vllm_code("compilation/compiler_interface.py"),
    ),
)

FAILURES = (GATED, MISSING, OFFLINE, UNSUPPORTED, CUSTOM_CODE, NO_FILE, BROKEN, COMPILE_CACHE)
