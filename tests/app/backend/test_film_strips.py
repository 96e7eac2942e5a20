"""Which start a verdict shows, and that a film covers the whole attempt."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_game import TASKS, ToyGame

from app.backend import film_strips
from app.backend.film_strips import PICTURES, film, film_of_round, telling_start
from recorder.store import EvaluationRow, NewAdapter, Reader, RoundStatus, Stepping, Store
from recorder.types import Outcome
from trainer.evaluation.players import PlayerSpec
from trainer.rounds.client import RoundResult


def row(key: str, seed: int, good: bool) -> EvaluationRow:
    outcome = Outcome.SUCCESS if good else Outcome.TIMEOUT
    return EvaluationRow(
        key, "doom", "go_to:barrel", "go to the barrel", seed, Stepping.LOCK_STEP, outcome, 9
    )


def test_what_got_better_is_shown_first_then_what_got_worse() -> None:
    before = [row("a", 1, True), row("a", 2, False), row("a", 3, True)]
    mixed = [row("b", 1, False), row("b", 2, True), row("b", 3, True)]
    worse = [row("b", 1, False), row("b", 2, False), row("b", 3, True)]
    shown = telling_start(before, mixed)
    assert shown is not None
    assert shown.seed == 2
    shown = telling_start(before, worse)
    assert shown is not None
    assert shown.seed == 1
    assert telling_start([], mixed) is None
    assert telling_start(before, [row("b", 9, True)]) is None


def test_no_film_is_played_on_the_persons_own_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = EvaluationRow(
        "b", "luanti", "mine:tree", "chop a tree", 1, Stepping.PACED, Outcome.SUCCESS, 9
    )
    monkeypatch.setattr(film_strips, "telling_start", lambda _before, _after: start)
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        number = store.add_adapter(NewAdapter(folder=str(tmp_path), base="b"))
        result = RoundResult(1, RoundStatus.DONE, "Better.", number, tmp_path)
        monkeypatch.setattr(PlayerSpec, "key", "k")
        assert film_of_round(reader, result, tmp_path) is None


def test_a_film_runs_from_the_first_picture_to_the_last() -> None:
    game = ToyGame()
    pictures = film(PlayerSpec("idle"), game, TASKS[0], 4)
    assert len(pictures) == PICTURES
    assert len(game.actions) == TASKS[0].max_ticks
    assert game.resets == [(TASKS[0].id, 4)]
