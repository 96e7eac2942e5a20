"""Which start a verdict shows, and that a film covers the whole attempt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_game import SIZE, TASKS, TOY, ToyGame, WalkPolicy

from app.backend.lessons import films
from app.backend.lessons.films import PICTURES, FilmClip, film, film_of_round, telling_starts
from recorder.errors import StoppedError
from recorder.games import registry
from recorder.games.base import FREE_TASK_ID, Game
from recorder.store import EvaluationRow, NewAdapter, Reader, Stepping, Store
from recorder.types import Outcome
from trainer.evaluation.players import PlayerSpec


def row(key: str, seed: int, good: bool, heard: str = "go to the barrel") -> EvaluationRow:
    outcome = Outcome.SUCCESS if good else Outcome.TIMEOUT
    return EvaluationRow(key, "doom", "go_to:barrel", heard, seed, Stepping.LOCK_STEP, outcome, 9)


def seeds(before: list[EvaluationRow], after: list[EvaluationRow]) -> list[int]:
    return [new.seed for _, new in telling_starts(before, after)]


def test_what_got_better_is_shown_first_then_what_got_worse() -> None:
    good = {
        1: (True, False),
        2: (False, True),
        3: (True, True),
        4: (False, False),
        5: (False, True),
    }
    before = [row("a", seed, was) for seed, (was, _) in good.items()]
    after = [row("b", seed, now) for seed, (_, now) in good.items()]
    assert seeds(before, after) == [2, 5, 1, 3, 4]
    assert seeds([], after) == []
    assert seeds(before, [row("b", 9, True)]) == []


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.INTERRUPTED])
def test_what_nobody_judged_got_neither_better_nor_worse(outcome: Outcome) -> None:
    unknown = [replace(row(key, 1, good=False), outcome=outcome) for key in ("a", "b")]
    before = [row("a", 2, good=False), unknown[0]]
    assert seeds(before, [row("b", 1, good=True), row("b", 2, good=True)]) == [2]
    before = [row("a", 1, good=True), row("a", 2, good=True)]
    assert seeds(before, [unknown[1], row("b", 2, good=False)]) == [2]
    assert seeds(before, unknown[1:]) == []


def test_no_film_is_played_on_the_persons_own_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its world waits, but it still has a window of its own.
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, replace(TOY, own_window=True)))
    start = EvaluationRow(
        "b", "toy", TASKS[0].id, "reach it", 1, Stepping.LOCK_STEP, Outcome.SUCCESS, 9
    )
    monkeypatch.setattr(films, "telling_starts", lambda _before, _after: [(start, start)])
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        number = store.add_adapter(NewAdapter(folder=str(tmp_path), base="b"))
        monkeypatch.setattr(PlayerSpec, "key", "k")
        assert film_of_round(reader, 1, number, tmp_path) is None


def test_a_start_is_paired_with_the_one_that_heard_the_same_words() -> None:
    before = [row("a", 1, False, "reach it"), row("a", 1, True, "walk to the barrel")]
    after = [row("b", 1, True, "walk to the barrel"), row("b", 1, False, "reach it")]
    shown = telling_starts(before, [*after, row("b", 2, True, "reach it")])
    # Neither sentence got better or worse, and nothing was measured before on seed 2.
    assert [(new.instruction, was.success, new.success) for was, new in shown] == [
        ("walk to the barrel", True, True),
        ("reach it", False, False),
    ]


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

    monkeypatch.setattr(films, "make_policy", make)
    monkeypatch.setattr(films, "open_game", lambda _name: game)
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
        shown = film_of_round(reader, rounds[1], number, tmp_path)
        # After the last start comes the first.
        again = film_of_round(reader, rounds[1], number, tmp_path, number=1)
        assert torch.get_num_threads() == 2
        torch.set_num_threads(threads_before)
    assert shown is not None
    assert again is not None
    assert (shown.seed, shown.done_before, shown.done_after) == (7, False, True)
    assert (again.seed, again.number, again.starts) == (7, 0, 1)
    assert game.resets == [(TASKS[0].id, 7)] * 4
    assert (before.heard, after.heard) == ([said] * 2, [said] * 2)
    assert used == [1] * 4
    facts = shown.facts()
    assert (facts.sentence, facts.before.frames) == (said, shown.before.frames)


def test_what_the_own_eye_judged_is_shown_as_long_as_it_was_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "make_policy", lambda *_args, **_more: WalkPolicy("right"))
    monkeypatch.setattr(films, "open_game", lambda _name: ToyGame())
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, TOY))
    monkeypatch.setattr(PlayerSpec, "key", property(lambda self: self.name))
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        number = store.add_adapter(NewAdapter(folder=str(tmp_path), base="b"))
        made = store.add_round()
        store.add_evaluations(
            EvaluationRow(
                key, "toy", FREE_TASK_ID, "dance", 7, Stepping.LOCK_STEP, outcome, ticks,
                f"round-{made}", made,
            )
            for key, outcome, ticks in (
                ("before", Outcome.TIMEOUT, 12), ("after", Outcome.SUCCESS, 5),
            )
        )  # fmt: skip
        shown = film_of_round(reader, made, number, tmp_path)
    assert shown is not None
    assert (shown.sentence, shown.done_before, shown.done_after) == ("dance", False, True)
    assert (shown.before.frames, shown.after.frames) == (13, 6)


def test_a_film_runs_from_the_first_picture_to_the_last() -> None:
    game = ToyGame()
    made, done = film(PlayerSpec("idle"), game, TASKS[0], 4, heard="wait")
    clip = FilmClip(made)
    assert not done
    # One picture for each action, and one of what came of the last.
    assert clip.frames == TASKS[0].max_ticks + 1
    assert len(game.actions) == TASKS[0].max_ticks
    assert game.resets == [(TASKS[0].id, 4)]
    assert len(clip.strip()) == PICTURES
    # Backwards and forwards, whatever was decoded before.
    last, first = clip.frame(clip.frames - 1), clip.frame(0)
    assert last.shape == first.shape == (SIZE, SIZE, 3)
    assert np.array_equal(clip.frame(clip.frames - 1), last)
    with pytest.raises(IndexError):
        clip.frame(clip.frames)


def test_a_film_can_be_stopped_in_the_middle() -> None:
    game, asked = ToyGame(), iter(range(5))

    def check() -> None:
        if next(asked, None) is None:
            raise StoppedError("The window was closed.")

    with pytest.raises(StoppedError):
        film(PlayerSpec("idle"), game, TASKS[0], 4, heard="wait", check=check)
    assert len(game.actions) == 5
