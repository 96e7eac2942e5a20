"""What a checkpoint was taught lies beside its weights, and rounds replay it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.actions.tokens import encode_ids
from model.vla.preprocess import CheckpointSpec
from recorder.errors import DataError, ModelError
from recorder.store import Reader
from recorder.types import Action
from trainer.data import sample_cache
from trainer.data.examples import Example
from trainer.data.sample_cache import gather, kept_lessons
from trainer.data.shipped_replay import (
    REPLAY_FILE,
    examples_of_run,
    main,
    shipped_replay,
    write_replay,
)

SPEC = CheckpointSpec(pixels="coordinates", width=96, height=64, patch_size=16, prompt="picture")


def example(grey: int, said: str) -> Example:
    image = np.full((64, 96, 3), grey, np.uint8)
    action = Action(forward=grey > 100, camera=(0.0, grey / 32))
    return Example(image, said, encode_ids(action), "demonstration", 7, grey)


TRAIN = [example(grey, "dig sand") for grey in range(20, 240, 20)]
HELD = [example(grey, "kill the pig") for grey in (15, 55, 95)]


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    write_replay(tmp_path, TRAIN, HELD)
    found = shipped_replay(tmp_path, SPEC, 100, seed=1)
    assert found is not None
    sides = (found.train, found.select, found.gate)
    for side, written in zip(sides, (TRAIN, HELD[:1], HELD[1:]), strict=True):
        assert len(side) == len(written)
        for one, other in zip(side, written, strict=True):
            assert (one.instruction, one.answer) == (other.instruction, other.answer)
            assert one.kind == "replay"
            assert one.episode_id is None
            assert np.abs(one.image.astype(int) - other.image).max() <= 2


def test_a_draw_is_of_the_size_that_was_asked_and_no_example_changes_sides(tmp_path: Path) -> None:
    write_replay(tmp_path, TRAIN, HELD)
    found = shipped_replay(tmp_path, SPEC, 8, seed=1)
    assert found is not None
    assert [len(side) for side in (found.train, found.select, found.gate)] == [8, 1, 2]
    assert {each.instruction for each in found.train} == {"dig sand"}
    assert {each.instruction for each in (*found.select, *found.gate)} == {"kill the pig"}


def test_what_is_chosen_by_never_judges_whatever_the_seed(tmp_path: Path) -> None:
    held = [example(grey, "kill the pig") for grey in range(15, 255, 12)]
    write_replay(tmp_path, TRAIN, held)
    chosen, judged = set(), set()
    for seed in range(6):
        found = shipped_replay(tmp_path, SPEC, 24, seed=seed)
        assert found is not None
        chosen |= {int(each.image.mean()) for each in found.select}
        judged |= {int(each.image.mean()) for each in found.gate}
    assert chosen
    assert judged
    assert not chosen & judged


def test_every_sentence_that_was_taught_is_replayed(tmp_path: Path) -> None:
    said = ["dig sand"] * 28 + ["chop a tree"] * 20 + ["dig dirt"] * 2
    write_replay(tmp_path, [example(number * 4, each) for number, each in enumerate(said)], HELD)
    found = shipped_replay(tmp_path, SPEC, 9, seed=1)
    assert found is not None
    assert Counter(each.instruction for each in found.train) in (
        {"dig sand": 4, "chop a tree": 3, "dig dirt": 2},
        {"dig sand": 3, "chop a tree": 4, "dig dirt": 2},
    )


def test_a_checkpoint_without_the_file_brings_nothing(tmp_path: Path) -> None:
    assert shipped_replay(tmp_path, SPEC, 8, seed=1) is None


@pytest.mark.parametrize("cut", [0, 10, 1000])
def test_a_damaged_file_is_named(tmp_path: Path, cut: int) -> None:
    write_replay(tmp_path, TRAIN, HELD)
    path = tmp_path / REPLAY_FILE
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelError, match=REPLAY_FILE):
        shipped_replay(tmp_path, SPEC, 8, seed=1)


def test_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    write_replay(tmp_path, TRAIN, HELD)
    with pytest.raises(ModelError, match="96 x 64"):
        shipped_replay(tmp_path, replace(SPEC, width=128), 8, seed=1)


def test_a_run_gives_examples_of_both_sides(lessons: Path, tmp_path: Path) -> None:
    with Reader.open(lessons) as reader:
        kept = gather(reader, SPEC, tmp_path)
    train, held = examples_of_run(kept, 40)
    assert len(train) == 40
    assert len(held) == 10
    assert all(each.answer for each in (*train, *held))


def test_what_was_gathered_half_is_no_run(
    lessons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Reader.open(lessons) as reader:
        gather(reader, SPEC, tmp_path)

        def killed(*_arguments: object) -> object:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(sample_cache, "resize", killed)
            with pytest.raises(KeyboardInterrupt):
                gather(reader, replace(SPEC, width=128), tmp_path)
    with pytest.raises(DataError, match="no samples"):
        kept_lessons(tmp_path, SPEC)


def test_a_folder_without_a_run_is_said(
    small_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--run", str(tmp_path), "--out", str(small_checkpoint)]) == DataError.exit_code
    assert "no samples" in capsys.readouterr().err
