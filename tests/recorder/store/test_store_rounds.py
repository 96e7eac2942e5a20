"""A round in the database: what it learns from is fixed, and its end is written whole."""

from __future__ import annotations

from typing import Any

import pytest

from recorder.errors import DataError, DiskFullError, UsageError
from recorder.store import (
    Activation,
    EvaluationRow,
    NewAdapter,
    Reader,
    RoundEnd,
    RoundStatus,
    Stepping,
)
from recorder.store.rounds import rows
from recorder.types import Outcome

SAMPLES = ((1, 0, 1.0, 2),)


def evaluation(round_id: int) -> EvaluationRow:
    return EvaluationRow(
        policy_key="a",
        game="doom",
        task_id="go_to:barrel",
        instruction="Go",
        seed=1,
        stepping=Stepping.LOCK_STEP,
        outcome=Outcome.SUCCESS,
        ticks=3,
        variant=f"round-{round_id}",
        round_id=round_id,
    )


def ending(kit: Any, round_id: int, **more: Any) -> RoundEnd:
    folder = kit.folder / "adapters" / f"round-{round_id}"
    return RoundEnd(
        NewAdapter(str(folder), "base", round_id=round_id, passed_gates=True),
        samples=SAMPLES,
        evaluations=(evaluation(round_id),),
        metrics={"loss": 1.0},
        **more,
    )


def test_what_a_round_learns_from_is_fixed_when_it_begins(kit: Any) -> None:
    first = kit.record(20)
    binned = kit.record(20)
    kit.store.delete_episode(binned)
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    number = kit.store.add_round(query="since:last-round text:TORCH", choose=True)
    # It ends between the round's begin and the moment when the round reads.
    recorder.on_tick(kit.tick(0))
    recorder.on_end(kit.end)
    kit.store.wait()
    with kit.reader() as reader:
        assert [row.chosen for row in reader.rounds()] == [(first,)]
        late = reader.episodes()[0].id
    kit.store.finish_round(number, ending(kit, number, manifest={"counts": {"demonstration": 1}}))
    with kit.reader() as reader:
        (row,) = reader.rounds()
        assert (row.chosen, row.manifest["counts"]) == ((first,), {"demonstration": 1})
    again = kit.store.add_round(query="since:last-round", choose=True)
    with kit.reader() as reader:
        assert reader.rounds()[-1].id == again
        assert reader.rounds()[-1].chosen == (late,)


def test_a_round_that_was_started_by_hand_has_chosen_nothing(kit: Any) -> None:
    kit.store.add_round(query="id:1")
    with kit.reader() as reader:
        assert reader.rounds()[0].chosen is None


def test_a_choice_that_cannot_be_answered_begins_no_round(kit: Any) -> None:
    with pytest.raises(UsageError, match="no round 9"):
        kit.store.add_round(query="since:round-9", choose=True)
    with kit.reader() as reader:
        assert reader.rounds() == []


def visits(reader: Reader, round_id: int) -> list[int]:
    with reader._reading() as connection:
        rows = connection.execute("SELECT visits FROM round_sample WHERE round_id = ?", (round_id,))
        return [row[0] for row in rows]


def test_a_finished_round_is_written_whole(kit: Any) -> None:
    kit.record(3)
    number = kit.store.add_round()
    adapter_id, activated = kit.store.finish_round(
        number, ending(kit, number, activation=Activation(None))
    )
    assert activated
    with kit.reader() as reader:
        (row,) = reader.rounds()
        assert (row.status, row.adapter_id) == (RoundStatus.DONE, adapter_id)
        assert reader.active_adapter() == reader.adapters()[0]
        assert visits(reader, number) == [2]
        assert len(reader.evaluations(round_id=number)) == 1


@pytest.mark.parametrize(
    "step", ["add_round_samples", "add_evaluations", "add_adapter", "update_round", "activate"]
)
def test_an_end_that_is_cut_short_leaves_nothing(
    kit: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    kit.record(3)
    number = kit.store.add_round()
    whole = getattr(rows, step)

    def full(*given: Any, **more: Any) -> None:
        whole(*given, **more)
        raise DiskFullError("The disk is full, so nothing was written; make room.")

    with monkeypatch.context() as patch:
        patch.setattr(rows, step, full)
        with pytest.raises(DiskFullError):
            kit.store.finish_round(number, ending(kit, number, activation=Activation(None)))
    with kit.reader() as reader:
        assert reader.rounds()[0].status is RoundStatus.RUNNING
        assert (reader.adapters(), reader.evaluations()) == ([], [])
        assert (visits(reader, number), reader.activations()) == ([], [])


def test_a_round_puts_its_adapter_in_use_only_in_place_of_what_it_was_compared_with(
    kit: Any,
) -> None:
    store = kit.store
    kit.record(3)
    parent = store.add_adapter(NewAdapter(str(kit.folder / "adapters" / "parent"), "base"))
    other = store.add_adapter(NewAdapter(str(kit.folder / "adapters" / "other"), "base"))
    foreign = store.add_adapter(NewAdapter(str(kit.folder / "adapters" / "foreign"), "another"))
    wish = Activation(parent, frozenset({foreign}))

    def finished() -> tuple[int, bool]:
        number = store.add_round()
        done: tuple[int, bool] = store.finish_round(number, ending(kit, number, activation=wish))
        return done

    def in_use() -> int | None:
        with Reader.open(kit.folder) as reader:
            row = reader.active_adapter()
        return None if row is None else row.id

    store.set_active_adapter(parent)
    store.set_active_adapter(other)
    listed, activated = finished()
    assert (activated, in_use()) == (False, other)
    assert listed > foreign
    store.set_active_adapter(None)
    assert finished()[1] is False
    # Back, and on to another base's adapter, which plays with that only.
    store.set_active_adapter(parent)
    store.set_active_adapter(foreign)
    newest, activated = finished()
    assert (activated, in_use()) == (True, newest)


def test_the_same_folder_is_listed_once_however_it_is_written(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = kit.folder / "adapters" / "one"
    kit.store.add_adapter(NewAdapter(str(place), "base"))
    monkeypatch.chdir(kit.folder.parent)
    for name in ("data/adapters/one", "data/../data/adapters/one"):
        with pytest.raises(DataError, match="listed already"):
            kit.store.add_adapter(NewAdapter(name, "base"))
