"""Numbers, times and names in the words of the report."""

from datetime import date, datetime, timedelta, tzinfo

from claude_local_plugin.sessionlog.spans import NOT_KNOWN

#: Not the machine's language's: the page is in English.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def number(value: float) -> str:
    """`950`, `12.3 k`, `4.56 M`: three digits are enough to compare."""
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            scaled = value / (1e3 if unit == "k" else limit)
            return f"{scaled:.3g} {unit}" if scaled < 999.5 else f"{scaled:,.0f} {unit}"
    return f"{value:,.0f}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 session`, `2 sessions`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def duration(milliseconds: float) -> str:
    """`42 s`, `7 min`, `3 h 05 min`, `120 h`."""
    seconds = milliseconds / 1000
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 6000:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes / 60:,.0f} h"


def latency(milliseconds: float | None) -> str:
    """`4.1 ms`, `230 ms`, `1.5 s`; a dash for None."""
    if milliseconds is None:
        return "–"
    return f"{milliseconds:.3g} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2g} s"


def share(part: float, whole: float) -> str:
    """`77 %`, a dash of nothing; neither 0 % nor 100 % of what is not quite that."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.3g} %"


def day(when: date, *, year: bool = True, weekday: bool = False) -> str:
    """`Sat 21 Nov 2026`, as much of it as is asked for."""
    words = [DAYS[when.weekday()]] if weekday else []
    words += [str(when.day), MONTHS[when.month - 1]]
    return " ".join([*words, str(when.year)] if year else words)


def moment(when: datetime, zone: tzinfo | None) -> str:
    """`21 Nov 2026 14:05` in that zone (None: this machine's)."""
    local = when.astimezone(zone)
    return f"{day(local)} {local:%H:%M}"


def zone_name(when: datetime, zone: tzinfo | None) -> str:
    """`CET (UTC+01:00)`: the zone as it is at that moment."""
    local = when.astimezone(zone)
    offset = local.utcoffset() or timedelta()
    sign = "-" if offset < timedelta() else "+"
    minutes = round(abs(offset).total_seconds() / 60)
    by_number = f"UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    name = local.tzname()
    return by_number if not name or name.startswith(("UTC", "+", "-")) else f"{name} ({by_number})"


def period(begin: date, step: str, *, short: bool = False) -> str:
    """What a bar of the chart is called: a day, the week from a day on, or a month."""
    if step == "month":
        return f"{MONTHS[begin.month - 1]} {begin.year}"
    if short:
        return day(begin, year=False)
    return day(begin, weekday=True) if step == "day" else f"week of {day(begin)}"


def place(kind: str, url: str | None) -> str:
    """What a backend is called: `vllm dell-pro-max:8000`, `anthropic api.anthropic.com`, `bedrock`."""
    if url is None:
        return {"unknown": "no usable address", NOT_KNOWN: "not known"}.get(kind) or clipped(kind)
    where = clipped(url.partition("://")[2] or url)
    return where if kind == "unknown" else f"{clipped(kind)} {where}"


def clipped(text: str, most: int = 96) -> str:
    """The text, or its beginning and its end where it is longer than that."""
    if len(text) <= most:
        return text
    front = most // 3
    return f"{text[:front]}…{text[1 + front - most :]}"
