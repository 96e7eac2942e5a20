"""Large models change places: what does not fit beside the old one waits until that is gone."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import ClassVar

import pytest
from toy_game import ToyGame, WalkPolicy

from app.backend.models import loader as module
from app.backend.models.choice import ModelChoice
from app.backend.models.loader import ModelLoader
from app.session.control_loop import LiveSession
from model.adapters.folders import META_FILE, WEIGHTS_FILE, AdapterMeta, fingerprint
from model.adapters.in_use import adapter_in_use
from model.play.runner import LockStepRunner
from model.play.stuck_detector import PRACTICE_WATCH, STUCK
from model.vla.device import DeviceChoice
from model.vla.memory import Need
from recorder.clock import ManualClock
from recorder.errors import DataError, ModelError
from recorder.store import AdapterRow, NewAdapter, Reader, Store

GPU = DeviceChoice("cpu", "float32", "Plays here.")
MEMORY = 20
SIZE = 14
"""Of every model: two of them need more than there is."""


class BigPolicy(WalkPolicy):
    """A player that takes memory as long as anything holds it."""

    alive: ClassVar[weakref.WeakSet[BigPolicy]] = weakref.WeakSet()
    most = 0

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.choice = folder, GPU
        BigPolicy.alive.add(self)
        BigPolicy.most = max(BigPolicy.most, len(BigPolicy.alive))


class Desk:
    """An agent over the toy game, with pretended models and memory."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        BigPolicy.alive.clear()
        BigPolicy.most = 0
        self.memory, self.broken = MEMORY, ""
        self.store, self.reader = Store.open(folder / "data"), Reader.open(folder / "data")
        self.session = LiveSession(
            ToyGame(distance=30), make_runner=LockStepRunner, clock=ManualClock(), threaded=False
        ).start()
        for name in ("one", "two"):
            (folder / name).mkdir()
            (folder / name / "model.safetensors").write_bytes(name.encode())
        self.one, self.two = (ModelChoice("folder", folder / name) for name in ("one", "two"))
        monkeypatch.setattr(module, "device_of", lambda *_: GPU)
        monkeypatch.setattr(module, "predict", lambda *_: Need(SIZE, 0, 0))
        monkeypatch.setattr(module, "free_bytes", lambda _device: self.free)
        monkeypatch.setattr(ModelLoader, "_checkpoint", lambda _loader, path, _row: self.load(path))
        self.loader = ModelLoader(self.session, self.store, self.reader, folder / "one")

    @property
    def free(self) -> int:
        gc.collect()
        return self.memory - SIZE * len(BigPolicy.alive)

    def load(self, folder: Path) -> BigPolicy:
        if folder.name == self.broken or self.free < SIZE:
            raise ModelError(f"{folder.name} could not be loaded, so it does not play.")
        return BigPolicy(folder)

    def plays(self) -> str:
        """Play two ticks; return the folder of what played."""
        self.session.play("reach the red dot")
        for _ in range(3):
            self.session.step()
        self.session.stop()
        self.session.step()
        (policy,) = BigPolicy.alive
        assert policy.calls >= 2
        return policy.folder.name

    def close(self) -> None:
        self.session.close()
        self.reader.close()
        self.store.close()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path, monkeypatch)
    made.loader.choose(made.one)
    made.session.step()
    yield made
    made.close()


def test_the_old_model_goes_first_where_both_do_not_fit(desk: Desk) -> None:
    assert desk.plays() == "one"
    desk.loader.choose(desk.two)
    assert desk.plays() == "two"
    assert BigPolicy.most == 1


def test_the_window_says_where_a_models_files_do_not_agree_with_its_play(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.loader.device == "Plays here."
    monkeypatch.setattr(BigPolicy, "disagreement", "Its files do not agree.", raising=False)
    desk.loader.choose(desk.two)
    assert desk.loader.device == "Plays here. Its files do not agree."


def test_the_old_model_plays_on_until_the_new_one_is_there_where_both_fit(desk: Desk) -> None:
    desk.memory = 3 * SIZE
    desk.loader.choose(desk.two)
    assert BigPolicy.most == 2
    desk.session.step()
    gc.collect()
    assert desk.plays() == "two"


def test_the_old_model_comes_back_where_the_new_one_fails(desk: Desk) -> None:
    desk.broken = "two"
    with pytest.raises(ModelError, match="two could not be loaded"):
        desk.loader.choose(desk.two)
    assert desk.loader.choice == desk.one
    assert desk.loader.problem == ""
    assert desk.plays() == "one"
    assert BigPolicy.most == 1


def test_what_fits_in_no_case_leaves_the_old_one_alone(desk: Desk) -> None:
    desk.memory = SIZE - 1
    with pytest.raises(ModelError, match="two could not be loaded"):
        desk.loader.choose(desk.two)
    assert BigPolicy.most == 1
    assert desk.plays() == "one"


def test_an_attempt_under_way_keeps_its_model(desk: Desk) -> None:
    desk.session.play("reach the red dot")
    desk.session.step()
    with pytest.raises(ModelError, match="stop the attempt"):
        desk.loader.choose(desk.two)
    assert desk.loader.choice == desk.one
    desk.session.step()
    assert desk.session.snapshot().executed.right


def test_the_model_rests_while_something_needs_its_memory(desk: Desk) -> None:
    with desk.loader.rested(MEMORY, "It rests.") as rested:
        assert rested
        assert desk.free == MEMORY
        assert desk.loader.problem == "It rests."
    assert desk.loader.problem == ""
    assert desk.plays() == "one"
    with desk.loader.rested(desk.free, "It rests.") as rested:
        assert not rested
        assert len(BigPolicy.alive) == 1


def list_adapter(desk: Desk, folder: Path, base: Path) -> AdapterRow:
    folder.mkdir()
    meta = AdapterMeta(name=folder.name, base=fingerprint(base))
    (folder / META_FILE).write_text(json.dumps(asdict(meta)), encoding="utf-8")
    (folder / WEIGHTS_FILE).write_bytes(b"")
    number = desk.store.add_adapter(NewAdapter(folder=str(folder), base=base.name))
    return next(row for row in desk.reader.adapters() if row.id == number)


def test_each_base_keeps_the_adapter_that_was_put_in_use_for_it(desk: Desk, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    first, other = (list_adapter(desk, tmp_path / f"for-{b.name}", b) for b in (one, two))
    desk.loader.activate(first.id)
    desk.loader.choose(desk.two)
    assert adapter_in_use(desk.reader, two) is None
    desk.loader.activate(other.id)
    shown = desk.loader.shown(desk.reader.adapters())
    assert [row.id for row in shown if row.active] == [other.id]
    desk.loader.choose(desk.one)
    shown = desk.loader.shown(desk.reader.adapters())
    assert [row.id for row in shown if row.active] == [first.id]
    desk.loader.activate(None)
    assert adapter_in_use(desk.reader, one) is None
    assert adapter_in_use(desk.reader, two) is None
    desk.loader.go_back()
    found = adapter_in_use(desk.reader, one)
    assert found is not None
    assert replace(found, active=False) == replace(first, active=False)


def test_going_back_takes_no_adapter_from_another_base(desk: Desk, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    first, other = (list_adapter(desk, tmp_path / f"for-{b.name}", b) for b in (one, two))
    desk.loader.activate(first.id)
    desk.loader.choose(desk.two)
    assert not desk.loader.can_go_back
    with pytest.raises(DataError, match="nothing to go back to"):
        desk.loader.go_back()
    desk.loader.activate(other.id)
    desk.loader.choose(desk.one)
    # The newest activation is the other base's; it is not this one's to undo.
    assert desk.loader.can_go_back
    desk.loader.go_back()
    assert adapter_in_use(desk.reader, one) is None
    kept = adapter_in_use(desk.reader, two)
    assert kept is not None
    assert kept.id == other.id
    assert not any(row.active for row in desk.loader.shown(desk.reader.adapters()))
    assert not desk.loader.can_go_back
    desk.loader.choose(desk.two)
    assert [r.id for r in desk.loader.shown(desk.reader.adapters()) if r.active] == [other.id]


def test_a_server_has_nothing_to_go_back_from(desk: Desk) -> None:
    desk.loader.choice = ModelChoice("server", server="http://127.0.0.1:8000")
    assert not desk.loader.can_go_back
    with pytest.raises(DataError, match="A server plays"):
        desk.loader.go_back()


def test_a_damaged_adapter_counts_for_the_base_that_its_row_names(
    desk: Desk, tmp_path: Path
) -> None:
    row = list_adapter(desk, tmp_path / "damaged", tmp_path / "one")
    desk.store.set_active_adapter(row.id)
    (tmp_path / "damaged" / META_FILE).write_text("rubbish", encoding="utf-8")
    found = adapter_in_use(desk.reader, tmp_path / "one")
    assert found is not None
    assert found.id == row.id
    assert adapter_in_use(desk.reader, tmp_path / "two") is None


def test_the_practice_model_is_watched_too(desk: Desk) -> None:
    desk.memory = 3 * SIZE
    desk.loader.choose(ModelChoice())
    desk.session.step()
    desk.session.play("reach the red dot")
    # The toy's player walks one way before a picture that hardly changes.
    for _ in range(PRACTICE_WATCH.answers + 5):
        desk.session.step()
        if desk.session.snapshot().message == STUCK:
            break
    assert desk.session.snapshot().message == STUCK


def test_a_base_whose_adapter_is_lost_plays_without_it_and_says_so(
    desk: Desk, tmp_path: Path
) -> None:
    row = list_adapter(desk, tmp_path / "lost", tmp_path / "one")
    desk.loader.activate(row.id)
    assert [each.id for each in desk.loader.shown(desk.reader.adapters()) if each.active] == [
        row.id
    ]
    shutil.rmtree(tmp_path / "lost")
    desk.loader.load()
    assert desk.loader.problem == (
        f"The adapter's folder {tmp_path / 'lost'} is not there any more, so adapter {row.id} "
        f"cannot be used and the base plays without it; put it back to {tmp_path / 'lost'}, or "
        "choose another one."
    )
    assert not any(each.active for each in desk.loader.shown(desk.reader.adapters()))
    assert desk.plays() == "one"
    # To choose it is another matter: what was asked for cannot be had.
    with pytest.raises(ModelError, match="not there any more"):
        desk.loader.activate(row.id)


def test_a_base_that_is_missing_too_is_told_as_such(desk: Desk, tmp_path: Path) -> None:
    row = list_adapter(desk, tmp_path / "lost", tmp_path / "one")
    desk.store.set_active_adapter(row.id)
    shutil.rmtree(tmp_path / "lost")
    desk.broken = "one"
    desk.loader.load()
    assert desk.loader.problem == "one could not be loaded, so it does not play."
    assert desk.session.snapshot().policy_problem == desk.loader.problem
