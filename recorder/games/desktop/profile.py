"""What has to be known of a game that knows nothing of us: one TOML file a game.

It lies in ``assets/games`` or in the data folder's ``games``, and needs no entry in the registry.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recorder.errors import DataError, UsageError
from recorder.games.base import Bindings
from recorder.input.hearing import DEFAULT_HOTKEYS, Hotkey
from recorder.input.keys import is_key
from recorder.json_values import parse_toml
from recorder.types import BUTTON_CONTROLS

SCHEMA = 1
CONTROLS = frozenset((*BUTTON_CONTROLS, *(f"hotbar.{n}" for n in range(1, 10))))
KEY_NAMES = ("places", "letters")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
_KNOWN = frozenset(
    (
        "schema", "name", "title", "tick_rate_hz", "window_title", "window_process", "launch",
        "degrees_per_count", "mouse", "chat", "forbidden", "pause_key", "keys", "hotkeys",
        "input_to_frame_ms", "key_names",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Profile:
    """A game in a window of its own.

    ``window_title`` and ``window_process`` are regular expressions, "" matches all.
    ``launch`` is an argument list, never a shell line.  ``unaccelerated`` tells that the
    game reads the mouse before the desktop's acceleration.  ``forbidden`` keys are never
    sent.  ``chat`` keys open a chat: nothing is recorded until it closes.  ``pause_key``
    is pressed when the agent is paused and again when it goes on, "" for none.
    Keys are named as ``bindings.letters`` says; hotkeys are always places.
    ``shipped`` is False for a person's own profile: its command is confirmed before it
    runs.  ``input_to_frame_ms`` is the measured delay from an input to the first changed
    picture, None where nobody measured.
    """

    name: str
    title: str
    bindings: Bindings
    tick_rate_hz: float = 20.0
    window_title: str = ""
    window_process: str = ""
    launch: tuple[str, ...] = ()
    unaccelerated: bool = False
    chat: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    pause_key: str = ""
    hotkeys: Mapping[Hotkey, str] = field(default_factory=lambda: dict(DEFAULT_HOTKEYS))
    input_to_frame_ms: float | None = None
    shipped: bool = False

    def matches(self, title: str, process: str) -> bool:
        """Return whether a window is this game's."""
        return bool(re.search(self.window_title, title)) and bool(
            not process or re.search(self.window_process, process)
        )


def profiles_folder(data: Path) -> Path:
    """Return where a person's own profiles lie."""
    return data / "games"


def load_profile(path: Path, *, shipped: bool) -> Profile:
    """Read a profile; raises DataError with the fault and what to do about it."""
    try:
        document = parse_toml(path.read_text(encoding="utf-8"))
        return parse_profile(document, shipped=shipped)
    except (OSError, ValueError) as error:
        raise DataError(
            f"The game profile {path.name} cannot be used ({error}), so this game is not offered; "
            "correct the file, or make it anew with the window's game wizard."
        ) from error


def find_profiles(shipped: Path, own: Path | None) -> dict[str, Profile]:
    """Return every profile by name; a person's own one wins over a shipped one.

    One of a person's that cannot be read keeps no other game from being played: it is left out,
    and :func:`unreadable_profiles` says why.  Raises DataError for a shipped one.
    """
    found: dict[str, Profile] = {}
    for path in _files(shipped):
        profile = load_profile(path, shipped=True)
        found[profile.name] = profile
    for path in _files(own):
        with contextlib.suppress(DataError):
            profile = load_profile(path, shipped=False)
            found[profile.name] = profile
    return found


def unreadable_profiles(own: Path | None) -> dict[str, str]:
    """Return what is wrong with each of a person's profiles that cannot be read.

    By the file's name without ".toml", which :func:`save_profile` makes of the profile's.
    """
    found = {}
    for path in _files(own):
        try:
            load_profile(path, shipped=False)
        except DataError as error:
            found[path.stem] = error.sentence
    return found


def _files(folder: Path | None) -> list[Path]:
    return [] if folder is None or not folder.is_dir() else sorted(folder.glob("*.toml"))


def save_profile(profile: Profile, own: Path) -> Path:
    """Write a person's profile whole or not at all; return the file."""
    own.mkdir(parents=True, exist_ok=True)
    path = own / f"{profile.name}.toml"
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(profile_toml(profile), encoding="utf-8")
    fresh.replace(path)
    return path


def confirm_launch(profile: Profile, confirmed: tuple[str, ...] | None) -> None:
    """Refuse a command that did not ship with the app and was not shown and agreed to.

    ``confirmed`` is the very argument list that the person agreed to.
    Raises UsageError.
    """
    if profile.shipped or not profile.launch or confirmed == profile.launch:
        return
    raise UsageError(
        f"The profile {profile.name!r} wants to run {list(profile.launch)!r} and did not come "
        "with Playteach, so nothing was started; look at the command, and add --launch to agree "
        "to it."
    )


def with_hotkeys(profile: Profile, chosen: Mapping[str, str]) -> Profile:
    """Return the profile with the person's own hotkeys ({"pause": "F6"}; "" takes one away).

    Raises UsageError where they cannot be: an unknown one, two on a key, a game's own key.
    """
    try:
        hotkeys = _hotkeys(
            {**{each.value: key for each, key in profile.hotkeys.items()}, **chosen},
            set(profile.bindings.keys.values()),
        )
    except ValueError as error:
        raise UsageError(
            f"The keys of Playteach's own cannot be used in {profile.title} ({error}), so it was "
            "not opened; choose others in the settings."
        ) from error
    own_forbidden = profile.forbidden - frozenset(profile.hotkeys.values())
    return replace(
        profile, hotkeys=hotkeys, forbidden=own_forbidden | (frozenset(hotkeys.values()) - {""})
    )


def parse_profile(document: Mapping[str, object], *, shipped: bool) -> Profile:
    """Build a profile from a TOML document; raises ValueError saying what is wrong."""
    unknown = sorted(set(document) - _KNOWN)
    if unknown:
        raise ValueError(f"it has unknown entries: {', '.join(unknown)}")
    if document.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {document.get('schema')!r}, not {SCHEMA}")
    name = _text(document, "name")
    if not _NAME.fullmatch(name):
        raise ValueError("its name must be small letters, digits and underscores")
    keys = _keys(document.get("keys"))
    rate, turn = _number(document, "tick_rate_hz", 20), _number(document, "degrees_per_count", 0.15)
    if not 1 <= rate <= 60 or not 0.001 <= turn <= 10:
        raise ValueError("tick_rate_hz goes from 1 to 60 and degrees_per_count from 0.001 to 10")
    mouse = document.get("mouse", "pointer")
    if mouse not in {"pointer", "raw"}:
        raise ValueError("mouse is either 'pointer' or 'raw'")
    patterns = [str(document.get(each, "")) for each in ("window_title", "window_process")]
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if not any(patterns):
        raise ValueError("window_title or window_process must say which window is the game's")
    forbidden = frozenset(_names(document, "forbidden"))
    if clash := sorted(forbidden & set(keys.values())):
        raise ValueError(f"these keys are bound and forbidden at once: {', '.join(clash)}")
    hotkeys = _hotkeys(document.get("hotkeys", {}), set(keys.values()))
    offset = document.get("input_to_frame_ms")
    return Profile(
        name=name,
        title=str(document.get("title", name)),
        bindings=Bindings(keys, turn, _letters(document.get("key_names"))),
        tick_rate_hz=rate,
        window_title=patterns[0],
        window_process=patterns[1],
        launch=_names(document, "launch", any_text=True),
        unaccelerated=mouse == "raw",
        chat=frozenset(_names(document, "chat")),
        # The panic key and its like must never come from the agent.
        forbidden=forbidden | (frozenset(hotkeys.values()) - {""}),
        pause_key=_pause_key(document, forbidden),
        hotkeys=hotkeys,
        input_to_frame_ms=None if offset is None else _number(document, "input_to_frame_ms", 0),
        shipped=shipped,
    )


def profile_toml(profile: Profile) -> str:
    """Return the file of a profile; :func:`parse_profile` reads it back."""
    from tomli_w import dumps

    own_forbidden = profile.forbidden - frozenset(profile.hotkeys.values())
    file: dict[str, object] = {
        "schema": SCHEMA,
        "name": profile.name,
        "title": profile.title,
        "tick_rate_hz": profile.tick_rate_hz,
        "window_title": profile.window_title,
        "window_process": profile.window_process,
        "launch": list(profile.launch),
        "degrees_per_count": profile.bindings.degrees_per_count,
        "mouse": "raw" if profile.unaccelerated else "pointer",
        "chat": sorted(profile.chat),
        "forbidden": sorted(own_forbidden),
        "pause_key": profile.pause_key,
        "key_names": "letters" if profile.bindings.letters else "places",
    }
    if profile.input_to_frame_ms is not None:
        file["input_to_frame_ms"] = profile.input_to_frame_ms
    file["keys"] = dict(sorted(profile.bindings.keys.items()))
    file["hotkeys"] = {each.value: key for each, key in sorted(profile.hotkeys.items())}
    return dumps(file)


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is missing")
    return value


def _number(document: Mapping[str, object], key: str, otherwise: float) -> float:
    value = document.get(key, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key} must be a number")
    return float(value)


def _names(document: Mapping[str, object], key: str, *, any_text: bool = False) -> tuple[str, ...]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise ValueError(f"{key} must be a list of texts")
    if not any_text:
        for each in value:
            _check_key(each)
    return tuple(value)


def _pause_key(document: Mapping[str, object], forbidden: frozenset[str]) -> str:
    name = str(document.get("pause_key", ""))
    if name:
        _check_key(name)
        if name in forbidden:
            raise ValueError(f"{name} is the pause key and forbidden at once")
    return name


def _check_key(name: str) -> None:
    if not is_key(name):
        raise ValueError(f"{name!r} is no key")


def _letters(value: Any) -> bool:
    # Before there was this entry the wizard wrote what the layout in use typed, and play looked
    # the letters up in the layout: such a file means what it meant.
    if value is None:
        return True
    if value not in KEY_NAMES:
        raise ValueError(f"key_names is either {KEY_NAMES[0]!r} or {KEY_NAMES[1]!r}")
    return bool(value == "letters")


def _keys(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise ValueError("it has no [keys]")
    for control, key in value.items():
        if control not in CONTROLS:
            raise ValueError(f"{control!r} is no control")
        if not isinstance(key, str):
            raise ValueError(f"the key of {control} must be a text")
        if key:
            _check_key(key)
    return {str(control): str(key) for control, key in value.items() if key}


def _hotkeys(value: Any, bound: set[str]) -> dict[Hotkey, str]:
    if not isinstance(value, dict):
        raise ValueError("hotkeys must be a table")
    unknown = sorted(set(value) - {hotkey.value for hotkey in Hotkey})
    if unknown:
        raise ValueError(f"there is no hotkey for {', '.join(unknown)}")
    hotkeys = {hotkey: str(value.get(hotkey.value, key)) for hotkey, key in DEFAULT_HOTKEYS.items()}
    for hotkey, key in hotkeys.items():
        if not key and hotkey is Hotkey.PANIC:
            raise ValueError("the panic key cannot be taken away")
        if key:
            _check_key(key)
            if key in bound:
                raise ValueError(f"{key} is the hotkey for {hotkey.value} and a control at once")
    used = [key for key in hotkeys.values() if key]
    if len(used) != len(set(used)):
        raise ValueError("two hotkeys share a key")
    return hotkeys
