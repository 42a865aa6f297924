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
