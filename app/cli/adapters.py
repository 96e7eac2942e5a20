"""``playteach adapters``: list, show, use, add, roll back."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.cli.common import data_folder, details, emit, has_database, say, table
from recorder.errors import DataError, ExitCode, UsageError
from recorder.store import AdapterRow, Reader, Store


def list_(options: argparse.Namespace) -> int:
    """List the adapters, oldest first."""
    folder = data_folder(options)
    rows: list[AdapterRow] = []
    if has_database(folder):
        with Reader.open(folder) as reader:
            rows = reader.adapters()
    shown = [
        (
            row.id,
            row.title,
            row.parent_id or "base",
            "yes" if row.passed_gates else "no",
            "plays now" if row.active else "",
        )
        for row in rows
    ]
    emit(
        options,
        [asdict(row) for row in rows],
        table(shown, ["id", "title", "parent", "gates passed", ""]),
    )
    return int(ExitCode.OK)


def show(options: argparse.Namespace) -> int:
    """Show one adapter with the verdict of its round."""
    with Reader.open(data_folder(options)) as reader:
        row = _find(reader, options.id)
        rounds = [each for each in reader.rounds() if each.adapter_id == row.id]
    document = {**asdict(row), "round": asdict(rounds[0]) if rounds else None}
    facts = {**asdict(row), "verdict": rounds[0].verdict.get("sentence", "") if rounds else ""}
    emit(options, document, details(facts))
    return int(ExitCode.OK)


def use(options: argparse.Namespace) -> int:
    """Play with an adapter from now on, or without any."""
    folder = data_folder(options)
    with Store.open(folder) as store:
        chosen: int | None = None
        if options.id != "base":
            if not (options.id.isascii() and options.id.isdigit()):
                raise UsageError(
                    f"{options.id!r} is no adapter's number, so nothing was changed; see "
                    "`playteach adapters`, or say base for none."
                )
            with Reader.open(folder) as reader:
                row = _find(reader, int(options.id))
            if not row.passed_gates and not options.anyway:
                raise UsageError(
                    f"Adapter {row.id} did not pass its gates, so it was not put to use; repeat "
                    "with --anyway to try it."
                )
            if not row.passed_gates:
                say(f"Adapter {row.id} did not pass its gates: it may play worse than before.")
            chosen = row.id
        store.set_active_adapter(chosen)
    _tell(options, chosen)
    return int(ExitCode.OK)


def add(options: argparse.Namespace) -> int:
    """List an adapter that a round by hand has made, here or on another machine."""
    from trainer.rounds.listing import list_adapter

    folder = data_folder(options)
    with Store.open(folder) as store, Reader.open(folder) as reader:
        number = list_adapter(store, reader, options.folder)
        row = _find(reader, number)
    passed = "it passed its gates" if row.passed_gates else "it did not pass its gates"
    emit(
        options,
        asdict(row),
        [f"Listed as adapter {number}: {passed}. It is not in use yet."],
    )
    return int(ExitCode.OK)


def roll_back(options: argparse.Namespace) -> int:
    """Undo the newest activation, and tell what plays with the same base now."""
    from model.adapters.in_use import base_of

    folder = data_folder(options)
    with Store.open(folder) as store, Reader.open(folder) as reader:
        rows = {row.id: row for row in reader.adapters()}
        undone = next(iter(reader.activations()), None)
        now = store.undo_activation()
        if undone in rows:
            # What was put in use before may be another base's: it plays with that.
            base = base_of(rows[undone])
            fits = (n for n in reader.activations() if n is None or base_of(rows[n]) == base)
            now = next(fits, None)
    _tell(options, now, rows[undone].base if undone in rows else "")
    return int(ExitCode.OK)


def _tell(options: argparse.Namespace, active: int | None, base: str = "") -> None:
    bare = f"{base} without an adapter" if base else "the base without an adapter"
    name = bare if active is None else f"adapter {active}"
    emit(options, {"active": active}, [f"From now on {name} plays."])


def _find(reader: Reader, adapter_id: int) -> AdapterRow:
    for row in reader.adapters():
        if row.id == adapter_id:
            return row
    raise DataError(
        f"There is no adapter {adapter_id}, so nothing was changed; see `playteach adapters`."
    )
