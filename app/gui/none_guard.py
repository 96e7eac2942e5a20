"""Keeps ``None`` alive under a binding that takes a reference of it with every call.

WORKAROUND for PySide6 6.12.0 on Python 3.11: its wheel is built as if ``None`` were
immortal, which it is only from Python 3.12 on.  Every call that returns nothing then
drops one reference too many, and after some thousand calls the interpreter aborts with
"deallocating None".  Where that is measured, ``None`` is given references that no
session can use up.  To be removed with the pin of a version that counts right.
"""

from __future__ import annotations

import ctypes
import sys

from PySide6.QtCore import QRectF

CALLS = 64
SPARE_REFERENCES = 1 << 40
"""At a million calls a second, many times what the window makes, this lasts twelve days."""


def references_lost(calls: int = CALLS) -> int:
    """Return how many references of None ``calls`` calls of the binding cost."""
    rect = QRectF()
    before = sys.getrefcount(None)
    for _ in range(calls):
        rect.setWidth(1)
    return before - sys.getrefcount(None)


def keep_none_alive() -> bool:
    """Give None spare references where the binding loses them; return whether it does."""
    # Other threads may move the count by a few; the fault moves it by one a call.
    if sys.version_info >= (3, 12) or references_lost() < CALLS // 2:
        return False
    count = ctypes.c_ssize_t.from_address(id(None))
    if sys.getrefcount(None) < SPARE_REFERENCES:
        count.value += SPARE_REFERENCES
    return True
