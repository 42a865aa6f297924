"""Checks of spelling: arguments that there are not, or not any more, and keys of compose's past."""

import difflib
from collections.abc import Iterator

from claude_local_plugin.checks import Result
from claude_local_plugin.lint import vllm_flags
from claude_local_plugin.lint.edits import Edit, removed, renamed
from claude_local_plugin.lint.facts import Facts, Serving
from claude_local_plugin.lint.model import Fault, check, each_vllm, vllm

#: Arguments that vLLM 0.32.0 refuses, and what stands for each now.
REMOVED = {
    "--swap-space": "the scheduler swaps nothing any more",
    "--disable-log-requests": "requests are not logged by themselves any more",
    "--num-scheduler-steps": "the scheduler looks ahead by itself",
    "--enable-tool-choice": "it is called --enable-auto-tool-choice",
    "--use-v2-block-manager": "there is no other any more",
    "--enable-reasoning": "--reasoning-parser alone does it",
}


def _arguments(serving: Serving) -> Iterator[Fault]:
    start, text = serving.start, serving.facts.text
    for flag in start.flags:
        spelt = flag.spelt.replace("_", "-")
        if not flag.written.known or spelt in vllm_flags.SPELLINGS or spelt in vllm_flags.SHORT:
            continue
        if spelt in REMOVED:
            what = f"vLLM {vllm_flags.VERSION} refuses {flag.spelt}: {REMOVED[spelt]}"
            if spelt == "--enable-tool-choice" and start.flag("--enable-auto-tool-choice") is None:
                edits = renamed(flag, "--enable-auto-tool-choice", text)
                yield Fault(Result.ERROR, what, flag.written, "--enable-auto-tool-choice", edits)
            else:
                yield Fault(Result.ERROR, what, flag.written, "leave it out", removed(start, flag, text))
        elif flag.name in vllm_flags.SPELLINGS:
            what = f"{flag.spelt} is an abbreviation, which another argument of a later release may make ambiguous"
            yield Fault(Result.INFO, what, flag.written, flag.name, renamed(flag, flag.name, text))
        elif spelt.partition(".")[0] in vllm_flags.ALL or spelt.partition(".")[0] in vllm_flags.SHORT:
            continue  # a member of an argument that is JSON
        else:
            yield _unknown(serving, spelt, flag.spelt, text)


def _unknown(serving: Serving, spelt: str, written: str, text: str) -> Fault:
    flag = next(each for each in serving.start.flags if each.spelt == written)
    near = difflib.get_close_matches(spelt, sorted(vllm_flags.SPELLINGS), n=1, cutoff=0.8)
    what = f"vLLM {vllm_flags.VERSION} has no {written}, and refuses to start with it"
    if near:
        return Fault(Result.ERROR, what, flag.written, near[0], renamed(flag, near[0], text))
    return Fault(Result.WARNING, what, flag.written, "leave it out, unless your release is a newer one and has it")


def _version(facts: Facts) -> Iterator[Fault]:
    key = facts.document.version
    if key is None:
        return
    line = facts.text.rfind("\n", 0, key.start) + 1
    end = facts.text.find("\n", key.start)
    after = len(facts.text) if end < 0 else end + 1
    for blank in ("\r\n", "\n"):  # the empty line behind it goes, too
        if facts.text.startswith(blank, after):
            after += len(blank)
            break
    what = "compose has not read this key since 2020, and warns of it"
    yield Fault(Result.INFO, what, key, "leave it out", (Edit(line, after, ""),))


def _compose(facts: Facts) -> str | None:
    return None if facts.document.format == "compose" else "it is no compose file"


CHECKS = (
    check(
        name="recipe.argument",
        group="spelling",
        asks="does vLLM know these arguments?",
        fine="vLLM knows the arguments",
        why="vLLM ends with exit code 2 before it loads anything",
        finds="Arguments that were removed, are misspelt, or are abbreviated (which works until it is ambiguous).",
        remedy="`--fix` takes the removed ones away and writes the others in full.",
        source=f"The parser of vLLM {vllm_flags.VERSION}, read {vllm_flags.READ_ON}: exit code 2 for all others.",
        faults=each_vllm(_arguments),
        preconditions=(vllm,),
        mends=True,
    ),
    check(
        name="recipe.compose-version",
        group="spelling",
        asks="has the compose file obsolete keys?",
        fine="the compose file has no obsolete key",
        why="it says nothing, and hides which warnings are new",
        finds="`version:` at the top of a compose file.",
        remedy="Leave it out; `--fix` does.",
        source="https://docs.docker.com/reference/compose-file/version-and-name/",
        faults=_version,
        preconditions=(_compose,),
        mends=True,
    ),
)
