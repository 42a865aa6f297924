"""A recipe as a server to be started: what fits best on the machine, in the files that its engine starts it with."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from claude_local_plugin.commands.recipe_fit import known_to
from claude_local_plugin.core.shell import command
from claude_local_plugin.deploy import engines, running
from claude_local_plugin.deploy.host import Host
from claude_local_plugin.deploy.machine import COMPOSE, Machine
from claude_local_plugin.deploy.start import Start
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.recipes import fit as fitting
from claude_local_plugin.recipes import machine as looking
from claude_local_plugin.recipes.catalogue import Catalogue, Hardware
from claude_local_plugin.recipes.fit import Ask, Fit
from claude_local_plugin.recipes.formats import FORMATS, Written
from claude_local_plugin.recipes.service import Asked, Service, service
from claude_local_plugin.servers.kinds import llama_cpp, vllm

#: How many others that fit are named beside the best.
OTHERS = 3


def recipe_start(
    name: str | None,
    engine: str | None,
    machine: Machine,
    host: Host,
    environ: Mapping[str, str],
    *,
    ask: Ask,
    hardware: str | None,
    called: str | None,
    port: int | None,
) -> Start:
    """The best that fits of this recipe, or of all; raises ClaudeLocalError, with the numbers, where nothing does."""
    known = known_to(environ)
    there = known.machine(hardware) if hardware else _looked_at(known, environ, host)
    models, precision = list(known.models.values()), None
    if name is not None:
        model, variant = known.recipe(name)
        models, precision = [model], variant.precision if variant else None
    ranked = [
        each
        for each in fitting.ranked(models, there, ask)
        if (precision is None or each.variant.precision == precision) and _runs_on(each, engine)
    ]
    fits = [each for each in ranked if each.fits]
    if not fits:
        raise _nothing_fits(ranked, there, engine)
    best = fits[0]
    about = _about(there, fits)
    if best.variant.engine == llama_cpp.NAME:
        return _llama(best, machine, host, ask, about, called=called, port=port)
    made = service(known, best, Asked(ask.sessions, port=port or 8000))
    return _vllm(made, best, engine or "docker", machine, host, about, called=called)


def _looked_at(known: Catalogue, environ: Mapping[str, str], host: Host) -> Hardware:
    return looking.look(known, environ, host.ssh, datetime.now(UTC).date().isoformat()).hardware


def _runs_on(each: Fit, engine: str | None) -> bool:
    """Whether this engine starts that variant: llama.cpp reads files of its own, the others run vLLM."""
    return engine is None or (each.variant.engine == llama_cpp.NAME) == (engine == engines.LLAMA)


def _nothing_fits(ranked: Sequence[Fit], there: Hardware, engine: str | None) -> ClaudeLocalError:
    by = f" by {engine}" if engine else ""
    if not ranked:
        return ClaudeLocalError(f"the catalogue has no weights of it that are started{by}", "another --engine")
    nearest = ranked[0]
    return ClaudeLocalError(
        f"nothing of it fits on {there.label}{by}; the nearest, {nearest.recipe}: {nearest.reason}",
        f"{command('claude-local', 'recipe', 'fit')} lists what does",
    )


def _about(there: Hardware, fits: Sequence[Fit]) -> tuple[str, ...]:
    best = fits[0]
    at_once = f" · {best.concurrency:.1f} conversations at once" if best.concurrency else ""
    speed = best.speed
    fast = f" · about {speed.value:g} tokens/s ({speed.origin.basis})" if speed else ""
    lines = [
        f"fits best   {best.model.label} {best.variant.precision.upper()} · window {best.window:,}{at_once}{fast}",
    ]
    others = [f"{each.recipe} {each.window:,}" for each in fits[1 : 1 + OTHERS]]
    if others:
        lines.append(f"also        {' · '.join(others)}")
    return (f"hardware    {there.label}", *lines)


def _llama(
    best: Fit,
    machine: Machine,
    host: Host,
    ask: Ask,
    about: tuple[str, ...],
    *,
    called: str | None,
    port: int | None,
) -> Start:
    if engines.LLAMA_PROGRAM not in machine.programs:
        raise engines.no_llama(host)
    number = port or 8080
    served = best.model.name
    name = called or engines.name_of(best.model.name)
    precision = best.variant.precision
    weights = best.variant.repository + ("" if precision.endswith("-gguf") else f":{precision.upper()}")
    return Start(
        name=name,
        engine=engines.LLAMA,
        title=f"{best.model.label} {precision} on llama.cpp",
        url=f"http://127.0.0.1:{number}",
        port=number,
        model=served,
        folder=f"{engines.FOLDER}/{name}",
        argv=(
            *(engines.LLAMA_PROGRAM, "-hf", weights, "--alias", served, "--host", "127.0.0.1", "--port", str(number)),
            *("-c", str(best.window * ask.sessions), "--parallel", str(ask.sessions), "--jinja", "--metrics"),
        ),
        window=best.window,
        needs=best.variant.weights.value,
        about=about,
    )


def _vllm(
    made: Service,
    best: Fit,
    engine: str,
    machine: Machine,
    host: Host,
    about: tuple[str, ...],
    *,
    called: str | None,
) -> Start:
    form, written = _written(made, engine, machine)
    name = called or engines.name_of(made.name)
    in_background = form == "command"
    if in_background and vllm.NAME not in machine.programs:
        raise ClaudeLocalError(f"PATH{host.on} has no vllm", "activate the environment it is in, or --engine docker")
    runs = running.unit_runs if form == "podman-quadlet" else running.container_runs
    return Start(
        name=name,
        engine=engine,
        title=f"{made.title}, vLLM" + (f" in {made.image.reference}" if made.image and not in_background else ""),
        url=made.url,
        port=made.port,
        model=made.names[0],
        folder=f"{engines.FOLDER}/{name}",
        files=written.files,
        programs=written.programs,
        argv=("sh", written.main) if in_background else (),
        commands=() if in_background else written.start,
        stop=() if in_background else written.stop,
        follow="" if in_background else written.follow[0],
        alive="" if in_background else runs(made.name),
        window=best.window,
        needs=best.variant.weights.value,
        load_seconds=made.load_seconds,
        about=about,
    )


def _written(made: Service, engine: str, machine: Machine) -> tuple[str, Written]:
    """The files, in the format that the engine there takes."""
    if engine == "podman":
        return "podman-quadlet", FORMATS["podman-quadlet"](made)
    if engine == "docker":
        form = "compose" if COMPOSE in machine.programs else "docker-run"
        return form, FORMATS[form](made)
    return "command", FORMATS["command"](made)
