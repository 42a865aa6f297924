"""`claude-local recipe fit`: the answer first, then what else fits, then what does not and why."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.cli.terminal import Printer, err, json_text, out
from claude_local_plugin.core.shell import command as spelt

if TYPE_CHECKING:
    from claude_local_plugin.commands.recipe_fit import Report
    from claude_local_plugin.recipes.fit import Fit


#: More models than that with one and the same reason stand in one line.
MANY = 5


@click.command("fit")
@click.argument("model", required=False)
@click.option("--hardware", metavar="NAME", help="A machine of the catalogue, instead of this one: gb10, rtx-5090, …")
@click.option("--host", metavar="SSH_HOST", help="Ask another machine, by your own ssh, which must not ask anything.")
@click.option(
    "--memory", type=click.FloatRange(min=0, min_open=True), metavar="GIB", help="Describe a machine: GiB of one GPU."
)
@click.option("--gpus", type=click.IntRange(min=0), metavar="N", help="How many GPUs it has; 0 for a CPU alone.")
@click.option("--cuda", metavar="VERSION", help="The newest CUDA that its driver runs.")
@click.option("--arch", metavar="SM", help="Its GPUs' architecture: 8.9, 9.0, 12.0, 12.1, …")
@click.option(
    "--sessions",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Claude Code sessions at once.",
)
@click.option(
    "--window",
    type=click.IntRange(min=1),
    metavar="N",
    help="The window in tokens; by itself the longest with room for subagents.",
)
@click.option(
    "--kv-memory",
    type=click.FloatRange(min=0, min_open=True),
    metavar="GIB",
    help="The cache alone, of so many GiB on each GPU: no weights, no machine.",
)
@click.option(
    "--kv-cache-dtype",
    type=click.Choice(["auto", "fp8"]),
    help="The cache's numbers; by itself as the recipe has them.",
)
@click.option("--block-size", type=click.IntRange(min=1), metavar="N", help="vLLM's --block-size (16).")
@click.option(
    "--max-num-batched-tokens",
    type=click.IntRange(min=1),
    metavar="N",
    help="vLLM's option; layers with a sliding window keep so many tokens more.",
)
@json_option
def fit_command(
    model: str | None,
    hardware: str | None,
    host: str | None,
    memory: float | None,
    gpus: int | None,
    cuda: str | None,
    arch: str | None,
    sessions: int,
    window: int | None,
    kv_memory: float | None,
    kv_cache_dtype: str | None,
    block_size: int | None,
    max_num_batched_tokens: int | None,
    as_json: bool,
) -> int:
    """Which models fit on a machine, before anything is downloaded. Exit 1 where none does.

    MODEL is a name, a repository, or either with a precision (`qwen3-coder-next:fp8`). Without a machine it is this
    one. The sizes are computed as vLLM computes them; `recipe show` has the source of every figure.

    """
    from claude_local_plugin.commands import recipe_fit as command
    from claude_local_plugin.recipes.fit import Ask

    place = here()
    ask = Ask(sessions, window, kv_memory, kv_cache_dtype, block_size, max_num_batched_tokens)
    query = command.Query(model, hardware, host, memory, gpus, cuda, arch, ask)
    report = command.fit(place.environ, query)
    code = int(not report.fitting)
    if as_json:
        print(json_text(command.as_json(report)))
        return code
    printer = out(place.environ)
    err(place.environ).lines([f"! {each}" for each in report.said], "yellow")
    if kv_memory is not None:
        _cache_alone(printer, report, kv_memory)
    else:
        described = any(each is not None for each in (host, memory, gpus, cuda, arch))
        there = ["--hardware", hardware] if hardware else []
        _screen(printer, report, None if described else there)
    return code


def _screen(printer: Printer, report: "Report", there: list[str] | None) -> None:
    """`there` is how to say which machine is meant; None where a recipe cannot be written for it from here."""
    from claude_local_plugin.recipes.fit import NO_ROOM
    from claude_local_plugin.recipes.needs import people

    assert report.hardware is not None
    title, memory = _memory(report)
    printer.line(title, "bold")
    printer.line(memory)
    best = report.fitting[:1]
    for each in best:
        printer.line(f"fits best  {each.model.label} {each.variant.precision.upper()}   {_how_much(each)}", "green")
        room = f"room for {people(each.concurrency or 0)}"
        beside = [text for text in (room, _speed(each), each.reason) if text and text != NO_ROOM]
        printer.lines([f"           {text}" for text in beside])
        if there is not None:
            printer.line("  " + spelt("claude-local", "recipe", "render", each.recipe, *there))
    also = _one_a_model(report.fitting[1:], () if report.one_model else {each.model.name for each in best})
    if report.one_model:
        also = list(report.fitting[1:])
    if also:
        printer.line()
        printer.table(
            [
                ("also fits", "precision", " weights", "   window", "at once", ""),
                *(
                    (
                        each.model.name,
                        each.variant.precision,
                        f"{each.variant.weights.value:5.1f} GiB",
                        f"{each.window:9,}",
                        f"{each.concurrency or 0:7.1f}",
                        "run there" if each.model.is_verified(each.variant, each.hardware.name) else "",
                    )
                    for each in also
                ),
            ]
        )
    fitting = {each.model.name for each in report.fitting}
    no = list(report.refused) if report.one_model else _one_a_model(report.refused, fitting)
    if no:
        printer.line()
        printer.line("does not fit" if report.fitting else "nothing fits", "" if report.fitting else "red")
        printer.table(list(_refusals(no)))


def _refusals(fits: "list[Fit]") -> "Iterator[tuple[str, str]]":
    """A line for each; those with one and the same reason, if they are many, in one."""
    same = Counter(each.reason for each in fits)
    many = [reason for reason, count in same.items() if count > MANY]
    for each in fits:
        if each.reason not in many:
            yield each.recipe, each.reason
    for reason in many:
        yield f"{same[reason]} more", reason


def _cache_alone(printer: Printer, report: "Report", gib: float) -> None:
    printer.line(f"conversations at once in a cache of {gib:g} GiB", "bold")
    known = [each for each in report.fits if each.cache]
    printer.table(
        [
            ("model", "precision", "bytes a token", "block", "   window", "at once"),
            *(
                (
                    each.model.name,
                    each.variant.precision,
                    f"{each.cache.token_bytes if each.cache else 0:13,}",
                    f"{each.cache.block_tokens if each.cache else 0:5,}",
                    f"{each.window:9,}",
                    f"{each.concurrency or 0:7.3f}",
                )
                for each in known
            ),
        ]
    )
    printer.lines([f"{each.recipe}: how large its cache is is not known" for each in report.fits if not each.cache])


def _memory(report: "Report") -> Iterator[str]:
    """The machine, and the sum behind every line that follows."""
    from claude_local_plugin.recipes.fit import budget, used

    hardware = report.hardware
    assert hardware is not None
    yield hardware.label
    gpus = used(hardware)
    each = " on each GPU" if gpus > 1 else ""
    shared = " (shared with the system)" if hardware.unified else ""
    share, beside = hardware.utilisation.value, hardware.overhead.value
    room = f"{budget(hardware):.1f} GiB{each} for weights and cache"
    yield f"{hardware.memory.value:.4g} GiB{shared} × {share:g} − {beside:g} = {room}"


def _how_much(each: "Fit") -> str:
    return f"window {each.window:,}   {each.concurrency or 0:.1f} conversations at once"


def _speed(each: "Fit") -> str:
    speed = each.speed
    return f"{speed.value:g} tokens/s ({speed.origin.basis}, {speed.origin.date})" if speed else ""


def _one_a_model(fits: "tuple[Fit, ...]", without: "set[str] | tuple[()]") -> "list[Fit]":
    """The first of each model: the best of those that fit, the smallest of those that do not."""
    found: dict[str, Fit] = {}
    for each in fits:
        if each.model.name not in without:
            found.setdefault(each.model.name, each)
    return list(found.values())
