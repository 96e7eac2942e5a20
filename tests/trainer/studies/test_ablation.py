"""The ablation of the stages: its parts, its states, stopping and going on, its table."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model.vla.device import DeviceChoice
from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import build_model, build_tokenizer
from recorder.games.doom.tasks import ALL_TASKS
from recorder.store.rows import Stepping
from recorder.types import Outcome
from trainer.data import yard_states
from trainer.evaluation import study_rows
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import Known
from trainer.evaluation.starts import Attempt, AttemptKey, Start
from trainer.pretraining import losses, train_yard_model
from trainer.pretraining.config import STAGES
from trainer.pretraining.state_ring import record_type
from trainer.pretraining.train_yard_model import Run
from trainer.studies import ablation, ablation_data
from trainer.studies.ablation import FROZEN, VARIANTS, Ablation, AblationSizes, frozen
from trainer.studies.ablation_data import ACTING, SEEING, FixedStates, check_words
from trainer.studies.action_loss import INSTRUCTIONS

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="picture")
SIZES = AblationSizes(
    tasks=2,
    seeds=1,
    language_samples=64,
    seeing_samples=32,
    vision_language_samples=8,
    imitation_samples=16,
    evaluation_seeds=1,
    seeing_states=5,
    acting_states=6,
    batch_frames=2,
    seeing_questions=3,
    acting_questions=2,
    warmup_steps=2,
    vocabulary=1024,
    loss_seeds=1,
    copy_every=8,
)
TWO = ("III only", "I + II + III")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small model, and play without a game: every other attempt succeeds."""
    words = build_tokenizer([task.instruction for task in ALL_TASKS], 700)
    for module in (train_yard_model, ablation):
        monkeypatch.setattr(module, "build_tokenizer", lambda *_given: words)
    monkeypatch.setattr(train_yard_model, "TINY_SPEC", SPEC)
    monkeypatch.setattr(losses, "TINY_SPEC", SPEC)
    monkeypatch.setattr(ablation_data, "SHARD_STATES", 4)
    monkeypatch.setattr(yard_states, "UNDONE_ASKED", 1.0)
    monkeypatch.setattr(study_rows, "evaluate", play)
    monkeypatch.setattr(ablation, "taught_states", lambda tasks, *, seeds: [None] * len(tasks))
    monkeypatch.setattr(ablation, "action_loss", lambda folder, states: 0.1 * len(states))


def play(
    player: PlayerSpec,
    game: str,
    starts: Sequence[Start],
    *,
    workers: int | None,
    known: Known,
    on_played: Callable[[Attempt], None],
) -> list[Attempt]:
    assert (game, workers) == ("doom", 1)
    assert player.checkpoint is not None
    assert (player.checkpoint / "model.safetensors").exists()
    results = []
    for number, start in enumerate(starts):
        outcome = Outcome.TIMEOUT if number % 2 else Outcome.SUCCESS
        key = AttemptKey(player.key, game, start.key, Stepping.LOCK_STEP, PLAY_VERSION)
        played = Attempt(key, outcome, 9, 0.1)
        if start.key not in known:
            on_played(played)
        results.append(played)
    return results


def begin(out: Path, said: list[str] | None = None) -> Ablation:
    device = DeviceChoice("cpu", "float32", "as the test wants it")
    told = [] if said is None else said
    return Ablation(out, SIZES, spec=SPEC, device=device, workers=1, tell=told.append)


def test_the_third_stage_is_the_same_for_all_and_the_others_are_what_they_are_called() -> None:
    sizes = AblationSizes()
    assert sizes.imitation_samples == 20_000
    assert (sizes.tasks, sizes.seeds, sizes.evaluation_seeds) == (12, 3, 25)
    assert len({task.verb for task in INSTRUCTIONS}) == len(INSTRUCTIONS) == sizes.tasks
    assert all(task.split == "train" for task in INSTRUCTIONS)
    (imitation,) = ablation.IMITATION
    # The default model's, but that nothing is repeated of the stages before.
    assert imitation == replace(STAGES[-1], share=1, text=0, looks=0, pictures=0, actions=1)
    assert sizes.config(ablation.IMITATION, 1).actions_per_frame == sizes.acting_questions
    assert sizes.config(STAGES, 1).actions_per_frame == sizes.seeing_questions
    assert list(VARIANTS.values()) == ["", "I", "II", "I II", "I II"]
    assert list(VARIANTS)[-1] == FROZEN
    (still,) = frozen(ablation.IMITATION)
    assert still == replace(imitation, tower=0, presence_weight=0)
    assert sizes.config((still,), 1) == replace(
        sizes.config(ablation.IMITATION, 1), stages=(still,)
    )
    language, samples = sizes.before("I")
    assert [stage.name for stage in language] == ["I language"]
    assert samples == sizes.language_samples
    seeing, _ = sizes.before("II")
    assert all(stage.text == 0 and not (stage.actions and stage.acts) for stage in seeing)
    both, whole = sizes.before("I II")
    assert [stage.name.split()[0] for stage in both] == ["I", "II", "II"]
    assert whole == sum(stage.share for stage in both)
    assert any(stage.text for stage in both[1:])


@pytest.mark.parametrize("still", [True, False])
def test_a_frozen_tower_gets_no_gradient(small: None, still: bool) -> None:
    words = build_tokenizer([task.instruction for task in ALL_TASKS], 700)
    trainee = losses.Trainee(build_model(words, SPEC, seed=1), words)
    (stage,) = frozen(ablation.IMITATION) if still else ablation.IMITATION
    batch = np.zeros(2, record_type(SPEC, SIZES.config((stage,), 0)))
    batch["image"] = np.random.default_rng(0).integers(0, 255, batch["image"].shape)
    batch["actions"][..., :3], batch["action_start"], batch["action_length"] = (300, 301, 302), 1, 3
    told = trainee.actions_step(batch, stage)
    (told["action"] + told["column"] + stage.presence_weight * told["presence"]).backward()
    moved = {
        "visual" in name: tensor.grad is not None and bool(tensor.grad.any())
        for name, tensor in trainee.named_parameters()
        if "visual" in name or "language_model.layers" in name
    }
    assert moved == {True: not still, False: True}


@pytest.mark.slow
def test_a_stopped_ablation_goes_on_and_ends_with_a_table(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow = Run._follow
    steps: list[int] = []

    def stopped_at_the_first_step(run: Run, *given: Any) -> None:
        follow(run, *given)
        steps.append(run.step)
        if len(steps) == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(Run, "_follow", stopped_at_the_first_step)
    assert not begin(tmp_path).train(TWO, 0)
    assert signal.getsignal(signal.SIGTERM) is before
    progress = tmp_path / "III-only-0" / "imitation" / "progress.json"
    reached = json.loads(progress.read_text())["samples"]
    assert 0 < reached < SIZES.imitation_samples
    other_words = build_tokenizer(["another sentence"], 600)
    with pytest.raises(ValueError, match="another tokenizer"):
        check_words(tmp_path / "states", other_words)
    states = {path: path.stat().st_mtime_ns for path in (tmp_path / "states").iterdir()}
    assert len(states) == 5
    actions = np.load(tmp_path / "states" / "acting-000.npy")
    asked = build_tokenizer([task.instruction for task in ALL_TASKS], 700).batch_decode(
        actions["actions"].reshape(-1, actions["actions"].shape[-1])
    )
    # Nobody asks whether something is done: no sentence here has parts.
    assert len(asked) == 4 * SIZES.acting_questions
    assert not any("done" in text for text in asked)
    said: list[str] = []
    assert begin(tmp_path, said).run(TWO)
    # It went on where it was, and made no state anew.
    assert f"III-only-0/imitation: {reached} of 16 samples" in said
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "states").iterdir()} == states
    assert json.loads(progress.read_text())["samples"] >= SIZES.imitation_samples
    document = json.loads((tmp_path / "ablation.json").read_text())
    assert set(document["variants"]) == set(TWO)
    assert all(
        (row["success"], row["n"], row["action_loss"]) == (1, 2, [0.2])
        for row in document["variants"].values()
    )
    assert (tmp_path / "ablation.md").read_text().count("\n") == 4 + 1 + 4
    with Image.open(tmp_path / "ablation.png") as picture:
        assert picture.width > 100
    rows = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert len(rows) == 4
    copies = sorted((tmp_path / "III-only-0" / "imitation").glob("snap_*"))
    assert [int(copy.name[5:]) // SIZES.copy_every for copy in copies] == [1, 2]
    assert all((copy / "model.safetensors").exists() for copy in copies)
    # Nothing is left to do, also where the weights are gone: neither trained nor played again.
    steps.clear()
    for folder in (*tmp_path.glob("*-0"), tmp_path / "states"):
        shutil.rmtree(folder)
    assert begin(tmp_path).run(TWO)
    assert steps == []
    assert json.loads((tmp_path / "ablation.json").read_text()) == document
    with pytest.raises(ValueError, match="other settings"):
        Ablation(tmp_path, replace(SIZES, seeds=2), tell=said.append)
    more = (replace(ablation.IMITATION[0], column_weight=0.1),)
    monkeypatch.setattr(ablation, "IMITATION", more)
    with pytest.raises(ValueError, match="other settings"):
        Ablation(tmp_path, SIZES, tell=said.append)


def test_states_of_both_parts_are_drawn_from_their_own_files(tmp_path: Path) -> None:
    record = np.dtype([("number", np.int64)])
    records = {SEEING: record, ACTING: record}
    for part, first in ((SEEING, 0), (ACTING, 100)):
        for shard, size in enumerate((3, 2)):
            numbers = np.arange(size) + first + 10 * shard
            np.save(tmp_path / f"{part}-{shard:03}.npy", numbers.astype(record))
    states = FixedStates(tmp_path, records)
    rng = np.random.default_rng(0)
    assert set(states.draw(rng, 200)["number"]) == {0, 1, 2, 10, 11}
    states.let_learner_drive()
    assert set(states.draw(rng, 200)["number"]) == {100, 101, 102, 110, 111}
    with pytest.raises(ValueError, match="another form"):
        FixedStates(tmp_path, {**records, ACTING: np.dtype([("other", np.int64)])})
