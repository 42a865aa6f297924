"""`claude-local recipe show`: all that is known of a model, with its sources numbered at the end."""

import textwrap
from collections.abc import Iterable
from typing import Any

import click

from claude_local_plugin.cli.options import here, json_option
from claude_local_plugin.cli.terminal import Printer, json_text, out
from claude_local_plugin.recipes.catalogue import ENGINE

WIDTH = 80

#: What a line of the second column begins at.
INDENT = " " * 19


@click.command("show")
@click.argument("model")
@json_option
def show_command(model: str, as_json: bool) -> int:
    """All that is known of MODEL: what Claude Code needs and has of it, its precisions, and where each figure is from.

    MODEL is a name, a repository, or either with a precision (`qwen3-coder-next:fp8`).
    """
    from claude_local_plugin.commands import recipe_catalogue as command

    place = here()
    report = command.show(place.environ, model, place.state_dir)
    if as_json:
        print(json_text(report))
        return 0
    _Page(out(place.environ)).show(report)
    return 0


class _Page:
    """Prints a model, and numbers the sources as they come."""

    def __init__(self, printer: Printer) -> None:
        self.printer = printer
        self.sources: list[str] = []

    def show(self, report: dict[str, Any]) -> None:
        own = "   (your own entry)" if report["own"] else ""
        self.printer.line(f"{report['label']}, {report['maker']}{own}", "bold")
        self._figures(report)
        self._title("for Claude Code")
        for each in report["claude_code"]:
            mark = {True: "✓", False: "✗", None: "–"}[each["met"]]
            self._pair(f"{mark} {each['name']}", each["said"], "red" if each["met"] is False else "")
            self._more(each["why"])
        self._title("arguments, whatever the precision")
        for each in report["features"]:
            asked = " (only where asked for)" if each["chosen"] else ""
            self._pair(each["name"], _written([*each["environment"], *each["arguments"]]) + asked)
            self._more(each["why"])
        for each in report["variants"]:
            self._variant(each)
        if report["notes"]:
            self._title("to be known")
            for note in report["notes"]:
                self._wrapped(note, "  ")
        self._title("sources")
        for number, source in enumerate(self.sources, start=1):
            self._wrapped(f"[{number}] {source}", "  ", "      ", "dim")

    def _figures(self, report: dict[str, Any]) -> None:
        for name, figure in (
            ("parameters", report["parameters"]),
            ("active", report["active_parameters"]),
            ("window", report["window"]),
            ("agent's work", report["agent"]),
        ):
            if figure:
                self._pair(name, f"{figure['value']:,g} {figure['unit']}, {self._from(figure)}")
        for each in report["measured"]:
            name, says = each["says"].split(": ", 1)
            self._pair(name, f"{says}; {each['model']} at {each['url']}")
        for each in report["layers"]:
            said = ("kind", "count", "basis", "source", "date")
            sizes = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in each.items() if name not in said)
            self._pair("layers", f"{each['count']} {each['kind']} ({sizes}), {self._from(each)}")
        if report["kv_bytes_per_token"]:
            self._pair("cache", f"{report['kv_bytes_per_token']:,} bytes a token; half of it with fp8")

    def _variant(self, variant: dict[str, Any]) -> None:
        engine = "" if variant["engine"] == ENGINE else f"   for {variant['engine']}"
        self._title(f"{variant['precision']}   {variant['repository']}{engine}")
        weights = variant["weights"]
        self._pair("weights", f"{weights['value']:g} {weights['unit']}, {self._from(weights)}")
        if variant["needs"]:
            self._pair("needs", f"{variant['engine']} {variant['needs']} or newer")
        if variant["architectures"]:
            self._pair("GPUs", f"SM {', '.join(variant['architectures'])}")
        if variant["arguments"] or variant["environment"]:
            self._pair("arguments", _written([*variant["environment"], *variant["arguments"]]))
        for name, each in variant["on"].items():
            self._pair(f"on {name}", _written([*each["environment"], *each["arguments"]]) or each["why"])
        for each in variant["speeds"]:
            self._pair("speed", f"{each['value']:g} {each['unit']} on {each['hardware']}, {self._from(each)}")
        for each in variant["verified"]:
            self._pair("run on", f"{each['hardware']} [{self._number(each)}]")

    def _from(self, figure: dict[str, Any]) -> str:
        return f"{figure['basis']} [{self._number(figure)}]"

    def _number(self, figure: dict[str, Any]) -> int:
        source = f"{figure['date']}, {figure['source']}"
        if source not in self.sources:
            self.sources.append(source)
        return self.sources.index(source) + 1

    def _title(self, text: str) -> None:
        self.printer.line()
        self.printer.line(text, "bold")

    def _pair(self, name: str, text: str, style: str = "") -> None:
        self._wrapped(text, f"  {name:16} ", INDENT, style)

    def _more(self, text: str) -> None:
        self._wrapped(text, INDENT, INDENT, "dim")

    def _wrapped(self, text: str, first: str, then: str = "  ", style: str = "") -> None:
        lines = textwrap.wrap(
            text, WIDTH, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
        )
        self.printer.lines(lines, style)


def _written(arguments: Iterable[dict[str, str | None]]) -> str:
    return " ".join(
        str(each["name"])
        if each["value"] is None
        else f"{each['name']}{' ' if str(each['name']).startswith('-') else '='}{each['value']}"
        for each in arguments
    )
