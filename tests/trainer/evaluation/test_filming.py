"""Attempts that are filmed: whole, short enough, and played as they would be without a camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_desktop import Desk
from toy_game import TASKS, TOY, ToyGame, WalkPolicy

from recorder.games import registry
from recorder.games.base import free_task
from recorder.games.seeds import SeedRange
from recorder.store.comparisons.rows import Film
from recorder.store.frames.h264 import decode_segment
from recorder.types import Action, Frame, Outcome, RGBImage
from trainer.evaluation import bystander, worker
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate, film_sides
from trainer.evaluation.starts import Attempt, Start
from trainer.evaluation.worker import Beside, EvaluationWorker

SEED = SeedRange.VERDICT.first
EXPERT, IDLE = PlayerSpec("expert"), PlayerSpec("idle")


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, TOY))


def filmed(
    wanted: list[tuple[str, Start]], *, ticks: int = 200, data: Path | None = None
) -> list[tuple[str, Attempt]]:
    found: list[tuple[str, Attempt]] = []
    film_sides(
        {"before": IDLE, "after": EXPERT},
        "toy",
        wanted,
        lambda side, attempt: found.append((side, attempt)),
        ticks=ticks,
        workers=1,
        version="blind-1",
        data=data,
    )
    return found


def pictures(film: Film | None) -> list[RGBImage]:
    assert film is not None
    assert [each.start for each in film.stretches] == [
        sum(earlier.frames for earlier in film.stretches[:i]) for i in range(len(film.stretches))
    ]
    return [
        picture
        for each in film.stretches
        for picture in decode_segment(each.data, each.width, each.height)
    ]


def test_both_sides_are_filmed_in_the_wanted_order_to_their_last_picture() -> None:
    start = Start(TASKS[0], TASKS[0].instruction, SEED)
    other = Start(TASKS[0], TASKS[0].instruction, SEED + 1)
    wanted = [("after", start), ("before", other), ("after", other)]
    found = filmed(wanted)
    assert [(side, each.seed) for side, each in found] == [
        (side, each.seed) for side, each in wanted
    ]
    good, idle = found[0][1], found[1][1]
    assert (good.outcome, idle.outcome) == (Outcome.SUCCESS, Outcome.TIMEOUT)
    assert good.key.version == "blind-1"
    shown = pictures(good.film)
    assert len(shown) == good.ticks + 1
    assert good.film is not None
    assert (good.film.rate_hz, good.film.frames) == (ToyGame.tick_rate_hz, good.ticks + 1)
    # White where the dot is: at the beginning, and where the last action brought it.
    row = [picture[32].astype(int).min(axis=1) for picture in (shown[0], shown[-1])]
    assert [int(np.argmax(each)) for each in row] == [0, 4]
    assert len(pictures(idle.film)) == TASKS[0].max_ticks + 1


def test_a_clip_is_no_longer_than_wanted_and_nobody_has_to_judge_it() -> None:
    free = Start(free_task("dance"), "dance", SEED)
    judged = Start(TASKS[0], TASKS[0].instruction, SEED)
    found = filmed([("before", free), ("before", judged)], ticks=25)
    assert [each.outcome for _, each in found] == [Outcome.UNKNOWN, Outcome.TIMEOUT]
    assert [each.ticks for _, each in found] == [25, 25]
    assert [len(pictures(each.film)) for _, each in found] == [26, 26]


def test_a_camera_changes_nothing_of_the_play() -> None:
    starts = [Start(task, task.instruction, SEED + i) for i, task in enumerate(TASKS)]
    plain = evaluate(EXPERT, "toy", starts, workers=1)
    seen = [each for _, each in filmed([("after", start) for start in starts])]
    assert [(each.outcome, each.ticks) for each in plain] == [
        (each.outcome, each.ticks) for each in seen
    ]
    assert all(each.film is None for each in plain)


def test_what_was_taught_on_is_never_filmed_to_be_judged() -> None:
    taught = Start(TASKS[0], TASKS[0].instruction, SeedRange.TEACHING.first)
    with pytest.raises(ValueError, match="may not judge"):
        filmed([("before", taught)])


class Screen(Desk):
    """A game in a window of its own that nobody judges, on a fake screen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.steps = 0
        self.touch_at = 0
        self.data: Path | None = None
        game, step = self.game, self.game.step

        def stepped(action: Action) -> Frame:
            self.steps += 1
            if self.steps == self.touch_at:
                self.press("A", True)
                self.press("A", False)
            return step(action)

        def opened(_name: str, *, slowed: bool, hotkeys: object, data: Path | None) -> object:
            del slowed, hotkeys
            self.data = data
            return game

        monkeypatch.setattr(game, "step", stepped)
        monkeypatch.setattr(bystander, "AGAIN_S", 0.0)
        monkeypatch.setattr(worker, "open_game", opened)
        monkeypatch.setattr(worker, "make_policy", lambda *_args, **_given: WalkPolicy("forward"))


@pytest.mark.parametrize("touch_at", [0, 4])
def test_a_game_in_its_own_window_is_filmed_and_a_touched_clip_is_filmed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, touch_at: int
) -> None:
    screen = Screen(monkeypatch)
    screen.touch_at = touch_at
    told: list[str] = []
    beside = Beside({}, told.append, lambda: None, attending=True)
    filming = EvaluationWorker(
        "toy", paced=False, threads=1, beside=beside, filmed_ticks=7, data=tmp_path
    )
    try:
        seen = filming.play(PlayerSpec("walk"), Start(free_task("walk"), "walk", SEED))
    finally:
        filming.close()
    assert screen.data == tmp_path
    assert (seen.outcome, seen.ticks) == (Outcome.UNKNOWN, 7)
    assert len(pictures(seen.film)) == 8
    assert screen.steps == 7 + touch_at
    assert len(told) == bool(touch_at)
    # Nothing stays pressed.
    assert not screen.device.down
