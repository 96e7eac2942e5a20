"""Looks up the adapter in use for a base; the rounds decide when one is (their ``measuring``)."""

from __future__ import annotations

import logging
from pathlib import Path

from model.adapters.folders import fingerprint, read_meta
from recorder.errors import AdapterError, ModelError
from recorder.store import AdapterRow, Reader

log = logging.getLogger(__name__)

BASE_PLAYS = "the base plays without it"


def adapter_in_use(reader: Reader, base: Path) -> AdapterRow | None:
    """Return the adapter that plays with a base checkpoint, None for the bare base.

    What was put in use for another base waits until that plays again.  "No adapter" counts
    for every base.  An adapter whose folder is damaged counts for the base that its row
    names, so that loading it tells of the damage.
    """
    rows = {row.id: row for row in reader.adapters()}
    for adapter_id in reader.activations():
        row = None if adapter_id is None else rows.get(adapter_id)
        if row is None:
            return None
        if belongs(row, base):
            return row
    return None


def lost_sentence(row: AdapterRow, meaning: str = BASE_PLAYS) -> str:
    """Return why an adapter cannot play, what that means and what to do; "" if it can.

    Looks at its files only; damaged weights show when they are loaded.
    """
    try:
        read_meta(Path(row.folder))
    except AdapterError as error:
        return without_sentence(row, error, meaning)
    return ""


def without_sentence(row: AdapterRow, error: AdapterError, meaning: str = BASE_PLAYS) -> str:
    """Return what is wrong with a lost adapter, what that means, and what to do."""
    what, _, _ = error.sentence.rpartition(", so ")
    title = f" ({row.title})" if row.title else ""
    return (
        f"{what}, so adapter {row.id}{title} cannot be used and {meaning}; put it back to "
        f"{row.folder}, or choose another one."
    )


def of_other_bases(reader: Reader, base: Path) -> frozenset[int]:
    """Return the numbers of the adapters that were taught to another base than this one."""
    return frozenset(row.id for row in reader.adapters() if not belongs(row, base))


def base_of(row: AdapterRow) -> str:
    """Return the fingerprint of the base of an adapter, its name where the folder is damaged."""
    try:
        return read_meta(Path(row.folder)).base
    except ModelError:
        return row.base


def belongs(row: AdapterRow, base: Path) -> bool:
    """Return whether an adapter was taught to a base checkpoint."""
    try:
        return read_meta(Path(row.folder)).base == fingerprint(base)
    except ModelError as error:
        log.warning("%s", error.sentence)
        return row.base == base.name
