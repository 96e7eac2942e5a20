"""The agent's own eye in live play: when it ends an attempt, and when it says nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from toy_game import SIZE, ToyGame, WalkPolicy
from toy_session import RED, Make, run

from app.session.api import Phase
from app.session.wiring import Judge, Player, store_recording
from model.play.policy import ActionChunk, Observation
from recorder.store import LabelSource, Reader, Store
from recorder.types import Action, Outcome

pytest_plugins = ("session_fixtures",)
DANCE = "dance"


class GlancingPolicy(WalkPolicy):
    """Tells of a picture where the white dot is."""

    tells = True

    def propose(self, observation: Observation) -> ActionChunk:
        chunk = super().propose(observation)
        row = observation.frame.rgb[30].min(axis=1)
        place = np.array([np.flatnonzero(row == 255)[0]], np.float32)
        return replace(chunk, glance=place if self.tells else None)


@dataclass
class DotJudge:
    """Calls it done as soon as the dot is at ``place``."""

    place: float
    account: str = "right about 11 of 12 attempts that you marked"
    ticks: int = 100
    seen: list[tuple[float, Action]] = field(default_factory=list)

    def done(self, glance: NDArray[np.float32], action: Action) -> bool:
        self.seen.append((float(glance[0]), action))
        return float(glance[0]) >= self.place


def player(judge: DotJudge, policy: WalkPolicy | None = None) -> Player:
    def judge_of(sentence: str) -> Judge | None:
        return judge if sentence == DANCE else None

    return Player(policy or GlancingPolicy(), judge_of=judge_of)


def test_it_ends_an_attempt_that_the_game_cannot_judge(
    make: Make, game: ToyGame, tmp_path: Path
) -> None:
    judge = DotJudge(7)
    with Store.open(tmp_path) as store:
        _, record = store_recording(store, game, wait_when_full=True, width=SIZE, height=SIZE)
        session = make(player=player(judge), make_recording=record)
        session.play(DANCE)
        run(session, 7)
        assert session.snapshot().phase is Phase.PLAYING
        run(session, 1)
        state = session.snapshot()
        assert (state.phase, state.outcome, state.tick) == (Phase.WATCHING, Outcome.SUCCESS, 8)
        assert "Its own eye calls this done (right about 11 of 12" in state.message
        session.close()
    # What an action came to is what the next picture shows.
    assert judge.seen == [(float(place), Action(right=True)) for place in range(1, 8)]
    with Reader.open(tmp_path) as reader:
        (row,) = reader.episodes()
    assert (row.outcome, row.outcome_source) == (Outcome.SUCCESS, LabelSource.EYE)


def test_the_persons_word_is_the_last(make: Make, game: ToyGame, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        _, record = store_recording(store, game, wait_when_full=True, width=SIZE, height=SIZE)
        session = make(player=player(DotJudge(5)), make_recording=record)
        session.play(DANCE)
        run(session, 6)
        session.mark(Outcome.FAILURE)
        run(session, 1)
        assert session.snapshot().outcome is Outcome.FAILURE
        session.close()


def test_it_says_nothing_once_the_person_has_driven(make: Make) -> None:
    judge = DotJudge(7)
    session = make(player=player(judge), idle_handback_s=None)
    session.play(DANCE)
    run(session, 3)
    session.key("D", True, 0)
    run(session, 1)
    session.key("D", False, 0)
    session.hand_back()
    run(session, 20)
    assert session.snapshot().phase is Phase.PLAYING
    assert len(judge.seen) == 2


@pytest.mark.parametrize("why", ["longer than it was measured on", "no glance", "other sentence"])
def test_it_says_nothing_of_what_it_was_not_measured_on(make: Make, why: str) -> None:
    policy = GlancingPolicy()
    policy.tells = why != "no glance"
    judge = DotJudge(7, ticks=5 if why.startswith("longer") else 100)
    session = make(player=player(judge, policy))
    session.play(DANCE)
    run(session, 2)
    if why == "other sentence":
        session.play("dance and sing")
    run(session, 20)
    assert session.snapshot().phase is Phase.PLAYING


def test_the_game_judges_where_it_can_and_a_showing_is_the_persons(make: Make) -> None:
    asked: list[str] = []

    def judge_of(sentence: str) -> Judge | None:
        asked.append(sentence)
        return DotJudge(2)

    session = make(player=Player(GlancingPolicy(), judge_of=judge_of))
    session.play(RED)
    run(session, 5)
    session.stop()
    run(session, 1)
    session.demonstrate(DANCE)
    run(session, 5)
    assert session.snapshot().phase is Phase.DEMONSTRATING
    assert asked == []
