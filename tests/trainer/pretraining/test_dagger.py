from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.actions.tokens import encode_ids
from model.play.policy import ActionChunk, Observation
from model.vla.preprocess import CheckpointSpec, load_spec
from recorder.errors import DataError, UsageError
from recorder.games.base import Game
from recorder.games.doom.game import DoomGame
from recorder.games.doom.tasks import TASK_BY_ID
from recorder.store import Reader
from recorder.types import Action, Frame
from trainer.data.expert_labels import (
    LabelledEpisode,
    labelled_files,
    labelled_name,
    read_labelled,
    write_labelled,
)
from trainer.data.sample_cache import gather
from trainer.pretraining import dagger as module
from trainer.pretraining.clone import CloneConfig, Run
from trainer.pretraining.dagger import FIRST_SEED, Apprentice, Course, practise, run_course

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="plain")
TASK = TASK_BY_ID["go_to:barrel"]


class Says:
    """A policy that always says the same, and knows what it was asked."""

    def __init__(self, name: str, action: Action) -> None:
        self.name = name
        self.action = action
        self.asked = 0

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        self.asked = 0

    def propose(self, observation: Observation) -> ActionChunk:
        self.asked += 1
        return ActionChunk((self.action, Action(jump=True)), observation.frame.id, 0.0, 1.0)


def look(number: int = 0) -> Observation:
    return Observation(Frame(number, 0, np.full((36, 64, 3), number, np.uint8)), "walk")


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_expert_labels_every_state_whoever_plays(share: float) -> None:
    student, expert = Says("s", Action(back=True)), Says("t", Action(forward=True))
    both = Apprentice(student, expert, SPEC, expert_share=share)
    both.reset("walk", seed=4)
    chunks = [both.propose(look(number)) for number in range(200)]
    assert both.said.answers == [encode_ids(Action(forward=True))] * 200
    assert [int(picture[0, 0, 0]) for picture in both.said.pictures] == list(range(200))
    taught = sum(chunk.actions[0].forward for chunk in chunks)
    assert taught == {0.0: 0, 1.0: 200}.get(share, taught)
    assert 0 < taught < 200 or share != 0.5
    # The student's plan is one action long: every state that it leads to is judged.
    assert all(len(chunk.actions) == 1 for chunk in chunks if not chunk.actions[0].forward)
    assert expert.asked == 200
    both.reset("walk", seed=4)
    assert both.said.answers == []


def test_practice_is_the_same_for_the_same_seed() -> None:
    def hands(seed: int) -> list[bool]:
        both = Apprentice(Says("s", Action(back=True)), Says("t", Action()), SPEC, expert_share=0.5)
        both.reset("walk", seed=seed)
        return [both.propose(look()).actions[0].back for _ in range(100)]

    assert hands(1) == hands(1)
    assert hands(1) != hands(2)


actions = st.builds(Action, forward=st.booleans(), attack=st.booleans(), hotbar=st.integers(0, 9))


@settings(max_examples=15)
@given(said=st.lists(actions, min_size=1, max_size=8), text=st.text(min_size=1, max_size=20))
def test_what_was_said_comes_back_from_its_file(
    tmp_path_factory: pytest.TempPathFactory, said: list[Action], text: str
) -> None:
    folder = tmp_path_factory.mktemp("said")
    episode = LabelledEpisode(text)
    for number, action in enumerate(said):
        episode.pictures.append(np.full((8, 6, 3), number, np.uint8))
        episode.answers.append(encode_ids(action))
    write_labelled(folder / labelled_name("go_to:x", 3), episode)
    (path,) = labelled_files(folder)
    again = read_labelled(path)
    assert (again.instruction, again.answers) == (text, episode.answers)
    assert (np.stack(again.pictures) == np.stack(episode.pictures)).all()


def test_a_broken_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"PK\x03\x04 no")
    with pytest.raises(DataError, match="remove it"):
        read_labelled(path)


def test_an_attempt_that_failed_is_learnt_from_too(
    data: Path, small_checkpoint: Path, tmp_path: Path
) -> None:
    said = LabelledEpisode("go to the barrel")
    for number in range(30):
        said.pictures.append(np.full((64, 64, 3), number, np.uint8))
        said.answers.append(encode_ids(Action(left=True)))
    folder = tmp_path / "labelled"
    folder.mkdir()
    write_labelled(folder / "a-1.safetensors", said)
    spec = load_spec(small_checkpoint)
    with Reader.open(data) as reader:
        alone = gather(reader, spec, tmp_path)
        both = gather(reader, spec, tmp_path, folder)
    assert len(both.answers) == len(alone.answers) + 30
    assert both.answers[-1] == encode_ids(Action(left=True))
    assert int(both.pictures[-1][0, 0, 0]) == 29
    assert not set(both.train) & set(both.held_out)
    small = LabelledEpisode("x", [np.zeros((8, 8, 3), np.uint8)], [encode_ids(Action())])
    write_labelled(folder / "b-1.safetensors", small)
    with Reader.open(data) as reader, pytest.raises(DataError, match="another size"):
        gather(reader, spec, tmp_path, folder)


def test_practice_goes_on_where_it_was_stopped(small_checkpoint: Path, tmp_path: Path) -> None:
    starts = [(TASK, seed) for seed in (1, 2)]
    game = DoomGame(labels=True)
    try:
        play = practise(small_checkpoint, game, starts, tmp_path, expert_share=1.0)
        assert next(play).seed == 1
        # Stopped here: the second attempt is played the next time, the first is not again.
        play.close()
        again = list(practise(small_checkpoint, game, starts, tmp_path, expert_share=1.0))
        assert [each.seed for each in again] == [2]
        assert len(labelled_files(tmp_path)) == 2
        assert not list(practise(small_checkpoint, game, starts, tmp_path, expert_share=1.0))
    finally:
        game.close()


def test_a_course_trains_practises_and_goes_on(
    data: Path, small_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Game] = []

    def open_world() -> Game:
        opened.append(DoomGame(labels=True))
        return opened[-1]

    course = Course(rounds=1, train_s=40, episodes=1, config=CloneConfig(batch=4, warmup_steps=1))
    said: list[str] = []

    def train(run: Run, until_s: float, *, whole_s: float | None = None) -> None:
        # One step, however long it takes here.
        assert whole_s == 40
        run._step(np.random.default_rng(run.step), whole_s)
        run.seconds = until_s
        run.save()

    monkeypatch.setattr(Run, "train", train)

    def go(say: Callable[[str], None]) -> Path:
        out = tmp_path / "out"
        return run_course(data, out, small_checkpoint, course, [TASK.instruction], open_world, say)

    def interrupt(*_arguments: object, **_more: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "practise", interrupt)
        with pytest.raises(KeyboardInterrupt):
            go(said.append)
    assert len(opened) == 1
    checkpoint = go(said.append)
    assert (checkpoint / "config.json").exists()
    assert (tmp_path / "out" / "labelled" / labelled_name(TASK.id, FIRST_SEED)).exists()
    # The part of before was trained once, and what practice brought is learnt from.
    parts = [line for line in said if line.startswith("part ")]
    assert [line.split(":")[0] for line in parts] == ["part 1 of 2", "part 2 of 2"]
    assert int(parts[1].split()[-4]) > int(parts[0].split()[-4])
    go(said.append)
    assert len(opened) == 2


def test_a_sentence_without_a_judge_is_refused(
    data: Path, small_checkpoint: Path, tmp_path: Path
) -> None:
    course = Course(rounds=1, train_s=0.1, episodes=1, config=CloneConfig(batch=4))
    with pytest.raises(UsageError, match="no task"):
        run_course(
            data, tmp_path / "out", small_checkpoint, course, ["be happy"],
            lambda: DoomGame(labels=True), lambda line: None,
        )  # fmt: skip
