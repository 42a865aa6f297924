"""A handbook of about 160,000 characters: what is asked for stands in two sections that are far apart."""

import sys
from pathlib import Path

PARTS = "valve,pump,tank,gauge,filter,hose,flange,boiler,mixer,burner".split(",")
SAYS = (
    "It is made of cast iron and painted grey; the paint is renewed when it comes off, and after every fifth winter.",
    "Before it is opened the line is emptied, and a second person stands by until it is closed again.",
    "Spare parts are kept in the store behind the stairs, in the drawer with its number on it.",
    "It may be tested to {n}.{d} bar in every series; a longer test than ten minutes is not needed.",
    "A small leak is written into the book and looked at within a week. A large one is mended at once.",
    "Who mends it signs with the date, and whoever checks that signs below.",
)
KEY = {
    (
        "valve",
        17,
    ): "It may be tested to 8.2 bar. (No longer so for plants built after the change: see what section 389 says of it.)",
    ("valve", 71): "It may be tested to 7.1 bar in plants of series B, and to 7.7 bar in those of series A.",
    389: "What was changed: V-17 is tested as the pump is that stands before it in the line, which is P-88. Both series.",
    (
        "pump",
        88,
    ): "Tested to 7.4 bar in series A; a plant of series B has the thinner housing, and there it is half a bar less.",
}


def numbers(seed):
    """The same numbers everywhere, whatever version of Python counts them."""
    while True:
        seed = (seed * 1103515245 + 12345) % 2**31
        yield seed >> 8


pick = numbers(40)
lines = ["HANDBOOK OF THE PLANT", ""]
for section in range(1, 531):
    part, number = PARTS[section % len(PARTS)], section * 37 % 530 + 100
    if section == 61:
        part, number = "valve", 17
    if section == 133:
        part, number = "valve", 71
    if section == 207:
        part, number = "pump", 88
    lines.append(f"{section}. The {part} {part[0].upper()}-{number}")
    said = [SAYS[next(pick) % len(SAYS)].format(n=next(pick) % 9 + 3, d=next(pick) % 10) for _ in range(3)]
    key = KEY.get((part, number), KEY.get(section))
    if key:
        said = [each for each in said if "bar" not in each]
        said.insert(1, key)
    lines += [*said, ""]
(Path(sys.argv[1]) / "handbook.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
