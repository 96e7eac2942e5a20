"""Loss against success: fixed states, kept rows, the first loss with success."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import build_model, build_tokenizer, save_checkpoint
from recorder.errors import KnownError
from recorder.games.doom.tasks import TASKS
from recorder.games.seeds import SeedRange
from recorder.store.rows import Stepping
from recorder.types import Outcome
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.starts import Attempt, AttemptKey, StartKey
from trainer.evaluation.study_rows import KeptRows
from trainer.pretraining import losses
from trainer.studies import loss_success
from trainer.studies.action_loss import FIRST_SEED, TaughtState, action_loss, taught_states
from trainer.studies.loss_success import first_above, main, measure

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="picture")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snapshots") / "snap_1"
    words = build_tokenizer([task.instruction for task in TASKS] * 2, vocabulary=600)
    save_checkpoint(folder, build_model(words, SPEC, seed=5, layers=2), words, SPEC, {"steps": 10})
    return folder


@pytest.fixture(scope="module")
def states() -> list[TaughtState]:
    return taught_states(TASKS[:2], seeds=1, every=12)


def test_the_states_are_unseen_and_the_same_each_time(states: list[TaughtState]) -> None:
    assert FIRST_SEED in SeedRange.VALIDATION
    again = taught_states(TASKS[:2], seeds=1, every=12)
    assert [one.action for one in again] == [one.action for one in states]
    assert all((a.rgb == b.rgb).all() for a, b in zip(states, again, strict=True))
    assert {one.instruction for one in states} == {task.instruction for task in TASKS[:2]}


def test_the_loss_is_that_of_the_experts_tokens(
    checkpoint: Path, states: list[TaughtState], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "TINY_SPEC", SPEC)
    whole = action_loss(checkpoint, states)
    assert 0 < whole < 20
    # Weighted by tokens, however the states are batched.
    monkeypatch.setattr("trainer.studies.action_loss.BATCH", 1)
    assert action_loss(checkpoint, states) == pytest.approx(whole, rel=1e-4)
    with pytest.raises(ValueError, match="at least one state"):
        action_loss(checkpoint, [])


def test_checkpoints_are_measured_once_and_drawn(
    checkpoint: Path,
    states: list[TaughtState],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(losses, "TINY_SPEC", SPEC)
    monkeypatch.setattr(loss_success, "taught_states", lambda *_given, **_more: states[:2])
    later = tmp_path / "snap_2"
    shutil.copytree(checkpoint, later)
    (later / "card.json").write_text(json.dumps({"steps": 20}))
    out = tmp_path / "out"
    out.mkdir()
    said: list[str] = []
    document = measure(
        [later, checkpoint], out, seeds=1, loss_seeds=1, tasks=1, workers=1, tell=said.append
    )
    assert [line["steps"] for line in document["checkpoints"]] == [10, 20]
    first, second = (line["checkpoint"] for line in document["checkpoints"])
    assert first.endswith("/snap_1")
    assert second.endswith("snap_2")
    assert all(line["n"] == 1 for line in document["checkpoints"])
    assert json.loads((out / "loss_success.json").read_text()) == document
    assert (out / "loss_success.md").read_text().count("snap_1` | 10 |") == 1
    with Image.open(out / "loss_success.png") as picture:
        assert picture.width > 100
    rows = (out / "rows.jsonl").read_text()
    assert len(rows.splitlines()) == 2, "equal weights are played once"
    assert len(json.loads((out / "losses.json").read_text())) == 1, "equal weights, one loss"
    # What is there is neither played nor measured again.
    monkeypatch.setattr(loss_success, "action_loss", lambda *_given: pytest.fail("again"))
    measure([checkpoint], out, seeds=1, loss_seeds=1, tasks=1, workers=1, tell=said.append)
    assert (out / "rows.jsonl").read_text() == rows


def test_what_is_no_checkpoint_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nothing"), "--out", str(tmp_path / "out")]) == 2
    assert "no checkpoint of a training" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lows", "found"),
    [((0.0, 0.3, 0.5), 0.3), ((0.0, 0.0, 0.0), None), ((0.2, 0.0, 0.5), 0.2), ((0.9,), 0.4)],
)
def test_the_first_loss_with_success(lows: tuple[float, ...], found: float | None) -> None:
    lines = [
        {"action_loss": loss, "interval": [low, 1.0]}
        for loss, low in zip((0.4, 0.3, 0.2), lows, strict=False)
    ]
    assert first_above(lines, 0.1) == found
    assert loss_success.PAPER_MARKS == (0.30, 0.22)


def test_a_sentence_may_hold_what_ends_a_line_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    start = StartKey("free", "go there\u2028and\u0085 back", 7)
    key = AttemptKey("expert", "doom", start, Stepping.LOCK_STEP, PLAY_VERSION)
    played = Attempt(key, Outcome.SUCCESS, 30)
    KeptRows(path).keep("a", played)
    assert KeptRows(path).of("a", "expert") == {start: played}


def test_rows_are_kept_through_an_interruption(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    start = StartKey("shoot:imp", "shoot the imp", 7)
    key = AttemptKey("expert", "doom", start, Stepping.LOCK_STEP, PLAY_VERSION)
    played = Attempt(key, Outcome.SUCCESS, 30, 1.5)
    KeptRows(path).keep("a", played)
    with path.open("a") as file:
        file.write('{"label": "a", "player": "tea')
    rows = KeptRows(path)
    assert rows.of("a", "expert") == {start: played}
    assert rows.of("b", "expert") == rows.of("a", "random") == {}
    rows.keep("b", played)
    assert len(path.read_text().splitlines()) == 2
    assert KeptRows(path).of("b", "expert")
    # Of another play, and of an earlier version's that did not tell: readable, but not today's.
    old = replace(played, key=replace(key, player="old", version="play-0"))
    KeptRows(path).keep("a", old)
    line = json.loads(path.read_text().splitlines()[0])
    for name in ("game", "stepping", "version"):
        del line[name]
    with path.open("a") as file:
        file.write(json.dumps({**line, "player": "older"}) + "\n")
    rows = KeptRows(path)
    assert rows.of("a", "old") == rows.of("a", "older") == {}
    assert rows.of("a", "expert") == {start: played}
    path.write_text("{}\n")
    with pytest.raises(KnownError, match="no result of play"):
        KeptRows(path)
