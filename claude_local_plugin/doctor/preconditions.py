"""When a check has something to look at: each precondition gives the reason why it has not, or None."""

from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.doctor.facts import Facts
from claude_local_plugin.servers import State


def own_server(facts: Facts) -> str | None:
    """Sessions here go to a server of the user's own."""
    if facts.own_server:
        return None
    return "sessions here do not go to a server of your own"


def looked_at(facts: Facts) -> str | None:
    """A server of the user's own was looked at."""
    if facts.url is None:
        return f"there is no server of your own to look at: {command('claude-local', 'enable', '--url', Words('URL'))}"
    return None if facts.server is not None else "the server was not asked"


def answering(facts: Facts) -> str | None:
    """The server answers and lets us in."""
    if reason := looked_at(facts):
        return reason
    assert facts.server is not None
    fine = facts.server.state in (State.READY, State.OVERLOADED)
    return None if fine else f"{facts.host} could not be asked ({facts.server.state})"


def answering_at_all(facts: Facts) -> str | None:
    """The server answers, be it that it asks for a key."""
    if reason := looked_at(facts):
        return reason
    assert facts.server is not None
    guarded = facts.server.state in (State.NEEDS_KEY, State.WRONG_KEY)
    return None if guarded else answering(facts)


def own_server_or_answering(facts: Facts) -> str | None:
    """Sessions go to a server of the user's own, answering or not, or one answers that was looked at."""
    return None if facts.own_server else answering(facts)


def serving_here(facts: Facts) -> str | None:
    """The server that sessions here go to answers and lets us in."""
    if reason := answering(facts):
        return reason
    return "sessions here go elsewhere than to the server of --url" if facts.elsewhere else own_server(facts)


def main_model_served(facts: Facts) -> str | None:
    """The server that sessions here go to lists the model they use."""
    if reason := serving_here(facts):
        return reason
    return None if facts.main_model else "the server does not list the model that sessions here use"


def examined(facts: Facts) -> str | None:
    """Real requests were sent and at least the first one was answered."""
    if facts.deep is None:
        return facts.deep_problem or _only_real_requests(facts)
    if not facts.deep.plain.accepted:
        return "the server answered no request: see model.answers"
    return None


def asked(facts: Facts) -> str | None:
    """Real requests were sent."""
    return None if facts.deep else facts.deep_problem or _only_real_requests(facts)


def _only_real_requests(facts: Facts) -> str:
    return f"only real requests can tell: {facts.ask_deep()}"


#: The conditions that only a server that was asked can meet.
ABOUT_THE_SERVER = (
    *(looked_at, answering, answering_at_all, own_server_or_answering, serving_here, main_model_served),
    *(examined, asked),
)
