"""Demonstrations of the expert: recorded as a person's, and never lost in silence."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from toy_game import TASKS, TOY, ToyGame

from app.automation.demonstrations import record_demonstrations
from app.automation.headless import Attempted
from recorder.errors import DataError, GameEndedError, UsageError
from recorder.games import registry
from recorder.games.base import Task
from recorder.store import Reader, Store
from recorder.store.upkeep.verify import verify
from recorder.types import Action, Frame, Outcome


def fill_the_disk(store: Store) -> None:
    """Let the database grow no further: SQLite then says that the disk is full."""

    def work(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    store._worker.call(work)


def test_a_full_disk_ends_them_with_a_sentence(tmp_path: Path) -> None:
    done: list[Attempted] = []

    def told(one: Attempted) -> None:
        done.append(one)
        fill_the_disk(store)

    with Store.open(tmp_path) as store, pytest.raises(DataError, match="full"):
        record_demonstrations(store, "doom", "go to the barrel", range(9), told)
    # The first one was stored whole; the next did not fit, and nobody played seven more.
    assert [one.seed for one in done] == [0]
    report = verify(tmp_path)
    assert report.ok
    assert report.ticks >= done[0].ticks


def test_what_nobody_can_show_is_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, pytest.raises(UsageError, match="fly away"):
        record_demonstrations(store, "doom", "fly away", range(2))


class ProgramGame(ToyGame):
    """A game that is one run of a program: where that has ended, nothing begins any more."""

    gone_for_good = False

    def reset(self, task: Task, seed: int) -> Frame:
        if self.gone_for_good:
            raise GameEndedError("The toy's program is gone, so nothing begins; start it again.")
        return super().reset(task, seed)

    def step(self, action: Action) -> Frame:
        self.gone_for_good |= self.ends_at is not None and len(self.actions) >= self.ends_at
        return super().step(action)


def test_a_game_whose_program_ended_is_opened_again_with_an_expert_that_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[ProgramGame] = []

    def opens(_opening: object) -> ProgramGame:
        game = ProgramGame()
        # The first one ends in the second demonstration; its expert would walk no step further.
        game.ends_at = None if opened else 2
        opened.append(game)
        return game

    spec = replace(TOY, opens=opens)
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, spec))
    told: list[str] = []
    with Store.open(tmp_path) as store:
        done = record_demonstrations(
            store, TOY.name, TASKS[0].instruction, range(3), tell=told.append
        )
    assert [one.outcome for one in done] == [Outcome.SUCCESS] * 3
    assert len(opened) == 2
    assert all(game.closed for game in opened)
    assert len(told) == 1
    with Reader.open(tmp_path) as reader:
        outcomes = [row.outcome for row in reader.episodes()]
    assert outcomes.count(Outcome.SUCCESS) == 3
    assert outcomes.count(Outcome.INTERRUPTED) == 1
