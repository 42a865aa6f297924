"""Point a folder's Claude Code at a model server: find the server, plan the edits, write them, read them back."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_local_plugin import git, ledger, paths, plan
from claude_local_plugin.backends import ServedModel, Server, identify, sweep, wellknown
from claude_local_plugin.backends.needs import Needs
from claude_local_plugin.backends.needs import needs as needs_of
from claude_local_plugin.backends.urls import is_anthropic, normalise
from claude_local_plugin.commands.explain_precedence import sentence
from claude_local_plugin.commands.masking import masked_diff
from claude_local_plugin.commands.world import World
from claude_local_plugin.errors import BackendError, ClaudeLocalError, SettingsError, UsageError
from claude_local_plugin.guest import config
from claude_local_plugin.guest.backend import PLACEHOLDER, backend_of
from claude_local_plugin.precedence import (
    Candidate,
    FileState,
    Resolution,
    Scope,
    Snapshot,
    candidates,
    effective_env,
    resolve,
    settings_file_to_write,
)
from claude_local_plugin.render import mask_secret, printable
from claude_local_plugin.settings import file, hooks, ownership, statusline
from claude_local_plugin.settings.document import Change, DocumentError, same, value_at
from claude_local_plugin.settings.ownership import BACKEND, STATUSLINE

#: Asks the user to choose one of several; None where nobody can be asked.
Choose = Callable[[str, Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for on the command line."""

    url: str | None = None
    model: str | None = None
    token_env: str | None = None
    scope: Scope = Scope.LOCAL
    check: bool = True
    with_hooks: bool = True
    #: None leaves the status line as an earlier call left it.
    with_statusline: bool | None = None
    port_scan: bool = True
    max_model_len: int | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything `enable` knows before it writes anything."""

    world: World
    request: Request
    server: Server | None
    backend: plan.Backend
    settings_file: Path
    lines: tuple[plan.Line, ...]
    wanted: ownership.Wanted = field(repr=False)
    status_line: statusline.Plan | None = field(repr=False)
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    warnings: tuple[str, ...]
    #: What to remember about the line that keeps the file out of git; empty where none is to be added.
    exclude: Mapping[str, str]
    #: The repository's list of what git is not to see, where the settings file is to be on it.
    exclude_file: Path | None
    unheard: tuple[str, ...]
    sentence: str

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after or bool(self.exclude)

    @property
    def written(self) -> tuple[plan.Line, ...]:
        """The lines that are not in the file yet."""
        text = self.before or ""
        return tuple(line for line in self.lines if not same(value_at(text, line.path), line.value))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that may not be shown."""
        return tuple(str(line.value) for line in self.lines if line.secret)

    def diff(self) -> str:
        """The unified diff of what would be written, with secrets masked."""
        harmless = {str(line.value) for line in self.lines if not line.secret}
        return masked_diff(self.before, self.after, self.settings_file, secrets=self.secrets, harmless=harmless)


@dataclass(frozen=True, slots=True)
class Written:
    """What the settings say once they are written: what a session here uses, and which of our lines are not heard."""

    sentence: str
    unheard: tuple[str, ...]
    notes: tuple[str, ...] = ()


def prepare(request: Request, world: World, choose: Choose | None = None) -> Prepared:
    """Find the server, choose the model and plan the edits; reads much, writes nothing.

    Raises UsageError for what was asked wrongly, BackendError where no server or model can be had, SettingsError
    where the settings file cannot be edited, and ClaudeLocalError where a stronger scope would leak a credential.
    """
    token = _token(request, world.environ)
    server = _server(request, token, choose)
    backend, needs = _backend(request, server, token, choose)
    _check_window(backend, needs, request)
    _check_statusline(request)

    settings_file = settings_file_to_write(
        request.scope, cwd=world.cwd, home=world.home, environ=world.environ, client_version=world.client_version
    )
    standing = git.standing(settings_file)
    if backend.token != PLACEHOLDER:
        _refuse_a_secret_that_git_may_take(settings_file, standing)
    before = file.read(settings_file)
    record = ownership.load(settings_file, world.state_dir)
    without_us = previewed(before, {BACKEND: ()}, record, settings_file)
    snapshot = world.snapshot({settings_file: without_us})
    lines = plan.lines(snapshot, backend, needs, request.scope)
    wanted = {BACKEND: (*(line.change() for line in lines), *_hook_changes(request, world))}
    status_line = _statusline(request, world, before, record, settings_file)
    if request.with_statusline is not None:
        wanted[STATUSLINE] = status_line.changes if status_line else ()
    after = previewed(before, wanted, record, settings_file)

    planned = world.snapshot({settings_file: after})
    _refuse_dropped(planned, settings_file)
    resolution = resolve(planned)
    _refuse_leaks(resolution, backend)
    warnings = [*plan.warnings(snapshot, backend, needs, request.scope, onboarded=snapshot.onboarded)]
    if request.scope is Scope.PROJECT and request.with_hooks:
        warnings.append(
            "no hooks in a file your team shares (they name this machine's interpreter):"
            " claude-local hooks install --scope user"
        )
    if status_line is not None and status_line.hidden_by is not None:
        warnings.append(f"statusLine has no effect: {status_line.hidden_by} sets it and is stronger")
    if status_line is not None and (off := next((w for w in resolution.warnings if w.id == "hooks.disabled"), None)):
        warnings.append(f"the status line is switched off, too: {off.message}")
    if blocked := _blocked(planned, world):
        warnings.append(blocked)
    if standing.problem:
        warnings.append(standing.problem)
    if standing.tracked and request.scope is Scope.LOCAL:
        warnings.append(
            f"{settings_file} is tracked by git: everyone who pulls it gets your server's address:"
            f" git rm --cached {settings_file.name} keeps it yours"
        )
    if server is not None and backend.model not in {model.name for model in server.models}:
        warnings.append(
            f"{server.url} does not list {printable(backend.model)}; unless one of its wildcards routes that name,"
            " sessions will fail: claude-local enable --model NAME names another"
        )
    return Prepared(
        world=world,
        request=request,
        server=server,
        backend=backend,
        settings_file=settings_file,
        lines=lines,
        wanted=wanted,
        status_line=status_line,
        before=before,
        after=after,
        warnings=tuple(warnings),
        exclude=_exclude(request, standing),
        exclude_file=standing.exclude_file if request.scope is Scope.LOCAL else None,
        unheard=_unheard(planned, resolution, lines, settings_file),
        sentence=sentence(resolution, world.place),
    )


def write(prepared: Prepared) -> Written:
    """Carry the plan out, read everything back as Claude Code would, and say what a session here will now use.

    Where everything stands already nothing is written, unless an interrupted run has left something to clear away.
    """
    world = prepared.world
    extras = prepared.exclude
    notes = _remembered(prepared) if prepared.changed else ()
    ownership.apply(prepared.settings_file, prepared.wanted, state_dir=world.state_dir, extras=extras)
    if prepared.exclude_file is not None:
        line = extras.get("exclude_line")
        file.rewrite(
            prepared.exclude_file,
            lambda text: git.with_line(text, line) if line else text,
            lock_dir=world.state_dir / "locks",
        )
    snapshot = world.snapshot()
    resolution = resolve(snapshot)
    return Written(
        sentence(resolution, world.place),
        _unheard(snapshot, resolution, prepared.lines, prepared.settings_file),
        notes,
    )


def _blocked(planned: Snapshot, world: World) -> str | None:
    """The warning that our own protection of this folder does not let sessions use what they would use."""
    there = backend_of(effective_env(planned))
    settings = config.look(str(world.state_dir), world.environ)
    found = config.off_list(settings, there.kind, there.url, str(world.cwd))
    return f"{found[0]}: {found[1]}" if found else None


def _remembered(prepared: Prepared) -> tuple[str, ...]:
    """Tells the log what the server is; a log that cannot be written is worth a warning, not the whole command."""
    backend = prepared.backend
    try:
        ledger.remember_backend(prepared.world.state_dir, backend.url, backend.kind, backend.version)
    except ClaudeLocalError as error:
        return (f"{error.message}: {error.hint}",)
    return ()


def report(prepared: Prepared, *, dry_run: bool, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The object that `enable --json` prints (schemas/enable.schema.json), secrets masked."""
    return {
        "changed": prepared.changed and not dry_run,
        "dry_run": dry_run,
        "scope": prepared.request.scope.value,
        "settings_file": str(prepared.settings_file),
        "backend": {
            "url": prepared.backend.url,
            "kind": prepared.backend.kind,
            "version": prepared.backend.version,
            "model": prepared.backend.model,
            "max_model_len": prepared.backend.max_model_len,
        },
        "wrote": [
            {
                "key": line.key,
                "value": mask_secret(str(line.value)) if line.secret else line.value,
                "reason": line.reason,
            }
            for line in prepared.lines
        ]
        + _statusline_entry(prepared.status_line),
        "warnings": [*prepared.warnings, *prepared.unheard, *notes],
    }


# --- the server and the model


def _token(request: Request, environ: Mapping[str, str]) -> str:
    if request.token_env is None:
        return PLACEHOLDER
    if request.scope is Scope.PROJECT:
        raise UsageError(
            "--scope project writes a file that is committed: no secret may go there",
            f"leave out --scope project, or have everyone export {request.token_env} themselves",
        )
    token = environ.get(request.token_env, "")
    if not token:
        raise UsageError(
            f"the environment variable {request.token_env} named by --token-env is not set",
            f"export {request.token_env}=…  (the key your server was started with)",
        )
    if token.startswith("sk-ant-"):
        raise UsageError(
            f"the value of {request.token_env} is a key of Anthropic's own: it may not be sent to another server",
            "--token-env names the key that your server was started with",
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError(
            f"the value of {request.token_env} has characters in it that no HTTP header can carry, such as spaces",
            f"export {request.token_env}=…  without quotes and line breaks in the value",
        )
    return token


def _server(request: Request, token: str, choose: Choose | None) -> Server | None:
    """The server to use, asked who it is; None with --no-check."""
    if request.url is None:
        if not request.check:
            raise UsageError(
                "--no-check asks no server, so it needs --url", "claude-local enable --no-check --url URL --model NAME"
            )
        return _found(request, token, choose)
    url = normalise(request.url)
    if is_anthropic(url.host):
        raise UsageError(f"{url} is Anthropic's own API, not a server of yours", "claude-local disable")
    if not request.check:
        return None
    server = identify(url.url, token=None if token == PLACEHOLDER else token)
    return _usable(server, request)


def _found(request: Request, token: str, choose: Choose | None) -> Server:
    if not request.port_scan:
        raise UsageError("no --url, and --no-port-scan forbids looking for a server", "claude-local enable --url URL")
    servers = sweep()
    if not servers:
        raise BackendError(
            f"no model server answers on this machine's well-known ports ({wellknown.ports_text()})",
            f"start one, for example: {wellknown.START_HINT}\n      or name one elsewhere: claude-local enable --url http://HOST:PORT",
        )
    chosen = servers[0]
    if len(servers) > 1:
        listed = [f"{server.url}  {describe(server)}" for server in servers]
        if choose is None:
            raise UsageError(
                "several model servers answer here: " + "; ".join(listed), f"claude-local enable --url {chosen.url}"
            )
        chosen = servers[listed.index(choose("which server?", listed))]
    if token != PLACEHOLDER:
        chosen = identify(chosen.url, token=token)  # while looking around, nobody was shown the key
    return _usable(chosen, request)


def describe(server: Server) -> str:
    """A server in a few words: `vLLM 0.32.0, 2 models`."""
    label = wellknown.label(server.kind)
    name = f"{label} {printable(server.version)}" if server.version else label
    count = len(server.models)
    return f"{name}, {count} model{'' if count == 1 else 's'}" if server.models else name


def _usable(server: Server, request: Request) -> Server:
    """The server, if sessions can use it; else the error that says what is the matter with it."""
    if server.state in ("needs-key", "wrong-key"):
        what = "asks for a key" if server.state == "needs-key" else f"does not accept the key in {request.token_env}"
        raise BackendError(
            f"{server.url} {what}",
            "export MY_KEY=…, then claude-local enable --token-env MY_KEY   (the key never goes on the command line)",
        )
    if server.kind == "openai-only" or (server.is_model_server and server.speaks_messages is False):
        raise BackendError(
            f"{server.url} ({describe(server)}) has no Messages API (/v1/messages), which Claude Code needs",
            "put LiteLLM before it, or use a newer server: vLLM from 0.11.1 on, Ollama, llama.cpp, LM Studio, SGLang",
        )
    if server.state not in ("ready", "overloaded"):
        raise BackendError(
            f"{server.url} {server.problem or f'is {server.state}'}",
            "once it answers: claude-local enable again; to write without asking it: --no-check --model NAME",
        )
    return server


def _backend(request: Request, server: Server | None, token: str, choose: Choose | None) -> tuple[plan.Backend, Needs]:
    if server is None:
        if request.model is None:
            raise UsageError("--no-check cannot ask the server for its models", "name one with --model NAME")
        assert request.url is not None
        url = normalise(request.url).url
        backend = plan.Backend(url, "unknown", request.model, request.max_model_len, token=token)
        return backend, needs_of("unknown", None)
    model = _model(request, server, choose)
    window = request.max_model_len or model.max_model_len
    backend = plan.Backend(server.url, server.kind, model.name, window, server.version, token)
    return backend, needs_of(server.kind, server.version)


def _model(request: Request, server: Server, choose: Choose | None) -> ServedModel:
    by_name = {model.name: model for model in server.models}
    if request.model is not None:
        if request.model in by_name:
            return by_name[request.model]
        if server.kind == "litellm":
            # a wildcard such as `claude-*` is routed but not listed, so an unlisted name may well be served
            return ServedModel(request.model, None, None)
        near = _nearest(request.model, list(by_name))
        raise UsageError(
            f"{server.url} does not serve {request.model!r}; {_said_to_serve(near, len(by_name))}",
            f"claude-local enable --url {server.url} --model {printable(near[0])}" if near else "load a model first",
        )
    if not by_name:
        raise BackendError(f"{server.url} lists no model", "load one, or name it with --model NAME")
    if len(by_name) == 1:
        return server.models[0]
    if own := without_aliases(server):
        return own
    if choose is None:
        raise UsageError(
            f"{server.url} serves several models: {printable(', '.join(by_name))}",
            f"claude-local enable --url {server.url} --model {printable(server.models[0].name)}",
        )
    return by_name[choose("which model?", list(by_name))]


def without_aliases(server: Server) -> ServedModel | None:
    """The one model behind all of a server's names, under the only one that is not an alias of Anthropic's kind.

    Under a `claude-…` name the window could not be set, so such names are the aliases. None where there are several.
    """
    own = [model for model in server.models if not model.name.lower().startswith("claude-")]
    if len(own) == 1 and own[0].root and all(model.root == own[0].root for model in server.models):
        return own[0]
    return None


def _nearest(name: str, served: Sequence[str]) -> list[str]:
    """The served names most like this one, at most three; the first ones where none is alike."""
    by_lower = {each.lower(): each for each in served}
    near = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.3)
    return [by_lower[each] for each in near] or list(served[:3])


def _said_to_serve(near: Sequence[str], count: int) -> str:
    names = printable(", ".join(near))
    if not near:
        return "it serves no model at all"
    return f"it serves {names}" if len(near) == count else f"the nearest of its {count} names: {names}"


def _check_window(backend: plan.Backend, needs: Needs, request: Request) -> None:
    if backend.max_model_len is None or request.force:
        return
    smallest = plan.smallest_window(backend, needs)
    if backend.max_model_len >= smallest:
        return
    prompt = plan.first_prompt_tokens(backend, needs)
    raise BackendError(
        f"{backend.model} has a window of {backend.max_model_len:,} tokens, and Claude Code needs {smallest:,}:"
        f" {prompt:,} for its own first prompt, {plan.OUTPUT_LIMITS[-1]:,} for an answer,"
        f" {plan.COMPACTION_RESERVE:,} in reserve for compaction",
        "serve it with a larger window (vLLM: --max-model-len 65536); --force writes all the same",
    )


# --- the file


def previewed(
    text: str | None, wanted: ownership.Wanted, record: ownership.Record | None, settings_file: Path
) -> str | None:
    try:
        return ownership.preview(text, wanted, record).after
    except DocumentError as error:
        raise SettingsError(
            f"{settings_file}:{error.line}:{error.column}: {error.fault};"
            " Claude Code ignores the whole file as long as it is like this",
            "mend that place, then claude-local enable again; nothing was written",
        ) from error


def _hook_changes(request: Request, world: World) -> tuple[Change, ...]:
    if not request.with_hooks or request.scope is Scope.PROJECT:
        return ()
    return hooks.entries(world.python, paths.shipped("hooks"), world.state_dir, world.config_dir)


def _check_statusline(request: Request) -> None:
    if request.with_statusline and request.scope is Scope.PROJECT:
        raise UsageError(
            "--statusline names this machine's interpreter: it may not go into a file your team shares",
            "leave out --scope project, or leave out --statusline",
        )


def _statusline(
    request: Request, world: World, before: str | None, record: ownership.Record | None, settings_file: Path
) -> statusline.Plan | None:
    """How to install the status line, seen from a world in which ours is not in this file; None where nobody asked."""
    if not request.with_statusline:
        return None
    without_ours = world.snapshot({settings_file: previewed(before, {STATUSLINE: ()}, record, settings_file)})
    return statusline.plan(
        without_ours, settings_file, world.python, paths.shipped("hooks"), world.state_dir, world.config_dir
    )


def _statusline_entry(plan: statusline.Plan | None) -> list[dict[str, str]]:
    """What `report` says of it, as of every line that was written."""
    if plan is None:
        return []
    return [{"key": "statusLine.command", "value": plan.command, "reason": statusline_reason(plan)}]


def statusline_reason(plan: statusline.Plan) -> str:
    """Why `statusLine` is written, and what becomes of one that was there."""
    reason = "shows each session's backend, whether it is up, and how full the window is"
    return f"{reason}; the status line that is there stays, above ours" if plan.wraps else reason


def _refuse_a_secret_that_git_may_take(settings_file: Path, standing: git.Standing) -> None:
    if standing.tracked:
        raise SettingsError(
            f"{settings_file} is tracked by git: a secret written there would be committed",
            f"git rm --cached {settings_file.name}, or keep the key out of it (no --token-env)",
        )
    if standing.problem:
        raise SettingsError(
            f"{standing.problem}; a secret may not be written where git might take it",
            "mend that, or claude-local enable --scope user --token-env VAR",
        )


def _exclude(request: Request, standing: git.Standing) -> dict[str, str]:
    """What to remember about the exclude line, where one has to be added."""
    if request.scope is not Scope.LOCAL or standing.exclude_file is None or standing.tracked or standing.ignored:
        return {}
    extras = {"exclude_file": str(standing.exclude_file), "exclude_line": standing.exclude_line}
    before = file.read(standing.exclude_file)
    if before is not None:
        return {**extras, "exclude_before": before}
    folder = standing.exclude_file.parent
    return extras if folder.is_dir() else {**extras, "exclude_folder": str(folder)}


def _refuse_dropped(planned: Snapshot, settings_file: Path) -> None:
    """Raise SettingsError where Claude Code would ignore the whole file, whatever we write into it."""
    found = next((each for each in planned.files if each.path == settings_file), None)
    if found is not None and found.state is FileState.DROPPED:
        raise SettingsError(
            f"{settings_file}: {found.problem}; Claude Code ignores the whole file as long as it is like this",
            "mend that place, then claude-local enable again; nothing was written",
        )


def _refuse_leaks(resolution: Resolution, backend: plan.Backend) -> None:
    leaks = [warning for warning in resolution.warnings if warning.id.startswith("leak.")]
    if leaks:
        raise ClaudeLocalError(
            f"a credential would still be sent to {backend.host}: {leaks[0].message}",
            f"{leaks[0].fix}; nothing was written",
        )
    if resolution.outcome == "refused":
        raise ClaudeLocalError(
            f"Claude Code would refuse to start here: {resolution.outcome_reason}", "ask whoever manages this machine"
        )


def _unheard(
    snapshot: Snapshot, resolution: Resolution, lines: Sequence[plan.Line], settings_file: Path
) -> tuple[str, ...]:
    """The lines that another source beats even so, in words."""
    beaten = []
    for line in lines:
        winner = _winner(snapshot, line.key)
        if winner is None:
            beaten.append(f"{line.key} has no effect: Claude Code does not take it from {settings_file}")
        elif winner.path != settings_file and winner.value != _as_text(line.value):
            beaten.append(f"{line.key} has no effect: {winner.place} sets it and is stronger")
    model, wanted = resolution.value("model"), next(line.value for line in lines if line.key == "env.ANTHROPIC_MODEL")
    if model != wanted and not any("env.ANTHROPIC_MODEL" in text for text in beaten):
        beaten.append(f"sessions use {model}, not {wanted}: {resolution.decisions['model'].sentence}")
    return tuple(beaten)


def _winner(snapshot: Snapshot, key: str) -> Candidate | None:
    return next((candidate for candidate in candidates(snapshot, key) if candidate.state == "wins"), None)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
