"""Training rests while figures are taken."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from trainer.evaluation import training_pause as module
from trainer.evaluation.training_pause import quiet, wait_for_quiet


@pytest.fixture(autouse=True)
def own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "figures.lock"
    monkeypatch.setattr(module, "lock_file", lambda: path)
    return path


def test_nobody_waits_for_nothing() -> None:
    assert wait_for_quiet() == 0.0
    with quiet():
        pass
    assert wait_for_quiet() == 0.0


def test_a_training_goes_on_when_the_figures_are_there() -> None:
    steps: list[float] = []
    training = threading.Thread(target=lambda: steps.append(wait_for_quiet()))
    with quiet():
        training.start()
        training.join(0.2)
        assert training.is_alive()
        assert not steps
    training.join(20)
    assert steps
    assert steps[0] > 0


def test_two_trainings_do_not_wait_for_each_other(own_lock: Path) -> None:
    with module._opened() as file:
        assert file is not None
        module.fcntl.flock(file, module.fcntl.LOCK_SH)
        assert wait_for_quiet() == 0.0


def test_on_a_disk_that_keeps_no_locks_training_and_figures_go_on(
    own_lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_file: object, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module.fcntl, "flock", none)
    with module.quiet():
        assert module.wait_for_quiet() == 0.0
    assert own_lock.exists()


def test_without_a_place_for_the_lock_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "lock_file", lambda: tmp_path / "nowhere" / "figures.lock")
    assert wait_for_quiet() == 0.0
    with quiet():
        assert wait_for_quiet() == 0.0
