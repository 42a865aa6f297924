"""Settings with a value that Claude Code may not take: some cost the key, some the whole file.

Three files a question, as for hooks: the request tells of each whether it was dropped.
"""

import mmap
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from claude_local_plugin.conformance.hook_files import FINE, PLACES, SHELL
from claude_local_plugin.conformance.scenario import Scenario, Settings

_GROUP: dict[str, Any] = {"matcher": "Bash", "hooks": [FINE]}

#: Key -> the values to ask about.
VALUES: Mapping[str, tuple[Any, ...]] = {
    "attributionProjectPolicy": (
        1,
        {"default": 1},
    ),
    "availableModelsMatch": (
        1,
        "x",
    ),
    "deniedModels": (
        1,
        [1],
        "x",
        {},
    ),
    "modelPicker": (
        1,
        {"options": 1},
        {"options": [{"label": "x"}]},
        {},
    ),
    "modelPricing": (
        1,
        {"multiplier": "x"},
        {"overrides": {"m": {"input": 1}}},
    ),
    "modelCatalogUrl": (1,),
    "modelCatalogPublicKey": (1,),
    "disableDirectMcpSkills": (
        1,
        None,
    ),
    "additionalMarketplaces": (
        1,
        {"m": 1},
        {"m": {"source": {"source": "zzz"}}},
        {"m": {"source": {"source": "github"}}},
        [],
        {"m": {"source": 1}},
        None,
    ),
    "extraKnownMarketplaces": (
        1,
        {"m": 1},
        {"m": {"source": {"source": "zzz"}}},
        {"m": {"source": {"source": "github"}}},
        {"m": {"source": {"source": "settings", "name": "other", "plugins": []}}},
        {"m": {"source": {"source": "settings", "name": "m", "plugins": [{"name": "x", "source": "./x"}]}}},
        None,
        [],
        {"m": {"source": {"source": "settings", "name": "m", "plugins": [{"name": "x", "source": {"source": "zzz"}}]}}},
    ),
    "downloadsMirrorUrl": (1,),
    "sshHostCommands": (
        1,
        "x",
    ),
    "remoteControl": (
        1,
        {"shareHostProfile": 1},
    ),
    "skipAutoPermissionPrompt": (
        1,
        "true",
        None,
    ),
    "useAutoModeDuringPlan": (
        1,
        "true",
        None,
    ),
    "voiceEnabled": (
        1,
        "true",
        None,
    ),
    "axScreenReader": (
        1,
        "true",
        None,
    ),
    "defaultView": (
        1,
        "x",
    ),
    "disableDeepLinkRegistration": (
        1,
        "x",
        True,
    ),
    "autoMode": (
        1,
        None,
        [],
        {"allow": 1},
        {"allow": [1]},
        {"environment": [-1, "x"]},
        {"soft_deny": "x"},
        {"hard_deny": [None]},
        {"classifyAllShell": "x"},
        {"deny": [1]},
        {},
    ),
    "sandbox": (
        {"network": {"allowedDomains": [1]}},
        {"network": {"deniedDomains": 1}},
        {"network": {"allowUnixSockets": 1}},
        {"network": {"allowAllUnixSockets": 1}},
        {"network": {"allowLocalBinding": "x"}},
        {"network": {"httpProxyPort": "x"}},
        {"network": {"socksProxyPort": "80"}},
        {"network": {"allowManagedDomainsOnly": 1}},
        {"network": {"allowMachLookup": 1}},
        {"network": {"tlsTerminate": 1}},
        {"filesystem": {"allowWrite": 1}},
        {"filesystem": {"denyWrite": [1]}},
        {"filesystem": {"denyRead": None}},
        {"filesystem": {"allowRead": "x"}},
        {"filesystem": {"allowManagedReadPathsOnly": 1}},
        {"credentials": 1},
        {"windows": 1},
        {"windows": {"backend": "x"}},
        {"ripgrep": 1},
        {"ripgrep": {}},
        {"ripgrep": {"command": "x", "args": 1}},
        {"allowNestedUserNamespaces": 1},
        {"allowAppleEvents": 1},
        {"bwrapPath": 1},
        {"unknown": 1},
        {"network": {"unknown": 1}},
        {"ignoreViolations": {"x": 1}},
        {"enabled": None},
        {"credentials": {"files": 1}},
        {"credentials": {"envVars": [1]}},
        {"credentials": {"files": [{"path": "/x", "mode": "deny"}]}},
        {"credentials": {"files": [{"path": "/x"}]}},
        {"credentials": {"files": [{"path": "/x", "mode": "mask", "extract": 1}]}},
        {"credentials": {"files": [{"path": "/x", "mode": "deny", "extract": 1}]}},
        {"credentials": {"envVars": [{"name": "1x", "mode": "deny"}]}},
        {"credentials": {"awsPairs": 1}},
        {"network": {"allowMachLookup": ["a*b"]}},
        {"network": {"tlsTerminate": {"caCertPath": ""}}},
        {"network": {"strictAllowlist": 1}},
        {"filesystem": {"disabled": 1}},
        {"filesystem": {"zz": 1}},
        {"network": None},
        {"credentials": {"files": [{"path": "", "mode": "deny"}]}},
        {"credentials": {"sigv4": 1}},
    ),
    "permissions": (
        {"blockReadsOutsideWorkingDirectories": 1},
        {"blockFileToolReadsOutsideWorkingDirectories": 1},
        {"blockWritesOutsideWorkingDirectories": 1},
        {"blockReadsExemptPaths": 1},
        {"workingDirectoriesAsGiven": 1},
        {"workingDirectoriesExclude": 1},
        {"disableAutoMode": 1},
        {"denyInsteadOfPrompting": 1},
        {"zz": 1},
        {"defaultMode": "bubble"},
        {"defaultMode": None},
        {"allow": None},
        {"deny": [1, "Read"]},
        {"allow": {}},
        None,
        [],
        {"additionalDirectories": [None]},
        {"allow": [], "hooks": [FINE]},
        {"PreToolUse": [_GROUP]},
        {"hooks": {"PreToolUse": [_GROUP]}},
    ),
    "sshConfigs": (
        [{"name": "n"}],
        [{"id": "a", "name": "n", "sshHost": "h", "sshPort": "22"}],
        [{"id": "a", "name": "n", "sshHost": "h", "sshPort": 22.5}],
        [{"id": "a", "name": "n", "sshHost": "h", "startDirectory": 1}],
        [{"id": "a", "name": "n", "sshHost": "h"}],
    ),
    "allowedChannelPlugins": (
        ["a@b"],
        [{"plugin": "x"}],
        [{"marketplace": "a", "plugin": 1}],
    ),
    "strictKnownMarketplaces": (
        [{"source": "zz"}],
        [{"source": "github"}],
        [{"source": "github", "repo": 1}],
        ["x"],
        [{"source": "url", "url": "x"}],
        [{"source": "github", "repo": "a/b"}],
        [{"source": "hostPattern", "hostPattern": "("}],
        [{"source": "npm"}],
        [{"source": "directory"}],
        [{"source": "settings", "name": "x"}],
        [{}],
    ),
    "blockedMarketplaces": (
        [{"source": "zz"}],
        [{"source": "github"}],
        [{"source": "pluginDirectory"}],
    ),
    "allowedMarketplaces": (
        [{"source": "zz"}],
        [{"source": "github"}],
    ),
    "allowedMcpServers": (
        1,
        [1],
        [{}],
        None,
    ),
    "deniedMcpServers": (
        1,
        [1],
    ),
    "managedMcpServers": (
        1,
        {"a": 1},
    ),
    "pluginConfigs": (
        {"a": {"mcpServers": 1}},
        {"a": {"mcpServers": {"s": 1}}},
        {"a": {"mcpServers": {"s": {"k": None}}}},
        {"a": None},
        {"a": {"options": {"k": None}}},
        {"a": {"PreToolUse": [1]}},
    ),
    "enabledPlugins": (
        {"a": None},
        {"a": 1},
        {"a@b": [1]},
    ),
    "attribution": (
        {"commit": 1},
        {"zz": 1},
        None,
        "x",
    ),
    "statusLine": (
        {"type": "command", "command": "x", "refreshInterval": "x"},
        {"type": "command", "command": "x", "padding": "1"},
        {"type": "command", "command": "x", "hooks": [FINE]},
    ),
    "worktree": (
        {"bgIsolation": 1},
        {"location": 1},
        {"baseRef": None},
        {"symlinkDirectories": [1]},
    ),
    "voice": ({"mode": 1},),
    "quietHours": (
        {"start": "25:00"},
        {"start": "9:00"},
        {"start": "9:60"},
        {"end": ""},
        {"start": "1:2:00"},
        {"start": "-9:00"},
        {"start": "²1:00"},
    ),
    "breakReminder": ({"message": 1},),
    "spinnerVerbs": (
        {"mode": "append"},
        {"verbs": []},
    ),
    "timeFormat": (
        1,
        "zz",
    ),
    "policyHelper": (
        1,
        {"path": "x"},
    ),
    "policyHelpers": (1,),
    "forceLoginMethod": (
        1,
        "x",
    ),
    "forceLoginGatewayUrl": (
        1,
        "",
    ),
    "allowedProviders": (
        1,
        ["x"],
    ),
    "gatewayInternalNetworks": (1,),
    "theme": (1,),
    "effortLevel": (1,),
    "footerLinksRegexes": (1,),
    "subagentStatusLine": (1,),
    "strictPluginOnlyCustomization": (
        1,
        "x",
    ),
    "modelSettings": (1,),
    "cleanupPeriodDays": (
        0,
        1.5,
        "30",
        1e30,
        9007199254740993,
    ),
    "feedbackSurveyRate": (
        2,
        -0.0,
    ),
    "skillListingBudgetFraction": (
        0,
        1,
        1e-300,
    ),
    "fallbackModel": (
        "x",
        [1],
        None,
    ),
    "claudeMdExcludes": ([1],),
    "companyAnnouncements": ("x",),
    "modelOverrides": (
        {"a": 1},
        [],
    ),
    "skillOverrides": ({"a": "x"},),
    "forceLoginOrgUUID": (
        1,
        [1],
    ),
    "disableAllHooks": (
        "true",
        "false",
        1,
    ),
    "enableAllProjectMcpServers": (
        "true",
        None,
    ),
    "hooks": (
        {},
        _GROUP,
        {"hooks": [FINE]},
        {"hooks": FINE},
        {"matcher": "x", "hooks": {}},
        {"Foo": _GROUP},
        {"Foo": [_GROUP]},
        {"Foo": {"a": _GROUP}},
        {"Stop": _GROUP},
        {"Stop": {"a": _GROUP}},
        {"Foo": {"Stop": [_GROUP]}},
        {"Foo": {"hooks": [FINE]}},
        [[_GROUP]],
        [[{"hooks": []}]],
        [[{"hooks": [FINE], "Stop": 1}]],
        {"Stop": [{"hooks": [{"type": "command", "command": "x", "y": {"PreToolUse": 1}}]}]},
        {"Stop": [{"hooks": [{"y": {"PreToolUse": 1}}]}]},
        {"hooks": {"Stop": [_GROUP]}},
        {"Stop": [_GROUP], "hooks": [FINE]},
        {"foo": 1, "hooks": [FINE]},
    ),
    "$schema": (1,),
    "pluginTrustMessage": (1,),
    "PreToolUse": (
        [_GROUP],
        [],
        None,
        False,
        "x",
    ),
    "PermissionRequest": ({},),
    "PreSkillShellCommand": (1,),
    "SessionStart": (
        [_GROUP],
        {"PreToolUse": [_GROUP]},
        [{"hooks": [FINE], "PreToolUse": 1}],
    ),
    "Stop": (_GROUP,),
    "Hooks": (
        {"PreToolUse": [_GROUP]},
        {"Stop": [_GROUP]},
        {"SessionStart": [{"hooks": [FINE]}]},
    ),
    "hook": (
        [_GROUP],
        [{"hooks": [FINE]}],
        {"hooks": [FINE]},
        {"hooks": []},
        {"hooks": FINE},
        {"hooks": {"x": 1}},
        {"matcher": "x", "hooks": {}},
    ),
    "mcpServers": ({"s": {"PreToolUse": [1]}},),
    "env2": (
        {"a": {"b": {"PreToolUse": 1}}},
        {"a": {"b": {"c": {"PreToolUse": 1}}}},
        [[{"PreToolUse": 1}]],
        [[[{"PreToolUse": 1}]]],
        [[[[{"PreToolUse": 1}]]]],
    ),
    "x": (
        {"hooks": [{"type": "t", "PreToolUse": 1}]},
        {"hooks": [{"PreToolUse": 1}]},
        {"y": {"mcpServers": {"PreToolUse": 1}}},
        {"modelSettings": {"hooks": [1]}},
        {"Stop": [_GROUP]},
        {"a": [_GROUP]},
        {"Stop": 1, "hooks": [FINE]},
    ),
}

#: Where the program says what settings there are: an early one of them, the forms in which one is named, and the end.
_EARLY = b",apiKeyHelper:()=>"
_NAME = re.compile(rb"[,{]([A-Za-z]\w+):\(\)=>")
_END = b"}}function "


def keys_in(program: Path) -> set[str]:
    """The settings that Claude Code's own program names, but for a few that it keeps elsewhere."""
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        start = text.find(_EARLY)
        if start < 0:
            return set()
        return {name[1].decode("ascii") for name in _NAME.finditer(text[start : text.find(_END, start)])}


def setting_values() -> Iterator[tuple[str, Scenario]]:
    """Name -> scenario: each value in a file of its own, three files a question."""
    rows = [(key, number, value) for key, values in VALUES.items() for number, value in enumerate(values)]
    for number in range(0, len(rows), len(PLACES)):
        asked = rows[number : number + len(PLACES)]
        settings: dict[str, Settings] = {
            place: {"env": env, key: value} for (place, env), (key, _, value) in zip(PLACES, asked, strict=False)
        }
        name = "+".join(f"{key}-{place}" for key, place, _ in asked)
        yield f"values/{name}", Scenario(settings=settings, shell=SHELL)
