"""The request that a profile stands for: what `enable` and `run` would be asked for with options."""

from typing import Any

from claude_local_plugin.client_config.choose_server import Request
from claude_local_plugin.profiles.model import Profile


def request_for(profile: Profile, *, token: str | None = None, helper: str | None = None, **asked: Any) -> Request:
    """The request, `asked` being options of the command line, which win where they are not None.

    `token`: the key, resolved by whoever asks, where it is in no variable. `helper`: the command that gives the key.
    """
    said: dict[str, Any] = {
        "url": profile.url,
        "model": profile.model,
        "token_env": profile.token_variable,
        "headers": profile.headers,
        "headers_env": profile.headers_env,
        "keep_headers": False,
        "max_model_len": profile.window,
        "system_prompt": profile.system_prompt,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return Request(**{**said, **given}, profile=profile.name, preferences=profile.preferences(helper), token=token)
