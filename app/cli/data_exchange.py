"""``playteach data import | export``: recordings of others, and rows for others."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.common import data_folder, emit, say, table
from recorder.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from recorder.exchange import ForeignEpisode


def import_(options: argparse.Namespace) -> int:
    """Store foreign recordings as demonstrations."""
    from recorder.exchange import store_episodes
    from recorder.store import Store

    with Store.open(data_folder(options)) as store:
        done = store_episodes(store, _episodes(options.files, options.instruction))
    rows = [{"source": source, "ticks": ticks} for source, ticks in done]
    emit(options, rows, table([list(row.values()) for row in rows], ["source", "ticks"]))
    return int(ExitCode.OK)


def export(options: argparse.Namespace) -> int:
    """Write what a person taught as minecraft-vla-sft rows."""
    from recorder.store import Reader
    from recorder.store.query import parse_query
    from trainer.data.material import left_out_sentence
    from trainer.data.sft_rows import exported_rows, not_as_done, write_rows

    with Reader.open(data_folder(options)) as reader:
        chosen = [row.id for row in reader.episodes(parse_query(options.episodes))]
        count = write_rows(options.file, exported_rows(reader, chosen))
        left_out, turns_cut = not_as_done(reader, chosen)
    if missing := left_out_sentence(left_out, turns_cut):
        say(missing)
    document = {
        "file": str(options.file),
        "rows": count,
        "episodes": len(chosen),
        "left_out": left_out,
        "turns_cut": turns_cut,
    }
    emit(options, document, [f"{count} rows of {len(chosen)} episodes are in {options.file}."])
    return int(ExitCode.OK)


def _episodes(files: list[Path], instruction: str | None) -> Iterator[ForeignEpisode]:
    from recorder.exchange.minestudio import actions_file, read_minestudio
    from recorder.exchange.vpt import read_vpt
    from trainer.data.sft_rows import episodes_of, read_rows

    for path in files:
        say(f"reading {path.name}")
        if path.suffix == ".mp4" and actions_file(path).is_file():
            yield read_minestudio(path, instruction=_said(path, instruction))
        elif path.suffix == ".mp4":
            yield read_vpt(path, instruction=_said(path, instruction))
        else:
            yield from episodes_of(read_rows(path))


def _said(path: Path, instruction: str | None) -> str:
    if not instruction:
        raise UsageError(
            f"The recording {path.name} says not what was to be done, so it was not imported; add "
            "--instruction."
        )
    return instruction
