import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.actions.tokens import camera_degrees, encode_ids
from model.language.paraphrase import Sayings
from model.vla.preprocess import load_spec
from model.vla.vla import check_checkpoint
from recorder.errors import DataError
from recorder.games.luanti.tasks import TASKS
from recorder.games.sentences import normalise_instruction
from recorder.store import LabelSource, Reader, Split, Store
from recorder.types import Action, Outcome
from trainer.data import sample_cache
from trainer.data.material import material_of
from trainer.data.mirror import mirror_image
from trainer.data.sample_cache import FACTS_FILE, Lessons, gather
from trainer.pretraining.clone import CloneConfig, Imitator, Run, main, ways_to_say
from trainer.pretraining.rate import rate_at


@pytest.fixture(scope="module")
def gathered(
    lessons: Path, small_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with the samples of the lessons: reading them takes longer than learning."""
    folder = tmp_path_factory.mktemp("gathered")
    with Reader.open(lessons) as reader:
        gather(reader, load_spec(small_checkpoint), folder)
    return folder


@pytest.fixture
def run(data: Path, small_checkpoint: Path, gathered: Path, tmp_path: Path) -> Run:
    out = Path(shutil.copytree(gathered, tmp_path / "run"))
    return Run(data, out, small_checkpoint, CloneConfig(batch=8, warmup_steps=1))


cameras = st.integers(0, 20).map(camera_degrees)


@given(pitch=cameras, yaw=cameras, left=st.booleans(), attack=st.booleans())
def test_a_mirror_image_is_its_own_and_turns_the_other_way(
    pitch: float, yaw: float, left: bool, attack: bool
) -> None:
    action = Action(left=left, attack=attack, camera=(pitch, yaw))
    mirrored = mirror_image(action)
    assert mirrored.camera == (pitch, -yaw)
    assert mirrored.right is left
    assert encode_ids(mirror_image(mirrored)) == encode_ids(action)


def test_pictures_are_mirrored_with_their_answers(run: Run) -> None:
    lessons = run.lessons
    turned = next(
        index
        for index in lessons.train
        if lessons.answer(int(index), mirrored=True) != lessons.answer(int(index), mirrored=False)
    )
    chosen = np.array([turned, turned])
    plain, mirrored = lessons.images(chosen, np.array([False, True]))
    assert (plain[:, ::-1] == mirrored).all()
    assert not (plain == mirrored).all()


def test_no_episode_is_on_both_sides_and_chances_sum_to_one(run: Run) -> None:
    lessons = run.lessons
    assert len(lessons.train)
    assert len(lessons.held_out)
    assert not set(lessons.train) & set(lessons.held_out)
    assert lessons.chances.sum() == pytest.approx(1.0)
    assert (lessons.chances > 0).all()


def test_what_a_round_is_judged_and_chosen_by_is_never_trained_on(run: Run, data: Path) -> None:
    with Reader.open(data) as reader:
        material = material_of(reader, reader.episodes())
    assert all(material.persons(side) for side in Split)
    assert len(run.lessons.train) == material.persons(Split.TRAIN)
    assert len(run.lessons.held_out) == material.persons(Split.SELECT)
    assert len(run.lessons.answers) == material.persons(Split.TRAIN, Split.SELECT)


def test_a_sentence_with_a_side_in_it_is_not_mirrored(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    loss = run.imitator.loss

    def heard(lessons: Lessons, chosen: Any, mirrored: Any) -> torch.Tensor:
        seen.extend(mirrored.tolist())
        return loss(lessons, chosen, mirrored)

    monkeypatch.setattr(run.imitator, "loss", heard)
    plain = run.lessons
    for said, some in (("go to the left barrel", False), ("turn RIGHT", False), ("hop", True)):
        seen.clear()
        run.lessons = replace(plain, sentences=(said,) * len(plain.sentences))
        for seed in range(3):
            run._step(np.random.default_rng(seed), 1e9)
        assert any(seen) is some


def test_what_was_gathered_is_used_again_until_something_is_recorded(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> object:
        raise AssertionError("gathered again")

    with Reader.open(data) as reader, monkeypatch.context() as patch:
        patch.setattr(sample_cache, "_gather", refuse)
        again = gather(reader, run.imitator.spec, run.out)
    assert len(again.answers) == len(run.lessons.answers)
    with Store.open(data) as store:
        store.set_label(1, Outcome.FAILURE, LabelSource.PERSON)
    with Reader.open(data) as reader:
        fewer = gather(reader, run.imitator.spec, run.out)
    assert len(fewer.answers) < len(run.lessons.answers)


def test_too_little_is_refused_with_a_sentence(
    data: Path, small_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(data) as store, Reader.open(data) as reader:
        for row in reader.episodes():
            store.set_label(row.id, Outcome.FAILURE, LabelSource.PERSON)
    out = str(tmp_path / "run")
    with Reader.open(data) as reader, pytest.raises(DataError, match="too little to learn"):
        gather(reader, Imitator(small_checkpoint).spec, tmp_path)
    code = main(["--data", str(data), "--out", out, "--from", str(small_checkpoint)])
    assert code == 5
    assert "too little" in capsys.readouterr().err


def test_it_learns_what_was_shown(run: Run) -> None:
    rng = np.random.default_rng(1)
    before = run.imitator.check(run.lessons, run.lessons.train[:16])
    for _ in range(8):
        run._step(rng, 1e9)
    assert run.imitator.check(run.lessons, run.lessons.train[:16]) < 0.8 * before


def test_a_run_goes_on_where_it_was(run: Run, data: Path, small_checkpoint: Path) -> None:
    rng = np.random.default_rng(1)
    for _ in range(3):
        run._step(rng, 1e9)
    run.seconds = 12.0
    run.save()
    check_checkpoint(run.checkpoint)
    again = Run(data, run.out, small_checkpoint, run.config)
    assert (again.step, again.seconds) == (3, 12.0)
    for name, tensor in run.weights.items():
        assert torch.equal(tensor, again.weights[name])
    chosen, plain = run.lessons.train[:4], np.zeros(4, dtype=np.bool_)
    after = []
    for each in (run, again):
        each._step(np.random.default_rng(5), 1e9)
        after.append(float(each.imitator.loss(each.lessons, chosen, plain).detach()))
    assert after[0] == pytest.approx(after[1], rel=1e-4)


def test_the_command_trains_and_keeps_a_curve(
    data: Path, small_checkpoint: Path, gathered: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(gathered, tmp_path / "run"))
    arguments = ["--data", str(data), "--out", str(out), "--from", str(small_checkpoint)]
    threads = torch.get_num_threads()
    try:
        assert main([*arguments, "--minutes", "0.01", "--threads", "1"]) == 0
    finally:
        torch.set_num_threads(threads)
    check_checkpoint(out / "checkpoint")
    assert (out / FACTS_FILE).exists()
    with (out / "curve.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert int(rows[-1]["step"]) > 0
    assert float(rows[-1]["held_out"]) > 0


def test_a_checkpoint_knows_other_ways_to_say_what_it_was_taught(run: Run) -> None:
    said = sorted({run.lessons.sentence(int(index)) for index in run.lessons.train})
    run.ways = {said[0]: ("do the very thing",), "never shown": ("nor this",)}
    run.save()
    sayings = Sayings.load(run.checkpoint)
    assert sayings is not None
    assert set(sayings.sentences) == set(said)
    assert sayings.restate("Please do the very thing") == said[0]
    # Nobody ever asked it whether something was done.
    assert not load_spec(run.checkpoint).parts


def test_every_task_of_luanti_can_be_said_in_other_ways() -> None:
    ways = ways_to_say("luanti")
    assert set(ways) == {task.instruction for task in TASKS}
    assert all(len(set(said)) >= 3 for said in ways.values())
    every = [normalise_instruction(each) for own in ways.items() for each in (own[0], *own[1])]
    assert len(set(every)) == len(every)


def test_the_rate_warms_up_and_falls() -> None:
    config = CloneConfig(warmup_steps=10, learning_rate=1e-3, final_rate=1e-5)
    assert rate_at(0, 0.0, config) == pytest.approx(1e-4)
    assert rate_at(100, 0.0, config) == pytest.approx(1e-3)
    assert rate_at(100, 2.0, config) == pytest.approx(1e-5)
