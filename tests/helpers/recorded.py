"""Recordings of earlier versions in tests/data; copy them, never open them where they lie."""

import shutil
from pathlib import Path

from recorder.store import Store

LUANTI_HAND = Path(__file__).parents[1] / "data" / "luanti_hand"


def brought_up_to_date(recording: Path, folder: Path) -> Path:
    """Copy a recording's database into ``folder`` and open it once, as the app does; return it."""
    shutil.copy(recording / "playteach.sqlite3", folder)
    Store.open(folder).close()
    return folder
