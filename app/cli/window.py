"""``playteach`` without a command: the window."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.setup.display import require_display


def run(options: argparse.Namespace) -> int:
    """Open the window; raises NoDisplayError where there is no screen."""
    require_display()
    from app.application import run_window

    data = None if options.data is None else Path(options.data)
    return int(
        run_window(data, game_name=options.game, slowed=options.slowed, agreed=options.launch)
    )
