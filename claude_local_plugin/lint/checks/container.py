"""Checks of the image and of what keeps the container well."""

from collections.abc import Iterator

from claude_local_plugin.checks import Result
from claude_local_plugin.lint.edits import Edit, Edits, replaced
from claude_local_plugin.lint.facts import Facts, Serving
from claude_local_plugin.lint.images import WITHOUT_CURL, Image, image
from claude_local_plugin.lint.model import Fault, check, machine, models
from claude_local_plugin.lint.reading import Start
from claude_local_plugin.recipes.catalogue import Hardware, version_parts
from claude_local_plugin.recipes.catalogue import Image as KnownImage
from claude_local_plugin.recipes.service import COMPILING, SECONDS_A_GIB
from claude_local_plugin.servers.advisories import matching

#: Where nothing is known of the weights: what loading some tens of GiB takes.
START_SECONDS = 600
#: From which release on vLLM's own images are built for aarch64 with CUDA 13.
MULTI_ARCH = "0.24.0"


def _tag(facts: Facts) -> Iterator[Fault]:
    for start in facts.document.starts:
        if start.image is None or not start.image.known:
            continue
        found = image(start.image.text)
        if not found.moves:
            continue
        pinned = _pinned(facts, start)
        said = f"the tag {found.tag}" if found.tag else "no tag, which is latest,"
        what = f"{said} is another release with every pull"
        do = f"pin one: {pinned}" if pinned else "pin a release's tag, or a digest"
        edits = replaced(start.image, start.image.text, pinned, facts.text) if pinned else ()
        yield Fault(Result.WARNING, what, start.image, do, edits)


def _pinned(facts: Facts, start: Start) -> str | None:
    """The catalogue's newest image in the place of one of vLLM's own, where it runs this model there."""
    if start.image is None or not image(start.image.text).is_vllms_own:
        return None
    entry, hardware = Serving(facts, start).entry, facts.hardware
    needed = None
    if entry is not None:
        model, variant = entry
        name = hardware.name if hardware else None
        needed = model.needs_of(variant, name) if variant else model.needs.get(start.engine)
    fitting = [
        each
        for each in facts.known.images.values()
        if each.version is not None
        and image(each.reference).is_vllms_own
        and _runs_there(each, hardware)
        and (needed is None or version_parts(each.version) >= needed.parts)
    ]
    cuda = image(start.image.text).cuda

    def rank(each: KnownImage) -> tuple[tuple[int, ...], bool, int]:
        """The newest; of those the CUDA that was chosen, or else the plainest tag."""
        return version_parts(each.version or "0"), cuda is not None and each.cuda == cuda, -len(each.tag)

    newest = max(fitting, key=rank, default=None)
    return newest.reference if newest else None


def _runs_there(each: KnownImage, hardware: Hardware | None) -> bool:
    """Whether it is built for this machine and its GPU; for an unknown one, whether for all that are usual."""
    if hardware is None:
        return {"x86_64", "aarch64"} <= set(each.machines)
    known = hardware.architecture is None or not each.architectures or hardware.architecture in each.architectures
    return known and hardware.machine in each.machines


def _runs(facts: Facts) -> Iterator[Fault]:
    assert facts.hardware is not None
    for serving in facts.servings:
        found, at = serving.image, serving.start.image
        if found is None or at is None:
            continue
        if what := _not_for(serving, found, facts.hardware):
            pinned = _pinned(facts, serving.start)
            edits = replaced(at, at.text, pinned, facts.text) if pinned else ()
            yield Fault(Result.ERROR, what, at, pinned or "an image that is made for it", edits)


def _not_for(serving: Serving, found: Image, hardware: Hardware) -> str | None:
    """Why an image does not run on this machine, as far as its name or the catalogue tells."""
    known = serving.known_image
    if known is not None and not _runs_there(known, hardware):
        return f"{known.reference} is not built for {hardware.label}"
    if found.machine and found.machine != hardware.machine:
        return f"the image is for {found.machine}, and {hardware.label} is {hardware.machine}"
    if found.cuda and hardware.cuda and version_parts(found.cuda) < version_parts(hardware.cuda):
        return f"the image has CUDA {found.cuda}, and {hardware.label} needs {hardware.cuda}: no kernel image"
    if hardware.machine == "aarch64" and _for_x86_alone(serving):
        return f"vLLM's own image of {found.version} does not run on {hardware.label}; it does from {MULTI_ARCH} on"
    return None


def _for_x86_alone(serving: Serving) -> bool:
    found = serving.image
    if found is None or not found.is_vllms_own or found.version is None:
        return False
    made_for_it = found.cuda is not None or "ubuntu2404" in (found.tag or "") or found.machine == "aarch64"
    return version_parts(found.version) < version_parts(MULTI_ARCH) and not made_for_it


def _release(facts: Facts) -> Iterator[Fault]:
    for serving in facts.servings:
        entry, version = serving.entry, serving.version
        if version is None:
            continue
        at = serving.start.image
        pinned = _pinned(facts, serving.start)
        newer = pinned if pinned and version_parts(image(pinned).version or "0") > version_parts(version) else None
        edits = replaced(at, at.text, newer, facts.text) if at and newer else ()
        do = newer or "a newer release"
        needed = entry[0].needs.get(serving.start.engine) if entry else None
        if entry and entry[1] and facts.hardware:
            needed = entry[0].needs_of(entry[1], facts.hardware.name)
        if entry and needed and version_parts(version) < needed.parts:
            what = f"{entry[0].label} needs {needed.value} or newer, and this is {version}"
            yield Fault(Result.ERROR, what, at, do, edits)
        elif serving.needs.too_old:
            yield Fault(Result.ERROR, serving.needs.too_old, at, do, edits)
        else:
            names = (serving.weights or "", *(each.text for each in serving.start.served))
            for pair in matching(serving.start.engine, version, names):
                bad = Result.ERROR if pair.severity == "error" else Result.WARNING
                yield Fault(bad, pair.what, at, newer or pair.fix, edits, why=pair.why)


def _start_period(facts: Facts) -> Iterator[Fault]:
    for start in facts.document.starts:
        health = start.health
        if health is None or (health.start_period is not None and health.start_period.text not in ("0", "0s", "0m")):
            continue
        seconds = _seconds(facts, start)
        edits: Edits = ()
        if health.start_period is not None:
            edits = replaced(health.start_period, health.start_period.text, f"{seconds}s", facts.text)
        elif health.insert is not None:
            at, text = health.insert
            edits = (Edit(at, at, text.format(seconds)),)
        what = "the health check has no start period: the container counts as unhealthy while it loads"
        yield Fault(Result.WARNING, what, health.at, f"a start period of {seconds}s", edits)


def _seconds(facts: Facts, start: Start) -> int:
    entry = Serving(facts, start).entry
    if entry is None or entry[1] is None:
        return START_SECONDS
    return COMPILING + round(SECONDS_A_GIB * entry[1].weights.value / 10) * 10


def _none(facts: Facts) -> Iterator[Fault]:
    for start in facts.document.starts:
        if start.in_container and start.background and start.health is None and not _own_check(start):
            what = "it runs in the background without a health check and its start period: nobody is told when it hangs"
            yield Fault(Result.INFO, what, start.at, "a health check of GET /health with a start period")


def _own_check(start: Start) -> bool:
    """Whether the image brings a health check of its own."""
    return start.engine == "llama.cpp"


def _curl(facts: Facts) -> Iterator[Fault]:
    for start in facts.document.starts:
        health, named = start.health, start.image
        if health is None or named is None or not named.known:
            continue
        if "curl" not in health.test.split()[:1] and "curl " not in health.test:
            continue
        known = _has_curl(facts, image(named.text).repository)
        if known:
            continue
        python = "python3 -c 'import urllib.request as u; u.urlopen(\"http://localhost:PORT/health\")'"
        if known is False:
            what = f"the health check calls `curl`, which {image(named.text).repository} has not got"
            yield Fault(Result.ERROR, what, health.at, python)
        else:
            what = f"the health check needs `curl`, and whether {image(named.text).repository} has it is not known here"
            yield Fault(Result.INFO, what, health.at, f"if it has none: {python}")


def _has_curl(facts: Facts, repository: str) -> bool | None:
    """Whether curl is in such an image; None where nobody has said."""
    if any(each in repository for each in WITHOUT_CURL):
        return False
    told = [each.health for each in facts.known.images.values() if image(each.reference).repository == repository]
    return any("curl" in each for each in told) if told else None


def _containers(facts: Facts) -> str | None:
    return None if any(each.image for each in facts.document.starts) else "nothing runs in a container"


def _versioned(facts: Facts) -> str | None:
    return None if any(each.version for each in facts.servings) else "no release can be told"


CHECKS = (
    check(
        name="recipe.tag",
        group="image",
        asks="is the image pinned?",
        fine="the image is pinned",
        why="the next pull may bring a release that takes other arguments, or none of this model",
        finds="Tags that move: latest, nightly, main, stable, or none.",
        remedy="A release's tag, or a digest. `--fix` writes the catalogue's, where vLLM's own image runs this model.",
        source="What tags are: https://docs.docker.com/build/building/best-practices/#pin-base-image-versions",
        faults=_tag,
        preconditions=(_containers,),
        mends=True,
    ),
    check(
        name="recipe.image",
        group="image",
        asks="does the image run on this machine?",
        fine="nothing speaks against the image",
        why="the server ends with “no kernel image” or “exec format error”",
        finds=(
            "What the tag says (release, `cu130`, `ubuntu2404`, processor) against the machine."
            f" vLLM's own images run on GB10 from v{MULTI_ARCH} on; which registry it is from says nothing."
        ),
        remedy="A newer tag; `--fix` writes the catalogue's in the place of vLLM's own.",
        source=(
            "vllm-project/recipes 8959cf64 (2026-08-21): vllm/vllm-openai:v0.24.0-ubuntu2404 on DGX Spark;"
            " otherwise the catalogue's images."
        ),
        faults=_runs,
        preconditions=(models, machine, _containers),
        mends=True,
    ),
    check(
        name="recipe.release",
        group="image",
        asks="is the release new enough?",
        fine="nothing speaks against the release",
        why="it does not know the model, or refuses what Claude Code sends",
        finds=(
            "The release in a tag, or what a running server says of itself, against the model, Claude Code's requests,"
            " and the releases that are known to go wrong."
        ),
        remedy="A newer one; `--fix` writes the catalogue's image in the place of vLLM's own.",
        source=(
            "The catalogue's oldest release for each model, the requests of Claude Code 2.1.329 fed to 21 releases of"
            " vLLM, and the reports in the table of known-bad pairs (docs/checks.md)."
        ),
        faults=_release,
        preconditions=(models, _versioned),
        mends=True,
        outside=True,
    ),
    check(
        name="recipe.start-period",
        group="health",
        asks="may a start take its time?",
        fine="a start may take its time",
        why="weights take minutes to load, and whatever waits for health or restarts a sick container acts too early",
        finds="A health check without `start_period`.",
        remedy="As long as loading takes: reading the weights and compiling. `--fix` writes an estimate.",
        source="https://docs.docker.com/reference/dockerfile/#healthcheck; loading times from the catalogue.",
        faults=_start_period,
        preconditions=(_containers,),
        mends=True,
    ),
    check(
        name="recipe.health",
        group="health",
        asks="is a hanging server noticed?",
        fine="a hanging server is noticed",
        why="a server that hangs is otherwise noticed by whoever waits for it",
        finds="A container in the background without a health check.",
        remedy="Ask `/health` every half a minute.",
        source="https://docs.docker.com/reference/dockerfile/#healthcheck; vLLM's /health is 503 with a dead engine.",
        faults=_none,
        preconditions=(_containers,),
    ),
    check(
        name="recipe.curl",
        group="health",
        asks="can the image run its health check?",
        fine="the image can run its health check",
        why="the container is unhealthy for ever, although the server is well",
        finds=f"`curl` in the health check of an image without it ({', '.join(WITHOUT_CURL)}), or of an unknown one.",
        remedy="Ask with Python, which every image of a server written in it has.",
        source="; ".join(WITHOUT_CURL.values()),
        faults=_curl,
        preconditions=(_containers,),
    ),
)
