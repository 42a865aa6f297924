"""The cases of what is printed about profiles: see `printed_cases`, which takes them in."""

import tomllib
from typing import Any

from tests.commands.house import House
from tests.commands.lan import GUARDED, KEY, OPEN, SEVERAL
from tests.commands.printed_cases import (
    After,
    Build,
    _must,
    _nothing,
    asked_again,
    case,
    not_run,
    points_at,
    says,
    steps,
)

ADD = ("profile", "add", "spark", "--url", OPEN)


def _profiles(house: House) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(house.config.read_text()).get("profiles", {}) if house.config.exists() else {}
    return found


def _profile(*more: str, name: str = "spark", url: str = OPEN) -> Build:
    def build(house: House) -> None:
        house.ok("profile", "add", name, "--url", url, *more)

    return build


def _shell(**values: str) -> Build:
    def build(house: House) -> None:
        house.shell |= values

    return build


def _enabled(*words: str) -> Build:
    def build(house: House) -> None:
        house.ok("enable", *words, "--yes")

    return build


def _says(name: str = "spark", **keys: object) -> After:
    """The profile says this afterwards, a key of None not being there."""

    def after(house: House, *_: object) -> None:
        found = _profiles(house)[name]
        _must(all(found.get(key) == value for key, value in keys.items()))

    return after


def _is_there(*names: str) -> After:
    return lambda house, _, __: _must(sorted(_profiles(house)) == sorted(names))


def _of_repository(text: str = f"[profiles.team]\nurl = '{OPEN}'\n") -> Build:
    return lambda house: house.write(house.project / ".claude-local.toml", text)


case("profile add: use it", "cli.profile:add claude-local enable …", _nothing, ADD, points_at(OPEN), answers="y\n")
case(
    "profile list: none yet",
    ("cli.profile:list_ claude-local profile add NAME --url URL",),
    _nothing,
    ("profile", "list"),
    _is_there("spark"),
    fill={"NAME": "spark", "URL": OPEN},
    again=False,
)
case(
    "profile import: another of that name",
    "cli.profile:import_ claude-local profile import … --replace",
    steps(_profile(), lambda house: house.write(house.project / "p.toml", f"[profiles.spark]\nurl = '{SEVERAL}'\n")),
    ("profile", "import", "p.toml"),
    _says(url=SEVERAL),
)
case(
    "profile trust: no terminal",
    "cli.profile:trust claude-local profile trust --yes",
    _of_repository(),
    ("profile", "trust"),
    says("Trusted."),
)
case(
    "profile trust: use it",
    "cli.profile:trust claude-local enable",
    _of_repository(),
    ("profile", "trust", "--yes"),
    points_at(OPEN),
)
case(
    "a repository's file that nobody has agreed to",
    "profiles.untrusted:UntrustedError.__init__ claude-local profile trust",
    _of_repository(),
    ("enable", "--yes"),
    says("Trusted"),
    again=False,
)
case(
    "a window that the server no longer has",
    "client_config.choose_server:_check_said_window claude-local profile edit … --unset window",
    _profile("--max-model-len", "131072"),
    ("enable", "spark", "--yes"),
    asked_again(),
)
case(
    "a profile's server asks for a key",
    "client_config.choose_server:_usable claude-local profile edit … --token-stdin",
    _profile(url=GUARDED),
    ("enable", "spark", "--yes"),
    asked_again(),
    answers=f"{KEY}\n",
    again=False,
)
case(
    "the profile on record is gone",
    "commands.enable:_recorded_profile claude-local enable --url …",
    steps(_profile(), _enabled("spark"), lambda house: house.ok("profile", "remove", "spark", "--yes")),
    ("enable", "--yes"),
    points_at(OPEN),
)
case(
    "a repository's file with several profiles",
    "commands.enable:_to_use claude-local enable …",
    steps(
        _of_repository(f"[profiles.one]\nurl = '{OPEN}'\n[profiles.two]\nurl = '{SEVERAL}'\n"),
        lambda house: house.ok("profile", "trust", "--yes"),
    ),
    ("enable", "--yes"),
    points_at(OPEN),
)
case(
    "no profile before",
    "commands.enable:requested claude-local profile list",
    _profile(),
    ("enable", "-"),
    says("spark"),
)
case(
    "a server without a name",
    "commands.enable:to_name claude-local profile add NAME …",
    _nothing,
    ("enable", "--yes", "--url", SEVERAL, "--model", "two"),
    _says(url=SEVERAL, model="two"),
    fill={"NAME": "spark"},
    again=False,
)
case(
    "profile edit: a key without a value",
    "commands.profile:_assigned claude-local profile edit … --unset …",
    _profile("--model", "m"),
    ("profile", "edit", "spark", "model"),
    _says(model=None),
)
case(
    "profile add: no url",
    "commands.profile:add claude-local profile add … --url http://HOST:PORT",
    _nothing,
    ("profile", "add", "spark"),
    _is_there("spark"),
    fill={"http://HOST:PORT": OPEN},
    again=False,
)
case(
    "profile add: a name that is there",
    "commands.profile:add claude-local profile edit … KEY=VALUE",
    _profile(),
    ADD,
    _says(model="m"),
    fill={"KEY=VALUE": "model=m"},
)
case(
    "profile edit: nothing to change",
    ("commands.profile:edit claude-local profile edit … KEY=VALUE", "commands.profile:edit edit … … …"),
    steps(_profile(), lambda house: house.editor("pass")),
    ("profile", "edit", "spark"),
    _nothing,
    fill={"KEY=VALUE": "model=m"},
)
case(
    "profile edit: in use here",
    "commands.profile:edit claude-local enable …",
    steps(_profile(), _enabled("spark")),
    ("profile", "edit", "spark", "haiku=small"),
    points_at(OPEN, ANTHROPIC_DEFAULT_HAIKU_MODEL="small"),
)
case(
    "profile remove: in use here",
    "commands.profile:remove claude-local disable",
    steps(_profile(), _enabled("spark")),
    ("profile", "remove", "spark", "--yes"),
    lambda house, _, __: _must(not house.local.exists()),
)
case(
    "profile add: a key on the command line",
    "commands.profile:variable export SPARK_KEY …",
    _nothing,
    (*ADD, "--token-env", "sk-1234567890"),
    lambda house, _, typed: _must(typed.environ.get("SPARK_KEY") == KEY),
    fill={"…": KEY},
)
case(
    "a profile with a wrong value",
    "profiles.model:_sound claude-local profile edit …",
    lambda house: house.write(house.config, f"[profiles.spark]\nurl = '{OPEN}'\nwindow = 'many'\n"),
    ("enable", "spark", "--yes"),
    says("KEY=VALUE"),
    code=2,  # it says how
)
case(
    "no such profile: which there are",
    "profiles.model:named claude-local profile list",
    _profile(),
    ("enable", "quite-another", "--yes"),
    says("spark"),
)
case(
    "no such profile, and none at all",
    "profiles.model:named claude-local profile add NAME --url URL",
    _nothing,
    ("enable", "spark", "--yes"),
    asked_again(),
    fill={"NAME": "spark", "URL": OPEN},
    again=False,
)
case(
    "a key in a variable that is not set",
    "profiles.secrets:key_of export … …",
    _profile("--token-env", "SPARK_KEY", url=GUARDED),
    ("enable", "spark", "--yes"),
    asked_again(),
    fill={"…": KEY},
)
case(
    "a key in a file that is not there",
    "profiles.secrets:kept_by claude-local profile edit … …",
    lambda house: house.write(house.config, f"[profiles.spark]\nurl = '{GUARDED}'\ntoken = 'file'\n"),
    ("enable", "spark", "--yes"),
    asked_again(),
    answers=f"{KEY}\n",
    again=False,
)


def _key_for_all(house: House) -> None:
    house.write(house.config, f"[profiles.spark]\nurl = '{GUARDED}'\ntoken = 'file'\n")
    house.write(house.config.parent / "keys" / "spark", f"{KEY}\n")
    (house.config.parent / "keys" / "spark").chmod(0o644)


case(
    "a key that others may read",
    "profiles.secrets:_from_file chmod 600 …",
    _key_for_all,
    ("enable", "spark", "--yes"),
    asked_again(),
)
case(
    "token: no such profile",
    "profiles.token:key_by_name claude-local profile list",
    _profile(),
    ("token", "desk"),
    says("spark"),
)
case(
    "token: its place is none",
    "profiles.token:key_by_name claude-local profile edit … --token-stdin",
    lambda house: house.write(house.config, f"[profiles.spark]\nurl = '{GUARDED}'\ntoken = 'the key'\n"),
    ("token", "spark"),
    asked_again(),
    answers=f"{KEY}\n",
    again=False,
)
case(
    "token: config.toml is none",
    "profiles.token:_said claude-local config list",
    lambda house: house.write(house.config, "[profiles.spark\n"),
    ("token", "spark"),
    says("config.toml:1"),
    code=1,
)
case(
    "explain: the helper of ours",
    "commands.explain_precedence:_Mask.candidate claude-local token …",
    steps(_shell(K=KEY), _profile("--token-env", "K", "--helper", url=GUARDED), _enabled("spark")),
    ("explain-precedence", "apiKeyHelper"),
    says(KEY),
)
not_run(
    "a repository's command is shown",
    "is somebody else's, and runs for nobody who does not type it",
    "profiles.repository:told …",
    _of_repository(f"[profiles.team]\nurl = '{OPEN}'\nstart_command = ['docker', 'compose up']\n"),
    ("profile", "trust", "--yes"),
)
not_run(
    "the helper in a settings file",
    "is run by Claude Code: tests/client/test_profiles.py",
    "core.helper:command_for … || echo …",
    steps(_shell(K=KEY), _profile("--token-env", "K", "--helper", url=GUARDED)),
    ("enable", "spark", "--yes"),
)
