"""A log of about 120,000 characters: a disk that is mounted read-only, and what follows half an hour later."""

import sys
from pathlib import Path

USUAL = (
    "INFO  web     request {n} answered in {ms} ms",
    "INFO  queue   {n} jobs waiting, oldest {ms} s",
    "INFO  worker  job {n} done, result kept in memory until the next flush",
    "WARN  web     request {n} took {ms}0 ms, which is slow",
    "INFO  disk    {ms} percent of /cache are used",
)
FIXED = {
    "08:44:40": "WARN  disk    /spool is full, jobs wait",
    "08:46:02": "INFO  disk    /spool has room again after the old files were removed, jobs go on",
    "09:31:07": "INFO  kernel  /data: errors=remount-ro took effect, continuing",
    "09:40:00": "INFO  worker  next flush to /data at 10:00",
    "09:58:20": "WARN  clock   off by 3 s, corrected",
}
FALL = (
    "ERROR worker  flush of job {n} failed, kept for later",
    "ERROR queue   {n} jobs waiting, none is taken",
    "ERROR web     request {n}: no answer from the queue within {ms}0 ms",
)


def numbers(seed):
    """The same numbers everywhere, whatever version of Python counts them."""
    while True:
        seed = (seed * 1103515245 + 12345) % 2**31
        yield seed >> 8


pick = numbers(7)
lines = []
for second in range(8 * 3600, 10 * 3600 + 240):
    time = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    if time in FIXED:
        lines.append(f"{time} {FIXED[time]}")
    elif second >= 10 * 3600:
        lines.append(f"{time} {FALL[next(pick) % len(FALL)].format(n=next(pick) % 9000, ms=next(pick) % 900 + 50)}")
    elif second % 4 == 0:
        lines.append(f"{time} {USUAL[next(pick) % len(USUAL)].format(n=next(pick) % 9000, ms=next(pick) % 90 + 9)}")
(Path(sys.argv[1]) / "service.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
