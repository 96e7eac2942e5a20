"""Keeps the engine and its folder from outliving the program that started them.

The engine is a process of its own that waits for orders.  After a kill -9 of its parent
none come, and it would wait for ever.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import psutil

PREFIX = "playteach-doom-"
_OWNER = re.compile(rf"{PREFIX}(\d+)-")


def own_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a new private folder; those of programs that are gone are removed."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = _OWNER.match(path.name)
        if owner and not psutil.pid_exists(int(owner[1])):
            shutil.rmtree(path, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")


def leash(engine: Path, folder: Path) -> Path | None:
    """Return what to start instead of ``engine`` so that it ends with its parent.

    On Linux that is a two-line script in ``folder`` around setpriv (util-linux), which asks
    the kernel for it; elsewhere, and where setpriv is missing, there is nothing to start.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return None
    script = folder / "engine"
    command = f"exec {shlex.quote(setpriv)} --pdeathsig KILL {shlex.quote(str(engine))}"
    script.write_text(f'#!/bin/sh\n{command} "$@"\n', encoding="utf-8")
    script.chmod(0o700)
    return script
