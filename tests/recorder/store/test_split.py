"""Which side an episode lies on: decided once, by group, when it ends."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.data_folder import database_path
from recorder.games.base import free_task
from recorder.store import Reader, Split, Store, parse_query
from recorder.store.split import (
    ENOUGH_TICKS,
    FIRST_TO_TRAIN,
    SHARES,
    LessonGroups,
    lesson_of,
    side_of,
)
from recorder.store.upkeep.migrations import FOUNDATION
from recorder.types import Action, Driver, Outcome

P, H = Driver.POLICY, Driver.PERSON
SHOWN = [H] * ENOUGH_TICKS


def filled(events: list[tuple[int, bool, bool]]) -> dict[int, tuple[Split, bool]]:
    """Give sides to (start, teaches, a round is done before it) in order; by start.

    Raises AssertionError where a group changes its side.
    """
    groups: dict[int, tuple[Split, bool]] = {}
    new: set[int] = set()
    for start, teaches, round_before in events:
        new = set() if round_before else new
        others = {key: value for key, value in groups.items() if key != start and value[1]}
        counts = Counter(side for side, _ in others.values())
        to_train = sum(groups[key][0] is Split.TRAIN for key in new & set(others))
        had = groups.get(start)
        side = side_of(
            None if had is None else had[0],
            teaches=teaches,
            others=LessonGroups(counts, to_train * ENOUGH_TICKS),
        )
        assert had is None or had[0] is side
        groups[start] = (side, teaches or (had is not None and had[1]))
        new.add(start)
    return groups


EVENTS = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.booleans()), max_size=60)


@given(EVENTS)
def test_a_group_never_changes_its_side(events: list[tuple[int, bool, bool]]) -> None:
    filled(events)


@given(EVENTS)
def test_what_teaches_nothing_is_never_what_is_judged_by(
    events: list[tuple[int, bool, bool]],
) -> None:
    judged = [teaches for side, teaches in filled(events).values() if side is not Split.TRAIN]
    assert all(judged)


@given(st.integers(0, 60))
def test_the_sides_fill_up_to_their_shares(count: int) -> None:
    sides = Counter(side for side, _ in filled([(n, True, False) for n in range(count)]).values())
    assert sides[Split.TRAIN] >= min(count, FIRST_TO_TRAIN)
    if count >= 5:
        for side, share in SHARES.items():
            assert abs(sides[side] - share * count) <= 1


def test_the_first_ten_groups_of_a_lesson() -> None:
    sides = [side for side, _ in filled([(n, True, False) for n in range(10)]).values()]
    assert "".join(side.value[0] for side in sides) == "ttgsttgtst"


@given(EVENTS)
def test_every_round_finds_something_new_to_learn_from(
    events: list[tuple[int, bool, bool]],
) -> None:
    """A lesson's first new group since a round goes to train, so one lesson starts a round."""
    fresh_starts = [(number, True, again) for number, (_, _, again) in enumerate(events)]
    sides = filled(fresh_starts)
    for number, (_, _, again) in enumerate(fresh_starts):
        if again:
            assert sides[number][0] is Split.TRAIN


def test_a_lesson_is_its_task_or_its_sentence() -> None:
    assert lesson_of("go_to:barrel", "go there") == lesson_of("go_to:barrel", "walk to it")
    assert lesson_of("free", " Open  the DOOR") == lesson_of("free", "open the door")
    assert lesson_of("free", "open the door") != lesson_of("free", "close the door")


def sides(kit: Any) -> dict[int, Split | None]:
    with kit.reader() as reader:
        return {row.id: row.split for row in reader.episodes()}


def test_whether_an_attempt_holds_a_persons_ticks_is_known_when_it_ends(kit: Any) -> None:
    """Four attempts watched, the fifth corrected: that one is there to be learnt from."""
    for seed in range(4):
        kit.record([P] * 20, start=replace(kit.start, seed=seed))
    kit.record([P] * 20 + SHOWN, start=replace(kit.start, seed=4))
    assert set(sides(kit).values()) == {Split.TRAIN}
    # Those that were only watched fill up no side: the corrected ones do.
    for seed in range(5, 9):
        kit.record([P] * 20 + SHOWN, start=replace(kit.start, seed=seed))
    assert [sides(kit)[number] for number in range(5, 10)] == [
        Split.TRAIN, Split.TRAIN, Split.GATE, Split.SELECT, Split.TRAIN,
    ]  # fmt: skip


def test_each_lesson_is_filled_up_by_itself(kit: Any) -> None:
    for seed in range(5):
        for word in ("hop", "skip"):
            begun = replace(kit.start, task=free_task(word), instruction=word, seed=seed)
            kit.record(SHOWN, kind="demonstration", start=begun, outcome=Outcome.UNKNOWN)
    with kit.reader() as reader:
        rows = reader.episodes()
    for word in ("hop", "skip"):
        assert Counter(row.split for row in rows if row.instruction == word) == {
            Split.TRAIN: 3, Split.GATE: 1, Split.SELECT: 1,
        }  # fmt: skip


def test_the_same_start_stays_together_and_nothing_moves(kit: Any) -> None:
    for seed in (1, 2, 3, 4, 3, 1, 3):
        kit.record(SHOWN, kind="demonstration", start=replace(kit.start, seed=seed))
    before = sides(kit)
    assert before[3] is before[5] is before[7] is Split.GATE
    assert before[1] is before[6] is Split.TRAIN
    # A failed demonstration shows nothing, and a new mark moves nothing.
    kit.store.set_label(3, Outcome.FAILURE)
    kit.store.delete_episode(4)
    kit.record(SHOWN, kind="demonstration", start=replace(kit.start, seed=9))
    assert {number: side for number, side in sides(kit).items() if number < 8 and number != 4} == {
        number: side for number, side in before.items() if number != 4
    }


def test_a_failed_demonstration_takes_no_place_on_the_gate(kit: Any) -> None:
    for seed in range(2):
        kit.record(SHOWN, kind="demonstration", start=replace(kit.start, seed=seed))
    for seed, outcome in enumerate(
        (Outcome.FAILURE, Outcome.TIMEOUT, Outcome.ABANDONED, Outcome.INTERRUPTED), start=2
    ):
        kit.record(
            SHOWN, kind="demonstration", outcome=outcome, start=replace(kit.start, seed=seed)
        )
    kit.record(SHOWN, kind="demonstration", start=replace(kit.start, seed=8))
    assert list(reversed(sides(kit).values())) == [Split.TRAIN] * 6 + [Split.GATE]


def test_what_is_short_is_learnt_from_until_there_is_enough(kit: Any) -> None:
    """Four demonstrations of a second and a half must not be too little because two are kept."""
    for seed in range(6):
        kit.record([H] * 25, kind="demonstration", start=replace(kit.start, seed=seed))
    assert "".join(str(sides(kit)[number])[0] for number in range(1, 7)) == "tttgst"


@pytest.mark.parametrize(("sentence", "given"), [("go there", "ttttttg"), ("wait there", "ttgs")])
def test_a_hands_pauses_are_not_enough_to_learn_from(kit: Any, sentence: str, given: str) -> None:
    """Of 60 ticks each, ten do something: six starts make enough, two if pauses are asked for."""
    for seed in range(len(given)):
        recorder = kit.recorder(kind="demonstration")
        recorder.on_start(replace(kit.start, seed=seed, instruction=sentence))
        for index in range(ENOUGH_TICKS):
            done = Action(forward=index % 6 == 0)
            recorder.on_tick(kit.tick(index, driver=H, executed=done))
        recorder.on_end(kit.end)
        kit.store.wait()
    assert "".join(str(side)[0] for side in reversed(sides(kit).values())) == given


def test_after_a_round_the_first_new_start_is_learnt_from(kit: Any) -> None:
    for seed in range(6):
        kit.record(SHOWN, kind="demonstration", start=replace(kit.start, seed=seed))
    kit.store.update_round(kit.store.add_round(query="game:doom"), status="done")
    # The seventh of a row would be the gate's.
    for seed in (6, 7):
        kit.record(SHOWN, kind="demonstration", start=replace(kit.start, seed=seed))
    assert sides(kit)[7] is Split.TRAIN
    assert sides(kit)[8] is Split.GATE


def test_what_is_being_recorded_has_no_side_and_recovery_gives_it(kit: Any) -> None:
    recorder = kit.recorder(kind="demonstration")
    recorder.on_start(kit.start)
    for index in range(40):
        recorder.on_tick(kit.tick(index, driver=H))
    kit.store.wait()
    assert sides(kit) == {1: None}
    recorder.on_end(kit.end)
    kit.store.wait()
    with closing(sqlite3.connect(database_path(kit.folder))) as connection, connection:
        connection.execute("UPDATE episode SET ended_mono_ns = NULL, split = NULL")
    kit.store.close()
    kit.open()
    assert sides(kit) == {1: Split.TRAIN}


@pytest.mark.parametrize("query", ["split:held_out game:doom", "text:'red", "no such thing"])
def test_a_round_of_an_earlier_version_whose_query_is_none_any_more_keeps_nothing_from_its_end(
    kit: Any, query: str
) -> None:
    number = kit.store.add_round(query=query)
    kit.store.update_round(number, status="done")
    kit.record(SHOWN, kind="demonstration")
    assert (kit.store.health().ok, sides(kit)) == (True, {1: Split.TRAIN})
    with kit.reader() as reader:
        assert [row.id for row in reader.episodes(parse_query("since:last-round game:doom"))] == [1]
    # What a crash left open is closed as well.
    with closing(sqlite3.connect(database_path(kit.folder))) as connection, connection:
        connection.execute("UPDATE episode SET ended_mono_ns = NULL, split = NULL")
    kit.store.close()
    kit.open()
    assert sides(kit) == {1: Split.TRAIN}


def old_database(folder: Path, rows: list[tuple[str, str, int, str, bool]]) -> None:
    """Write a database of the first version: (task, sentence, seed, split, a round's)."""
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    from recorder.store.connect import open_for_writing
    from recorder.store.upkeep.upgrade import MIGRATION_SET

    folder.mkdir()
    with closing(open_for_writing(database_path(folder))) as connection:
        first = Migrations(MIGRATION_SET)

        def found(database: Database) -> None:
            for statement in FOUNDATION:
                database.conn.execute(statement)

        first(name="0001_foundation")(found)
        first.apply(Database(connection, execute_plugins=False))
        with connection:
            connection.execute(
                "INSERT INTO session VALUES (1, 'doom', 20, 32, 18, 0, 0, 0, 1, '{}', '{}')"
            )
            connection.execute(
                "INSERT INTO round (id, status, query, config, manifest, metrics, verdict, "
                "through_episode_id, began_wall_ns) "
                "VALUES (1, 'done', '', '{}', '{}', '{}', '{}', 9, 0)"
            )
            for number, (task, text, seed, split, taught) in enumerate(rows, start=1):
                connection.execute(
                    "INSERT INTO episode (id, session_id, task_id, seed, kind, lock_step, policy, "
                    "split, began_mono_ns, ended_mono_ns) "
                    "VALUES (?, 1, ?, ?, 'demonstration', 0, 'person', ?, 0, 1)",
                    (number, task, seed, split),
                )
                connection.execute(
                    "INSERT INTO instruction (episode_id, tick, text) VALUES (?, 0, ?)",
                    (number, text),
                )
                if taught:
                    connection.execute("INSERT INTO round_sample VALUES (1, ?, 0, 1, 1)", (number,))


def test_an_older_database_keeps_its_sides_and_what_was_taught_never_judges(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "old"
    rows = [
        ("go_to:barrel", "go", 1, "train", True),
        ("go_to:barrel", "go", 2, "held_out", False),
        # It was held out and a round learnt from it all the same.
        ("go_to:barrel", "go", 3, "held_out", True),
        # Another episode of its start was trained on.
        ("go_to:barrel", "go", 1, "held_out", False),
        ("free", "hop", 1, "held_out", False),
        ("free", "Hop ", 1, "held_out", False),
        ("free", "skip", 1, "train", False),
        ("free", "skip", 1, "held_out", False),
        ("free", "Öffne die  Tür", 1, "train", False),
        ("free", "öffne die Tür", 1, "held_out", False),
    ]
    old_database(folder, rows)
    Store.open(folder).close()
    with Reader.open(folder) as reader:
        found = {row.id: row.split for row in reader.episodes()}
    assert [str(found[number]) for number in range(1, 11)] == [
        "train", "gate", "train", "train", "gate", "gate", "train", "train", "train", "train",
    ]  # fmt: skip
    with (
        closing(sqlite3.connect(database_path(folder))) as connection,
        pytest.raises(sqlite3.IntegrityError),
    ):
        connection.execute("UPDATE episode SET split = 'held_out'")
