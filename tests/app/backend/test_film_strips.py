"""Which start a verdict shows, and that a film covers the whole attempt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_game import TASKS, TOY, ToyGame, WalkPolicy

from app.backend import film_strips
from app.backend.film_strips import PICTURES, film, film_of_round, telling_start
from recorder.games import registry
from recorder.games.base import Game
from recorder.store import EvaluationRow, NewAdapter, Reader, RoundStatus, Stepping, Store
from recorder.types import Outcome
from trainer.evaluation.players import PlayerSpec
from trainer.rounds.books import RoundResult


def row(key: str, seed: int, good: bool, heard: str = "go to the barrel") -> EvaluationRow:
    outcome = Outcome.SUCCESS if good else Outcome.TIMEOUT
    return EvaluationRow(key, "doom", "go_to:barrel", heard, seed, Stepping.LOCK_STEP, outcome, 9)


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


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.INTERRUPTED])
def test_what_nobody_judged_got_neither_better_nor_worse(outcome: Outcome) -> None:
    unknown = [replace(row(key, 1, good=False), outcome=outcome) for key in ("a", "b")]
    before = [row("a", 2, good=False), unknown[0]]
    shown = telling_start(before, [row("b", 1, good=True), row("b", 2, good=True)])
    assert shown is not None
    assert shown.seed == 2
    before = [row("a", 1, good=True), row("a", 2, good=True)]
    shown = telling_start(before, [unknown[1], row("b", 2, good=False)])
    assert shown is not None
    assert shown.seed == 2
    assert telling_start(before, unknown[1:]) is None


def test_no_film_is_played_on_the_persons_own_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its world waits, but it still has a window of its own.
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, replace(TOY, own_window=True)))
    start = EvaluationRow(
        "b", "toy", TASKS[0].id, "reach it", 1, Stepping.LOCK_STEP, Outcome.SUCCESS, 9
    )
    monkeypatch.setattr(film_strips, "telling_start", lambda _before, _after: start)
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        number = store.add_adapter(NewAdapter(folder=str(tmp_path), base="b"))
        result = RoundResult(1, RoundStatus.DONE, "Better.", number, tmp_path)
        monkeypatch.setattr(PlayerSpec, "key", "k")
        assert film_of_round(reader, result, tmp_path) is None


def test_a_start_is_paired_with_the_one_that_heard_the_same_words() -> None:
    before = [row("a", 1, False, "reach it"), row("a", 1, True, "walk to the barrel")]
    after = [row("b", 1, True, "walk to the barrel"), row("b", 1, False, "reach it")]
    shown = telling_start(before, [*after, row("b", 2, True, "reach it")])
    # Neither sentence got better or worse, and nothing was measured before on seed 2.
    assert shown is not None
    assert (shown.instruction, shown.success) == ("walk to the barrel", True)


def test_a_verdicts_film_is_played_as_it_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = WalkPolicy("left"), WalkPolicy("right")
    used: list[int] = []
    game = ToyGame()

    def make(spec: PlayerSpec, _game: Game, *, threads: int | None = None) -> WalkPolicy:
        assert threads == 1
        used.append(torch.get_num_threads())
        # What loading a checkpoint does.
        torch.set_num_threads(threads)
        return before if spec.name == "before" else after

    monkeypatch.setattr(film_strips, "make_policy", make)
    monkeypatch.setattr(film_strips, "open_game", lambda _name: game)
    # In real time, but inside Playteach: nobody's screen is needed.
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, replace(TOY, realtime=True)))
    monkeypatch.setattr(PlayerSpec, "key", property(lambda self: self.name))
    said = "walk to the red dot"
    threads_before = torch.get_num_threads()
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        torch.set_num_threads(2)
        number = store.add_adapter(NewAdapter(folder=str(tmp_path), base="b"))
        rounds = [store.add_round(), store.add_round()]
        store.add_evaluations(
            EvaluationRow(
                key, "toy", TASKS[0].id, heard, seed, Stepping.LOCK_STEP, outcome, 9,
                f"round-{made}", made,
            )
            # The earlier round's pair is another measurement.
            for heard, seed, made in (("go", 3, rounds[0]), (said, 7, rounds[1]))
            for key, outcome in (("before", Outcome.TIMEOUT), ("after", Outcome.SUCCESS))
        )  # fmt: skip
        result = RoundResult(rounds[1], RoundStatus.DONE, "Better.", number, tmp_path)
        shown = film_of_round(reader, result, tmp_path)
        assert torch.get_num_threads() == 2
        torch.set_num_threads(threads_before)
    assert shown is not None
    assert shown.seed == 7
    assert game.resets == [(TASKS[0].id, 7)] * 2
    assert (before.heard, after.heard) == ([said], [said])
    assert used == [1, 1]


def test_a_film_runs_from_the_first_picture_to_the_last() -> None:
    game = ToyGame()
    pictures = film(PlayerSpec("idle"), game, TASKS[0], 4, heard="wait")
    assert len(pictures) == PICTURES
    assert len(game.actions) == TASKS[0].max_ticks
    assert game.resets == [(TASKS[0].id, 4)]
