"""By what a settings file is judged: which wrong value makes Claude Code drop the whole file, silently in most modes.

Every key of the settings that Claude Code 2.1.332 names in its program is here or in TOLERATED, and each was asked with
wrong values, the nested ones too; `hooks` on 2.1.200 to 2.1.332, event by event and field by field. Unknown keys are
tolerated, unless a guarding hook stands below one.
"""

from claude_local_plugin.core.claude import holds

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
            problem = problem or _outside_hooks(key, value, client_version)
        if problem is not None:
            steps, wanted = problem
            found.append(Fault(key, f'"{_named(steps)}" must {wanted}', steps))
    return tuple(found)


def _named(steps: "Steps") -> str:
    """The place as people write it: `hooks.PreToolUse[0].matcher`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text[1:]


def judged() -> "frozenset[str]":
    """The settings of which some values make Claude Code drop the file."""
    return frozenset((*_checks(), "hooks"))


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
    """Whether JavaScript takes it for an integer, which ends where its numbers do not tell neighbours apart."""
    return _is_number(value) and -(2**53) < value < 2**53 and float(value).is_integer()  # type: ignore[operator, arg-type]


def _from(least: float, value: object) -> bool:
    return isinstance(value, (int, float)) and value >= least


_TEXT = _plain("a string", lambda value: isinstance(value, str))
_FILLED = _plain("a string that is not empty", lambda value: isinstance(value, str) and value != "")
_VARIABLE = _plain(
    "the name of a variable", lambda value: isinstance(value, str) and value.isascii() and value.isidentifier()
)
_SWITCH = _plain("true or false", lambda value: isinstance(value, bool))
_SWITCH_OR_NULL = _plain("true, false or null", lambda value: value is None or isinstance(value, bool))
_LIST = _plain("a list", lambda value: isinstance(value, list))
_NUMBER = _plain("a number", _is_number)
_ABOVE_0 = _plain("a number above 0", lambda value: _is_number(value) and value != 0 and _from(0, value))
_WHOLE = _plain("a whole number", _is_whole)
_WHOLE_FROM_0 = _plain("a whole number from 0", lambda value: _is_whole(value) and _from(0, value))
_WHOLE_FROM_1 = _plain("a whole number from 1", lambda value: _is_whole(value) and _from(1, value))
_FRACTION = _plain("a number from 0 to 1", lambda value: _is_number(value) and 0 <= float(str(value)) <= 1)
_POSITIVE_FRACTION = _plain("a number above 0, to 1", lambda value: _is_number(value) and 0 < float(str(value)) <= 1)
_CLOCK = _plain('a time such as "22:00"', lambda value: isinstance(value, str) and _is_time(value))
_HOURS = (*(f"{hour:02}" for hour in range(24)), *"0123456789")
_MINUTES = tuple(f"{minute:02}" for minute in range(60))


def _is_time(text: str) -> bool:
    hours, _, minutes = text.partition(":")
    return hours in _HOURS and minutes in _MINUTES


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
    "enabled failIfUnavailable autoAllowBashIfSandboxed allowUnsandboxedCommands allowNestedUserNamespaces"
    " enableWeakerNestedSandbox enableWeakerNetworkIsolation allowAppleEvents"
)

#: What a credential that the sandbox keeps from commands may have beside its name or path.
_MASKING: "dict[str, Check]" = {
    "mode": _one_of("deny", "mask"),
    "extract": _TEXT,
    "onExtractNoMatch": _one_of("warn", "deny", "error"),
    "decode": _one_of("jwt"),
    "maskClaims": _TEXTS,
    "maskDuplicates": _SWITCH,
    "injectHosts": _TEXTS,
}


def _masked(name: str, named: "Check") -> "Check":
    """A credential of `sandbox.credentials`: what is wrong with how it is masked counts where it is."""
    masked = _record({name: named, **_MASKING}, required=(name, "mode"))
    denied = _record({name: named, "mode": _MASKING["mode"]}, required=(name, "mode"))

    def check(value: object, steps: "Steps") -> "Problem":
        is_denied = isinstance(value, dict) and value.get("mode") == "deny"
        return (denied if is_denied else masked)(value, steps)

    return check


def _is_url(text: str) -> bool:
    from claude_local_plugin.core.urls import is_url

    return is_url(text)


_URL = _plain("a URL", lambda value: isinstance(value, str) and _is_url(value))

#: Kinds of plugin marketplace, each with what it must have; further fields of these names must be right.
_MARKETPLACES: "dict[str, tuple[str, ...]]" = {
    "url": ("url",),
    "github": ("repo",),
    "git": ("url",),
    "npm": ("package",),
    "file": ("path",),
    "directory": ("path",),
    "skills-dir": (),
    "hostPattern": ("hostPattern",),
    "pathPattern": ("pathPattern",),
    "settings": ("name", "plugins"),
}
_PLUGIN_SOURCES = ("npm", "url", "github", "git-subdir", "archive", "command", "unsupported")
_MARKETPLACE_FIELDS: "dict[str, Check]" = {
    **dict.fromkeys(("url", "repo", "ref", "path", "package", "version", "registry", "name"), _TEXT),
    **dict.fromkeys(("hostPattern", "pathPattern"), _TEXT),
    "sparsePaths": _TEXTS,
    "skipLfs": _SWITCH,
    "headers": _map_of(_TEXT),
    "plugins": _list_of(_record({})),
}


def _marketplace(value: object, steps: "Steps") -> "Problem":
    """What is wrong with where a plugin marketplace is."""
    if not isinstance(value, dict):
        return steps, "be an object"
    kind = value.get("source")
    if not isinstance(kind, str) or kind not in _MARKETPLACES:
        return (*steps, "source"), f"be one of {', '.join(_MARKETPLACES)}"
    fields = {**_MARKETPLACE_FIELDS, "url": _URL} if kind == "url" else _MARKETPLACE_FIELDS
    return _record(fields, required=_MARKETPLACES[kind])(value, steps)


def _blocked_marketplace(value: object, steps: "Steps") -> "Problem":
    if isinstance(value, dict) and value.get("source") == "pluginDirectory":
        return None
    return _marketplace(value, steps)


def _known_marketplace(value: object, steps: "Steps") -> "Problem":
    """As the client leaves out a bad entry by itself, only a kind it does not know costs the file."""
    source = value.get("source") if isinstance(value, dict) else None
    if not isinstance(source, dict):
        return None
    kind, plugins = source.get("source"), source.get("plugins")
    if isinstance(kind, str) and kind not in _MARKETPLACES:
        return (*steps, "source", "source"), f"be one of {', '.join(_MARKETPLACES)}"
    for place, plugin in enumerate(plugins if isinstance(plugins, list) else ()):
        where = plugin.get("source") if isinstance(plugin, dict) else None
        kind = where.get("source") if isinstance(where, dict) else None
        if isinstance(kind, str) and kind not in _PLUGIN_SOURCES:
            steps = (*steps, "source", "plugins", place, "source", "source")
            return steps, f"be one of {', '.join(_PLUGIN_SOURCES)}"
    return None


def _where_an_object(check: "Check") -> "Check":
    """The check, for a value that is left out by itself where it is no object."""
    return lambda value, steps: check(value, steps) if isinstance(value, dict) else None


_OPTIONS = _map_of(_either(_TEXT, _NUMBER, _SWITCH, _TEXTS))

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
            "blockReadsOutsideWorkingDirectories": _SWITCH,
            "blockFileToolReadsOutsideWorkingDirectories": _SWITCH,
            "blockWritesOutsideWorkingDirectories": _SWITCH,
            "denyInsteadOfPrompting": _SWITCH,
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
            "network": _record(
                {
                    **dict.fromkeys(("allowedDomains", "deniedDomains", "allowUnixSockets"), _TEXTS),
                    **dict.fromkeys(("httpProxyPort", "socksProxyPort"), _NUMBER),
                    **dict.fromkeys(
                        ("strictAllowlist", "allowManagedDomainsOnly", "allowAllUnixSockets", "allowLocalBinding"),
                        _SWITCH,
                    ),
                    "allowMachLookup": _list_of(
                        _plain(
                            "a name with no * but a last one",
                            lambda each: isinstance(each, str) and "*" not in each[:-1],
                        )
                    ),
                    "tlsTerminate": _record({"caCertPath": _FILLED, "caKeyPath": _FILLED}),
                }
            ),
            "filesystem": _record(
                {
                    **dict.fromkeys(("allowWrite", "denyWrite", "denyRead", "allowRead"), _TEXTS),
                    **dict.fromkeys(("allowManagedReadPathsOnly", "disabled"), _SWITCH),
                }
            ),
            "credentials": _record(
                {
                    "files": _list_of(_masked("path", _FILLED)),
                    "envVars": _list_of(_masked("name", _VARIABLE)),
                    "allowPlaintextInject": _SWITCH,
                    "awsPairs": _list_of(_record({})),
                    "sigv4": _record({}),
                }
            ),
            "windows": _record({"backend": _one_of("sandboxuser", "mxc")}),
            "ripgrep": _record({"command": _TEXT, "args": _TEXTS}, required=("command",)),
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
    "pluginConfigs": _map_of(_record({"mcpServers": _map_of(_OPTIONS), "options": _OPTIONS})),
    "autoMode": _record(
        {
            **dict.fromkeys(("allow", "soft_deny", "hard_deny", "environment"), _TEXTS),
            "classifyAllShell": _SWITCH,
        }
    ),
    "extraKnownMarketplaces": _where_an_object(_map_of(_known_marketplace)),
    "additionalMarketplaces": _where_an_object(_map_of(_known_marketplace)),
    "sshConfigs": _list_of(
        _record(
            {
                **dict.fromkeys(("id", "name", "sshHost", "sshIdentityFile", "startDirectory"), _TEXT),
                "sshPort": _WHOLE,
            },
            required=("id", "name", "sshHost"),
        )
    ),
    "allowedChannelPlugins": _list_of(
        _record({"marketplace": _TEXT, "plugin": _TEXT}, required=("marketplace", "plugin"))
    ),
    "disableDeepLinkRegistration": _one_of("disable"),
    "defaultView": _one_of("chat", "transcript"),
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
        pluginTrustMessage modelCatalogUrl modelCatalogPublicKey downloadsMirrorUrl""",
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
        agentPushNotifEnabled voiceEnabled axScreenReader""",
    ),
    (
        _SWITCH_OR_NULL,
        """syncClaudeAiSkills syncClaudeAiPlugins enforceAvailableModels enableAllProjectMcpServers
        disableClaudeAiConnectors disableBundledSkills disableAgentView disableRemoteControl disableWorkflows
        disableArtifact enableArtifact enableWorkflows disableSkillShellExecution disableWindowsBashCommandSplit
        allowManagedHooksOnly allowManagedPermissionRulesOnly allowManagedMcpServersOnly disableCommandPluginSources
        disableSideloadFlags skipWebFetchPreflight fastModePerSessionOptIn responseComparisonEnabled channelsEnabled
        skipDangerousModePermissionPrompt skipWorkflowUsageWarning autoContinueAtUsageLimit remoteControlAtStartup
        isolatePeerMachines autoUploadSessions disableDirectMcpSkills
        skipAutoPermissionPrompt useAutoModeDuringPlan""",
    ),
    (
        _TEXTS,
        """fallbackModel availableModels allowedHttpHookUrls httpHookAllowedEnvVars pluginSuggestionMarketplaces
        companyAnnouncements claudeMdExcludes""",
    ),
    (_WHOLE_FROM_1, "cleanupPeriodDays skillListingMaxDescChars totalTokensReminderBudget"),
    (_either(_TEXT, _TEXTS), "enabledMcpjsonServers disabledMcpjsonServers"),
    (_list_of(_marketplace, null=True), "strictKnownMarketplaces allowedMarketplaces"),
    (_list_of(_blocked_marketplace, null=True), "blockedMarketplaces"),
)

#: Keys that Claude Code knows and never drops a file for, whatever stands there; of some it leaves out the bad part.
TOLERATED = frozenset(
    """
    policyHelper policyHelpers additionalDirectoryConfigRoots modelPicker modelPricing managedMcpServers
    allowedMcpServers deniedMcpServers bashOutputMaxChars taskOutputMaxChars desktopMcpServersListScope
    strictPluginOnlyCustomization footerLinksRegexes subagentStatusLine prependPlugins appendPlugins forceLoginMethod
    forceLoginGatewayUrl gatewayInternalNetworks allowedProviders viewMode spinnerTipsOverride maxProseWidth spellcheck
    promptCacheTtl subagentPromptCacheTtl effortLevel maxEffortLevel modelSettings ultracode autoCompactWindow
    askUserQuestionTimeout dialogExpiry modelProposedGoals sshHostCommands theme editorMode keybindingFlavor
    vimInsertModeRemaps preferredNotifChannel precomputeArmTokens autoCompactRaisedForLoad autoCompactOfferAnswer
    teammateMode crossSessionInbound remoteMessageReceipts xaaIdp
    attributionProjectPolicy remoteControl availableModelsMatch deniedModels
    """.split()  # noqa: SIM905 - as the client lists them
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
            "url": _URL,
            "headers": _map_of(_TEXT),
            "allowedEnvVars": _TEXTS,
            "onFailure": _ON_FAILURE,
        },
    ),
    "prompt": (("prompt",), {"prompt": _TEXT, "model": _TEXT, "continueOnBlock": _SWITCH}),
    "agent": (("prompt",), {"prompt": _TEXT, "model": _TEXT}),
    "mcp_tool": (("server", "tool"), {"server": _TEXT, "tool": _TEXT, "input": _map_of(_ANYTHING)}),
}


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
    known = EARLY_EVENTS.union(LATER_EVENTS, guards)
    if isinstance(value, list):
        deepest = DEEPEST_LIST if holds("hook-lists-end", client_version) else None
        lost = any(isinstance(each, dict) for each in value) or _is_or_holds_a_group(value, guards, known)
        loaded = not lost and _fits(value, guards, deepest)
        return None if loaded else (("hooks",), "be an object with the events as its keys")
    if not isinstance(value, dict):
        return None
    if _is_like_a_group(value, known):
        return ("hooks",), "be an object with the events as its keys, not what belongs under one of them"
    for event in guards:
        if value.get(event) is not None:
            problem = _groups(value[event], ("hooks", event), client_version)
            if problem is not None:
                return problem
    for event, listed in value.items():
        if event in known and isinstance(listed, list):
            lost = any(_holds_guard(each, guards, known, alike=False) for each in listed)
        else:
            lost = _holds_guard(listed, guards, known, alike=event not in known and not isinstance(listed, list))
        if lost:
            return ("hooks", event), f'not hold hooks of {" or ".join(guards)}: they belong directly under "hooks"'
    return None


#: Keys under which nobody looks for hooks that are out of place.
NOT_LOOKED_INTO = frozenset(
    """
    mcpServers managedMcpServers lspServers pluginConfigs enabledPlugins extraKnownMarketplaces env skillOverrides
    modelSettings
    """.split()  # noqa: SIM905 - as the client lists them
)


def _outside_hooks(key: str, value: object, client_version: "str | None") -> "Problem":
    """That hooks of a guarding event stand under another key than `hooks`, for which the whole file is dropped."""
    if not holds("guarding-hooks", client_version):
        return None
    guards = guarding(client_version)
    known = EARLY_EVENTS.union(LATER_EVENTS, guards)
    lost = (
        value not in (None, [])
        if key in guards
        else key not in NOT_LOOKED_INTO
        and _holds_guard(value, guards, known, alike=key not in known, closed=NOT_LOOKED_INTO)
    )
    return ((key,), 'not hold hooks: they belong under "hooks"') if lost else None


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


def _holds_guard(
    value: object,
    guards: "tuple[str, ...]",
    known: "frozenset[str]",
    levels: int = DEEPEST_GUARD,
    *,
    alike: bool,
    closed: "frozenset[str]" = frozenset(),
    in_hooks: bool = False,
) -> bool:
    """Whether hooks of a guarding event stand in this value, as far down as Claude Code looks for them.

    `alike`: what looks like a matcher with its hooks is taken for one. It does not look below the `closed` keys, nor
    into a hook (`in_hooks`).
    """
    if not _is_free(value, guards) or (alike and _is_like_a_group(value, known)):
        return True
    if not levels or not isinstance(value, (dict, list)):
        return False
    if isinstance(value, list):
        return any(
            _holds_guard(each, guards, known, levels - 1, alike=alike, closed=closed, in_hooks=in_hooks)
            for each in value
        )
    if in_hooks and isinstance(value.get("type"), str):
        return False
    return any(
        _holds_guard(
            each,
            guards,
            known,
            levels - 1,
            alike=alike and key not in known,
            closed=closed,
            in_hooks=key == "hooks" and isinstance(each, list),
        )
        for key, each in value.items()
        if key not in closed
    )


def _is_free(value: object, guards: "tuple[str, ...]") -> bool:
    """Whether this is no object with a guarding event as its key."""
    return not isinstance(value, dict) or all(value.get(name) in (None, []) for name in guards)


def _is_like_a_group(value: object, known: "frozenset[str]") -> bool:
    """Whether this looks like a matcher with its hooks."""
    if not isinstance(value, dict) or ("matcher" not in value and any(key in known for key in value)):
        return False
    hooks = value.get("hooks")
    if isinstance(hooks, list):
        return bool(hooks)
    return isinstance(hooks, dict) and ("matcher" in value or isinstance(hooks.get("type"), str))


def _is_or_holds_a_group(value: object, guards: "tuple[str, ...]", known: "frozenset[str]") -> bool:
    """Whether this, or something in these nested lists, is a matcher with its hooks or has a guarding event."""
    if isinstance(value, list):
        return any(_is_or_holds_a_group(each, guards, known) for each in value)
    return _is_like_a_group(value, known) or not _is_free(value, guards)


def _fits(value: object, guards: "tuple[str, ...]", levels: "int | None") -> bool:
    """Whether nested lists end in time (`levels` None: whenever), and no hook of a guarding event stands in them."""
    if not _is_free(value, guards) or levels == 0:
        return False
    below = None if levels is None else levels - 1
    return all(_fits(each, guards, below) for each in _inside(value) if isinstance(each, (dict, list)))


def _inside(value: object) -> "list[object]":
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
