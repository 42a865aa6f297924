"""By what a settings file is judged: which wrong value makes Claude Code drop the whole file, silently in most modes.

Established on Claude Code 2.1.329 by giving every top-level key ten values of different types, and the nested ones
that people write the likely mistakes. Unknown keys are tolerated, and so is anything under a key not named here:
`hooks`, for one, loses its bad entries and keeps the rest of the file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Judges a value at a path; answers with what it should have been, or None when it is fine.
Check = Callable[[object, str], str | None]


def _plain(wanted: str, fits: Callable[[object], bool]) -> Check:
    def check(value: object, path: str) -> str | None:
        return None if fits(value) else f'"{path}" must be {wanted}'

    return check


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return _is_number(value) and float(str(value)).is_integer()


_TEXT = _plain("a string", lambda value: isinstance(value, str))
_SWITCH = _plain("true or false", lambda value: isinstance(value, bool))
_SWITCH_OR_NULL = _plain("true, false or null", lambda value: value is None or isinstance(value, bool))
_LIST = _plain("a list", lambda value: isinstance(value, list))
_NUMBER = _plain("a number", _is_number)
_WHOLE_FROM_0 = _plain("a whole number from 0", lambda value: _is_whole(value) and float(str(value)) >= 0)
_WHOLE_FROM_1 = _plain("a whole number from 1", lambda value: _is_whole(value) and float(str(value)) >= 1)
_FRACTION = _plain("a number from 0 to 1", lambda value: _is_number(value) and 0 <= float(str(value)) <= 1)
_POSITIVE_FRACTION = _plain("a number above 0, to 1", lambda value: _is_number(value) and 0 < float(str(value)) <= 1)
_CLOCK = _plain(
    'a time such as "22:00"',
    lambda value: isinstance(value, str) and value[-3:-2] == ":" and value.replace(":", "", 1).isdigit(),
)


def _one_of(*words: str, null: bool = False) -> Check:
    wanted = "one of " + ", ".join(words) if len(words) > 1 else f'"{words[0]}"'
    return _plain(wanted, lambda value: value in words or (null and value is None))


def _list_of(item: Check, *, null: bool = False) -> Check:
    def check(value: object, path: str) -> str | None:
        if null and value is None:
            return None
        if not isinstance(value, list):
            return f'"{path}" must be a list'
        return next((bad for i, each in enumerate(value) if (bad := item(each, f"{path}[{i}]"))), None)

    return check


def _map_of(item: Check) -> Check:
    def check(value: object, path: str) -> str | None:
        if not isinstance(value, dict):
            return f'"{path}" must be an object'
        return next((bad for name, each in value.items() if (bad := item(each, f"{path}.{name}"))), None)

    return check


def _record(fields: Mapping[str, Check], *, required: tuple[str, ...] = ()) -> Check:
    def check(value: object, path: str) -> str | None:
        if not isinstance(value, dict):
            return f'"{path}" must be an object'
        if missing := next((name for name in required if name not in value), None):
            return f'"{path}" must have "{missing}"'
        return next(
            (bad for name, judge in fields.items() if name in value and (bad := judge(value[name], f"{path}.{name}"))),
            None,
        )

    return check


def _either(*checks: Check) -> Check:
    def check(value: object, path: str) -> str | None:
        problems = [judge(value, path) for judge in checks]
        return None if None in problems else problems[-1]

    return check


_TEXTS = _list_of(_TEXT)

_MODES = ("default", "manual", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions")

_SANDBOX_SWITCHES = (
    "enabled failIfUnavailable autoAllowBashIfSandboxed allowUnsandboxedCommands"
    " enableWeakerNestedSandbox enableWeakerNetworkIsolation"
)

_NESTED: dict[str, Check] = {
    "env": _map_of(lambda _value, _path: None),  # its values are turned into text, whatever they are
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

_SIMPLE: tuple[tuple[Check, str], ...] = (
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


@dataclass(frozen=True, slots=True)
class Fault:
    """A value Claude Code cannot take: the top-level key, and what it should have been."""

    key: str
    problem: str


def faults(data: Mapping[str, object]) -> tuple[Fault, ...]:
    """The top-level keys with a value Claude Code cannot take, in the order in which they stand."""
    checks = _checks()
    return tuple(
        Fault(key, problem)
        for key, value in data.items()
        if (check := checks.get(key)) is not None and (problem := check(value, key)) is not None
    )


def _checks() -> Mapping[str, Check]:
    if not _BY_KEY:
        _BY_KEY.update(_NESTED)
        _BY_KEY.update({key: check for check, keys in _SIMPLE for key in keys.split()})
    return _BY_KEY


_BY_KEY: dict[str, Check] = {}
