"""Whatever a file of somebody else's holds, it is a sentence that says so, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.backend.settings import FILE_NAME, load_settings
from model.adapters.folders import META_FILE, WEIGHTS_FILE, read_meta
from model.language.paraphrase import TAUGHT_FILE, Sayings
from model.language.recipes import recipe_for
from model.vla.memory import _shapes
from model.vla.own_files import PICTURES_FILE, adopted
from model.vla.preprocess import JARVIS_SPEC, SPEC_FILE, load_spec
from model.vla.vla import check_checkpoint
from recorder.errors import KnownError
from recorder.exchange.minestudio import read_minestudio
from recorder.exchange.vpt import read_lines
from recorder.games.desktop.profile import load_profile
from recorder.games.minecraft.tasks import load_goal
from trainer.data.sft_rows import read_rows
from trainer.evaluation.study_rows import KeptRows
from trainer.rounds.listing import ACCOUNT_FILE, _account
from trainer.rounds.protocol import parse

LONG = "1" * 400
DEEP = "[" * 100_000
VPT = (
    '{"mouse": {"x": 0.0, "y": 0.0, "dx": DX, "dy": 0.0, "buttons": [BUTTON]}, '
    '"keyboard": {"keys": []}, "hotbar": 0, "isGuiOpen": false, "tick": 0}'
)
PROFILE = """
schema = 1
name = "a"
degrees_per_count = DEGREES
window_title = "a"
[keys]
forward = "W"
"""
ROW = '"player": "p", "task": "t", "heard": "h", "outcome": "success", "version": ""'


def weights(folder: Path) -> object:
    header = (folder / "header.json").read_bytes()
    path = folder / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return _shapes(path)


def meta(folder: Path) -> object:
    (folder / WEIGHTS_FILE).touch()
    return read_meta(folder)


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "spec": (SPEC_FILE, load_spec),
    "pictures": (PICTURES_FILE, lambda folder: adopted(folder, JARVIS_SPEC)),
    "config": ("config.json", check_checkpoint),
    "weights": ("header.json", weights),
    "adapter": (META_FILE, meta),
    "account": (ACCOUNT_FILE, _account),
    "taught": (TAUGHT_FILE, Sayings.load),
    "recipe": ("odd_boat.json", lambda folder: recipe_for("odd_boat", folder)),
    "vpt": ("a.jsonl", lambda folder: read_lines(folder / "a.jsonl")),
    "minestudio": (
        "a_action.json", lambda folder: read_minestudio(folder / "a.mp4", instruction="go")
    ),
    "rows": ("a.jsonl", lambda folder: list(read_rows(folder / "a.jsonl"))),
    "results": ("a.jsonl", lambda folder: KeptRows(folder / "a.jsonl")),
    "goal": ("a.yaml", lambda folder: load_goal(folder / "a.yaml")),
    "profile": ("a.toml", lambda folder: load_profile(folder / "a.toml", shipped=False)),
}  # fmt: skip
WRONG = {
    "spec": ['{"mean": [LONG, 0, 0]}', '{"temperature": LONG}', '{"width": LONG}', "LONG"],
    "pictures": ['{"min_pixels": LONG}', '{"image_mean": [LONG, 1, 1]}'],
    "config": ["[LONG]"],
    "weights": ['{"a": {"shape": [LONG]}}', '{"a": {"shape": [1e999]}}'],
    "adapter": ['{"name": "a", "base": LONG}', '{"name": "a", "base": "b", "metrics": LONG}'],
    "account": [
        '{"metrics": {"samples": [[LONG, 0, 1.0, 1]]}, "gates": [], "base": "b", "query": "q"}'
    ],
    "taught": ['{"frames": LONG, "names": []}'],
    "recipe": ['{"type": "minecraft:crafting_shaped", "pattern": [LONG], "key": {}}'],
    "vpt": [
        VPT.replace("DX", "LONG").replace("BUTTON", "0"),
        VPT.replace("DX", "0").replace("BUTTON", "1e999"),
        VPT.replace("DX", "0").replace("BUTTON", "LONG"),
    ],
    "minestudio": ['[{}, {"camera": [LONG, 0]}]', '[{}, {"camera": [true, 0]}]'],
    "rows": ['{"id": LONG}', "LONG"],
    "results": [
        f'{{{ROW}, "label": "l", "seed": LONG, "ticks": 1, "seconds": 1}}',
        f'{{{ROW}, "label": "l", "seed": 1, "ticks": 1e999, "seconds": 1}}',
    ],
    "goal": [
        "{text: go, reward_conf: [{event: pickup, max_reward_times: LONG}]}",
        "{text: go, reward_conf: [{event: pickup}], max_steps: LONG}",
        "{text: go, reward_conf: [{event: pickup}], max_steps: soon}",
    ],
    "profile": [PROFILE.replace("DEGREES", "LONG"), PROFILE.replace("DEGREES", "9" * 5000)],
}


@pytest.mark.parametrize(
    ("kind", "content"),
    [(kind, each) for kind, contents in WRONG.items() for each in (*contents, DEEP)],
    ids=lambda value: str(value)[:30],
)
def test_numbers_without_end_and_nests_without_end_are_a_sentence(
    tmp_path: Path, kind: str, content: str
) -> None:
    name, read = READERS[kind]
    (tmp_path / name).write_text(content.replace("LONG", LONG) + "\n", encoding="utf-8")
    with pytest.raises(KnownError) as caught:
        read(tmp_path)
    # Without the number itself.
    assert len(caught.value.sentence) < 600


def test_settings_with_such_a_number_are_the_defaults_and_a_sentence(tmp_path: Path) -> None:
    for content in (f"mouse_sensitivity = {LONG}", f"[model]\ntemperature = {LONG}", "a = " + DEEP):
        (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")
        loaded = load_settings(tmp_path)
        assert len(loaded.problems) == 1
        assert len(loaded.problems[0]) < 600


@pytest.mark.parametrize("line", [LONG, DEEP, f'{{"kind": {LONG}}}'])
def test_what_a_round_says_is_a_message_or_none(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(line)
