"""Turns the settings file into what the settings dialog edits, and back."""

from __future__ import annotations

from dataclasses import replace

from app.backend.ports import Preferences, ThemeChoice
from app.backend.settings import Settings
from recorder.games.base import Bindings
from recorder.input.hearing import DEFAULT_HOTKEYS


def preferences_of(settings: Settings, bindings: Bindings, *, own_window: bool) -> Preferences:
    """Return the preferences in force in a game that has ``bindings`` of its own.

    A game in a window of its own keeps its own keys, whatever is set for the others.
    """
    keys = {**bindings.keys, **({} if own_window else settings.keys)}
    return Preferences(
        bindings=replace(bindings, keys=keys),
        mouse_sensitivity=settings.mouse_sensitivity,
        idle_handback_s=settings.idle_handback_s,
        data_folder=settings.data_folder,
        theme=ThemeChoice(settings.theme),
        seen_welcome=settings.seen_welcome,
        hotkeys={
            each: settings.hotkeys.get(each.value, key) for each, key in DEFAULT_HOTKEYS.items()
        },
        seen_privacy=settings.seen_privacy,
        keep_clips=settings.keep_clips,
        text_percent=settings.text_percent,
    )


def settings_of(
    preferences: Preferences, before: Settings, bindings: Bindings, *, own_window: bool
) -> Settings:
    """Return the settings that keep ``preferences``; what these do not name stays as before."""
    own = {
        control: key
        for control, key in preferences.bindings.keys.items()
        if bindings.keys.get(control) != key
    }
    if own_window:
        # Its keys are the game's own business; those of the embedded game stay as they are.
        own = dict(before.keys)
    return Settings(
        keys=own,
        mouse_sensitivity=preferences.mouse_sensitivity,
        idle_handback_s=preferences.idle_handback_s,
        data_folder=preferences.data_folder,
        theme=str(preferences.theme),
        seen_welcome=preferences.seen_welcome,
        hotkeys={
            each.value: key
            for each, key in preferences.hotkeys.items()
            if DEFAULT_HOTKEYS[each] != key
        },
        seen_privacy=preferences.seen_privacy,
        keep_clips=preferences.keep_clips,
        text_percent=preferences.text_percent,
        model=before.model,
    )
