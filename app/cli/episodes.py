"""``playteach episodes``: list, show, teach, delete, undo."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from datetime import datetime

from app.cli.common import data_folder, details, emit, has_database, table
from recorder.errors import DataError, ExitCode
from recorder.store import EpisodeRow, Reader, Store, Wish


def list_(options: argparse.Namespace) -> int:
    """List what a query chooses, newest first."""
    from recorder.store import parse_query

    query = parse_query(options.query)
    folder = data_folder(options)
    rows: list[EpisodeRow] = []
    if has_database(folder):
        with Reader.open(folder) as reader:
            rows = reader.episodes(query)
    shown = [
        (
            row.id,
            datetime.fromtimestamp(row.began_wall_s).strftime("%Y-%m-%d %H:%M"),
            row.instruction[:40],
            row.outcome,
            row.kind,
            f"{row.duration_s:.1f} s",
            row.takeovers,
            row.policy,
        )
        for row in rows
    ]
    header = ["id", "began", "instruction", "outcome", "kind", "length", "takeovers", "policy"]
    emit(options, [_document(row) for row in rows], table(shown, header))
    return int(ExitCode.OK)


def show(options: argparse.Namespace) -> int:
    """Show one episode with its segments, sentences and labels."""
    with Reader.open(data_folder(options)) as reader:
        row = reader.episode(options.id)
        segments = reader.segments(options.id)
        sentences = reader.instructions(options.id)
        labels = reader.labels(options.id)
    document = {
        **_document(row),
        "segments": [asdict(segment) for segment in segments],
        "instructions": [asdict(sentence) for sentence in sentences],
        "labels": [asdict(label) for label in labels],
    }
    facts = {name: value for name, value in _document(row).items() if name != "driver_strip"}
    drivers: Counter[str] = Counter()
    for driver, ticks in row.driver_strip:
        drivers[driver.value] += ticks
    facts["ticks by driver"] = ", ".join(f"{name} {ticks}" for name, ticks in drivers.items())
    lines = details(facts)
    lines += [
        "",
        *table(
            [(s.start, s.stop, s.driver, s.kind) for s in segments],
            ["from", "to", "driver", "kind"],
        ),
    ]
    emit(options, document, lines)
    return int(ExitCode.OK)


def delete(options: argparse.Namespace) -> int:
    """Put one into the bin."""
    with Store.open(data_folder(options)) as store:
        store.delete_episode(options.id)
    text = (
        f"Episode {options.id} is in the bin; `playteach episodes undo {options.id}` gets it back."
    )
    emit(options, {"id": options.id, "deleted": True}, [text])
    return int(ExitCode.OK)


def teach(options: argparse.Namespace) -> int:
    """Say whether rounds may learn from one, and whether its pauses are kept."""
    use = {"yes": True, "no": False, "auto": None}[options.use]
    with Store.open(data_folder(options)) as store:
        store.set_wish(options.id, Wish(use, options.pauses))
    told = {
        True: "is taught, however it ended",
        False: "is not taught",
        None: "is taught if it succeeded",
    }[use]
    pauses = ", with the moments in which you stood still" if options.pauses else ""
    document = {"id": options.id, "use": options.use, "pauses": options.pauses}
    emit(options, document, [f"Episode {options.id} {told}{pauses}."])
    return int(ExitCode.OK)


def undo(options: argparse.Namespace) -> int:
    """Take one out of the bin; without a number the one that was put in last."""
    folder = data_folder(options)
    with Store.open(folder) as store:
        chosen = options.id
        if chosen is None:
            with Reader.open(folder) as reader:
                binned = reader.deleted_episodes()
            if not binned:
                raise DataError("The bin is empty, so there is nothing to take out of it.")
            chosen = binned[0].id
        store.undelete_episode(chosen)
    emit(options, {"id": chosen, "deleted": False}, [f"Episode {chosen} is back."])
    return int(ExitCode.OK)


def _document(row: EpisodeRow) -> dict[str, object]:
    return asdict(row)
