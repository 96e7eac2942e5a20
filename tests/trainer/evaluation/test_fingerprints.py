"""A player's key changes with everything that shapes play, and with nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from model.adapters.folders import META_FILE, AdapterMeta
from model.language.paraphrase import TAUGHT_FILE
from model.vla.play_options import PlayOptions
from model.vla.preprocess import SPEC_FILE
from recorder.errors import ModelError
from trainer.evaluation.players import PlayerSpec

SPEC = {"temperature": 0.0, "parts": True, "chunk": 1}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / SPEC_FILE).write_text(json.dumps(SPEC))
    (folder / TAUGHT_FILE).write_text('{"frames": []}')
    for name in (
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "chat_template.jinja", "merges.txt",
    ):  # fmt: skip
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"taught")
    (folder / "adapter_config.json").write_text('{"r": 8}')
    write_meta(folder)
    return folder


def write_meta(folder: Path, **changes: object) -> None:
    meta = asdict(AdapterMeta("one", "base"))
    (folder / META_FILE).write_text(json.dumps({**meta, **changes}))


def spec_with(**changes: object) -> Callable[[Path], None]:
    return lambda folder: (
        (folder / SPEC_FILE).write_text(json.dumps({**SPEC, **changes})),
        None,
    )[1]


def longer(name: str) -> Callable[[Path], None]:
    """Return what makes a file longer, or makes it."""

    def change(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.write(b" more")

    return change


@pytest.mark.parametrize(
    "change",
    [
        spec_with(temperature=0.7),
        spec_with(parts=False),
        spec_with(chunk=2),
        *map(
            longer,
            (
                "model.safetensors", "second.safetensors", TAUGHT_FILE, "config.json",
                "generation_config.json", "tokenizer.json", "tokenizer_config.json",
                "chat_template.jinja", "merges.txt", "added_tokens.json",
            ),
        ),
        lambda folder: (folder / TAUGHT_FILE).unlink(),
        lambda folder: (folder / SPEC_FILE).rename(folder / "config2.json"),
    ],
)  # fmt: skip
def test_a_changed_checkpoint_is_another_player(
    checkpoint: Path, change: Callable[[Path], None]
) -> None:
    before = PlayerSpec("x", checkpoint).key
    change(checkpoint)
    assert PlayerSpec("x", checkpoint).key != before


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_a_changed_adapter_is_another_player(checkpoint: Path, adapter: Path, name: str) -> None:
    before = PlayerSpec("x", checkpoint, adapter).key
    longer(name)(adapter)
    assert PlayerSpec("x", checkpoint, adapter).key != before
    assert PlayerSpec("x", checkpoint).key not in (before, PlayerSpec("x", checkpoint, adapter).key)


def test_what_sentences_are_told_with_is_in_the_key(checkpoint: Path, adapter: Path) -> None:
    keys = set()
    for acts in ({}, {"hop": ["jump"]}, {"hop": ["jump", "use"]}, {"hop once": ["jump"]}):
        write_meta(adapter, remembers=acts)
        keys.add(PlayerSpec("x", checkpoint, adapter).key)
    assert len(keys) == 4


def test_every_setting_of_play_is_in_the_key(checkpoint: Path, tmp_path: Path) -> None:
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    (recipes / "torch.json").write_text("{}")
    options = [
        PlayOptions(history=2),
        PlayOptions(history=3),
        PlayOptions(chunk=2),
        PlayOptions(prompt="jarvis"),
        PlayOptions(rewrite=False),
        PlayOptions(precision="8bit"),
        PlayOptions(recipes=recipes),
    ]
    players = [
        PlayerSpec("x", checkpoint),
        PlayerSpec("x", checkpoint, temperature=0.0),
        PlayerSpec("x", checkpoint, temperature=0.5),
        *(PlayerSpec("x", checkpoint, options=each) for each in options),
    ]
    assert len({player.key for player in players}) == len(players)
    with_recipes = players[-1].key
    (recipes / "torch.json").write_text('{"pattern": []}')
    assert players[-1].key != with_recipes


def test_what_shapes_no_play_is_not_in_the_key(
    checkpoint: Path, adapter: Path, tmp_path: Path
) -> None:
    before = PlayerSpec("x", checkpoint, adapter).key
    for name in ("README.md", "card.json", "curve.csv"):
        longer(name)(checkpoint)
    write_meta(adapter, name="renamed", metrics={"steps": 40}, remembers={})
    assert PlayerSpec("y", checkpoint, adapter, options=PlayOptions()).key == before
    moved = shutil.copytree(checkpoint, tmp_path / "elsewhere" / "other name")
    assert PlayerSpec("x", moved, adapter).key == before


def test_a_folder_without_weights_is_no_player(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no safetensors"):
        _ = PlayerSpec("x", tmp_path).key
