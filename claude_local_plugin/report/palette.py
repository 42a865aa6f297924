"""The colours of the report, each for a light and for a dark page, and what each is for."""

#: Name -> light, dark. Checked by tests: text has a contrast of 4.5 to the page, marks have 3, and whoever cannot tell
#: red from green can still tell a server of one's own from the cloud.
COLOURS = {
    "page": ("#ffffff", "#12161c"),
    "raised": ("#f3f5f8", "#1b212a"),
    "text": ("#1c2430", "#e7eaee"),
    "quiet": ("#566070", "#a5afbc"),
    "line": ("#d5dae1", "#343c48"),
    "edge": ("#7c8695", "#6f7b8c"),
    "link": ("#0b57a8", "#7db8f5"),
    "own-1": ("#1f6fb4", "#4f9fe8"),
    "own-2": ("#0f7f68", "#35b796"),
    "own-3": ("#7650bd", "#a98cf0"),
    "own-4": ("#16336b", "#b9d4f7"),
    "own-5": ("#2a8fa8", "#5ad0e6"),
    "own-rest": ("#6b7683", "#8b97a6"),
    "cloud-1": ("#c8500a", "#ff9147"),
    "cloud-rest": ("#8f3a12", "#ffc08a"),
    "good": ("#1f6fb4", "#4f9fe8"),
    "bad": ("#a8123e", "#ff7f9b"),
    # the threads of a pattern; those of one's own servers are faint, so that what is striped at a glance is the cloud
    "thread": ("#ffffff", "#12161c"),
    "faint-thread": ("#ffffff73", "#12161c80"),
}

#: What else tells the series of a chart apart: threads in these directions, each so many pixels beside the
#: last, a divisor of 48.
HATCHES: dict[str, tuple[str, int] | None] = {
    "own-1": None,
    "own-2": ("\\", 8),
    "own-3": ("|", 6),
    "own-4": ("-", 4),
    "own-5": ("-|", 6),
    "own-rest": ("-", 6),
    "cloud-1": ("/", 6),
    "cloud-rest": ("\\", 6),
    "good": None,
    "bad": ("/\\", 8),
}

#: How many servers of one's own have a colour of their own; the others share one.
OWN = 5


def custom_properties(dark: bool) -> str:
    """The colours as CSS custom properties, e.g. `--own-1: #1f6fb4;`."""
    return " ".join(f"--{name}: {both[dark]};" for name, both in COLOURS.items())
