"""The person's settings: one typed declaration, one JSON file, never lost.

A file that cannot be read is kept beside the new one and its reason is told; a file of
an older version is backed up before it is rewritten.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from recorder.errors import DataError

VERSION = 1
FILE_NAME = "settings.json"
MIN_SENSITIVITY, MAX_SENSITIVITY = 0.1, 5.0
THEMES = ("system", "dark", "light")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a person can set.

    ``keys`` overrides the game's own bindings (control to key name); ``sensitivity``
    multiplies mouse counts (0.1 to 5); ``idle_handback_s`` None is never;
    ``data_folder`` "" is the platform's.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    sensitivity: float = 1.0
    idle_handback_s: float | None = 1.5
    data_folder: str = ""
    theme: str = "system"
    seen_welcome: bool = False
    version: int = VERSION

    def __post_init__(self) -> None:
        if not MIN_SENSITIVITY <= self.sensitivity <= MAX_SENSITIVITY:
            raise ValueError(f"sensitivity must be {MIN_SENSITIVITY} to {MAX_SENSITIVITY}")
        if self.idle_handback_s is not None and not 0.1 <= self.idle_handback_s <= 600:
            raise ValueError("idle_handback_s must be 0.1 to 600 seconds, or null")
        if self.theme not in THEMES:
            raise ValueError(f"theme must be one of {', '.join(THEMES)}")


def config_folder() -> Path:
    """Return the platform's folder for settings."""
    from platformdirs import user_config_path

    return user_config_path("Playteach", appauthor=False)


class SettingsFile:
    """Reads and writes the settings in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self.problem = ""

    def load(self) -> Settings:
        """Return the settings; defaults where there are none.

        After a file that cannot be read, :attr:`problem` holds one sentence and the file
        stays beside the new one as ``settings.json.bad``.
        """
        if not self.path.exists():
            return Settings()
        try:
            raw: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
            known = {f.name for f in fields(Settings)}
            if raw.get("version", 0) != VERSION:
                shutil.copy2(self.path, self.path.with_suffix(".json.backup"))
            return Settings(**{**{k: v for k, v in raw.items() if k in known}, "version": VERSION})
        except (OSError, ValueError, TypeError, AttributeError) as error:
            shutil.copy2(self.path, self.path.with_suffix(".json.bad"))
            self.problem = (
                f"The settings could not be read ({error}), so the defaults are in force; your "
                f"file is kept as {self.path.name}.bad."
            )
            return Settings()

    def save(self, settings: Settings) -> None:
        """Write the settings whole or not at all.  Raises DataError where it cannot."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_suffix(".json.new")
            fresh.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")
            fresh.replace(self.path)
        except OSError as error:
            raise DataError(
                f"The settings could not be saved ({error.strerror}), so they last until you "
                "close Playteach; check the disk and the folder's permissions."
            ) from error
