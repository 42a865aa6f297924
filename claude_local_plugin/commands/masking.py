"""What may be shown of a settings file's change: the diff with every secret in it masked."""

import json
import re
from collections.abc import Collection
from pathlib import Path

from claude_local_plugin.settings.diff import unified_diff
from claude_local_plugin.settings.variables import is_secret
from claude_local_plugin.text import mask_secret, without_secrets

#: What may stand between the parts of a member in a diff: blanks, and line ends with the next line's mark.
_GAP = r"(?:[ \t\r]|\n[ +-])*"
#: A key with a text beside it, as they stand in JSON.
_MEMBER = re.compile(rf'"(?P<name>[^"\\\n]+)"(?P<colon>{_GAP}:{_GAP})(?P<value>"(?:[^"\\\n]|\\.)*")')


def masked_diff(
    before: str | None,
    after: str | None,
    path: Path,
    *,
    secrets: Collection[str] = (),
    harmless: Collection[str] = (),
) -> str:
    """The unified diff of a settings file, ours and the user's secrets masked; without secrets it can be applied.

    A secret is each of `secrets`, and the value of any key that is known for one or is called like one, except for
    those values that are `harmless`.
    """
    text = _MEMBER.sub(lambda member: _masked(member, harmless), unified_diff(before, after, str(path)))
    for secret in secrets:
        for spelling in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
            text = text.replace(spelling, mask_secret(secret))
    return without_secrets(text, members=False)  # which have been judged one by one


def _masked(member: re.Match[str], harmless: Collection[str]) -> str:
    try:
        value = str(json.loads(member["value"], strict=False))
    except ValueError:  # an escape that JSON does not know: show nothing of it
        return f'"{member["name"]}"{member["colon"]}"…"'
    if value in harmless or not is_secret(member["name"], value):
        return member[0]
    return f'"{member["name"]}"{member["colon"]}{json.dumps(mask_secret(value), ensure_ascii=False)}'
