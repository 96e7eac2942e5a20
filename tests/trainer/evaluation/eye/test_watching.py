"""The eye in play: it ends what the game cannot judge, by the pictures of the model it is of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_game import TASKS, TOY, ToyGame, WalkPolicy

from model.play.episode import EpisodeLoop, run_episode
from model.play.runner import LockStepRunner
from model.vla.vla import VlaPolicy
from recorder.games import registry
from recorder.games.base import free_task
from recorder.games.seeds import SeedRange
from recorder.types import BUTTON_CONTROLS, Outcome, RGBImage
from trainer.evaluation.eye.glances import DEEDS, MANNER, Array, seen_of
from trainer.evaluation.eye.judge import Eye, Reliability
from trainer.evaluation.eye.probe import Probe
from trainer.evaluation.eye.watching import EyeWatch, EyeWatches, SeenKeeper
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate_pair, film_sides
from trainer.evaluation.starts import Attempt, Start

SAID = "come to the right"
SEEN = Reliability(9, 9, 9, 9)


def eye(figures: int, weights: dict[int, float], bias: float, base: str = "base") -> Eye:
    """Return an eye that looks at the picture only."""
    probe = Probe(
        np.zeros(figures, np.float32), np.ones(figures, np.float32),
        np.array([weights.get(n, 0.0) for n in range(figures)], np.float32), bias,
    )  # fmt: skip
    return Eye(SAID, base, probe, None, 0.5, 2, 10, SEEN)


class PlaceLooker:
    """A model that sees where the white dot is."""

    fingerprint = "base"
    looked = 0

    def glance(self, rgb: RGBImage) -> Array:
        self.looked += 1
        return np.array([np.argmax(rgb[31].astype(int).min(axis=1))], np.float32)


def test_it_ends_an_attempt_that_the_game_does_not_judge() -> None:
    # Done from the seventh column on, for two ticks.
    watch = EyeWatch(eye(1, {0: 4.0}, -26.0), PlaceLooker().glance)
    loop = EpisodeLoop(ToyGame(), LockStepRunner(WalkPolicy()), policy_name="walk")
    for _ in range(2):
        ended = run_episode(loop, free_task(SAID), 1, max_ticks=40, watch=watch)
        assert (ended.outcome, ended.ticks) == (Outcome.SUCCESS, 8)
    back = EpisodeLoop(ToyGame(), LockStepRunner(WalkPolicy("forward")), policy_name="stay")
    ended = run_episode(back, free_task(SAID), 1, max_ticks=20, watch=watch)
    assert (ended.outcome, ended.ticks) == (Outcome.TIMEOUT, 20)


def test_an_attempt_that_the_game_ends_has_failed() -> None:
    """Left out as judged by nobody, deaths would be missing among the failures."""

    class Deadly(ToyGame):
        def outcome(self) -> Outcome | None:
            return Outcome.UNKNOWN if len(self.actions) >= 3 else None

    watch = EyeWatch(eye(1, {0: 4.0}, -26.0), PlaceLooker().glance)
    loop = EpisodeLoop(Deadly(), LockStepRunner(WalkPolicy()), policy_name="walk")
    ended = run_episode(loop, free_task(SAID), 1, max_ticks=40, watch=watch)
    assert (ended.outcome, ended.ticks) == (Outcome.FAILURE, 3)
    # Without an eye nobody says so.
    assert run_episode(loop, free_task(SAID), 1, max_ticks=40).outcome is Outcome.UNKNOWN


def test_what_is_kept_of_an_attempt_is_each_tick_with_the_picture_after_it() -> None:
    keeper = SeenKeeper(PlaceLooker())
    loop = EpisodeLoop(
        ToyGame(), LockStepRunner(WalkPolicy()), policy_name="walk", observers=(keeper,)
    )
    for ticks in (5, 3):
        run_episode(loop, free_task(SAID), 1, max_ticks=ticks)
        kept = keeper.seen(loop.frame)
        assert kept is not None
        assert kept.glances[:, 0].tolist() == list(range(1, ticks + 1))
        assert kept.deeds[:, BUTTON_CONTROLS.index("right")].tolist() == [1.0] * ticks
    loop.begin(free_task(SAID), 1)
    assert keeper.seen(loop.frame) is None


def test_each_sentence_has_its_own_eye_of_this_model(tmp_path: Path) -> None:
    looker = PlaceLooker()
    paths = {SAID: tmp_path / "a.safetensors", "bow": tmp_path / "b.safetensors"}
    eye(1, {0: 4.0}, -26.0).save(paths[SAID])
    eye(1, {0: 4.0}, -26.0, base="another").save(paths["bow"])
    watches = EyeWatches(paths, looker)
    assert watches.of("dance") is None
    assert watches.of(SAID) is watches.of(SAID) is not None
    with pytest.raises(ValueError, match="another model"):
        watches.of("bow")


def test_pairs_of_a_free_sentence_are_judged_by_its_eye(
    tmp_path: Path, small_checkpoint: Path, small_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real model's pictures: an eye that is always sure, and one that never is."""
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, TOY))
    policy = VlaPolicy.load(small_checkpoint)
    width = len(policy.glance(ToyGame()._frame().rgb))
    sides = [PlayerSpec("side", small_checkpoint, adapter) for adapter in (None, small_adapter)]
    starts = [Start(free_task(SAID), SAID, SeedRange.VERDICT.first)]

    def played(bias: float) -> list[tuple[str, Attempt]]:
        path = tmp_path / f"{bias}.safetensors"
        eye(width, {}, bias, base=policy.fingerprint).save(path)
        found: list[tuple[str, Attempt]] = []
        evaluate_pair(
            *sides, "toy", [starts], lambda side, attempt: found.append((side, attempt)),
            workers=1, eyes={SAID: path},
        )  # fmt: skip
        return found

    sure = played(9.0)
    assert [(side, each.outcome, each.ticks) for side, each in sure] == [
        ("before", Outcome.SUCCESS, 2), ("after", Outcome.SUCCESS, 2),
    ]  # fmt: skip
    monkeypatch.setattr("trainer.evaluation.worker.FREE_TICKS", 6)
    assert [(each.outcome, each.ticks) for _, each in played(-9.0)] == [(Outcome.TIMEOUT, 6)] * 2
    # It was measured on attempts of ten ticks and judges none longer.
    monkeypatch.setattr("trainer.evaluation.worker.FREE_TICKS", 60)
    assert [each.ticks for _, each in played(-9.0)] == [10, 10]


def test_a_filmed_attempt_brings_what_the_model_saw_of_it(
    small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, TOY))
    player = PlayerSpec("after", small_checkpoint)
    found: list[Attempt] = []
    start = Start(free_task(SAID), SAID, SeedRange.VERDICT.first)
    film_sides(
        {"after": player}, "toy",
        [("after", start)], lambda _side, attempt: found.append(attempt), ticks=5, workers=1,
    )  # fmt: skip
    film = found[0].film
    assert film is not None
    policy = VlaPolicy.load(small_checkpoint)
    assert film.seen_by == policy.fingerprint
    kept = seen_of(film.seen)
    assert kept.glances.shape == (5, len(policy.glance(ToyGame()._frame().rgb)))
    assert kept.deeds.shape == (5, DEEDS)
    # A script has no model that could look.
    scripted: list[Attempt] = []
    judged = Start(TASKS[0], TASKS[0].instruction, SeedRange.VERDICT.first)
    film_sides(
        {"after": PlayerSpec("expert")}, "toy", [("after", judged)],
        lambda _side, attempt: scripted.append(attempt), ticks=5, workers=1,
    )  # fmt: skip
    assert scripted[0].film is not None
    assert scripted[0].film.seen == b""


def test_the_way_counts_beside_the_picture() -> None:
    one = eye(1, {}, 9.0)
    never = Probe(
        np.zeros(MANNER, np.float32),
        np.ones(MANNER, np.float32),
        np.zeros(MANNER, np.float32),
        -9.0,
    )
    both = Eye(SAID, "base", one.look, never, 0.5, 2, 10, SEEN)
    for each, outcome in ((one, Outcome.SUCCESS), (both, Outcome.TIMEOUT)):
        loop = EpisodeLoop(ToyGame(), LockStepRunner(WalkPolicy()), policy_name="walk")
        watch = EyeWatch(each, PlaceLooker().glance)
        assert run_episode(loop, free_task(SAID), 1, max_ticks=9, watch=watch).outcome is outcome
