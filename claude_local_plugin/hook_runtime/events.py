"""What becomes of the events at which there is something to decide or to say: a start, a prompt, a change.

Only a start and a prompt look at the server. The other events are noted by `hook` alone, which loads none of this.
"""

from claude_local_plugin.core import system as os
from claude_local_plugin.core.claude import is_hosted
from claude_local_plugin.core.endpoint import Backend, backend_of, is_foreign, name_of
from claude_local_plugin.core.faults import note_exception
from claude_local_plugin.core.registration import FALLEN_NOTE, NO_KEY_NOTE, PLUGIN_ROOT
from claude_local_plugin.core.sign_in import GATEWAY
from claude_local_plugin.core.text import clean
from claude_local_plugin.hook_runtime.visit import CONVERSATION, Answer, Visit, cause_of, record_of, session_of, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from claude_local_plugin.core.leaks import Findings
    from claude_local_plugin.core.probe import Probe
    from claude_local_plugin.hook_runtime.fall_back import Move

#: Outcomes of a look after which the server needs somebody to start it.
DOWN = ("refused", "unreachable", "timeout")


def session_start(visit: Visit) -> Answer:
    """Tells which backend the session is on, or what is wrong with it; a compaction only when something is wrong.

    What is wrong may also be a credential that was meant for another server: see `leaks`.
    """
    source = visit.event.get("source")
    visit, told = _back_again(visit, source)
    answer = _started(visit, source)
    if told:
        said = answer.output["systemMessage"] if answer.output else ""
        answer.output = {"systemMessage": f"{told}   {said}" if said else told}
    return answer


def _started(visit: Visit, source: object) -> Answer:
    backend = visit.backend
    found = look_at(visit)
    record = record_of(visit, found, source)
    forbidden = _forbidden(visit)
    elsewhere = _resumed_elsewhere(visit, source)
    errands = _left_unread(visit)
    if elsewhere:
        record[CONVERSATION] = elsewhere[0]  # the first prompt is held by this
    if backend.cloud:
        said = forbidden or (elsewhere and elsewhere[1]) or _at_a_gateway(visit)
        leaks = _look_for_leaks(visit)
        if leaks is not None:
            meant = f"! {backend.kind} is reached at {backend.url}, which is none of its own addresses"
            said = f"{said or meant}   {leaks.message}"
            _put_on_record(record, leaks)
        return Answer(record, {"systemMessage": said} if said else None, errands)
    leaks = _look_for_leaks(visit)
    message = forbidden or complaint(visit, found)
    if message is None and (source != "compact" or leaks is not None):
        message = introduction(backend, found, record["model"])
    if elsewhere:
        message = f"{message}   {elsewhere[1]}" if message else elsewhere[1]
    if message and leaks is not None:
        message = f"{message}   {leaks.message}"
        _put_on_record(record, leaks)
    if found is not None and found.outcome in DOWN and visit.config.down_command:
        errands.append("down_command")
    warms = visit.config.warm_up and not is_hosted(visit.environ)  # where the key is kept from hooks
    if found is not None and found.outcome == "ok" and warms and leaks is None and not forbidden:
        errands.append("warm_up")
    return Answer(record, {"systemMessage": message} if message else None, errands)


def user_prompt_submit(visit: Visit) -> Answer:
    """Blocks the prompt when the server refuses connections for certain, or when the project may not use it.

    Any doubt lets it pass. A server that answered a moment ago is not asked again, and one that may not be used at all.
    """
    forbidden = _forbidden(visit)
    if forbidden:
        record = record_of(visit, None, cause_of(visit.event))
        record["blocked"] = True
        record["detail"] = "not on the project's list"
        return Answer(record, {"decision": "block", "reason": forbidden})
    found = None if _answered_lately(visit) else look_at(visit)
    record = record_of(visit, found, cause_of(visit.event))
    record[CONVERSATION] = True
    if moved := _moved(visit):
        record[CONVERSATION], reason = moved  # it stays there, unless the prompt is sent again
        record["blocked"] = True
        record["detail"] = "held once: settings have moved this session"
        return Answer(record, {"decision": "block", "reason": reason}, once=True)
    if found is None or found.outcome not in DOWN:
        marked = _marked(visit)
        return Answer(record, {"systemMessage": marked} if marked else None)
    errands = ["down_command"] if visit.config.down_command else []
    if found.outcome != "refused":
        return Answer(record, errands=errands)
    move = _fallen_back(visit)
    if move is not None and move.visit is not None:
        return _goes_on(move, visit, errands)
    if visit.config.warns(visit.environ.get("CLAUDE_CODE_ENTRYPOINT", "")):
        return Answer(record, {"systemMessage": complaint(visit, found) or ""}, errands)
    record["blocked"] = True
    reason = complaint(visit, found, "; Claude Code itself would go on trying for minutes") or ""
    if move is not None and move.why:
        reason += f"   No fallback is taken: {move.why}"
    return Answer(record, {"decision": "block", "reason": reason}, errands)


def _fallen_back(visit: Visit) -> "Move | None":
    """What became of moving this session to its profile's fallback; None where that failed."""
    from claude_local_plugin.hook_runtime import fall_back

    try:
        return fall_back.fall_back(visit)
    except Exception as fault:  # as if there were no fallback: the prompt is blocked, with the reason
        note_exception(visit.state_dir, fault)
        return None


def _goes_on(move: "Move", visit: Visit, errands: "list[str]") -> Answer:
    """The prompt goes on at the other server, under its name and with its own key."""
    from claude_local_plugin.core.shell import command
    from claude_local_plugin.sessionlog.spans import FELL_BACK

    assert move.visit is not None
    record = record_of(move.visit, None, FELL_BACK)
    record[CONVERSATION] = True  # else the guard would hold the next prompt
    here = visit.backend.target.label if visit.backend.target else move.before
    if move.profile == move.origin:
        which, back = f"{move.profile}, whose fallback that was,", ""
    else:
        which, back = f"its fallback {move.profile}", command("claude-local", "enable", move.origin)
    record["detail"] = f"{move.before} refuses connections: {move.profile} instead"
    said = (
        f"! {move.before} ({here}) refuses connections: this prompt, with the conversation, goes to {which}"
        f" ({move.label})."
    )
    if back:
        said += f" A new session goes back once {move.origin} answers; by hand:"
    return Answer(record, {"systemMessage": f"{clean(said, 1000)} {back}".rstrip()}, errands)


def _back_again(visit: Visit, source: object) -> "tuple[Visit, str | None]":
    """The session that begins, moved back to the profile that a fallback led away from where that answers again, and
    what there is to say of it.
    """
    if source != "startup" or not os.path.exists(os.path.join(visit.state_dir, FALLEN_NOTE)):
        return visit, None
    from claude_local_plugin.hook_runtime import fall_back

    try:
        fallen = fall_back.fallen_from(visit)
        if fallen is None:
            return visit, None
        here, origin, url = (clean(each) for each in fallen)
        former = Visit(visit.event, dict(visit.environ, ANTHROPIC_BASE_URL=url), visit.state_dir, visit.config)
        found = look_at(former)
        if found is None or found.outcome != "ok":
            return visit, f"! on the fallback {here}: {origin} does not answer yet."
        move = fall_back.go_back(visit)
    except Exception as fault:  # the session begins where the settings lead it
        note_exception(visit.state_dir, fault)
        return visit, None
    if move.visit is not None:
        return move.visit, f"{origin} answers again: back from the fallback {here}."
    why = f": {move.why}" if move.why else ""
    return visit, f"! on the fallback {here}, though {origin} answers again{why}"


def _marked(visit: Visit) -> str:
    """What is said where the session's helper had no key to give; "" where it had one, or there is none."""
    if not os.path.exists(os.path.join(visit.state_dir, NO_KEY_NOTE)):
        return ""
    from claude_local_plugin.core.helper import no_key_in

    said = no_key_in(visit.state_dir, visit.folder)
    if not said:
        return ""
    return clean(f"this server gets a mark in the place of its key, and refuses it (401): {said}")


def config_change(visit: Visit) -> Answer:
    """Refuses a change of settings that would move a protected project's session to another backend, or any session
    that we could not hold a prompt of any more.

    Those of the old settings are the hooks that are asked, and with the old environment; a refused change leaves both
    in place (observed on Claude Code 2.1.329 to 2.1.332).
    """
    record = record_of(visit, None, cause_of(visit.event))
    if visit.folder is None:
        return Answer(record)
    from claude_local_plugin.core import protection as protect
    from claude_local_plugin.hook_runtime import guard
    from claude_local_plugin.sessionlog.journal import UNWATCHED

    unwatched = not guard.still_registered(visit.environ, visit.folder)
    if unwatched:
        # should Claude Code take the settings up all the same, nothing tells us: what follows is not known, until a
        # prompt is heard again
        record["detail"] = UNWATCHED
    protection = visit.config.for_project(visit.folder)
    if not (unwatched or protection.protect):
        return Answer(record)
    there = protect.after_change(visit.environ, visit.folder)
    here, elsewhere = (name_of(each.kind, each.url) for each in (visit.backend, there))
    new_way = there.via != visit.backend.via and protection.forbids_way(there.via)
    if new_way and protect.is_way_of_project(protect.changed(visit.environ, visit.folder)[0], visit.folder):
        record["blocked"] = True
        record["detail"] = f"would have gone through {there.via}"
        reason = f"{visit.folder} is protected: this session does not go through {there.via}."
        return Answer(record, {"decision": "block", "reason": f"{clean(reason)} {_allowed(visit.folder)}"})
    if here == elsewhere:
        return Answer(record)
    allowed = protection.allowed_backends
    if protection.protect and not (allowed and protect.is_allowed(there.kind, there.url, allowed)):
        record["detail"] = f"would have moved to {elsewhere}"
        said = f"{visit.folder} is protected: this session stays on {here}, away from {elsewhere}."
        reason = f"{clean(said)} {_allowed(visit.folder)}"
    elif unwatched:
        reason = clean(f"{UNWATCHED}: this session stays on {here} until it ends; a new one goes to {elsewhere}")
    else:
        return Answer(record)
    record["blocked"] = True
    return Answer(record, {"decision": "block", "reason": reason})


def cwd_changed(visit: Visit) -> Answer:
    """Tells when a session goes into a protected project's folder that must not be read on its backend.

    Nothing else changes with the folder: the project, the settings and the backend stay (observed on Claude Code
    2.1.329).
    """
    record = record_of(visit, None, None)
    record["cause"] = visit.config.logged(visit.config.log_cwd, text_of(visit.event.get("new_cwd")))
    forbidden = _forbidden(visit)
    return Answer(record, {"systemMessage": forbidden} if forbidden else None)


def directory_added(visit: Visit) -> Answer:
    """Notes that a protected project's folder was added to a session, whose prompts are then judged by it as well."""
    from claude_local_plugin.hook_runtime import folders

    record = record_of(visit, None, cause_of(visit.event))
    directory = visit.event.get("directory")
    if isinstance(directory, str) and directory:
        record["detail"] = visit.config.logged(visit.config.log_cwd, text_of(directory))
        others = [directory, *(each for each, _ in folders.folders({}, {"cwd": directory}, "", visit.config))]
        names = [name for each in dict.fromkeys(others) for name in visit.config.around(each)]
        if names:
            folders.remember(visit.state_dir, record["session_id"], list(dict.fromkeys(names)))
    forbidden = _forbidden(visit)
    return Answer(record, {"systemMessage": forbidden} if forbidden else None)


def introduction(backend: Backend, found: "Probe | None", model: "str | None") -> str:
    """One line when the server is there, e.g. `local backend: qwen3-coder-next on dell-pro-max:8000 (3 ms)`."""
    place = backend.target.label if backend.target else ""
    if model:
        place = f"{model} on {place}"
    if found is None or found.latency_ms is None:
        checked = f"through {backend.via}, not checked" if backend.via else "not checked"
    else:
        checked = f"{max(round(found.latency_ms), 1)} ms"
    return f"{_called(backend)}: {place} ({checked})"


def complaint(visit: Visit, found: "Probe | None", consequence: str = "") -> "str | None":
    """What is wrong with an own server and what to do, in one line; None when it answers, or nobody looked."""
    said = trouble(visit.backend, found)
    return None if said is None else f"{said}{consequence if visit.backend.target else ''}. {_what_to_do(visit)}"


def trouble(backend: Backend, found: "Probe | None") -> "str | None":
    """What is wrong with an own server; None when it answers, or nobody looked."""
    if backend.target is None:
        return "ANTHROPIC_BASE_URL is not an http(s) URL: no request can be sent"
    if found is None or found.outcome in ("ok", "proxied"):
        return None
    said = {
        "refused": "refuses connections",
        "unresolved": f"has a name that cannot be resolved ({found.detail})",
        "timeout": f"did not answer in time ({found.detail})",
        "tls": f"cannot be spoken to over TLS ({found.detail})",
        "not-http": "answers, but not with HTTP",
        "reset": "drops connections without an answer",
        "error": f"answers {found.detail}",
    }.get(found.outcome, f"cannot be reached ({found.detail})")
    return f"{_called(backend)} {backend.target.label} {said}"


def _what_to_do(visit: Visit) -> str:
    """How to look at an own server again, how to work meanwhile, and the way back."""
    from claude_local_plugin.core.shell import command

    if PLUGIN_ROOT in visit.environ:  # which may be all that there is
        from claude_local_plugin.hook_runtime import remedies

        if remedies.command_line(visit) is None:
            return "   ".join(f"{way[0].upper()}{way[1:]}" for way in remedies.ways(visit, installed=False))
    status, back = command("claude-local", "status"), command("claude-local", "disable")
    once = command("claude-local", "run", "--cloud", "--", "claude")
    return f"Check it: {status}   Cloud once: {once}   Back to your former backend: {back}"


def _allowed(folder: str) -> str:
    """How to see what a protected folder may use."""
    from claude_local_plugin.core.shell import command

    return f"What it may use: {command('claude-local', 'config', 'list', '--project', folder)}"


def _forbidden(visit: Visit) -> "str | None":
    """Why a protected project may not use this backend; None where it may, or where nobody has said which it may.

    What counts is the session's own project, and every other folder that it can reach.
    """
    from claude_local_plugin.hook_runtime import folders

    backend = visit.backend
    reached = folders.folders(visit.environ, visit.event, visit.state_dir, visit.config)
    for folder, how in reached or [(os.getcwd(), "")]:
        protection = visit.config.for_project(folder)
        here = f"{folder} {how} and is" if how else f"{folder} is"
        if protection.forbids(backend.kind, backend.url):
            allowed = ", ".join(protection.allowed_backends)
            place = backend.url or backend.kind
            said = f"{here} protected: it may use {allowed}, and this session is on {place}."
            return f"{clean(said, 1000)} {_allowed(folder)}"
        if protection.forbids_way(backend.via) and visit.folder is not None:
            from claude_local_plugin.core import protection as protect

            if protect.is_way_of_project(visit.environ, visit.folder):
                said = f"{here} protected, and this project's own settings send its requests through {backend.via}"
                return f"{clean(said, 1000)}. {_allowed(folder)}"
    return None


def _left_unread(visit: Visit) -> "list[str]":
    """What is to be started where sessions have left something that is not in the log: they were killed, perhaps."""
    from claude_local_plugin.sessionlog import journal

    return ["import"] if journal.is_unread(visit.state_dir, session_of(visit) or "") else []


def _moved(visit: Visit) -> "tuple[str, str] | None":
    """Where the conversation is, and what to say to a prompt that would take it to another backend, once; else None."""
    from claude_local_plugin.hook_runtime import guard

    before = guard.moved_from(
        visit.state_dir,
        session_of(visit) or "",
        visit.backend,
        text_of(visit.event.get("transcript_path")),
        text_of(visit.environ.get("ANTHROPIC_MODEL")),
    )
    return None if before is None else (before, guard.held(before, visit.backend, _carried(visit)))


def _resumed_elsewhere(visit: Visit, source: object) -> "tuple[str, str] | None":
    """On which other backend the conversation of a session was that starts now, and what to say of it."""
    if source not in ("resume", "fork"):
        return None
    from claude_local_plugin.hook_runtime import guard
    from claude_local_plugin.sessionlog import memory

    noted = memory.memory(visit.state_dir, session_of(visit) or "")
    before, here = noted.where or noted.began, name_of(visit.backend.kind, visit.backend.url)
    if before is None or here in (before, noted.held_for):  # or it has been said at the prompt that was held
        return None
    return before, guard.resumed(before, visit.backend)


def _carried(visit: Visit) -> "str | None":
    """The credentials that this session's requests carry, in words for people; None where they cannot be told."""
    if visit.folder is None or is_hosted(visit.environ):  # where Claude Code keeps them from hooks (seen on 2.1.332)
        return None
    if visit.backend.cloud and visit.backend.kind != "anthropic":
        return "the credential of that provider"
    try:
        from claude_local_plugin.core.leaks import carried

        found = carried(visit.environ, visit.folder)
    except Exception as fault:  # the prompt is to be held whether or not the words are complete
        note_exception(visit.state_dir, fault)
        return None
    return " and ".join(found) if found else "no credential of yours"


def _answered_lately(visit: Visit) -> bool:
    """Whether the server's last look is good and recent enough to do without another."""
    if visit.backend.url is None or visit.backend.target is None or visit.backend.proxied:
        return False
    from claude_local_plugin.core import probe_cache

    last = probe_cache.recall(visit.state_dir, visit.backend.url)
    return last is not None and last.outcome == "ok" and last.age_s <= visit.config.recheck_after_s


def look_at(visit: Visit) -> "Probe | None":
    """One look at an own server, or why there can be none; None for the cloud."""
    backend = visit.backend
    if backend.cloud:
        return None
    from claude_local_plugin.core.probe import BAD_URL, PROXIED, Probe, probe

    if backend.target is None:
        return Probe(BAD_URL, "ANTHROPIC_BASE_URL is not an http(s) URL")
    if backend.proxied:
        return Probe(PROXIED, "a proxy is set and NO_PROXY does not name this server")
    found = probe(
        backend.target,
        ca_file=visit.environ.get("NODE_EXTRA_CA_CERTS"),
        verify=visit.environ.get("NODE_TLS_REJECT_UNAUTHORIZED") != "0",
        deadline=visit.config.probe_deadline_s,
    )
    from claude_local_plugin.core import probe_cache

    try:
        probe_cache.remember(visit.state_dir, backend.target.url, found)
    except OSError as fault:  # the next prompt looks again
        note_exception(visit.state_dir, fault)
    return found


def _at_a_gateway(visit: Visit) -> "str | None":
    """That a gateway sign-in takes the session elsewhere than its settings say; None where it does not."""
    meant = backend_of(visit.environ)
    if visit.backend.kind != GATEWAY or meant.target is None or meant.url == visit.backend.url:
        return None
    from claude_local_plugin.core import shell

    there = visit.backend.url or "the gateway"
    return (
        f"! you are signed in at the Claude apps gateway {there}, which comes before every address: this session goes"
        f" there, not to {meant.target.label}. {shell.command('claude', 'auth', 'logout')} ends the sign-in"
    )


def _look_for_leaks(visit: Visit) -> "Findings | None":
    """What is sent to an own server that should not be; None when nothing is, or nothing can be sent at all.

    An address of somebody else under a cloud provider is such a server too.
    """
    backend = visit.backend
    if visit.folder is None or (backend.target is None and not is_foreign(backend.kind, backend.url)):
        return None
    try:
        from claude_local_plugin.core.leaks import look

        found = look(visit.environ, visit.backend, visit.folder, visit.state_dir)
    except Exception as fault:  # what else there is to say and to record must not be lost with it
        note_exception(visit.state_dir, fault)
        return None
    return found if found.facts else None


def objections(visit: Visit) -> "Iterator[str]":
    """What speaks against this session's going on as it is: its backend, what is sent there, and with which key."""
    for said in (_forbidden(visit), _at_a_gateway(visit), _marked(visit)):
        if said:
            yield said.removeprefix("! ")
    leaks = _look_for_leaks(visit)
    if leaks is not None:
        yield from leaks.facts[:-1]
        yield leaks.facts[-1] + (f"   {leaks.fix}" if leaks.fix else "")


def _put_on_record(record: "dict[str, Any]", leaks: "Findings") -> None:
    record["detail"] = "; ".join([*([record["detail"]] if record["detail"] else []), *leaks.marks])


def _called(backend: Backend) -> str:
    """What to call the server: a host with a public name is not called local."""
    return "local backend" if backend.target and backend.target.nearby else "backend"


ANSWERS: "Mapping[str, Callable[[Visit], Answer]]" = {
    "SessionStart": session_start,
    "UserPromptSubmit": user_prompt_submit,
    "ConfigChange": config_change,
    "CwdChanged": cwd_changed,
    "DirectoryAdded": directory_added,
}
