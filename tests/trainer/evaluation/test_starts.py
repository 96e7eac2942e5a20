"""One record of an attempt, its way into the table and back, and when it is known."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.games.base import Asked, Task
from recorder.games.seeds import SeedRange
from recorder.store import Reader, Store
from recorder.store.rows import EvaluationRow, Stepping
from recorder.types import Outcome
from trainer.evaluation.outcome_store import KEEP_EVERY, AttemptKeeper, known_attempts
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.starts import (
    Attempt,
    AttemptKey,
    Start,
    StartKey,
    attempt_of,
    row_of,
    starts_of,
    stepping_of,
)

WORDS = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=12)
STARTS = st.builds(StartKey, WORDS, WORDS, st.integers(0, SeedRange.TEST.last))
KEYS = st.builds(
    AttemptKey,
    st.sampled_from(("expert", "ab:cd", "ab:cd:ef")),
    st.sampled_from(("doom", "luanti")),
    STARTS,
    st.sampled_from(Stepping),
    st.sampled_from((PLAY_VERSION, "play-0", "round-3")),
)
ATTEMPTS = st.builds(
    Attempt,
    KEYS,
    st.sampled_from(Outcome),
    st.integers(0, 5000),
    st.none(),
)
TASK = Task("go_to:barrel", "go to the barrel", "go to", "barrel", 60)


@given(ATTEMPTS, st.none() | st.integers(1, 99))
def test_a_row_gives_the_attempt_back(attempt: Attempt, round_id: int | None) -> None:
    row = row_of(attempt, round_id)
    assert attempt_of(row) == attempt
    assert row.round_id == round_id
    assert row.success == attempt.success


@given(ATTEMPTS)
def test_success_and_failure_are_known_of_judged_attempts_only(attempt: Attempt) -> None:
    assert attempt.judged == (
        attempt.outcome in (Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMEOUT)
    )
    assert attempt.judged or not attempt.success


def test_the_table_gives_every_attempt_back(tmp_path: Path) -> None:
    @settings(max_examples=25)
    @given(st.lists(ATTEMPTS, unique_by=lambda each: each.key, max_size=12))
    def round_trip(attempts: list[Attempt]) -> None:
        keeper = AttemptKeeper(store)
        for attempt in attempts:
            keeper.keep(attempt)
        keeper.flush()
        with Reader.open(tmp_path) as reader:
            found = {each.key: each for each in map(attempt_of, reader.evaluations())}
            assert all(found[attempt.key] == attempt for attempt in attempts)
            for attempt in attempts:
                key = attempt.key
                start = Start(Task(key.start.task_id, "x"), key.start.heard, key.start.seed)
                known = known_attempts(
                    reader, key.player, key.game, [start], key.stepping, version=key.version
                )
                whole = attempt.outcome not in (Outcome.INTERRUPTED, Outcome.ABANDONED)
                assert known == ({key.start: attempt} if whole else {})

    with Store.open(tmp_path) as store:
        round_trip()


def test_only_the_very_same_play_is_known(tmp_path: Path) -> None:
    start = Start(TASK, "go to the barrel", 1_000_000)
    key = AttemptKey("ab:cd", "doom", start.key, Stepping.LOCK_STEP, PLAY_VERSION)
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        store.add_evaluations([row_of(Attempt(key, Outcome.SUCCESS, 30))])

        def known(
            start: Start = start,
            player: str = "ab:cd",
            game: str = "doom",
            stepping: Stepping = Stepping.LOCK_STEP,
            version: str = PLAY_VERSION,
        ) -> dict[StartKey, Attempt]:
            return known_attempts(reader, player, game, [start], stepping, version=version)

        assert known() == {start.key: Attempt(key, Outcome.SUCCESS, 30)}
        assert not known(player="ab:ce")
        assert not known(game="luanti")
        assert not known(stepping=Stepping.PACED)
        assert not known(version="play-0")
        assert not known(Start(TASK, "go to the barrel", 1_000_001))
        assert not known(Start(TASK, "head for the barrel", 1_000_000))
        assert not known(Start(Task("go_to:tree", "go"), "go to the barrel", 1_000_000))


def test_attempts_are_written_some_at_a_time_and_the_newest_counts(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        keeper = AttemptKeeper(store)
        for seed in range(KEEP_EVERY + 1):
            start = StartKey("t", "t", seed)
            key = AttemptKey("expert", "doom", start, Stepping.LOCK_STEP, PLAY_VERSION)
            keeper.keep(Attempt(key, Outcome.TIMEOUT, 5))
        assert len(reader.evaluations()) == KEEP_EVERY
        keeper.keep(Attempt(key, Outcome.SUCCESS, 6))
        keeper.flush()
        assert reader.evaluations()[-1].outcome is Outcome.SUCCESS
        assert len(reader.evaluations()) == KEEP_EVERY + 1


def test_rows_of_earlier_versions_are_attempts_of_their_own_player() -> None:
    row = EvaluationRow(
        "f3063204ebe6ade2:own", "doom", "turn_left", "turn left", 1_000_000,
        Stepping.LOCK_STEP, Outcome.SUCCESS, 9, "play-2",
    )  # fmt: skip
    assert row_of(attempt_of(row)) == row


def test_starts_are_entry_by_entry() -> None:
    asked = [Asked(TASK), Asked(TASK, "head for the barrel")]
    starts = starts_of(asked, range(5, 7))
    assert [(start.heard, start.seed) for start in starts] == [
        ("go to the barrel", 5), ("go to the barrel", 6),
        ("head for the barrel", 5), ("head for the barrel", 6),
    ]  # fmt: skip


def test_a_world_that_does_not_wait_is_paced_unless_it_is_slowed() -> None:
    assert stepping_of("luanti", paced=False, slowed=False) is Stepping.PACED
    assert stepping_of("luanti", paced=False, slowed=True) is Stepping.LOCK_STEP
    assert stepping_of("doom", paced=False, slowed=False) is Stepping.LOCK_STEP
    assert stepping_of("doom", paced=True, slowed=False) is Stepping.PACED
