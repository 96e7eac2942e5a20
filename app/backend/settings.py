"""Settings, declared once here; one that the dialog shows is also in ``preferences.py``.

A value that is out of bounds or of the wrong kind falls back to its default with a
sentence; the file as it was is kept beside it before anything is written over it.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from app.backend.models.choice import ModelChoice, model_choice
from recorder.input.layout import Layout, in_places, layout_in_use
from recorder.json_values import parse_toml

SCHEMA = 1
FILE_NAME = "settings.toml"
FOLDER_VARIABLE = "PLAYTEACH_CONFIG"
THEMES = ("system", "dark", "light")
TEXT_PERCENTS = (90, 100, 115, 130, 150)
"""How large text can be, in per cent of what it is by itself."""
KEY_NAMES = "places"
"""How keys are named in a file that says so: by what a US keyboard has in their place."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person can set.

    ``keys`` maps a control to a key, named as a place (:mod:`recorder.input.keys`), only where it
    differs from the game's own.  ``hotkeys`` maps what a key asks for in a game's own window
    ("pause") to such a place, only where it differs from the usual.  ``idle_handback_s`` None means
    never.  ``data_folder`` None means the platform's.  ``model`` is which one plays.
    ``keep_clips`` keeps the clips of a blind comparison after its result.  ``text_percent`` is how
    large text is, one of :data:`TEXT_PERCENTS`.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    mouse_sensitivity: float = 1.0
    idle_handback_s: float | None = 1.5
    data_folder: Path | None = None
    theme: str = "system"
    seen_welcome: bool = False
    hotkeys: Mapping[str, str] = field(default_factory=dict)
    seen_privacy: bool = False
    model: ModelChoice = field(default_factory=ModelChoice)
    keep_clips: bool = False
    text_percent: int = 100


@dataclass(frozen=True, slots=True)
class Number:
    """Bounds of a number, both included, and what it means."""

    low: float
    high: float
    meaning: str


NUMBERS: Mapping[str, Number] = {
    "mouse_sensitivity": Number(0.1, 5.0, "multiplies the game's own degrees per mouse count"),
    "idle_handback_s": Number(
        0.2, 60.0, 'seconds without input before the agent goes on; "never" for not at all'
    ),
}
NEVER = "never"
_KEYS_MEANING = "named by what a US keyboard has in their place, whatever the layout"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, and a sentence for each that could not be used."""

    settings: Settings
    problems: tuple[str, ...] = ()


def config_folder() -> Path:
    """Return the platform's configuration folder (PLAYTEACH_CONFIG overrides it)."""
    override = os.environ.get(FOLDER_VARIABLE)
    if override:
        return Path(override)
    from platformdirs import user_config_dir

    return Path(user_config_dir("Playteach", appauthor=False))


def load_settings(
    folder: Path | None = None, layout: Callable[[], Layout] = layout_in_use
) -> Loaded:
    """Read the settings; a bad file or value gives defaults and a sentence, never an error.

    ``layout`` tells the layout in use: an older file names keys by what the layout typed when they
    were pressed, which most likely is the same one.
    """
    path = (folder or config_folder()) / FILE_NAME
    try:
        raw = parse_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Loaded(Settings())
    except (OSError, ValueError) as error:
        return Loaded(
            Settings(),
            (
                f"The settings in {path.name} could not be read ({error}), so the defaults are "
                "in force; the file is kept as a backup when you change a setting.",
            ),
        )
    schema = raw.get("schema", SCHEMA)
    problems = []
    if not isinstance(schema, int) or schema > SCHEMA:
        problems.append(
            "The settings were written by a newer Playteach, so only what this one knows is in "
            "force; a backup is made before they are changed."
        )
    loaded = _check(raw, problems)
    if raw.get("key_names") == KEY_NAMES:
        return loaded
    return replace(loaded, settings=_on_places(loaded.settings, layout))


def _on_places(settings: Settings, layout: Callable[[], Layout]) -> Settings:
    if not settings.keys and not settings.hotkeys:
        return settings
    in_use = layout()
    keys, hotkeys = (
        {what: in_places(key, in_use) if key else key for what, key in table.items()}
        for table in (settings.keys, settings.hotkeys)
    )
    return replace(settings, keys=keys, hotkeys=hotkeys)


def _check(raw: Mapping[str, Any], problems: list[str]) -> Loaded:
    changes: dict[str, Any] = {}
    for name, (accept, wanted) in _ACCEPT.items():
        if name not in raw:
            continue
        try:
            changes[name] = accept(raw[name])
        except ValueError:
            problems.append(
                f"The setting {name} is {raw[name]!r} and must be {wanted}, so its default is in "
                "force; set it again in the settings."
            )
    return Loaded(replace(Settings(), **changes), tuple(problems))


def _number(name: str, value: object) -> float:
    bounds = NUMBERS[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(name)
    if not (math.isfinite(value) and bounds.low <= value <= bounds.high):
        raise ValueError(name)
    return float(value)


def _idle(value: object) -> float | None:
    return None if value == NEVER else _number("idle_handback_s", value)


def _theme(value: object) -> str:
    if value not in THEMES:
        raise ValueError(value)
    return str(value)


def _percent(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in TEXT_PERCENTS:
        raise ValueError(value)
    return value


def _folder(value: object) -> Path:
    if not isinstance(value, str) or not Path(value).is_absolute():
        raise ValueError(value)
    return Path(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _keys(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value.values()):
        raise ValueError(value)
    return dict(value)


def _bounds(name: str) -> str:
    return f"a number from {NUMBERS[name].low:g} to {NUMBERS[name].high:g}"


_ACCEPT: Mapping[str, tuple[Callable[[object], object], str]] = {
    "keys": (_keys, "a table of control and key"),
    "mouse_sensitivity": (partial(_number, "mouse_sensitivity"), _bounds("mouse_sensitivity")),
    "idle_handback_s": (_idle, f'{_bounds("idle_handback_s")}, or "{NEVER}"'),
    "data_folder": (_folder, "a folder's full path"),
    "theme": (_theme, f"one of {', '.join(THEMES)}"),
    "text_percent": (_percent, f"one of {', '.join(map(str, TEXT_PERCENTS))}"),
    "seen_welcome": (_flag, "true or false"),
    "hotkeys": (_keys, "a table of hotkey and key"),
    "seen_privacy": (_flag, "true or false"),
    "keep_clips": (_flag, "true or false"),
    "model": (model_choice, "a table of where the model is and how it is played"),
}


def save_settings(settings: Settings, folder: Path | None = None) -> Path:
    """Write the settings whole or not at all; return the file.

    A file that this version could not fully understand is copied beside itself first.
    Raises OSError where the folder cannot be written.
    """
    path = (folder or config_folder()) / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and load_settings(path.parent).problems:
        shutil.copy2(path, _free_name(path))
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(_to_toml(settings), encoding="utf-8")
    fresh.replace(path)
    return path


def _free_name(path: Path) -> Path:
    number = 1
    while (backup := path.with_name(f"{path.name}.bak{number}")).exists():
        number += 1
    return backup


def _to_toml(settings: Settings) -> str:
    from tomli_w import dumps

    idle = settings.idle_handback_s
    file: dict[str, object] = {
        "schema": SCHEMA,
        "key_names": KEY_NAMES,
        "mouse_sensitivity": settings.mouse_sensitivity,
        "idle_handback_s": NEVER if idle is None else idle,
        "theme": settings.theme,
        "text_percent": settings.text_percent,
        "seen_welcome": settings.seen_welcome,
        "seen_privacy": settings.seen_privacy,
    }
    if settings.keep_clips:
        file["keep_clips"] = True
    if settings.data_folder is not None:
        file["data_folder"] = str(settings.data_folder)
    file["keys"] = dict(sorted(settings.keys.items()))
    if settings.hotkeys:
        file["hotkeys"] = dict(sorted(settings.hotkeys.items()))
    if settings.model != ModelChoice():
        file["model"] = settings.model.to_table()
    meanings = {"keys": _KEYS_MEANING, **{name: each.meaning for name, each in NUMBERS.items()}}
    head = "".join(f"# {name}: {meaning}\n" for name, meaning in meanings.items())
    return head + dumps(file)
