"""Where a command runs, as one value that every command that writes settings takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from claude_local_plugin import paths
from claude_local_plugin.precedence import Snapshot, gather
from claude_local_plugin.text import short_path


@dataclass(frozen=True, slots=True)
class World:
    """Where the command runs: folder, home, environment, our state folder, the installed client."""

    cwd: Path
    home: Path
    environ: Mapping[str, str] = field(repr=False)
    state_dir: Path
    python: str
    client_version: str | None = None
    managed_dir: Path | None = None

    @property
    def config_dir(self) -> Path | None:
        """Where our config.toml is if not in the platform's own folder: hooks must be told."""
        return paths.chosen_config_dir(self.environ)

    @property
    def place(self) -> str:
        """The folder in a sentence: `in ~/src/shop`."""
        return f"in {short_path(self.cwd, cwd=self.home / '-', home=self.home)}"

    def at(self, folder: Path) -> "World":
        """The same in another folder."""
        return replace(self, cwd=folder)

    def with_environ(self, environ: Mapping[str, str]) -> "World":
        """The same with other variables."""
        return replace(self, environ=environ)

    def snapshot(self, texts: Mapping[Path, str | None] | None = None) -> Snapshot:
        """What a session started here would see, with `texts` in place of the named files' contents."""
        return gather(
            cwd=self.cwd,
            home=self.home,
            environ=self.environ,
            client_version=self.client_version,
            managed_dir=self.managed_dir,
            texts=texts or {},
        )
