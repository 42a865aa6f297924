"""Why is it so: which settings, credentials and model a session here would use, and who decided it."""

from claude_local_plugin.precedence.candidates import candidates, effective, effective_env, hooks_off, winning
from claude_local_plugin.precedence.decisions import backend_in_use
from claude_local_plugin.precedence.gather import gather, installed_answers, installed_client_version
from claude_local_plugin.precedence.locate import (
    git_layout,
    managed_dir_default,
    settings_file_to_write,
    settings_paths,
)
from claude_local_plugin.precedence.model import (
    Candidate,
    Decision,
    FileState,
    Resolution,
    Scope,
    SettingsFile,
    Snapshot,
)
from claude_local_plugin.precedence.resolve import resolve, told_window
from claude_local_plugin.precedence.table import VERIFIED_AGAINST, VERIFIED_SPAN, VERIFIED_VERSIONS

__all__ = [
    "VERIFIED_AGAINST",
    "VERIFIED_SPAN",
    "VERIFIED_VERSIONS",
    "Candidate",
    "Decision",
    "FileState",
    "Resolution",
    "Scope",
    "SettingsFile",
    "Snapshot",
    "backend_in_use",
    "candidates",
    "effective",
    "effective_env",
    "gather",
    "git_layout",
    "hooks_off",
    "installed_answers",
    "installed_client_version",
    "managed_dir_default",
    "resolve",
    "settings_file_to_write",
    "settings_paths",
    "told_window",
    "winning",
]
