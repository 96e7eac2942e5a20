"""The default model's training: the packed pass, the ring's records, stopping and going on."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.actions.tokens import encode_ids
from model.language.subgoals import NO, YES, done_question
from model.paths import default_checkpoint
from model.vla.device import DeviceChoice
from model.vla.preprocess import CheckpointSpec, load_spec, patches, resize
from model.vla.tiny import build_model, build_tokenizer, save_checkpoint
from recorder.games.doom.game import DoomGame
from recorder.games.doom.tasks import TRAINED_TASKS
from recorder.types import Action
from trainer.data.forward_pass import Sequences
from trainer.data.yard_states import explore_asking
from trainer.pretraining import losses, train_yard_model
from trainer.pretraining.config import STAGES, PosttrainConfig, Stage, stage_at, tokenizer_corpus
from trainer.pretraining.loss_curve import Curve
from trainer.pretraining.losses import Trainee
from trainer.pretraining.state_ring import (
    ABSENT,
    COLUMNS,
    SEEN_KEYS,
    RecordWriter,
    column_of,
    covered,
    record_type,
)
from trainer.pretraining.train_yard_model import Run, inherit
from trainer.pretraining.vision_language import paraphrase_pairs, rule_pairs
from trainer.studies.charts import read_curve

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="picture")


@pytest.fixture(scope="module")
def words() -> Any:
    return build_tokenizer(tokenizer_corpus(), 1024)


def test_the_shipped_model_can_be_trained_on() -> None:
    """Else its training would begin anew, without a word."""
    shipped = load_spec(default_checkpoint())
    assert train_yard_model._sees_alike(shipped)
    assert train_yard_model._sees_alike(replace(shipped, adapter_temperature=None))
    # What is trained next is drawn alike.
    assert train_yard_model.TINY_SPEC.adapter_temperature == shipped.adapter_temperature == 0.4
    assert not train_yard_model._sees_alike(replace(shipped, width=640))


def test_many_questions_in_one_pass_are_answered_as_each_alone(words: Any) -> None:
    sequences = Sequences(build_model(words, SPEC, seed=1, layers=2).eval(), words, SPEC)
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    images = np.stack([resize(frame, SPEC) for frame in frames])
    asked = ["go to the barrel", "shoot the imp now", "turn left"]
    action = encode_ids(Action(forward=True, camera=(0.0, 5.0)))
    blocks = [sequences.action_block(said, list(action)) for said in asked]
    longest = max(len(block.tokens) for block in blocks)
    table = torch.full((2, len(blocks), longest), sequences.end_id)
    for row, block in enumerate(blocks):
        table[:, row, : len(block.tokens)] = torch.tensor(block.tokens)
    with torch.no_grad():
        vision = sequences.see(torch.from_numpy(patches(images, SPEC)))
        lengths = torch.tensor([[len(block.tokens) for block in blocks]] * 2)
        lengths[1, 1] = 0
        packed = sequences.ask(vision, table, lengths)
        assert not packed[1, 1].any()
        for frame in range(2):
            for row, block in enumerate(blocks):
                if not lengths[frame, row]:
                    continue
                alone, _ = sequences.hidden(
                    vision[frame : frame + 1], [(*sequences.head, *block.tokens)]
                )
                words_only = alone[0, len(sequences.head) :]
                assert torch.allclose(
                    packed[frame, row, : len(block.tokens)], words_only, atol=2e-4
                )


def test_the_loss_is_of_the_answers_alone(words: Any) -> None:
    trainee = Trainee(build_model(words, SPEC, seed=1, layers=2).eval(), words)
    rng = torch.Generator().manual_seed(0)
    ids = torch.randint(0, len(words), (2, 7), generator=rng)
    hidden = torch.randn(2, 7, trainee.model.config.text_config.hidden_size, generator=rng)
    starts, lengths = torch.tensor([3, 4]), torch.tensor([6, 7])
    answered = [(0, 3), (0, 4), (0, 5), (1, 4), (1, 5), (1, 6)]

    def loss(said: torch.Tensor) -> float:
        with torch.no_grad():
            return float(trainee.answer_loss(hidden, said, starts, lengths))

    with torch.no_grad():
        # What is read up to a token says which it is.
        chances = trainee.model.lm_head(hidden).log_softmax(-1)
    wanted = -sum(float(chances[row, at - 1, ids[row, at]]) for row, at in answered) / 6
    assert loss(ids) == pytest.approx(wanted, rel=1e-5)
    for row in range(2):
        for at in range(7):
            other = ids.clone()
            other[row, at] = (ids[row, at] + 1) % len(words)
            assert (loss(other) != loss(ids)) == ((row, at) in answered)


def test_an_answer_begins_where_the_block_says(words: Any) -> None:
    sequences = Sequences(build_model(words, SPEC, seed=1, layers=2).eval(), words, SPEC)
    pair = rule_pairs()[0]
    block = sequences.text_block(pair.question, pair.answer)
    question, answer = (
        words.decode(part, skip_special_tokens=True)
        for part in (block.tokens[: block.start], block.tokens[block.start :])
    )
    assert pair.question in question
    assert answer.strip() == pair.answer


def test_the_curve_of_a_run_that_was_killed_goes_on_where_the_run_does(tmp_path: Path) -> None:
    file = tmp_path / "curve.csv"

    def teach(begun: int, last: int) -> None:
        curve = Curve(file, step=begun)
        for step in range(begun + 1, last + 1):
            curve.add((step, 2.0 * step, step, step), STAGES[0], {"text": torch.tensor(0.5)})
        curve.close()

    # The first checkpoint is of step 40; of what a kill leaves of the rows the last is cut short.
    teach(0, 60)
    teach(0, 60)
    with file.open("a") as cut:
        cut.write("75,150,75")
    teach(40, 110)
    assert [row.split(",")[0] for row in file.read_text().splitlines()] == [
        "step", "25", "50", "75", "100",
    ]  # fmt: skip
    assert [at for at, _ in read_curve(file)["text"]] == pytest.approx(
        [50 / 60, 100 / 60, 2.5, 200 / 60], abs=0.02
    )


@given(st.tuples(st.integers(0, 600), st.integers(0, 340), st.integers(1, 40), st.integers(1, 20)))
def test_a_box_covers_the_cells_it_lies_in(box: tuple[int, int, int, int]) -> None:
    cells = covered(box, (640, 360), (5, 10))
    x, y, w, h = box
    middle = min(9, (x + w // 2) * 10 // 640), min(4, (y + h // 2) * 5 // 360)
    assert cells.any()
    assert cells[max(0, middle[1] - 1) : middle[1] + 2, max(0, middle[0] - 1) : middle[0] + 2].any()
    assert 0 <= column_of(box, 640) < COLUMNS
    assert column_of(None, 640) == ABSENT


def test_a_record_holds_what_the_state_shows(words: Any) -> None:
    config = PosttrainConfig(actions_per_frame=5, pairs_per_frame=3)
    sequences = Sequences(build_model(words, SPEC, seed=1, layers=2).eval(), words, SPEC)
    writer = RecordWriter(sequences, SPEC, config, seed=3)
    records = np.zeros(200, record_type(SPEC, config))
    game = DoomGame(labels=True)
    try:
        states = explore_asking(game, np.random.default_rng(2), TRAINED_TASKS, questions=4)
        kept = [next(states) for _ in range(len(records))]
    finally:
        game.close()
    asked_whether_done = []
    for record, asked in zip(records, kept, strict=True):
        writer.write(record, asked)
        seen = {thing.key for thing in asked.state.everything if thing.box is not None}
        held = {SEEN_KEYS[n] for n in np.flatnonzero(record["presence"].any(axis=(1, 2)))}
        assert held == seen & set(SEEN_KEYS)
        said, answered = _blocks(record, words)
        for slot, answer in enumerate(asked.answers[: 5 - len(asked.done)]):
            numbers = encode_ids(answer.action)
            assert answered[slot] == words.decode([sequences.action_id(n) for n in numbers])
            assert any(phrase in said[slot] for phrase in answer.task.phrasings)
        for number, (task, over) in enumerate(asked.done):
            slot = 4 - number
            assert answered[slot] == (YES if over else NO)
            assert any(done_question(phrase) in said[slot] for phrase in task.phrasings)
            asked_whether_done.append(over)
    assert len(set(asked_whether_done)) == 2


def _blocks(record: Any, words: Any) -> tuple[list[str], list[str]]:
    """Return what is said in a record's blocks, and what is answered."""
    said, answered = [], []
    for block, start, length in zip(
        record["actions"], record["action_start"], record["action_length"], strict=True
    ):
        said.append(words.decode(block[:start].tolist()))
        answered.append(words.decode(block[start : length - 1].tolist()) if length else "")
    return said, answered


def test_the_stages_follow_each_other_and_fill_the_time() -> None:
    names = [stage_at(STAGES, share / 100).name for share in range(100)]
    assert list(dict.fromkeys(names)) == [stage.name for stage in STAGES]
    assert stage_at(STAGES, 1.5) is STAGES[-1]
    only = (Stage("III actions", 0.5, actions=1.0),)
    assert stage_at(only, 0.99) is only[0]


def test_what_is_held_out_is_never_said(words: Any) -> None:
    sequences = Sequences(build_model(words, SPEC, seed=1, layers=2).eval(), words, SPEC)
    pairs = [*rule_pairs(), *paraphrase_pairs()]
    blocks = [sequences.text_block(pair.question, pair.answer) for pair in pairs]
    said = " ".join(words.decode(block.tokens) for block in blocks)
    held = [phrase for task in TRAINED_TASKS for phrase in task.heldout_phrasings]
    assert held
    assert not [phrase for phrase in held if f": {phrase}<" in said]


def test_another_models_weights_are_taken_over_with_its_words(words: Any, tmp_path: Path) -> None:
    old_words = build_tokenizer(["go to the red torch"] * 4, 700)
    old = build_model(old_words, SPEC, seed=7)
    save_checkpoint(tmp_path / "old", old, old_words, SPEC, {})
    new = build_model(words, SPEC, seed=8)
    before = new.state_dict()["model.language_model.embed_tokens.weight"].clone()
    inherit(new, words, tmp_path / "old")
    table = new.state_dict()["model.language_model.embed_tokens.weight"]
    vocabulary, known = words.get_vocab(), old_words.get_vocab()
    theirs = old.state_dict()["model.language_model.embed_tokens.weight"]
    shared = next(word for word in vocabulary if word in known)
    alone = next(word for word in vocabulary if word not in known)
    assert torch.allclose(table[vocabulary[shared]], theirs[known[shared]], atol=1e-2)
    assert torch.equal(table[vocabulary[alone]], before[vocabulary[alone]])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, words: Any) -> PosttrainConfig:
    """A training of small pictures, few words and few layers."""
    monkeypatch.setattr(train_yard_model, "TINY_SPEC", SPEC)
    monkeypatch.setattr(losses, "TINY_SPEC", SPEC)
    monkeypatch.setattr(train_yard_model, "build_tokenizer", lambda *_given: words)
    monkeypatch.setattr(train_yard_model, "build_model", partial(build_model, layers=2))
    return PosttrainConfig(vocabulary=1024, warmup_steps=1)


def learn(run: Run, seed: int) -> None:
    """Take a step along a gradient of noise."""
    torch.manual_seed(seed)
    loss = sum((tensor * torch.randn_like(tensor)).sum() for tensor in run.trainee.parameters())
    run._follow({"action": torch.as_tensor(loss)}, STAGES[-1], 1e-3)
    run.step += 1
    run.samples += 10


def learnt(run: Run) -> dict[str, torch.Tensor]:
    """Return all that a training has learnt, and what its optimizers remember."""
    found = {}
    for name, tensor in run.trainee.named_parameters():
        found[name] = tensor.detach().clone()
        for optimizer in (run.muon, run.adam):
            for key, value in optimizer.state.get(tensor, {}).items():
                found[f"{name} {key}"] = torch.as_tensor(value).detach().clone()
    return found


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(tensor, second[name]) for name, tensor in first.items()
    )


def test_what_was_learnt_is_there_after_a_restart(tmp_path: Path, small: PosttrainConfig) -> None:
    run = Run(tmp_path, small, None)
    learn(run, 1)
    learn(run, 2)
    run.save()
    again = Run(tmp_path, small, None)
    assert (again.step, again.samples) == (2, 20)
    assert same(learnt(again), learnt(run))
    # And so it learns the same from there.
    learn(run, 3)
    learn(again, 3)
    assert same(learnt(again), learnt(run))


def test_weights_alone_are_enough_to_go_on_from(tmp_path: Path, small: PosttrainConfig) -> None:
    run = Run(tmp_path / "a", small, None)
    learn(run, 1)
    run.save()
    later = Run(tmp_path / "b", replace(small, seed=7), run.checkpoint)
    assert (later.step, later.samples) == (0, 0)
    theirs = dict(run.trainee.model.named_parameters())
    for name, tensor in later.trainee.model.named_parameters():
        # A checkpoint holds bfloat16.
        assert torch.equal(tensor, theirs[name].to(torch.bfloat16).float()), name


def test_a_kill_in_the_middle_of_saving_loses_neither(
    tmp_path: Path, small: PosttrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "begun", small, None)
    learn(run, 1)
    run.save()
    before = learnt(run)
    learn(run, 2)
    after = learnt(run)
    moves = {name: getattr(Path, name) for name in ("rename", "replace")}

    def die_at(last: int) -> None:
        """Let ``last`` files and folders be moved, and no more."""
        done: list[Path] = []

        def move(name: str) -> Callable[[Path, Path], Path]:
            def moved(path: Path, target: Path) -> Path:
                done.append(path)
                if len(done) > last:
                    raise KeyboardInterrupt
                return Path(moves[name](path, target))

            return moved

        for name in moves:
            monkeypatch.setattr(Path, name, move(name))

    kept = []
    for last in range(5):
        folder = tmp_path / f"killed-{last}"
        shutil.copytree(tmp_path / "begun", folder)
        run.out, run.checkpoint = folder, folder / "checkpoint"
        die_at(last)
        with contextlib.suppress(KeyboardInterrupt):
            run.save()
        for name, whole in moves.items():
            monkeypatch.setattr(Path, name, whole)
        again = Run(folder, small, None)
        kept.append("before" if same(learnt(again), before) else "after")
        assert same(learnt(again), before if kept[-1] == "before" else after)
        assert again.step in (1, 2)
    # The last one was not killed.
    assert (kept[0], kept[-1], again.step) == ("before", "after", 2)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_run_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    device = DeviceChoice("cpu", dtype, "as the test wants it")
    monkeypatch.setattr(train_yard_model, "TINY_SPEC", SPEC)
    monkeypatch.setattr(losses, "TINY_SPEC", SPEC)
    config = PosttrainConfig(
        vocabulary=1024, batch_frames=2, ring_frames=64, first_batch_frames=16, warmup_steps=2
    )
    Run(tmp_path, config, None, device).train(2.0)
    again = Run(tmp_path, config, None, device)
    assert again.step > 0
    assert again.seconds >= 2.0
    again.train(4.0)
    assert Run(tmp_path, config, None, device).step == again.step
    assert isinstance(again.trainee, Trainee)
    rows = (tmp_path / "curve.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("step,seconds,samples,made,stage")
