"""What Claude Code goes by, for the hooks and for the resolver alike: since when a rule holds, and what means on."""

TYPE_CHECKING = False

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
    ("hook-on-failure", "a hook's onFailure must be continue or block", "2.1.295"),
    ("oauth-refused-in-projects", "CLAUDE_CODE_OAUTH_TOKEN is refused in a project's files", "2.1.299"),
    ("guards-shell-in-skills", "PreSkillShellCommand is an event that guards", "2.1.332"),
)
_SINCE = {name: since for name, _, since in RULES}

#: The values of a switch that mean on; every other value means off.
TRUTHY = ("1", "true", "yes", "on")


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


def is_on(value: "str | None") -> bool:
    """Whether Claude Code takes this value of a switch for on."""
    return value is not None and value.strip().lower() in TRUTHY
