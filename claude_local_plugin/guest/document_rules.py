"""By what a settings file is judged: which wrong value makes Claude Code drop the whole file, silently in most modes.

Established on Claude Code 2.1.329 by giving every top-level key ten values of different types, and the nested ones
that people write the likely mistakes; `hooks` on 2.1.200 to 2.1.332, event by event and field by field. Unknown keys
are tolerated, and so is anything under a key not named here.
"""

from claude_local_plugin.guest.claude import holds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    #: Where a value stands in its file: the names of keys, and numbers in lists.
    Steps = tuple["str | int", ...]
    #: What is wrong: where, and what should be there, as in "be a list".
    Problem = tuple[Steps, str] | None
    #: Judges a value at a place; answers with what is wrong there, or None when it is fine.
    Check = Callable[[object, Steps], Problem]


class Fault:
    """A value Claude Code cannot take: its top-level key, where exactly it stands, and what it should have been."""

    __slots__ = ("key", "problem", "steps")

    def __init__(self, key: str, problem: str, steps: "Steps") -> None:
        self.key = key
        self.problem = problem
        self.steps = steps


def faults(data: "Mapping[str, object]", client_version: "str | None" = None) -> "tuple[Fault, ...]":
    """The top-level keys with a value Claude Code cannot take, in the order in which they stand."""
    checks = _checks()
    found = []
    for key, value in data.items():
        if key == "hooks":
            problem = _hooks(value, client_version)
        else:
            check = checks.get(key)
            problem = check(value, (key,)) if check is not None else None
        if problem is not None:
            steps, wanted = problem
            found.append(Fault(key, f'"{_named(steps)}" must {wanted}', steps))
    return tuple(found)


def _named(steps: "Steps") -> str:
    """The place as people write it: `hooks.PreToolUse[0].matcher`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text[1:]


def _checks() -> "Mapping[str, Check]":
    if not _BY_KEY:
        _BY_KEY.update(_NESTED)
        _BY_KEY.update({key: check for check, keys in _SIMPLE for key in keys.split()})
    return _BY_KEY


_BY_KEY: "dict[str, Check]" = {}


# --- what values may be


def _plain(wanted: str, fits: "Callable[[object], bool]") -> "Check":
    def check(value: object, steps: "Steps") -> "Problem":
        return None if fits(value) else (steps, f"be {wanted}")

    return check


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()


def _from(least: float, value: object) -> bool:
    return isinstance(value, (int, float)) and value >= least


_TEXT = _plain("a string", lambda value: isinstance(value, str))
_SWITCH = _plain("true or false", lambda value: isinstance(value, bool))
_SWITCH_OR_NULL = _plain("true, false or null", lambda value: value is None or isinstance(value, bool))
_LIST = _plain("a list", lambda value: isinstance(value, list))
_NUMBER = _plain("a number", _is_number)
_ABOVE_0 = _plain("a number above 0", lambda value: _is_number(value) and value != 0 and _from(0, value))
_WHOLE_FROM_0 = _plain("a whole number from 0", lambda value: _is_whole(value) and _from(0, value))
_WHOLE_FROM_1 = _plain("a whole number from 1", lambda value: _is_whole(value) and _from(1, value))
_FRACTION = _plain("a number from 0 to 1", lambda value: _is_number(value) and 0 <= float(str(value)) <= 1)
_POSITIVE_FRACTION = _plain("a number above 0, to 1", lambda value: _is_number(value) and 0 < float(str(value)) <= 1)
_CLOCK = _plain(
    'a time such as "22:00"',
    lambda value: isinstance(value, str) and value[-3:-2] == ":" and value.replace(":", "", 1).isdigit(),
)


def _one_of(*words: str, null: bool = False) -> "Check":
    wanted = "one of " + ", ".join(words) if len(words) > 1 else f'"{words[0]}"'
    return _plain(wanted, lambda value: value in words or (null and value is None))


def _list_of(item: "Check", *, null: bool = False) -> "Check":
    def check(value: object, steps: "Steps") -> "Problem":
        if null and value is None:
            return None
        if not isinstance(value, list):
            return steps, "be a list"
        return _first(item(each, (*steps, place)) for place, each in enumerate(value))

    return check


def _map_of(item: "Check") -> "Check":
    def check(value: object, steps: "Steps") -> "Problem":
        if not isinstance(value, dict):
            return steps, "be an object"
        return _first(item(each, (*steps, name)) for name, each in value.items())

    return check


def _record(fields: "Mapping[str, Check]", *, required: "tuple[str, ...]" = ()) -> "Check":
    def check(value: object, steps: "Steps") -> "Problem":
        if not isinstance(value, dict):
            return steps, "be an object"
        for name in required:
            if name not in value:
                return steps, f'have "{name}"'
        return _first(judge(value[name], (*steps, name)) for name, judge in fields.items() if name in value)

    return check


def _either(*checks: "Check") -> "Check":
    def check(value: object, steps: "Steps") -> "Problem":
        problems = [judge(value, steps) for judge in checks]
        return None if None in problems else problems[-1]

    return check


def _first(problems: "Iterator[Problem]") -> "Problem":
    return next((problem for problem in problems if problem is not None), None)


_ANYTHING = _plain("anything", lambda _value: True)
_TEXTS = _list_of(_TEXT)

_MODES = ("default", "manual", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions")

_SANDBOX_SWITCHES = (
    "enabled failIfUnavailable autoAllowBashIfSandboxed allowUnsandboxedCommands"
    " enableWeakerNestedSandbox enableWeakerNetworkIsolation"
)

_NESTED: "dict[str, Check]" = {
    "env": _map_of(_ANYTHING),  # its values are turned into text, whatever they are
    "permissions": _record(
        {
            "allow": _LIST,  # a bad rule in a list is left out by itself
            "deny": _LIST,
            "ask": _LIST,
            "additionalDirectories": _TEXTS,
            "defaultMode": _one_of(*_MODES),
            "disableBypassPermissionsMode": _one_of("disable"),
            "disableAutoMode": _one_of("disable"),
        }
    ),
    "statusLine": _record(
        {"type": _one_of("command"), "command": _TEXT, "padding": _NUMBER, "hideVimModeIndicator": _SWITCH},
        required=("type", "command"),
    ),
    "fileSuggestion": _record({"type": _one_of("command"), "command": _TEXT}, required=("type", "command")),
    "attribution": _either(_SWITCH, _record({"commit": _TEXT, "pr": _TEXT, "sessionUrl": _SWITCH})),
    "worktree": _record({"symlinkDirectories": _TEXTS, "sparsePaths": _TEXTS, "baseRef": _one_of("fresh", "head")}),
    "sandbox": _record(
        {
            **dict.fromkeys(_SANDBOX_SWITCHES.split(), _SWITCH),
            "network": _record({"allowedDomains": _TEXTS}),
            "filesystem": _record({}),
            "excludedCommands": _TEXTS,
            "ignoreViolations": _map_of(_TEXTS),
        }
    ),
    "breakReminder": _record(
        {
            "enabled": _SWITCH,
            "intervalMinutes": _WHOLE_FROM_1,
            "breakThresholdMinutes": _WHOLE_FROM_1,
            "message": _TEXT,
        }
    ),
    "quietHours": _record({"enabled": _SWITCH, "start": _CLOCK, "end": _CLOCK}),
    "voice": _record({"enabled": _SWITCH, "mode": _one_of("hold", "tap"), "autoSubmit": _SWITCH}),
    "remote": _record({"defaultEnvironmentId": _TEXT}),
    "remoteTools": _record({"allowUnattendedServing": _SWITCH}),
    "spinnerVerbs": _record({"mode": _one_of("append", "replace"), "verbs": _TEXTS}, required=("mode", "verbs")),
    "modelOverrides": _map_of(_TEXT),
    "skillOverrides": _map_of(_one_of("on", "name-only", "user-invocable-only", "off")),
    "enabledPlugins": _map_of(_either(_SWITCH, _TEXTS)),
    "pluginConfigs": _map_of(_record({"options": _map_of(_either(_TEXT, _NUMBER, _SWITCH, _TEXTS))})),
    "forceLoginOrgUUID": _either(_TEXT, _TEXTS),
    "autoUpdatesChannel": _one_of("latest", "stable", "rc"),
    "tui": _one_of("default", "fullscreen"),
    "totalTokensReminder": _one_of("off", "infinite", "fixed", "countdown", "padded-countdown"),
    "daemonColdStart": _one_of("transient", "ask"),
    "defaultShell": _one_of("bash", "powershell"),
    "workflowSizeGuideline": _one_of("unrestricted", "small", "medium", "large"),
    "parentSettingsBehavior": _one_of("first-wins", "merge"),
    "managedSourcesBehavior": _one_of("first-wins", "merge"),
    "feedbackDrafts": _one_of("notify", "quiet", "off", null=True),
    "disableAutoMode": _one_of("disable", null=True),
    "skillListingBudgetFraction": _POSITIVE_FRACTION,
    "feedbackSurveyRate": _FRACTION,
    "desktopSessionCleanupPeriodDays": _WHOLE_FROM_0,
}

_SIMPLE: "tuple[tuple[Check, str], ...]" = (
    (
        _TEXT,
        """$schema apiKeyHelper proxyAuthHelper awsCredentialExport awsAuthRefresh gcpAuthRefresh processWrapper
        attributionProject model prUrlTemplate otelHeadersHelper outputStyle language advisorModel agent minimumVersion
        requiredMinimumVersion requiredMaximumVersion plansDirectory timeFormat timeZone autoMemoryDirectory claudeMd
        pluginTrustMessage""",
    ),
    (
        _SWITCH,
        """respectGitignore wslInheritsWindowsSettings includeCoAuthoredBy includeGitInstructions disableAllHooks
        disableReplyCheck workflowKeywordTriggerEnabled bashEditDiffEnabled respondToBashCommands allowAllClaudeAiMcps
        allowClaudeInChromeWithManagedMcp allowNestedModelAccessUnderForceLogin forceRemoteSettingsRefresh
        spinnerTipsEnabled clawdFileProgressEnabled syntaxHighlightingDisabled terminalTitleFromRename
        alwaysThinkingEnabled fastMode promptSuggestionEnabled emojiCompletionEnabled awaySummaryEnabled
        showClearContextOnPlanAccept prefersReducedMotion doneMeansMerged totalTokensReminderAfterUserTurn
        autoMemoryEnabled autoDreamEnabled showThinkingSummaries verbose autoCompactEnabled precomputeCompactionEnabled
        idleCompaction switchModelsOnFlag autoScrollEnabled wheelScrollAccelerationEnabled fileCheckpointingEnabled
        showTurnDuration showMessageTimestamps terminalProgressBarEnabled todoFeatureEnabled inputNeededNotifEnabled
        agentPushNotifEnabled""",
    ),
    (
        _SWITCH_OR_NULL,
        """syncClaudeAiSkills syncClaudeAiPlugins enforceAvailableModels enableAllProjectMcpServers
        disableClaudeAiConnectors disableBundledSkills disableAgentView disableRemoteControl disableWorkflows
        disableArtifact enableArtifact enableWorkflows disableSkillShellExecution disableWindowsBashCommandSplit
        allowManagedHooksOnly allowManagedPermissionRulesOnly allowManagedMcpServersOnly disableCommandPluginSources
        disableSideloadFlags skipWebFetchPreflight fastModePerSessionOptIn responseComparisonEnabled channelsEnabled
        skipDangerousModePermissionPrompt skipWorkflowUsageWarning autoContinueAtUsageLimit remoteControlAtStartup
        isolatePeerMachines autoUploadSessions""",
    ),
    (
        _TEXTS,
        """fallbackModel availableModels allowedHttpHookUrls httpHookAllowedEnvVars pluginSuggestionMarketplaces
        companyAnnouncements claudeMdExcludes""",
    ),
    (_WHOLE_FROM_1, "cleanupPeriodDays skillListingMaxDescChars totalTokensReminderBudget"),
    (_either(_TEXT, _TEXTS), "enabledMcpjsonServers disabledMcpjsonServers"),
    (_list_of(_record({}), null=True), "strictKnownMarketplaces allowedMarketplaces blockedMarketplaces"),
    (_list_of(_record({})), "allowedChannelPlugins sshConfigs"),
)


# --- hooks

#: Events whose hooks guard what a session may do: one that cannot be loaded makes Claude Code drop the whole file.
#: Under any other event it leaves out the entry.
GUARDING = ("PreToolUse", "PermissionRequest")
#: One more since the version in which `guards-shell-in-skills` holds.
GUARDING_IN_SKILLS = "PreSkillShellCommand"

#: The events of 2.1.200, which drops the file for any of them.
EARLY_EVENTS = frozenset(
    """
    PreToolUse PostToolUse PostToolUseFailure PostToolBatch Notification UserPromptSubmit UserPromptExpansion
    SessionStart SessionEnd Stop StopFailure SubagentStart SubagentStop PreCompact PostCompact PermissionRequest
    PermissionDenied Setup TeammateIdle TaskCreated TaskCompleted Elicitation ElicitationResult ConfigChange
    WorktreeCreate WorktreeRemove InstructionsLoaded CwdChanged FileChanged MessageDisplay
    """.split()  # noqa: SIM905 - as the client lists them
)

#: Those that came later.
LATER_EVENTS = ("PreModelSwitch", "PostModelSwitch", "DirectoryAdded")

#: Lists in the place of `hooks` are taken apart this deep, and what is nested deeper makes the file be dropped.
DEEPEST_LIST = 63
#: Hooks of a guarding event that stand where another event's belong are found this many levels below them.
DEEPEST_GUARD = 3

_FILLED = _plain("a string that is not empty", lambda value: isinstance(value, str) and value != "")
_EVERY_HANDLER: "dict[str, Check]" = {"if": _TEXT, "timeout": _ABOVE_0, "statusMessage": _TEXT, "once": _SWITCH}
_ON_FAILURE = _one_of("continue", "block")

#: Kind of hook -> what it must have, and what its fields may be.
_HANDLERS: "dict[str, tuple[tuple[str, ...], dict[str, Check]]]" = {
    "command": (
        ("command",),
        {
            "command": _TEXT,
            "args": _TEXTS,
            "shell": _one_of("bash", "powershell"),
            "async": _SWITCH,
            "asyncRewake": _SWITCH,
            "rewakeMessage": _FILLED,
            "rewakeSummary": _FILLED,
            "onFailure": _ON_FAILURE,
        },
    ),
    "http": (
        ("url",),
        {
            "url": _plain("a URL", lambda value: isinstance(value, str) and _is_url(value)),
            "headers": _map_of(_TEXT),
            "allowedEnvVars": _TEXTS,
            "onFailure": _ON_FAILURE,
        },
    ),
    "prompt": (("prompt",), {"prompt": _TEXT, "model": _TEXT, "continueOnBlock": _SWITCH}),
    "agent": (("prompt",), {"prompt": _TEXT, "model": _TEXT}),
    "mcp_tool": (("server", "tool"), {"server": _TEXT, "tool": _TEXT, "input": _map_of(_ANYTHING)}),
}


def _is_url(text: str) -> bool:
    from claude_local_plugin.guest.backend import is_url

    return is_url(text)


def guarding(client_version: "str | None" = None) -> "tuple[str, ...]":
    """The events whose hooks guard what a session may do."""
    return (*GUARDING, GUARDING_IN_SKILLS) if holds("guards-shell-in-skills", client_version) else GUARDING


def _hooks(value: object, client_version: "str | None") -> "Problem":
    """What is wrong with a `hooks` block so that the whole file is dropped; the rest costs an entry only."""
    if not holds("guarding-hooks", client_version):
        events = value.items() if isinstance(value, dict) else ()
        return _first(
            _groups(listed, ("hooks", event), client_version)
            for event, listed in events
            if event in EARLY_EVENTS and isinstance(listed, list)
        )
    guards = guarding(client_version)
    if isinstance(value, list):
        deepest = DEEPEST_LIST if holds("hook-lists-end", client_version) else None
        loaded = not any(isinstance(each, dict) for each in value) and _fits(value, guards, deepest)
        return None if loaded else (("hooks",), "be an object with the events as its keys")
    if not isinstance(value, dict):
        return None
    for event in guards:
        if value.get(event) is not None:
            problem = _groups(value[event], ("hooks", event), client_version)
            if problem is not None:
                return problem
    known = EARLY_EVENTS.union(LATER_EVENTS, guards)
    for event, listed in value.items():
        groups = listed if isinstance(listed, list) and event in known else [listed]
        if not all(_is_free(each, guards, DEEPEST_GUARD) for each in groups):
            return ("hooks", event), f'not hold hooks of {" or ".join(guards)}: they belong directly under "hooks"'
    return None


def _groups(value: object, steps: "Steps", client_version: "str | None") -> "Problem":
    if not isinstance(value, list):
        return steps, "be a list"
    return _first(_group(each, (*steps, place), client_version) for place, each in enumerate(value))


def _group(value: object, steps: "Steps", client_version: "str | None") -> "Problem":
    """What is wrong with a matcher and its hooks."""
    if not isinstance(value, dict):
        return steps, 'be an object with "matcher" and "hooks"'
    if "hooks" not in value:
        return steps, 'have "hooks", a list'
    if "matcher" in value and not isinstance(value["matcher"], str):
        return (*steps, "matcher"), "be a string"
    if not isinstance(value["hooks"], list):
        return (*steps, "hooks"), "be a list"
    return _first(_handler(each, (*steps, "hooks", place), client_version) for place, each in enumerate(value["hooks"]))


def _handler(value: object, steps: "Steps", client_version: "str | None") -> "Problem":
    """What is wrong with one hook."""
    if not isinstance(value, dict):
        return steps, "be an object"
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in _HANDLERS:
        return ((*steps, "type") if "type" in value else steps), f'have a "type": {", ".join(_HANDLERS)}'
    required, fields = _HANDLERS[kind]
    fields = {**fields, **_EVERY_HANDLER}
    if not holds("hook-on-failure", client_version):
        fields.pop("onFailure", None)
    return _record(fields, required=required)(value, steps)


def _is_free(value: object, guards: "tuple[str, ...]", levels: int) -> bool:
    """Whether no hook of a guarding event stands in this value, as far down as Claude Code looks for one."""
    if isinstance(value, dict) and any(value.get(name) not in (None, []) for name in guards):
        return False
    return not levels or all(_is_free(each, guards, levels - 1) for each in _inside(value))


def _fits(value: object, guards: "tuple[str, ...]", levels: "int | None") -> bool:
    """Whether nested lists end in time (`levels` None: whenever), and no hook of a guarding event stands in them."""
    if not _is_free(value, guards, 0) or levels == 0:
        return False
    below = None if levels is None else levels - 1
    return all(_fits(each, guards, below) for each in _inside(value) if isinstance(each, (dict, list)))


def _inside(value: object) -> "list[object]":
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
