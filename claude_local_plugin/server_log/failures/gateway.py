"""LiteLLM in front: its master key, its configuration, the servers behind it."""

from claude_local_plugin.server_log.failure import Failure, Match, Told, issue, litellm_code

CONFIG = "https://docs.litellm.ai/docs/proxy/configs"
KEYS = "https://docs.litellm.ai/docs/proxy/virtual_keys"

MASTER_KEY = Failure(
    id="log.master-key",
    what="LiteLLM refuses to start without a master key, or with a well-known one",
    why="anybody on the network could use every model behind it",
    fix="general_settings.master_key: os.environ/LITELLM_MASTER_KEY, and LITELLM_MASTER_KEY=sk-… from"
    " openssl rand -hex 32",
    looks=(r"LiteLLM proxy refused to start:.*(?:master key|every request)", r"refused to start: no master key"),
    example="LiteLLM proxy refused to start: no master key is set, so every request would be accepted without"
    " authentication.",
    docs=KEYS,
    sources=(litellm_code("proxy/auth/master_key_boot_check.py"),),
)
PROVIDER = Failure(
    id="log.no-provider",
    what="a model in LiteLLM's configuration does not say which API it speaks",
    why="the word before the slash chooses it: hosted_vllm/, openai/, anthropic/",
    fix="litellm_params.model: hosted_vllm/NAME for a vLLM, openai/NAME for others",
    looks=(r"LLM Provider NOT provided\. .*You passed model=(?P<name>\S+)",),
    example="litellm.exceptions.BadRequestError: LLM Provider NOT provided. Pass in the LLM provider you are trying to"
    " call. You passed model=qwen3-coder",
    docs=CONFIG,
    sources=(issue("OpenHands/OpenHands", 786), litellm_code("litellm_core_utils/get_llm_provider_logic.py")),
    tell=lambda found: (
        f"{found['name']} in LiteLLM's configuration does not say which API it speaks",
        f"litellm_params.model: hosted_vllm/{found['name']} for a vLLM, openai/{found['name']} for others",
    ),
)
STRATEGY = Failure(
    id="log.routing-strategy",
    what="LiteLLM does not know the routing strategy",
    why="router_settings.routing_strategy takes a few names only",
    fix="router_settings.routing_strategy: simple-shuffle",
    looks=(r"Invalid routing_strategy: '(?P<name>[^']+)'",),
    example="ValueError: Invalid routing_strategy: 'round-robin'. Valid options: ['simple-shuffle', 'least-busy']",
    docs="https://docs.litellm.ai/docs/routing",
    sources=(litellm_code("litellm_core_utils/routing_groups.py"),),
    tell=lambda found: (f"LiteLLM knows no routing strategy {found['name']}", None),
)
DEPENDENCY = Failure(
    id="log.proxy-extra",
    what="LiteLLM was installed without its proxy",
    why="the proxy's packages are an extra",
    fix="pip install 'litellm[proxy]'",
    looks=(r"Missing dependency .*Run `pip install 'litellm\[proxy\]'`",),
    example="ImportError: Missing dependency No module named 'orjson'. Run `pip install 'litellm[proxy]'`",
    docs="https://docs.litellm.ai/docs/simple_proxy",
    sources=(litellm_code("proxy/proxy_server.py"),),
)
NO_CONFIG = Failure(
    id="log.no-config",
    what="LiteLLM's configuration is not where it looks",
    why="in a container the path is the one inside",
    fix="mount it and name it: -v ./config.yaml:/app/config.yaml … --config /app/config.yaml",
    looks=(r"Config file not found: (?P<path>\S+)", r"Unable to load config from given source"),
    example="Exception: Config file not found: /app/config.yaml",
    docs=CONFIG,
    sources=(litellm_code("proxy/proxy_server.py"),),
)


def _behind(found: Match) -> Told | None:
    host = found.groupdict().get("host")
    return (f"LiteLLM cannot reach {host}", None) if host else None


BEHIND = Failure(
    id="log.backend-unreachable",
    what="LiteLLM cannot reach the server behind it",
    why="it is down, or api_base names localhost, which in a container is the container itself",
    fix="start it; from a container api_base is http://host.docker.internal:PORT/v1, or the server's name in compose",
    looks=(
        r"Cannot connect to host (?P<host>[\w.-]+:\d+)",
        r"litellm\.(?:InternalServerError|APIConnectionError|ServiceUnavailableError):.*Connection (?:error|refused)",
    ),
    example="litellm.InternalServerError: InternalServerError: Hosted_vllmException - Cannot connect to host"
    " localhost:8000 ssl:default [Connect call failed ('127.0.0.1', 8000)]",
    docs=CONFIG,
    sources=(issue("BerriAI/litellm", 4494), issue("BerriAI/litellm", 11044)),
    tell=_behind,
)

FAILURES = (MASTER_KEY, PROVIDER, STRATEGY, DEPENDENCY, NO_CONFIG, BEHIND)
