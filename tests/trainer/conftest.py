"""A small untrained checkpoint, and a data folder with what a person could have recorded."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from model.actions.tokens import encode_ids
from model.adapters.folders import AdapterMeta, fingerprint, write_adapter
from model.play.episode import Decision, EpisodeLoop, Proposal, run_episode
from model.play.runner import LockStepRunner
from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import build_model, build_tokenizer, save_checkpoint
from model.vla.vla import load_weights
from recorder.games.doom.game import DoomGame
from recorder.games.doom.tasks import TASK_BY_ID
from recorder.store import EpisodeKind, Store
from recorder.types import NO_ACTION, Action, Driver, Frame
from trainer.data.examples import Example
from trainer.data.shipped_replay import write_replay
from trainer.experts.yard import ExpertPolicy
from trainer.rounds.training.lora import LoraConfig, LoraTask

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="plain")
LESSON = TASK_BY_ID["go_to:barrel"]
DEMONSTRATIONS = 5


def person_drives(_frame: Frame, proposal: Proposal | None) -> Decision:
    action = NO_ACTION if proposal is None else proposal.action
    return Decision(action, Driver.PERSON)


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "small"
    tokenizer = build_tokenizer(["go to the red torch", "shoot the imp"] * 4, vocabulary=600)
    model = build_model(tokenizer, SPEC, seed=3, layers=2)
    save_checkpoint(folder, model, tokenizer, SPEC, {"trained_s": 0})
    return folder


@pytest.fixture(scope="session")
def knowing_checkpoint(small_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small checkpoint with what it knew beside it: a round need not play for it."""
    folder = Path(shutil.copytree(small_checkpoint, tmp_path_factory.mktemp("knowing") / "small"))
    known = [
        Example(
            np.full((64, 64, 3), grey, np.uint8), "hop", encode_ids(Action(jump=True)), "replay"
        )
        for grey in range(0, 240, 10)
    ]
    write_replay(folder, known[::2], known[1::2])
    return folder


@pytest.fixture(scope="session")
def small_adapter(small_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the small checkpoint's that changes every layer a little."""
    model, tokenizer = load_weights(small_checkpoint, torch.float32, "cpu")
    task = LoraTask(model, tokenizer, SPEC, LoraConfig(seed=1))
    noise = torch.Generator().manual_seed(2)
    tensors = {
        name: 0.02 * torch.randn(tensor.shape, generator=noise)
        for name, tensor in task.tensors().items()
    }
    folder = tmp_path_factory.mktemp("adapters") / "small"
    meta = AdapterMeta(name="small", base=fingerprint(small_checkpoint))
    write_adapter(folder, tensors, task.peft_config(), meta)
    return folder


@pytest.fixture(scope="session")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with five demonstrations; copy it, never write to it."""
    folder = tmp_path_factory.mktemp("lessons")
    game = DoomGame(labels=True)
    try:
        with Store.open(folder) as store:
            session = store.begin_session(
                game.name,
                tick_rate_hz=game.tick_rate_hz,
                width=640,
                height=360,
                realtime=game.realtime,
                bindings={},
            )
            recorder = store.episode_recorder(
                session, kind=EpisodeKind.DEMONSTRATION, policy="person", when_full="wait"
            )
            runner = LockStepRunner(ExpertPolicy(game))
            loop = EpisodeLoop(game, runner, policy_name="person", observers=(recorder,))
            for seed in range(DEMONSTRATIONS):
                run_episode(loop, LESSON, seed, decide=person_drives)
            store.end_session(session)
    finally:
        game.close()
    return folder


@pytest.fixture
def data(lessons: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(lessons, tmp_path / "data"))
