"""What Claude Code goes by, for the hooks and for the resolver alike: since when a rule holds, and what means on."""

from claude_local_plugin.core import system as os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Rules that do not hold for every version: name, what it says, and the first version it was seen to hold in; the
#: one before it that was asked may be some releases older. `precedence.table.RULES` has the rest.
RULES = (
    ("bom-tolerated", "a settings file may begin with a byte order mark", "2.1.0"),
    ("local-from-git-root", "settings.local.json is read from the main checkout, then the current folder", "2.1.211"),
    ("google-cloud", "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD switches the provider", "2.1.213"),
    (
        "guarding-hooks",
        "a hook that cannot be loaded drops its file under an event that guards, not under any",
        "2.1.266",
    ),
    (
        "managed-after-served",
        "whether a login profile or a federation is there is settled before an administrator's own files are asked",
        "2.1.266",
    ),
    ("bound-to-login", "CLAUDE_CODE_REMOTE_TOOLS_PIN_STORED_LOGIN binds to the stored claude.ai login", "2.1.283"),
    ("hook-on-failure", "a hook's onFailure must be continue or block", "2.1.295"),
    (
        "gateway-must-be-named",
        "beside an administrator's settings a gateway sign-in counts only where they name or force it",
        "2.1.295",
    ),
    ("oauth-refused-in-projects", "CLAUDE_CODE_OAUTH_TOKEN is refused in a project's files", "2.1.299"),
    ("hook-lists-end", "lists in the place of `hooks` that are nested more than 63 deep drop the file", "2.1.326"),
    ("guards-shell-in-skills", "PreSkillShellCommand is an event that guards", "2.1.332"),
)
_SINCE = {name: since for name, _, since in RULES}

#: Provider switches in the order in which they are asked for, the first that is on wins: switch, the provider's name,
#: the variable that moves its endpoint, and what people call it. The gateway is asked first (see `provider_of`).
GATEWAY = "CLAUDE_CODE_USE_GATEWAY"
PROVIDERS = (
    (GATEWAY, "gateway", "ANTHROPIC_BASE_URL", "the Claude gateway"),
    ("CLAUDE_CODE_USE_BEDROCK", "bedrock", "ANTHROPIC_BEDROCK_BASE_URL", "Amazon Bedrock"),
    ("CLAUDE_CODE_USE_FOUNDRY", "foundry", "ANTHROPIC_FOUNDRY_BASE_URL", "Microsoft Foundry"),
    ("CLAUDE_CODE_USE_ANTHROPIC_AWS", "anthropicAws", "ANTHROPIC_AWS_BASE_URL", "Claude Platform on AWS"),
    (
        "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
        "anthropicGoogleCloud",
        "ANTHROPIC_GOOGLE_CLOUD_BASE_URL",
        "Claude Platform on Google Cloud",
    ),
    ("CLAUDE_CODE_USE_MANTLE", "mantle", "ANTHROPIC_BEDROCK_MANTLE_BASE_URL", "Bedrock Mantle"),
    ("CLAUDE_CODE_USE_VERTEX", "vertex", "ANTHROPIC_VERTEX_BASE_URL", "Google Vertex AI"),
)

#: Variables with the number of a file descriptor, and what is read there: they count from the environment alone.
KEY_DESCRIPTOR = "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR"
OAUTH_DESCRIPTOR = "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR"

#: A Unix socket that requests go through, whatever the address says. It counts from the environment alone.
UNIX_SOCKET = "ANTHROPIC_UNIX_SOCKET"
#: How the place such a session talks to is written.
SOCKET_SCHEME = "unix:"
#: A program's own socket: where it is that one, cloud providers are not reached through it (seen on 2.1.332).
RUNNER_SOCKET = "CLAUDE_CODE_RUNNER_MODEL_SOCKET"
#: With it these count from the environment alone as well, and no login serves.
BESIDE_A_SOCKET = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")

#: Any of these in the environment makes the routing variables of settings files count for nothing: a program that
#: starts Claude Code decides (a switch), hands a credential over (any text), or binds it to the stored claude.ai login
#: (a switch, which leaves an administrator's files alone). Seen on 2.1.332.
HOSTED = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"
HOST_AUTH = "CLAUDE_CODE_HOST_AUTH_ENV_VAR"
PINNED = "CLAUDE_CODE_REMOTE_TOOLS_PIN_STORED_LOGIN"

#: The variable that moves the file of logins.
LOGIN_FOLDER = "CLAUDE_SECURESTORAGE_CONFIG_DIR"

#: Read from the environment before any settings file is.
FROM_THE_ENVIRONMENT = frozenset((KEY_DESCRIPTOR, OAUTH_DESCRIPTOR, UNIX_SOCKET, HOST_AUTH))

#: The values of a switch that mean on; every other value means off.
TRUTHY = ("1", "true", "yes", "on")
#: What switches one off that is on by itself.
FALSY = ("0", "false", "no", "off")


#: How Anthropic's own keys and tokens begin: they are never another server's, wherever they are written.
ANTHROPIC_PREFIX = "sk-ant-"

#: Words in a header's name that say it carries a credential.
CREDENTIAL_WORDS = ("auth", "key", "token", "cookie", "secret", "pass")


def is_anthropics(value: str) -> bool:
    """Whether a header's value is a key or token of Anthropic's own."""
    return value.startswith((ANTHROPIC_PREFIX, f"Bearer {ANTHROPIC_PREFIX}"))


def is_secret_header(name: str) -> bool:
    """Whether a header of this name carries a credential, by its name."""
    name = name.lower()
    return any(word in name for word in CREDENTIAL_WORDS)


def secret_headers(headers: "Mapping[str, str]") -> "list[str]":
    """The names of those headers that are sent with something and speak of a credential."""
    return [name for name, value in headers.items() if value and is_secret_header(name)]


def custom_headers(text: str) -> "dict[str, str]":
    """The headers in ANTHROPIC_CUSTOM_HEADERS, one `Name: value` a line, by lower-case name; the last one counts."""
    found = {}
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon and name.strip():
            found[name.strip().lower()] = value.strip()
    return found


def version_key(version: str) -> "tuple[int, ...]":
    """`"2.1.329"` as `(2, 1, 329)`; what is not a number ends the key."""
    numbers = []
    for part in version.split("-", 1)[0].split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def holds(rule: str, client_version: "str | None") -> bool:
    """Whether a rule holds for this client; an unknown version is taken for the newest."""
    return client_version is None or version_key(client_version) >= version_key(_SINCE[rule])


def login_folder(config: str, home: str, folder: str, environ: "Mapping[str, str]") -> str:
    """Where the file of logins lies: in Claude Code's own folder, or where LOGIN_FOLDER says, relative to `folder`.

    An empty one says `~/.claude`, wherever Claude Code's own folder has been moved (seen on 2.1.332).
    """
    chosen = environ.get(LOGIN_FOLDER)
    if chosen is None:
        return config
    return os.path.join(folder, chosen) if chosen else os.path.join(home, ".claude")


def socket_of(environ: "Mapping[str, str]", *, cloud_provider: bool) -> str:
    """The Unix socket that requests to a cloud provider or to Anthropic's API go through; "" where none does."""
    socket = environ.get(UNIX_SOCKET, "")
    return "" if cloud_provider and socket == environ.get(RUNNER_SOCKET) else socket.strip()


def is_on(value: "str | None") -> bool:
    """Whether Claude Code takes this value of a switch for on."""
    return value is not None and value.strip().lower() in TRUTHY


def provider_of(environ: "Mapping[str, str]", *, gateway: bool, client_version: "str | None" = None) -> "str | None":
    """The provider whose switch is on, None for the Anthropic API; `gateway` says whether its address and token stand.

    The gateway counts only together with a base URL and a token, which it takes from anywhere but a project's files.
    """
    for switch, name, _, _ in PROVIDERS:
        if not is_on(environ.get(switch)) or (switch == GATEWAY and not gateway):
            continue
        if name != "anthropicGoogleCloud" or holds("google-cloud", client_version):
            return name
    return None


def client_version_of(environ: "Mapping[str, str]") -> "str | None":
    """`2.1.329` from an `AI_AGENT` of `claude-code_2-1-329_harness`; None when it says something else."""
    words = environ.get("AI_AGENT", "").split("_")
    if len(words) < 2 or words[0] != "claude-code":
        return None
    numbers = words[1].split("-")
    if len(numbers) != 3 or not all(number.isascii() and number.isdigit() for number in numbers):
        return None
    return ".".join(numbers)[:30]


def is_hosted(environ: "Mapping[str, str]") -> bool:
    """Whether a program that starts Claude Code has taken the routing into its own hands.

    Hooks are then shown no token, no key and no custom headers (seen on 2.1.332): that there are none says nothing.
    """
    return is_on(environ.get(HOSTED))


def js_string(value: object) -> str:
    """A JSON value as Claude Code turns it into the text of a variable: `true`, `null`, `5`, `1e+21`."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _js_number(value)
    if isinstance(value, list):
        return ",".join("" if item is None else js_string(item) for item in value)
    return "[object Object]"


def _js_number(value: float) -> str:
    """The shortest digits that stand for the number, as JavaScript writes them: `5`, `0.5`, `1e+21`, `1e-7`."""
    if isinstance(value, int) and abs(value) < 2**53:
        return str(value)
    from decimal import Decimal  # almost no settings file gets here

    try:
        number = float(value)
    except OverflowError:  # a whole number beyond every float
        number = float("inf") if value > 0 else float("-inf")
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)  # where the decimal point stands, counted from the left
    minus = "-" if sign and number else ""
    if len(text) <= point <= 21:
        return minus + text.ljust(point, "0")
    if 0 < point <= 21:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return "0" if not number else f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{point - 1:+d}"


#: What the gateway needs, and takes from no project's file.
GATEWAY_KEYS = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN")
