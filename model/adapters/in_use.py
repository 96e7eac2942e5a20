"""Which adapter plays with which base: each base keeps the one that was last put in use for it."""

from __future__ import annotations

import logging
from pathlib import Path

from model.adapters.folders import fingerprint, read_meta
from recorder.errors import ModelError
from recorder.store import AdapterRow, Reader

log = logging.getLogger(__name__)


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
