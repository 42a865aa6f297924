"""How fast the server was seen to read a prompt, and how long a full window therefore takes it."""

from dataclasses import dataclass

from claude_local_plugin.doctor.facts import Facts

#: A prompt shorter than this says nothing about reading speed: the time goes elsewhere.
ENOUGH_TOKENS = 500


@dataclass(frozen=True, slots=True)
class Speed:
    """Prompt tokens per second without the prefix cache, and the window in tokens."""

    tokens_per_second: float
    window: int

    @property
    def seconds_for_window(self) -> float:
        """Seconds to read a whole window of new text."""
        return self.window / self.tokens_per_second


def speed_of(facts: Facts) -> Speed | None:
    """The speed that the examination's long new prompt showed; None where nothing was measured, or not at the server
    that sessions here go to.

    The window is the one that the client believes in, or the server's where that is smaller.
    """
    if facts.elsewhere:
        return None  # what another server does says nothing of sessions here
    cold = facts.deep.cache.cold if facts.deep and facts.deep.cache else None
    if cold is None or not cold.accepted or not cold.reply.ttft:
        return None
    tokens = cold.reply.usage.prompt or 0
    believed = facts.resolution.value("context_window")
    windows = [int(believed)] if believed and believed.isdigit() else []
    if facts.main_model and facts.main_model.max_model_len:
        windows.append(facts.main_model.max_model_len)
    if tokens < ENOUGH_TOKENS or not windows:
        return None
    return Speed(tokens / cold.reply.ttft, min(windows))
