"""Twelve reports with a total each, in words that differ."""

import sys
from pathlib import Path

MONTHS = "january february march april may june july august september october november december".split()
TOTALS = [1210, 980, 1105, 1333, 1490, 1275, 1502, 1020, 1188, 1260, 1100, 1330]
CORRECTED = {"february": [910], "july": [1490, 1520], "october": [1295], "may": [1400]}
PROSE = (
    "The weather was as it is in that month, and people came as they do.",
    "Two chairs were mended, and a third was thrown away.",
    "The till was counted on the last evening by two people.",
    "Somebody asked for the colour of the door; it stays green.",
)

folder = Path(sys.argv[1]) / "reports"
folder.mkdir()
for number, (month, total) in enumerate(zip(MONTHS, TOTALS, strict=True)):
    lines = [
        f"Report for {month}",
        "",
        PROSE[number % 4],
        f"The total of {month} is {total} euros.",
        PROSE[(number + 1) % 4],
    ]
    for corrected in CORRECTED.get(month, ()):
        lines += [
            f"Correction: the total of {month} is {corrected} euros, after the bank had written.",
            PROSE[(number + 2) % 4],
        ]
    lines.append(f"Last year it was {total + 130} euros.")
    (folder / f"{month}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
