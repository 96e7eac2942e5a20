"""What the dialog edits comes from the settings of the file and goes back into them."""

from dataclasses import replace
from pathlib import Path

from app.backend.preferences import preferences_of, settings_of
from app.backend.settings import Settings
from recorder.games.base import Bindings

BINDINGS = Bindings(keys={"forward": "W", "jump": "Space"})


def test_settings_survive_the_dialog() -> None:
    settings = Settings(
        keys={"forward": "Z"},
        mouse_sensitivity=2.0,
        idle_handback_s=None,
        data_folder=Path("/data"),
        theme="light",
        seen_welcome=True,
        hotkeys={"panic": "F1"},
        seen_privacy=True,
        keep_clips=True,
        text_percent=130,
    )
    shown = preferences_of(settings, BINDINGS, own_window=False)
    assert shown.text_percent == 130
    assert settings_of(shown, settings, BINDINGS, own_window=False) == settings
    larger = replace(shown, text_percent=150)
    kept = settings_of(larger, settings, BINDINGS, own_window=False)
    assert kept == replace(settings, text_percent=150)
