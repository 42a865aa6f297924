"""Minutes of about 80,000 characters, in which the boat changes hands twice in other words than the question's."""

import sys
from pathlib import Path

PEOPLE = "Anton Berta Cyrill Dora Emil Frieda Gustav Hanna Ingo Judith Karl Ludmilla Moritz Nelly Ottilie Paul".split()
THINGS = (
    "the bell,the ladder,the two tents,the long table,the boathouse,the archive,the coffee machine,the banner".split(
        ","
    )
)
DOES = (
    "{a} reports that {t} was cleaned, and that {b} helped for an afternoon.",
    "{b} asks whether {t} can be lent to the school; {a} will find out until the next evening.",
    "There was a long talk about {t}, in which {a} and {b} did not agree, and nothing was decided.",
    "{a} has looked after {t} since the spring and would like to go on doing so.",
    "Two letters about {t} were read out by {b}; {a} answers both of them.",
    "{a} thanks {b}, who paid for {t} and has not got the money back yet.",
    "A visitor wanted to see {t}. {b} showed it, and {a} made tea.",
)
KEY = {
    12: "As before, the boat is in the care of Moritz, who has no complaints.",
    95: "Moritz moves away in autumn, and somebody else has to take over from him on the water: Dora does it until then.",
    236: "Nelly was proposed for it and declined, for she gets seasick. So Dora's keys to the mooring go to Ottilie for good.",
    300: "{a} has looked after the boathouse since the repair, and {b} keeps the boat's flag at home as a keepsake.",
}


def numbers(seed):
    """The same numbers everywhere, whatever version of Python counts them."""
    while True:
        seed = (seed * 1103515245 + 12345) % 2**31
        yield seed >> 8


pick = numbers(20)
lines = []
for evening in range(1, 331):
    a, b, c = (PEOPLE[next(pick) % len(PEOPLE)] for _ in range(3))
    lines += [f"Evening {evening}. Present: {a}, {b}, {c} and {next(pick) % 9 + 3} others."]
    for _ in range(2):
        lines.append(DOES[next(pick) % len(DOES)].format(a=a, b=b, t=THINGS[next(pick) % len(THINGS)]))
    if evening in KEY:
        lines.insert(-1, KEY[evening].format(a="Gustav", b="Berta"))
    lines.append("")
(Path(sys.argv[1]) / "minutes.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
