"""Rows of earlier versions are read so that a picture comes before its action.

The truth comes from elsewhere: Luanti's mod and the hand's own diary beside a recording of
a9138bf, and a simulated hand whose every move is known to the millisecond.
"""

from __future__ import annotations

import contextlib
import csv
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from recorded import LUANTI_HAND, brought_up_to_date

from recorder.games.base import Bindings
from recorder.games.controls import HeldControls
from recorder.store import Reader, Store
from recorder.store.pairing import (
    PICTURE_FIRST,
    ROWS,
    UNSURE_DEG,
    picture_first,
    recorded_picture_first,
)
from recorder.store.rows import InputEventRow, TickRow
from recorder.store.stored_ticks import stored_events, stored_ticks
from recorder.types import NO_ACTION, Action, Driver

DEMONSTRATION, CORRECTION = 1, 2
KEYS = {
    "W": "forward",
    "A": "left",
    "D": "right",
    "Space": "jump",
    "LeftButton": "attack",
    "3": "hotbar",
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("recorded")
    brought_up_to_date(LUANTI_HAND, folder)
    with Reader.open(folder) as reader:
        yield reader


def as_stored(reader: Reader, episode_id: int) -> list[TickRow]:
    with reader._reading() as connection:
        return stored_ticks(connection, episode_id)


def table(name: str) -> list[dict[str, str]]:
    with (LUANTI_HAND / name).open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file))


def explained(turns: NDArray[np.float64], changes: NDArray[np.float64]) -> float:
    """Return which share of the changes' squares the turns explain; below 0 they make it worse."""
    return float(1 - ((turns - changes) ** 2).sum() / (changes**2).sum())


def pairing(ticks: list[TickRow], among: list[TickRow]) -> tuple[float, float]:
    """Return how well turns explain the true view's change (after, before) their pictures.

    The person's ticks count that are known ``among`` those that were told anew.
    """
    told = table("yaw.csv")
    yaw = np.interp(
        [tick.frame_mono_ns for tick in ticks],
        [int(row["mono_ns"]) for row in told],
        [float(row["yaw_deg_right"]) for row in told],
    )
    change = np.diff(yaw)
    places = [
        place
        for place, tick in enumerate(among)
        if 0 < place < len(change) and tick.driver is Driver.PERSON and tick.paired
    ]
    turns = np.array([ticks[place].executed.camera[1] for place in places])
    after = explained(turns, change[places])
    return after, explained(turns, change[np.array(places) - 1])


@pytest.mark.parametrize("episode_id", [DEMONSTRATION, CORRECTION])
def test_a_turn_explains_how_the_true_view_changed_after_its_picture_and_not_before(
    reader: Reader, episode_id: int
) -> None:
    anew, stored = reader.ticks(episode_id), as_stored(reader, episode_id)
    after, before = pairing(anew, anew)
    assert after > 0.7
    assert before < 0.0
    # As it was stored it is the other way round: the picture shows the turn already.
    after, before = pairing(stored, anew)
    assert after < 0.0
    assert before > 0.6


@pytest.mark.parametrize("episode_id", [DEMONSTRATION, CORRECTION])
def test_a_key_is_in_the_row_of_the_picture_before_it(reader: Reader, episode_id: int) -> None:
    ticks = reader.ticks(episode_id)
    pictures = np.array([tick.frame_mono_ns for tick in ticks])
    found = 0
    for row in table("hand.csv"):
        at_ns = int(row["mono_ns"])
        place = int(np.searchsorted(pictures, at_ns)) - 1
        if row["what"] not in KEYS or row["value"] == "0" or not 0 <= place < len(ticks) - 1:
            continue
        found += 1
        # The hand's clock is read just before the server has the key.
        near = pictures[place + 1] - at_ns < 2_000_000
        places = {place, place + 1} if near else {place}
        first = next(t for t in range(max(0, place - 1), len(ticks)) if _has(ticks[t], row["what"]))
        assert first in places
    assert found == (5 if episode_id == DEMONSTRATION else 1)


def _has(tick: TickRow, key: str) -> bool:
    return bool(getattr(tick.executed, KEYS[key]))


def test_nothing_else_of_a_recording_is_told_anew(reader: Reader) -> None:
    for episode_id in (DEMONSTRATION, CORRECTION):
        anew, stored = reader.ticks(episode_id), as_stored(reader, episode_id)
        for new, old in zip(anew, stored, strict=True):
            same = old if old.driver is not Driver.PERSON else None
            assert new == (same or replace(old, executed=new.executed, paired=new.paired))
        # What was turned in all is what was turned: it lies elsewhere.
        with reader._reading() as connection:
            before = sum(e.value for e in stored_events(connection, episode_id))
        assert sum(e.value for e in reader.input_events(episode_id)) == pytest.approx(before)
    turned = [sum(t.executed.camera[1] for t in ticks) for ticks in (anew[:12], stored[:12])]
    assert turned[0] == turned[1] != 0.0


def test_what_cannot_be_told_is_marked_and_is_little(reader: Reader) -> None:
    ticks = [tick for number in (DEMONSTRATION, CORRECTION) for tick in reader.ticks(number)]
    persons = [tick for tick in ticks if tick.driver is Driver.PERSON]
    left_out = [tick for tick in persons if not tick.paired]
    assert all(tick.paired for tick in ticks if tick.driver is not Driver.PERSON)
    # The last of either run, the takeover's first, and both sides of five jerks of one report.
    assert (len(left_out), len(persons)) == (13, 135)


@pytest.mark.parametrize(
    ("realtime", "extra", "right"),
    [
        (False, {}, True),
        (True, {"time": "real"}, False),
        (False, {"time": "slowed"}, False),
        (True, {}, False),
        (True, {"time": "real", ROWS: PICTURE_FIRST}, True),
    ],
)
def test_only_windows_of_their_own_before_this_version_are_told_anew(
    realtime: bool, extra: dict[str, str], right: bool
) -> None:
    assert recorded_picture_first(realtime, extra) is right


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE session SET extra = json_set(extra, '$.rows', 'picture first')",
        "UPDATE session SET realtime = 0, extra = '{}'",
        # A scripted person's keys are sent after the picture, at the tick's decision or later.
        "UPDATE input_event SET mono_ns = (SELECT mono_ns FROM tick WHERE tick.tick = "
        "input_event.tick AND tick.episode_id = input_event.episode_id)",
    ],
)
def test_rows_that_are_right_already_are_read_as_they_are_stored(
    tmp_path: Path, change: str
) -> None:
    brought_up_to_date(LUANTI_HAND, tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "playteach.sqlite3")) as connection:
        connection.execute(change)
        connection.commit()
    Store.open(tmp_path).close()
    with Reader.open(tmp_path) as reader:
        for episode_id in (DEMONSTRATION, CORRECTION):
            assert reader.ticks(episode_id) == as_stored(reader, episode_id)
            with reader._reading() as connection:
                stored = stored_events(connection, episode_id)
            assert reader.input_events(episode_id) == stored


# A simulated hand

TICK_NS, PICTURE_NS = 50_000_000, 12_000_000
BINDINGS = Bindings(
    {"forward": "W", "back": "S", "attack": "LeftButton", "hotbar.1": "1", "hotbar.2": "2"},
    degrees_per_count=0.2,
)
TICKS = 8
moments = st.integers(1, TICKS * TICK_NS // 1_000_000 - 1)
keys = st.lists(
    st.tuples(moments, st.sampled_from(["W", "S", "LeftButton", "1", "2"]), st.booleans()),
    max_size=30,
)
strokes = st.lists(
    st.tuples(moments, st.integers(1, 200), st.sampled_from([-3, -1, 1, 2])), max_size=3
)


def simulated(
    pressed: list[tuple[int, str, bool]], moved: list[tuple[int, int, int]]
) -> tuple[list[TickRow], list[InputEventRow], list[Action]]:
    """Return rows as they were recorded, their events, and what was really done when.

    ``pressed`` are (ms, key, down), ``moved`` (first ms, ms, counts a ms).  A picture is read
    12 ms before its tick's decision.
    """
    told: list[tuple[int, int, str, int]] = [(at, 0, key, int(down)) for at, key, down in pressed]
    for first, long, counts in moved:
        told += [(at, 1, "", counts) for at in range(first, first + long)]
    told.sort()
    old, true = HeldControls(BINDINGS), HeldControls(BINDINGS)
    ticks: list[TickRow] = []
    events: list[InputEventRow] = []
    real: list[Action] = []

    def hear(until_ns: int, heard: HeldControls, place: int) -> int:
        while place < len(told) and told[place][0] * 1_000_000 <= until_ns:
            at, _, key, value = told[place]
            if key:
                heard.key(key, bool(value), at * 1_000_000)
            else:
                heard.motion(value, 0, at * 1_000_000)
            place += 1
        return place

    at_old = at_true = 0
    for number in range(TICKS + 1):
        now_ns = number * TICK_NS
        at_true = hear(now_ns - PICTURE_NS, true, at_true)
        done = true.take()[0]
        if number:
            real.append(done)
        at_old = hear(now_ns, old, at_old)
        action, raw = old.take()
        ticks.append(
            TickRow(1, number, now_ns, number, now_ns - PICTURE_NS, Driver.PERSON, action,
                    None, None, None, 1)
        )  # fmt: skip
        events += [InputEventRow(1, number, e.mono_ns, e.device, e.code, e.value) for e in raw]
    return ticks, events, real


@settings(max_examples=60, deadline=None)
@given(keys, strokes)
@example([(1, "2", True), (2, "1", True), (51, "2", False), (51, "2", True), (52, "2", False)], [])
def test_keys_are_told_exactly_and_turns_as_well_as_can_be(
    pressed: list[tuple[int, str, bool]], moved: list[tuple[int, int, int]]
) -> None:
    ticks, events, real = simulated(pressed, moved)
    anew = picture_first(ticks, events).ticks
    assert not anew[-1].paired
    for tick, true in zip(anew, real, strict=False):
        if not tick.paired:
            continue
        assert (tick.executed.held, tick.executed.hotbar) == (true.held, true.hotbar)
    total = sum(tick.executed.camera[1] for tick in ticks)
    assert sum(tick.executed.camera[1] for tick in anew) == pytest.approx(total)


@pytest.mark.parametrize("first", range(60, 110, 3))
def test_a_steady_turn_is_told_where_it_was_made(first: int) -> None:
    ticks, events, real = simulated([], [(first, 200, 2)])
    anew = picture_first(ticks, events).ticks
    off = [
        abs(tick.executed.camera[1] - true.camera[1])
        for tick, true in zip(anew, real, strict=False)
        if tick.paired
    ]
    assert max(off) <= UNSURE_DEG
    assert len(off) >= TICKS - 2
    assert max(true.camera[1] for true in real) == pytest.approx(20.0)


@pytest.mark.parametrize("at", range(60, 110))
def test_a_jerk_of_one_report_is_told_rightly_or_left_out(at: int) -> None:
    ticks, events, real = simulated([], [(at, 1, 3), (at, 1, 40)])
    anew = picture_first(ticks, events).ticks
    known = [(t.executed.camera[1], true.camera[1]) for t, true in zip(anew, real, strict=False)
             if t.paired]  # fmt: skip
    assert [turn for turn, _ in known] == pytest.approx([turn for _, turn in known])
    # It began after the decision before: only what came after the picture is unsure.
    sure = at % 50 in range(1, 39)
    assert len(known) == (TICKS if sure else TICKS - 2)


def test_events_that_are_missing_leave_their_ticks_out() -> None:
    ticks, events, _ = simulated([(120, "W", True)], [(10, 350, 2)])
    whole = [tick.paired for tick in picture_first(ticks, events).ticks]
    some = [event for event in events if event.tick != 5]
    parts = [tick.paired for tick in picture_first(ticks, some).ticks]
    # The tick after them, too: whether the hand was moving when it began is not known.
    assert [place for place in range(TICKS) if whole[place] and not parts[place]] == [4, 5, 6]


def test_a_picture_from_before_a_pause_is_left_out() -> None:
    ticks, events, _ = simulated([(10, "W", True)], [])
    late = [
        tick if tick.index < 4 else replace(
            tick,
            mono_ns=tick.mono_ns + 10**9,
            frame_mono_ns=tick.frame_mono_ns + 10**9 * (tick.index > 4),
        )
        for tick in ticks
    ]  # fmt: skip
    paired = [tick.paired for tick in picture_first(late, events).ticks]
    assert [place for place in range(TICKS) if not paired[place]] == [4]


def test_a_person_who_did_nothing_is_read_as_before() -> None:
    ticks, events, _ = simulated([], [])
    anew = picture_first(ticks, events)
    assert anew.events == []
    assert {tick.executed for tick in anew.ticks} == {NO_ACTION}
