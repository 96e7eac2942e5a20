"""The starts that a person meets: fresh ones at every launch, and never those that judge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_game import SIZE, ToyGame, WalkPolicy

from app.automation.headless import attempt
from app.session.control_loop import LiveSession
from app.session.teaching_seeds import fresh_teaching_seed, fresh_teaching_seeds
from app.session.wiring import Player, store_recording
from model.play.episode import EpisodeLoop, run_episode
from model.play.runner import LockStepRunner
from recorder.errors import UsageError
from recorder.games.base import free_task
from recorder.games.seeds import JUDGING, SeedRange
from recorder.store import EpisodeKind, Reader, Store

TEACHING = SeedRange.TEACHING
RED = "reach the red dot"


def record(store: Store, *seeds: int, game: str = "toy") -> None:
    """Record a short episode on each seed."""
    session = store.begin_session(
        game, tick_rate_hz=20.0, width=SIZE, height=SIZE, realtime=False, bindings={}
    )
    recorder = store.episode_recorder(
        session, kind=EpisodeKind.ROLLOUT, policy="walk", when_full="wait"
    )
    loop = EpisodeLoop(
        ToyGame(), LockStepRunner(WalkPolicy()), policy_name="walk", observers=(recorder,)
    )
    for seed in seeds:
        run_episode(loop, free_task("walk"), seed, max_ticks=1)
    store.end_session(session)
    store.wait()


def session_of(store: Store, **given: int) -> LiveSession:
    _, recording = store_recording(store, ToyGame(), wait_when_full=True)
    return LiveSession(
        ToyGame(),
        player=Player(WalkPolicy()),
        make_recording=recording,
        make_runner=LockStepRunner,
        paced=False,
        threaded=False,
        **given,
    )


def test_every_launch_goes_on_after_what_was_recorded_in_that_game(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        assert fresh_teaching_seed(reader, "toy") == TEACHING.first
        record(store, 3, 40_000_000)
        # Seeds of other ranges are no lessons' starts.
        assert fresh_teaching_seed(reader, "toy") == TEACHING.first
        for _ in range(2):
            first = fresh_teaching_seed(reader, "toy")
            session = session_of(store, seed=first)
            session.start()
            seen = []
            for _ in range(2):
                session.play(RED)
                while session.snapshot().outcome is None:
                    session.step()
                seen.append(session.snapshot().seed)
                session.reset()
                session.step()
            session.close()
            store.wait()
            # A start that was shown but not played is fresh still.
            assert seen == [first, first + 1]
            assert fresh_teaching_seed(reader, "toy") == first + 2
        assert fresh_teaching_seed(reader, "another game") == TEACHING.first


def test_after_the_last_one_those_come_that_are_free(tmp_path: Path) -> None:
    first, last = TEACHING.first, TEACHING.last
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        record(store, last)
        assert fresh_teaching_seed(reader, "toy") == first
        record(store, first, first + 1, first + 1, first + 3)
        assert fresh_teaching_seed(reader, "toy") == first + 2
        record(store, last - 1, game="other")
        assert fresh_teaching_seeds(reader, "other", 3) == [last, first, first + 1]


def test_where_none_is_free_it_begins_anew(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        record(store, 5, 6, 7)
        assert reader.next_seed("toy", 5, 7) == 5
        assert reader.next_seed("toy", 5, 8) == 8
        assert reader.next_seed("toy", 4, 7) == 4


def test_the_seeds_of_a_session_stay_in_their_range(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        session = session_of(store, seed=TEACHING.last)
        session.start()
        session.reset()
        session.step()
        assert session.snapshot().seed == TEACHING.first
        attempt(session, lambda: session.play(RED), seed=TEACHING.last)
        session.play(RED)
        session.step()
        assert session.snapshot().seed == TEACHING.first
        session.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.sampled_from(sorted(JUDGING, key=lambda each: each.first)), st.integers(0, 9_000_000 - 1))
def test_nothing_is_recorded_on_a_seed_that_judges(
    recorded: LiveSession, each: SeedRange, skip: int
) -> None:
    seed = each.first + skip
    with pytest.raises(UsageError, match=f"of the {each.title} range") as caught:
        recorded.reset(seed)
    assert f"{TEACHING.first} to {TEACHING.last}" in caught.value.sentence
    assert recorded.snapshot().seed == TEACHING.first


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[LiveSession]:
    with Store.open(tmp_path) as store:
        session = session_of(store)
        session.start()
        yield session
        session.close()


def test_nor_does_a_session_begin_on_one(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, pytest.raises(UsageError, match="test range"):
        session_of(store, seed=SeedRange.TEST.first)


def test_what_is_not_recorded_may_be_watched_on_any_seed() -> None:
    session = LiveSession(
        ToyGame(), player=Player(WalkPolicy()), make_runner=LockStepRunner, paced=False,
        threaded=False, seed=SeedRange.TEST.first,
    )  # fmt: skip
    session.start()
    session.reset(SeedRange.VERDICT.first)
    session.step()
    assert session.snapshot().seed == SeedRange.VERDICT.first
    session.close()
