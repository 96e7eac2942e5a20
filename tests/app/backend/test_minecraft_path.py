"""The documented way to the released model in Minecraft, in one go.

`playteach play --game minerl --policy CraftJarvis/JarvisVLA-Qwen2-VL-7B`: every step but the
download and the Java build, against MineRL's own code
(see tests/recorder/games/minecraft/test_simulators.py) and a small random checkpoint where
the hub's download would have put the released one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hub_cache import put_in_cache
from simulator_python import NO_SIMULATOR, VARIABLE, set_up_minerl
from small_jarvis import REPO, write_small_jarvis

from app.__main__ import main
from app.session.control_loop import LiveSession
from app.session.wiring import Player, store_recording
from model.adapters.in_use import adapter_in_use
from model.play.runner import LockStepRunner
from model.vla.play_options import PlayOptions
from model.vla.vla import VlaPolicy
from recorder.clock import ManualClock
from recorder.games import open_game
from recorder.games.minecraft.game import PYTHON_VARIABLE, TASKS_VARIABLE, engines_folder
from recorder.store import Reader, RoundStatus, Store
from recorder.types import Driver, Outcome, SegmentKind
from trainer.rounds.client import RoundClient

pytestmark = [NO_SIMULATOR, pytest.mark.timeout(3000)]

TASK = """
task_conf: [{name: birch, text: "Mine the birch log."}]
reward_conf: [{event: mine_block, max_reward_times: 1, objects: [birch_log]}]
command: ["/time set day"]
max_steps: 8
"""


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which everything is installed and fetched; the checkpoint's folder."""
    set_up_minerl(tmp_path, monkeypatch)
    monkeypatch.delenv(PYTHON_VARIABLE)
    monkeypatch.setenv("PLAYTEACH_TEST_COMMANDS", str(tmp_path / "commands"))
    engines_folder().mkdir(parents=True)
    installed = {"python": os.environ[VARIABLE]}
    (engines_folder() / "minerl.json").write_text(json.dumps(installed), encoding="utf-8")
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "birch.yaml").write_text(TASK, encoding="utf-8")
    monkeypatch.setenv(TASKS_VARIABLE, str(tasks))
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    return put_in_cache(write_small_jarvis(tmp_path / "small"), REPO, cache)


@pytest.fixture
def said(tmp_path: Path) -> Path:
    return tmp_path / "commands"


def test_from_the_fetched_model_to_a_taught_one(
    snapshot: Path, said: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"

    def run(*arguments: str) -> tuple[Any, str]:
        code = main(["--data", str(data), *arguments, "--json"])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return json.loads(captured.out), captured.err

    fetched, _ = run("models", "fetch", REPO)
    assert Path(fetched["folder"]) == snapshot
    shown, _ = run("games", "show", "minerl")
    assert {"mine_block:oak_log", "mine_block:birch"} <= {task["id"] for task in shown["tasks"]}

    played, told = run(
        "play", "--game", "minerl", "--policy", REPO, "--instruction", "mine the birch log",
        "--headless", "--record", "--slowed", "--seed", "6", "--chunk", "2", "--history", "1",
    )  # fmt: skip
    assert f"{snapshot.name} plays." in told
    assert "does not know drop" in told
    assert "The model is told “Mine the birch log.”, as it was taught." in told
    (attempt,) = played["episodes"]
    assert (attempt["outcome"], attempt["ticks"], attempt["seed"]) == ("timeout", 8, 6)
    lines = said.read_text().splitlines()
    assert lines[lines.index("seed 6") + 1] == "chat /time set day"
    with Reader.open(data) as reader:
        (row,) = reader.episodes()
        assert (row.game, row.task_id, row.lock_step) == ("minerl", "mine_block:birch", True)
        assert (row.ticks, row.outcome) == (8, Outcome.TIMEOUT)
        assert next(iter(reader.frames(row.id))).shape == (360, 640, 3)

    _drive(data, snapshot, said)

    with Store.open(data) as store:
        result = RoundClient(data, store, snapshot).run(
            "", game="minerl", paired_seeds=0, max_steps=2, replay=8
        )
    assert result.status is RoundStatus.DONE, result.sentence
    with Reader.open(data) as reader:
        assert reader.rounds()[-1].query == "game:minerl"
        # Nobody played it, so it is offered; and two steps of a model that answers at random need
        # not pass its gates.
        run("adapters", "use", str(result.adapter_id), "--anyway")
        adapter = adapter_in_use(reader, snapshot)
    assert adapter is not None
    assert adapter.id == result.adapter_id
    _, told = run(
        "play", "--game", "minerl", "--policy", REPO, "--instruction", "mine the birch log",
        "--headless", "--record", "--slowed",
    )  # fmt: skip
    assert f"{snapshot.name}+{Path(adapter.folder).name} plays." in told
    with Reader.open(data) as reader:
        assert reader.episodes()[0].adapter_id == adapter.id


def _drive(data: Path, checkpoint: Path, said: Path) -> None:
    """Let the model play, take over with keys and mouse, and hand back."""
    policy = VlaPolicy.load(checkpoint, options=PlayOptions(chunk=8), threads=1)
    with Store.open(data) as store:
        game = open_game("minerl", data=data)
        session_id, record = store_recording(store, game, wait_when_full=True)
        session = LiveSession(
            game,
            player=Player(policy),
            make_recording=record,
            make_runner=LockStepRunner,
            clock=ManualClock(),
            threaded=False,
            paced=False,
        ).start()
        try:
            session.play("look around")
            for _ in range(3):
                session.step()
            assert session.snapshot().driver is Driver.POLICY
            session.key("W", True, 0)
            session.mouse_move(20, -10, 0)
            session.step()
            assert session.snapshot().driver is Driver.PERSON
            # A count is 0.15 degrees, as in the data that the model learnt from.
            assert {"forward 1", "camera -1.5 3.0"} <= set(
                said.read_text().splitlines()[-1].split(" | ")
            )
            for _ in range(60):
                session.step()
            session.key("W", False, 0)
            session.hand_back()
            for _ in range(2):
                session.step()
            assert session.snapshot().driver is Driver.POLICY
            session.stop()
            session.step()
        finally:
            session.close()
        store.end_session(session_id)
        store.wait()
    with Reader.open(data) as reader:
        newest = reader.episodes()[0]
        kinds = [segment.kind for segment in reader.segments(newest.id)]
        assert SegmentKind.CORRECTION in kinds
        assert newest.takeovers == 1
