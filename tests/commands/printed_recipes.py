"""The cases of what is printed about recipes: see `printed_cases`, which takes them in."""

import tomllib

from tests.commands.house import House
from tests.commands.lan import Typed
from tests.commands.printed_cases import Case, _nothing, case, not_run, says

#: An entry of one's own, under the name of one that is in the catalogue.
MINE = """\
name = "gpt-oss-20b"
label = "Mine"
maker = "me"
pictures = false
thinks = false
parameters = { value = 21, unit = "billion", basis = "measured", source = "counted", date = "2026-11-28" }
window = { value = 131072, unit = "tokens", basis = "published", source = "its card", date = "2026-11-28" }
agent = { value = 5, unit = "of 10", basis = "estimated", source = "tried it", date = "2026-11-28" }

[[variants]]
precision = "fp8"
repository = "me/mine"
weights = { value = 12, unit = "GiB", basis = "measured", source = "ls", date = "2026-11-28" }
"""


def _mine(house: House) -> None:
    (house.project / "my entry.toml").write_text(MINE)


def _taken(house: House, _: Case, __: Typed) -> None:
    written = house.config.with_name("recipes") / "models" / "gpt-oss-20b.toml"
    assert tomllib.loads(written.read_text())["label"] == "Mine"


case(
    "recipe add: instead of one that is there",
    "commands.recipe_add:add claude-local recipe add --from … --force",
    _mine,
    ("recipe", "add", "--from", "my entry.toml"),
    _taken,
)
case(
    "recipe fit: the file of what fits best",
    "cli.recipe.fit:_screen claude-local recipe render … …",
    _nothing,
    ("recipe", "fit", "--hardware", "gb10"),
    says("Qwen/Qwen3-Coder-Next-FP8"),
)
not_run(
    "recipe fit: ssh that asks something",
    "leads to another machine",
    "recipes.machine:_ask ssh -- … true",
    _nothing,
    ("recipe", "fit", "--host", "no-such-box.invalid"),
)


# --- files that start a server


def _rendered(form: str) -> tuple[str, ...]:
    return ("recipe", "render", "qwen3-coder-next:fp8", "--hardware", "gb10", "--format", form)


NO_SERVER = "starts a model server, which needs a GPU"

case(
    "recipe show: a model that is not known",
    "recipes.catalogue:(module) claude-local recipe list",
    _nothing,
    ("recipe", "show", "qwen3-codr-next"),
    says("qwen3-coder-next"),
)
case(
    "recipe production-stack: a recipe for another engine",
    "commands.recipe_fit:best claude-local recipe list",
    _nothing,
    ("recipe", "production-stack", "qwen3-coder-30b-a3b:q4_k_m", "--hardware", "h100-80gb"),
    says("qwen3-coder-next"),
)
not_run(
    "recipe render: what fits instead",
    "the machine that it is typed on decides how it ends",
    "commands.recipe_fit:best claude-local recipe fit",
    _nothing,
    ("recipe", "render", "minimax-m2.7", "--hardware", "gb10"),
)
not_run(
    "recipe render: Claude Code on it",
    "the server has to be started before",
    "commands.recipe_render:afterwards claude-local enable … …",
    _nothing,
    _rendered("compose"),
)
not_run(
    "recipe render: compose",
    NO_SERVER,
    "recipes.formats.compose:written docker compose …",
    _nothing,
    _rendered("compose"),
)
not_run(
    "recipe render: docker run",
    NO_SERVER,
    (
        "recipes.formats.docker_run:written docker logs -f …",
        "recipes.formats.docker_run:written docker rm -f …",
        "recipes.formats.docker_run:written sh …",
        "recipes.formats.docker_run:written …",
    ),
    _nothing,
    _rendered("docker-run"),
)
not_run(
    "recipe render: a script",
    NO_SERVER,
    ("recipes.formats.command:written export … …", "recipes.formats.command:written sh …"),
    _nothing,
    _rendered("command"),
)
not_run(
    "recipe render: a unit",
    NO_SERVER,
    (
        "recipes.formats.systemd:(module) systemctl --user daemon-reload",
        "recipes.formats.systemd:written install -D -m 600 -t … …",
        "recipes.formats.systemd:written journalctl --user -f -u …",
        "recipes.formats.systemd:written systemctl --user start …",
        "recipes.formats.systemd:written systemctl --user stop …",
        "recipes.formats.systemd:written then … …",
    ),
    _nothing,
    _rendered("systemd"),
)
not_run(
    "recipe render: a quadlet",
    NO_SERVER,
    (
        "recipes.formats.quadlet:(module) systemctl --user daemon-reload",
        "recipes.formats.quadlet:written install -D -m 600 -t … …",
        "recipes.formats.quadlet:written journalctl --user -f -u …",
        "recipes.formats.quadlet:written systemctl --user start …",
        "recipes.formats.quadlet:written systemctl --user stop …",
        "recipes.formats.quadlet:written then … …",
        "recipes.formats.quadlet:written …",
    ),
    _nothing,
    _rendered("podman-quadlet"),
)
case(
    "completion: what a shell reads",
    "cli.examples:(module) claude-local completion bash",
    _nothing,
    ("completion", "--help"),
    says("_claude_local_completion"),
    again=False,
)
