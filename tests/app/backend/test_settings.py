"""Settings survive everything: a bad value, a bad file, a newer version."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fake_layouts import CZ, FR
from hypothesis import given
from hypothesis import strategies as st

from app.backend.models.choice import SOURCES, ModelChoice
from app.backend.settings import (
    FILE_NAME,
    NUMBERS,
    TEXT_PERCENTS,
    THEMES,
    Settings,
    load_settings,
    save_settings,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
settings = st.builds(
    Settings,
    keys=st.dictionaries(texts, texts, max_size=4),
    mouse_sensitivity=st.floats(0.1, 5.0),
    idle_handback_s=st.none() | st.floats(0.2, 60.0),
    data_folder=st.none() | texts.map(lambda name: Path("/data") / name.replace("\0", "")),
    theme=st.sampled_from(THEMES),
    text_percent=st.sampled_from(TEXT_PERCENTS),
    seen_welcome=st.booleans(),
    model=st.builds(
        ModelChoice,
        source=st.sampled_from(SOURCES),
        folder=st.none() | texts.map(lambda name: Path("/models") / name.replace("\0", "")),
        hub=texts,
        server=texts,
        server_model=texts,
        precision=st.sampled_from(("", "bf16", "8bit", "4bit")),
        temperature=st.floats(0, 2),
        prompt=st.sampled_from(("", "jarvis", "jarvis-recipe", "plain")),
        history=st.none() | st.integers(0, 4),
        rewrite=st.booleans(),
    ),
)


@given(settings)
def test_what_is_saved_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, wanted: Settings
) -> None:
    folder = tmp_path_factory.mktemp("config")
    save_settings(wanted, folder)
    loaded = load_settings(folder)
    assert loaded.problems == ()
    assert loaded.settings == wanted


def test_without_a_file_the_defaults_are_in_force(tmp_path: Path) -> None:
    assert load_settings(tmp_path).settings == Settings()


@pytest.mark.parametrize(
    "line",
    [
        "mouse_sensitivity = 99",
        "mouse_sensitivity = true",
        "mouse_sensitivity = nan",
        'idle_handback_s = "soon"',
        'theme = "pink"',
        'data_folder = "relative"',
        "text_percent = 120",
        "text_percent = true",
        "text_percent = 100.0",
        'text_percent = "large"',
        "seen_welcome = 1",
        "keys = 3",
        "keys = { forward = 3 }",
        "schema = 99",
        "not toml at all",
    ],
)
def test_a_bad_value_is_told_and_the_rest_stays_in_force(tmp_path: Path, line: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(f"{line}\n", encoding="utf-8")
    loaded = load_settings(tmp_path)
    assert loaded.settings == Settings()
    assert len(loaded.problems) == 1
    assert loaded.problems[0].endswith(".")
    save_settings(dataclasses.replace(loaded.settings, theme="dark"), tmp_path)
    assert (tmp_path / f"{FILE_NAME}.bak1").read_text(encoding="utf-8") == f"{line}\n"
    assert load_settings(tmp_path).settings.theme == "dark"


def test_a_file_of_before_there_were_text_sizes_means_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('theme = "dark"\n', encoding="utf-8")
    loaded = load_settings(tmp_path)
    assert loaded.problems == ()
    assert loaded.settings.text_percent == 100
    (tmp_path / FILE_NAME).write_text("text_percent = 120\n", encoding="utf-8")
    assert "one of 90, 100, 115, 130, 150" in load_settings(tmp_path).problems[0]


def test_good_values_beside_a_bad_one_count(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('theme = "pink"\nmouse_sensitivity = 2\n', encoding="utf-8")
    assert load_settings(tmp_path).settings.mouse_sensitivity == 2.0


def test_every_default_is_within_its_bounds() -> None:
    for name, bounds in NUMBERS.items():
        assert bounds.low <= getattr(Settings(), name) <= bounds.high


@pytest.mark.parametrize(
    "line",
    [
        'source = "cloud"',
        'folder = "relative"',
        "hub = 3",
        "history = 5",
        "history = true",
        "temperature = 2.1",
        "temperature = nan",
        'temperature = "hot"',
        'precision = "2bit"',
        'prompt = "poem"',
        "rewrite = 1",
    ],
)
def test_a_model_that_is_set_wrongly_is_told_and_the_practice_model_plays(
    tmp_path: Path, line: str
) -> None:
    (tmp_path / FILE_NAME).write_text(f"seen_welcome = true\n[model]\n{line}\n")
    loaded = load_settings(tmp_path)
    assert loaded.settings == Settings(seen_welcome=True)
    assert len(loaded.problems) == 1
    assert "The setting model" in loaded.problems[0]


OLDER = """
schema = 1
[keys]
forward = "Z"
"hotbar.2" = "É"
sneak = "Control"
use = "RightButton"
drop = ""
[hotkeys]
pause = "&"
panic = "F1"
"""


def test_an_older_file_means_the_keys_that_were_pressed(tmp_path: Path) -> None:
    """It names them by what the layout typed; from now on they are places."""
    (tmp_path / FILE_NAME).write_text(OLDER, encoding="utf-8")
    loaded = load_settings(tmp_path, lambda: FR)
    assert loaded.problems == ()
    assert loaded.settings.keys == {
        "forward": "W", "hotbar.2": "2", "sneak": "Ctrl", "use": "RightButton", "drop": ""
    }  # fmt: skip
    assert loaded.settings.hotkeys == {"pause": "1", "panic": "F1"}
    save_settings(loaded.settings, tmp_path)
    # The layout of later does not matter any more.
    assert load_settings(tmp_path, lambda: CZ).settings == loaded.settings


def test_nobody_asks_for_the_layout_without_need(tmp_path: Path) -> None:
    def refuse() -> None:
        raise AssertionError("asked")

    save_settings(Settings(keys={"forward": "Z"}), tmp_path)
    assert load_settings(tmp_path, refuse).settings.keys == {"forward": "Z"}
    (tmp_path / FILE_NAME).write_text("schema = 1\n", encoding="utf-8")
    load_settings(tmp_path, refuse)
