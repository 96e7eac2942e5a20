from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.clock import ManualClock
from recorder.data_folder import database_path
from recorder.errors import DataBusyError, DataError, UsageError
from recorder.store import (
    EpisodeQuery,
    EvaluationRow,
    LabelSource,
    NewAdapter,
    Reader,
    RoundStatus,
    Stepping,
    Store,
    of_game,
    parse_query,
)
from recorder.store import store as store_module
from recorder.store.connect import open_for_reading
from recorder.store.tick_codec import action_from, action_values
from recorder.store.upkeep.upgrade import back_up
from recorder.types import (
    BUTTON_CONTROLS,
    Action,
    Driver,
    InputEvent,
    Outcome,
    RGBImage,
    SegmentKind,
    Tick,
)

P, H = Driver.POLICY, Driver.PERSON
degrees = st.floats(-180, 180, allow_nan=False)
actions = st.builds(
    Action,
    hotbar=st.integers(0, 9),
    camera=st.tuples(degrees, degrees),
    **{name: st.booleans() for name in BUTTON_CONTROLS},
)


@given(actions)
def test_actions_round_trip(action: Action) -> None:
    assert action_from(*action_values(action)) == action


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Driver),
            actions,
            st.none() | actions,
            st.none() | st.integers(0, 100),
            st.none() | st.floats(0, 1e6, allow_nan=False),
            st.lists(degrees, max_size=2),
        ),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=10, deadline=None)
def test_any_ticks_round_trip_exactly(
    tmp_path_factory: pytest.TempPathFactory,
    make_kit: Callable[[Path], Any],
    make_picture: Callable[..., RGBImage],
    rows: list[tuple[Driver, Action, Action | None, int | None, float | None, list[float]]],
) -> None:
    kit = make_kit(tmp_path_factory.mktemp("data"))
    ticks = []
    for index, (driver, executed, shadow, age, latency, motions) in enumerate(rows):
        base: Tick = kit.tick(index, driver=driver, executed=executed, shadow=shadow)
        events = tuple(
            InputEvent(base.mono_ns + k, "motion", "yaw", value) for k, value in enumerate(motions)
        )
        ticks.append(
            Tick(index, base.mono_ns, base.frame, executed, driver, shadow, age, latency, events)
        )
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    for tick in ticks:
        recorder.on_tick(tick)
    recorder.on_end(kit.end)
    kit.store.wait()
    with kit.reader() as reader:
        back = reader.ticks(1)
        events_back = reader.input_events(1)
        frames = list(reader.frames(1))
    kit.store.close()
    assert [
        (t.index, t.mono_ns, t.executed, t.driver, t.shadow, t.plan_age_ticks, t.latency_ms)
        for t in back
    ] == [
        (t.index, t.mono_ns, t.executed, t.driver, t.shadow, t.plan_age_ticks, t.latency_ms)
        for t in ticks
    ]
    assert [(e.tick, e.mono_ns, e.device, e.code, e.value) for e in events_back] == [
        (t.index, e.mono_ns, e.device, e.code, e.value) for t in ticks for e in t.events
    ]
    assert len(frames) == len(ticks)
    for index, frame in enumerate(frames):
        assert np.abs(frame.astype(int) - make_picture(index)).mean() < 4


def test_an_episode_is_told_whole(kit: Any, make_picture: Callable[..., RGBImage]) -> None:
    recorder = kit.recorder(policy="tiny")
    recorder.on_start(kit.start)
    for index in range(100):
        if index == 50:
            recorder.on_instruction(50, "Pick up the MEDKIT")
        driver = H if 40 <= index < 60 else P
        recorder.on_tick(kit.tick(index, driver=driver, shadow=Action(back=True)))
    recorder.on_end(kit.end)
    kit.store.wait()
    with kit.reader() as reader:
        (row,) = reader.episodes()
        kinds = [(s.start, s.stop, s.kind) for s in reader.segments(row.id)]
        sentences = {each.id: each.text for each in reader.instructions(row.id)}
        active = [sentences[t.instruction_id] for t in reader.ticks(row.id)]
        thumbnail = reader.thumbnail(row.id)
    assert (row.outcome, row.outcome_source) == (Outcome.SUCCESS, LabelSource.GAME)
    assert (row.ticks, row.duration_s, row.takeovers, row.corrections_s) == (100, 5.0, 1, 1.0)
    assert row.driver_strip == ((P, 40), (H, 20), (P, 40))
    assert (row.policy, row.seed, row.task_id) == ("tiny", 7, "go_to:red_torch")
    assert kinds[1] == (25, 40, SegmentKind.PRE_TAKEOVER)
    assert (row.instruction, row.later_sentences) == (
        "Go to the red torch",
        ("Pick up the MEDKIT",),
    )
    assert active == ["Go to the red torch"] * 50 + ["Pick up the MEDKIT"] * 50
    assert thumbnail is not None
    assert thumbnail.shape == (18, 32, 3)
    # From the end, where what was to be done is in sight.
    off = [np.abs(thumbnail.astype(int) - make_picture(at)).mean() for at in (90, 45)]
    assert off[0] < off[1]


def test_the_picture_is_copied_before_the_game_reuses_its_memory(kit: Any) -> None:
    rgb = np.full((18, 32, 3), 200, np.uint8)
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    recorder.on_tick(kit.tick(0, rgb=rgb))
    rgb[:] = 0
    recorder.on_end(kit.end)
    kit.store.wait()
    with kit.reader() as reader:
        assert reader.frame(1, 0).min() > 190


def test_a_change_of_size_starts_a_new_segment(
    kit: Any, make_picture: Callable[..., RGBImage]
) -> None:
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    for index in range(10):
        rgb = make_picture(index, 32 if index < 4 else 48, 18)
        recorder.on_tick(kit.tick(index, rgb=rgb))
    recorder.on_end(kit.end)
    kit.store.wait()
    with kit.reader() as reader:
        assert [f.shape[1] for f in reader.frames(1)] == [32] * 4 + [48] * 6


def test_time_alone_closes_a_segment(kit: Any) -> None:
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    recorder.on_tick(kit.tick(0))
    kit.store.wait()
    assert kit.store.health().committed_ticks == 0
    kit.clock.advance_ns(750_000_000)
    recorder.on_tick(kit.tick(1))
    kit.store.wait()
    assert kit.store.health().committed_ticks == 2


def test_nothing_is_stored_of_an_episode_without_ticks(kit: Any) -> None:
    assert kit.record(0) == 1
    assert kit.record(3) == 2
    with kit.reader() as reader:
        assert [row.id for row in reader.episodes()] == [2]


def test_labels_are_versions(kit: Any) -> None:
    episode = kit.record(5)
    assert kit.store.set_label(episode, Outcome.FAILURE) == 2
    with kit.reader() as reader:
        assert [each.outcome for each in reader.labels(episode)] == ["success", "failure"]
        assert reader.episode(episode).outcome is Outcome.FAILURE
        assert reader.episode(episode).outcome_source is LabelSource.PERSON
    with pytest.raises(DataError, match="no episode 99"):
        kit.store.set_label(99, Outcome.SUCCESS)


@pytest.mark.parametrize(
    ("ends", "by", "counts"),
    [
        (Outcome.TIMEOUT, LabelSource.GAME, Outcome.FAILURE),
        (Outcome.SUCCESS, LabelSource.GAME, Outcome.FAILURE),
        (Outcome.INTERRUPTED, LabelSource.RECORDER, Outcome.FAILURE),
        # Begun anew, which says nothing of how it went.
        (Outcome.ABANDONED, LabelSource.PERSON, Outcome.FAILURE),
        (Outcome.SUCCESS, LabelSource.PERSON, Outcome.SUCCESS),
    ],
)
def test_what_the_person_says_while_it_is_recorded_counts_after_its_end(
    kit: Any, ends: Outcome, by: LabelSource, counts: Outcome
) -> None:
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    for index in range(20):
        recorder.on_tick(kit.tick(index))
    kit.store.wait()
    kit.store.set_label(1, Outcome.FAILURE)
    recorder.outcome_from(by)
    recorder.on_end(replace(kit.end, outcome=ends))
    kit.store.wait()
    with kit.reader() as reader:
        row = reader.episode(1)
        assert (row.outcome, row.outcome_source) == (counts, LabelSource.PERSON)
        # How it ended is not lost either.
        said = [(each.outcome, each.source) for each in reader.labels(1)]
    assert said[:2] == [(Outcome.FAILURE, LabelSource.PERSON), (ends, by)]


def test_what_the_person_said_counts_after_a_crash(kit: Any) -> None:
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    for index in range(20):
        recorder.on_tick(kit.tick(index))
    kit.store.wait()
    kit.store.set_label(1, Outcome.SUCCESS)
    kit.store._open_recorders.clear()
    kit.store.close()
    kit.open()
    with kit.reader() as reader:
        labels = [(each.outcome, each.source) for each in reader.labels(1)]
    assert labels[-2:] == [
        (Outcome.INTERRUPTED, LabelSource.RECOVERY),
        (Outcome.SUCCESS, LabelSource.PERSON),
    ]


def test_queries_choose(kit: Any) -> None:
    first = kit.record(20, outcome=Outcome.FAILURE)
    second = kit.record([P] * 20 + [H] * 5)
    third = kit.record([H] * 5, kind="demonstration")
    kit.store.update_round(kit.store.add_round(), status="done")
    fourth = kit.record(3)
    kit.store.delete_episode(fourth)
    fifth = kit.record(3)

    def chosen(text: str) -> list[int]:
        return [row.id for row in reader.episodes(parse_query(text))]

    with kit.reader() as reader:
        assert chosen("") == [fifth, third, second, first]
        assert chosen("id:2-4") == [third, second]
        assert chosen("id:1 id:3") == [third, first]
        assert chosen("outcome:failure") == [first]
        assert chosen("corrected:yes") == [second]
        assert chosen("kind:demonstration game:doom") == [third]
        assert chosen("task:go_to:*") == [fifth, third, second, first]
        assert chosen("task:go?to:*") == []
        assert chosen('text:"RED torch"') == [fifth, third, second, first]
        assert chosen("game:luanti") == []
        assert chosen("adapter:none policy:b*") == [fifth, third, second, first]
        assert chosen("since:last-round") == [fifth]
        assert chosen("since:round-1") == [fifth]
        assert chosen("since:last-round game:doom") == [fifth]
        assert chosen("since:last-round game:luanti") == []
        assert [row.id for row in reader.deleted_episodes()] == [fourth]
        assert [row.id for row in reader.episodes(limit=2)] == [fifth, third]
        with pytest.raises(UsageError, match="no round 9"):
            chosen("since:round-9")


def test_the_bin_begins_with_what_was_put_in_last(kit: Any) -> None:
    for _ in range(3):
        kit.record(1)
    for number in (3, 1, 2):
        kit.store.delete_episode(number)
    kit.store.undelete_episode(2)
    with kit.reader() as reader:
        assert [row.id for row in reader.deleted_episodes()] == [1, 3]


def test_text_is_found_in_any_script(kit: Any, start: Any) -> None:
    odd = "Geh zur ÖFFNUNG " + "🔥" * 10_000
    kit.record(2, start=type(start)(instruction=odd))
    with kit.reader() as reader:
        (row,) = reader.episodes(EpisodeQuery(texts=("öffnung",)))
    assert row.instruction == odd


def test_the_bin_can_be_undone_and_emptied_for_good(kit: Any) -> None:
    secret = "SECRET-INSTRUCTION-OF-THIS-TEST"
    gone = kit.record(60, start=type(kit.start)(instruction=secret))
    kept = kit.record(20)
    kit.store.delete_episode(gone)
    kit.store.undelete_episode(gone)
    with kit.reader() as reader:
        assert [row.id for row in reader.episodes()] == [kept, gone]
    kit.store.delete_episode(gone)
    backups = kit.folder / "backups"
    backups.mkdir()
    (backups / "before-0002_x-20260101-000000-2.sqlite3").write_text(secret)
    (backups / "before-0002_x-20260101-000000.partial").write_text(secret)
    counts = kit.store.purge()
    assert (counts.episodes, counts.ticks, counts.log_cleared) == (1, 60, True)
    assert counts.kept_files == 0
    assert counts.freed_bytes > 0
    with kit.reader() as reader:
        assert [row.id for row in reader.episodes(include_deleted=True)] == [kept]
        with pytest.raises(DataError, match="no episode"):
            reader.episode(gone)
    for file in kit.folder.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()
    # An erased episode's number never comes back.
    kit.store.delete_episode(kept)
    kit.store.purge()
    kit.store.close()
    kit.open()
    assert kit.record(1) == kept + 1


def test_emptying_the_bin_that_was_cut_short_leaves_no_copy(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.store.delete_episode(kit.record(20))
    backups = kit.folder / "backups"
    (backups / "a-folder").mkdir(parents=True)
    with closing(open_for_reading(database_path(kit.folder))) as connection:
        copy = back_up(connection, database_path(kit.folder), "0002_x")
    assert copy.exists()

    def cut_short(_connection: sqlite3.Connection) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        # After the episode's rows are gone.
        patch.setattr(store_module, "_free_pages", cut_short)
        with pytest.raises(DataError):
            kit.store.purge()
    with kit.reader() as reader:
        assert reader.bin_facts().episodes == 0
    # Nothing is in the bin any more: whoever empties it again would not look for copies.
    assert not copy.exists()
    assert kit.store.purge().log_cleared


def test_emptying_the_bin_leaves_what_the_person_put_beside_the_backups(kit: Any) -> None:
    kit.store.delete_episode(kit.record(20))
    backups = kit.folder / "backups"
    backups.mkdir()
    own = [backups / name for name in ("before-the-trip.sqlite3", "notes.txt", "playteach.sqlite3")]
    for path in own:
        path.write_text("the person's")
    assert kit.store.purge().kept_files == 3
    assert [path.read_text() for path in own] == ["the person's"] * 3


def test_the_file_shrinks_by_many_pages_at_once(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        kit.store.delete_episode(kit.record(60))
    left: list[int] = []

    def counted(connection: sqlite3.Connection) -> int:
        left.append(int(connection.execute("PRAGMA freelist_count").fetchone()[0]))
        return left[-1]

    monkeypatch.setattr(store_module, "_free_pages", counted)
    kit.store.purge()
    assert left[0] > 3
    assert left[1:] == [0]


def test_recording_goes_on_while_the_bin_is_emptied(kit: Any) -> None:
    for _ in range(5):
        kit.store.delete_episode(kit.record(30))
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    for index in range(15):
        recorder.on_tick(kit.tick(index))
    assert kit.store.purge().episodes == 5
    recorder.on_end(kit.end)
    kit.store.wait()
    with kit.reader() as reader:
        assert [row.ticks for row in reader.episodes(include_deleted=True)] == [15]


def test_an_open_episode_is_shown_but_not_deleted(kit: Any) -> None:
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    for index in range(30):
        recorder.on_tick(kit.tick(index, driver=P if index < 15 else H))
    kit.store.wait()
    with kit.reader() as reader:
        (row,) = reader.episodes()
        assert (row.open, row.ticks, row.outcome) == (True, 30, Outcome.UNKNOWN)
        assert row.driver_strip == ((P, 15), (H, 15))
        assert len(list(reader.frames(row.id))) == 30
    with pytest.raises(DataError, match="still being recorded"):
        kit.store.delete_episode(row.id)


def test_the_last_round_is_that_of_the_same_game(kit: Any) -> None:
    first = kit.record(3)
    with kit.reader() as reader:

        def since(game: str) -> list[int]:
            query = parse_query(of_game("since:last-round", game))
            return [row.id for row in reader.episodes(query)]

        def finish(query: str) -> None:
            round_id = kit.store.add_round(query=query)
            kit.store.update_round(round_id, status="done")

        finish("since:last-round game:luanti")
        assert since("doom") == [first]
        second = kit.record(3)
        finish("since:last-round game:doom")
        third = kit.record(3)
        assert since("doom") == [third]
        assert since("luanti") == []
        both = parse_query("since:last-round game:doom game:luanti")
        assert [row.id for row in reader.episodes(both)] == [third]
        finish("")
        assert since("doom") == []
        assert [row.id for row in reader.episodes(parse_query("game:d*m"))] == [
            third, second, first,
        ]  # fmt: skip


def test_adapters_are_activated_and_undone(kit: Any) -> None:
    store: Store = kit.store
    first = store.add_adapter(NewAdapter("a/1", "base", title="one", extra={"rank": 16}))
    second = store.add_adapter(NewAdapter("a/2", "base", parent_id=first, passed_gates=True))
    with kit.reader() as reader:
        assert reader.active_adapter() is None
        assert not reader.can_undo_activation()
        store.set_active_adapter(first)
        store.set_active_adapter(second)
        active = reader.active_adapter()
        assert active is not None
        assert (active.id, active.parent_id, active.passed_gates) == (second, first, True)
        assert store.undo_activation() == first
        assert store.undo_activation() is None
        with pytest.raises(DataError, match="nothing to go back to"):
            store.undo_activation()
        assert [row.extra for row in reader.adapters()] == [{"rank": 16}, {}]
        # What plays with another base is passed over.
        store.set_active_adapter(first)
        store.set_active_adapter(second)
        assert store.undo_activation(keep={second}) == second
        assert not reader.can_undo_activation(keep={second})
        with pytest.raises(DataError, match="nothing to go back to"):
            store.undo_activation(keep={second})
        store.set_active_adapter(None)
        assert reader.can_undo_activation(keep={second})
        assert store.undo_activation(keep={second}) == second
        assert reader.activations() == [second]
    with pytest.raises(DataError, match="listed already"):
        store.add_adapter(NewAdapter("a/1", "base"))
    with pytest.raises(DataError, match="no adapter 9"):
        store.set_active_adapter(9)


def test_rounds_and_their_samples(kit: Any) -> None:
    store: Store = kit.store
    episode = kit.record(5)
    number = store.add_round(query="id:1", config={"lr": 5e-5})
    assert store.add_round_samples(number, [(episode, 0, 1.0, 2), (episode, 1, 0.5, 1)]) == 2
    store.add_round_samples(number, [(episode, 0, 1.0, 3)])
    store.update_round(number, metrics={"loss": 1.5})
    store.update_round(number, status="failed", verdict={"why": "x"}, manifest={"n": 2})
    stored = "SELECT tick, visits FROM round_sample WHERE round_id = ? ORDER BY tick"
    samples = store._worker.call(
        lambda connection: connection.execute(stored, (number,)).fetchall()
    )
    with kit.reader() as reader:
        (row,) = reader.rounds()
        # Only a round that is done moves the mark.
        assert len(reader.episodes(parse_query("since:last-round"))) == 1
    assert row.status is RoundStatus.FAILED
    assert (row.config, row.metrics, row.verdict) == ({"lr": 5e-5}, {"loss": 1.5}, {"why": "x"})
    assert row.ended_wall_s is not None
    assert samples == [(0, 3), (1, 1)]
    with pytest.raises(DataError, match="no round 9"):
        store.update_round(9, status="done")


def test_evaluations_resume(kit: Any) -> None:
    store: Store = kit.store
    rows = [
        EvaluationRow("k", "doom", "t", "T", seed, Stepping.LOCK_STEP, Outcome.SUCCESS, 10)
        for seed in range(3)
    ]
    assert store.add_evaluations(rows[:2]) == 2
    assert store.add_evaluations(rows) == 1
    with kit.reader() as reader:
        assert reader.evaluations(policy_key="k", stepping=Stepping.LOCK_STEP) == rows
        assert reader.evaluations(stepping=Stepping.PACED) == []
        assert all(row.success for row in reader.evaluations())
    failed = replace(rows[1], outcome=Outcome.TIMEOUT, ticks=90)
    # Without a word the first outcome counts, and where it was played anew the last one.
    assert store.add_evaluations([failed]) == 0
    with kit.reader() as reader:
        assert reader.evaluations(policy_key="k") == rows
    assert store.add_evaluations([failed], anew=True) == 1
    with kit.reader() as reader:
        assert reader.evaluations(policy_key="k") == [rows[0], failed, rows[2]]


def test_a_second_writer_is_refused_and_the_first_goes_on(kit: Any) -> None:
    with pytest.raises(DataBusyError, match="Another Playteach is using"):
        Store.open(kit.folder, clock=ManualClock())
    kit.record(3)
    kit.store.close()
    Store.open(kit.folder, clock=ManualClock()).close()


def test_closing_ends_an_open_episode_as_interrupted(kit: Any) -> None:
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    for index in range(4):
        recorder.on_tick(kit.tick(index))
    kit.store.close()
    kit.store.close()
    with kit.reader() as reader:
        (row,) = reader.episodes()
    assert (row.outcome, row.ticks, row.open) == (Outcome.INTERRUPTED, 4, False)


def test_pragmas_of_the_file(kit: Any) -> None:
    connection = open_for_reading(database_path(kit.folder))
    try:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM session")
    finally:
        connection.close()

    def writers(connection: sqlite3.Connection) -> list[int]:
        names = ("secure_delete", "foreign_keys", "synchronous")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert kit.store._worker.call(writers) == [1, 1, 1]


def test_readers_in_other_threads_get_connections_of_their_own(kit: Any) -> None:
    import threading

    episode = kit.record(20)
    seen: list[int] = []
    with kit.reader() as reader:
        threads = [
            threading.Thread(target=lambda: seen.append(len(list(reader.frames(episode)))))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [20] * 4
    with pytest.raises(DataError, match="closed already"):
        reader.episodes()


def test_a_reader_needs_a_database(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no Playteach database"):
        Reader.open(tmp_path)
    assert list(tmp_path.iterdir()) == []
