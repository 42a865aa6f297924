"""What `recipe render` writes is what `recipe lint` wants: of each model one that fits, in every format."""

from collections.abc import Iterator
from functools import cache

from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.lint import read
from claude_local_plugin.recipes.fit import Ask, fit
from claude_local_plugin.recipes.formats import FORMATS
from claude_local_plugin.recipes.service import Asked, Service, service
from tests.lint.looking import KNOWN, facts, found, mended
from tests.looped import looped


@cache
def services() -> tuple[Service, ...]:
    """Of each model, in each precision, the server on the first machine that it fits on."""
    return tuple(_services())


def _services() -> Iterator[Service]:
    for model in KNOWN.models.values():
        for variant in model.variants:
            for hardware in KNOWN.hardware.values():
                fits = fit(model, variant, hardware, Ask(sessions=2))
                if not fits.fits:
                    continue
                try:
                    yield service(KNOWN, fits, Asked(sessions=2, listen="0.0.0.0"))
                except ClaudeLocalError:  # no image runs it there
                    continue
                break


@looped("name", list(FORMATS))
def test_nothing_is_wrong_with_a_rendered_file(name: str) -> None:
    assert len(services()) > 20
    for each in services():
        try:
            written = FORMATS[name](each)
        except ClaudeLocalError:  # in no image
            continue
        text = written.files[written.main]
        assert found(text, hardware=each.hardware.name, sessions=2) == [], text
        assert mended(text, hardware=each.hardware.name, sessions=2) == text


def test_a_rendered_file_is_read_as_what_was_asked_for() -> None:
    formats = {"compose": "compose", "podman-quadlet": "quadlet", "systemd": "systemd"}
    for each in services()[:6]:
        for name, make in FORMATS.items():
            written = make(each)
            (start,) = read(written.files[written.main], "x").starts
            assert start.format == formats.get(name, "shell")
            assert start.engine == each.engine
            assert [word.text for word in start.served] == list(each.names)
            assert start.model is not None
            assert start.model.text == each.model
            assert {flag.name for flag in start.flags} >= {argument.name for argument in each.arguments}


def test_a_name_that_was_asked_for_is_still_said() -> None:
    each = services()[0]
    fits = fit(
        KNOWN.models[each.name.rpartition("-")[0]],
        KNOWN.models[each.name.rpartition("-")[0]].variants[0],
        each.hardware,
        Ask(),
    )
    given = service(KNOWN, fits, Asked(alias="claude-sonnet-4-6"))
    written = FORMATS["compose"](given)
    assert found(written.files[written.main], hardware=each.hardware.name) == ["recipe.claude-name"]
    assert facts(written.files[written.main]).document.format == "compose"
