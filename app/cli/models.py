"""``playteach models``: what can play."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from app.cli.common import details, emit, table
from recorder.errors import ExitCode, ModelError


def list_(options: argparse.Namespace) -> int:
    """List the checkpoints that ship with Playteach and the scripted players."""
    from model.paths import default_checkpoint
    from trainer.players import SCRIPTED

    folder = default_checkpoint()
    rows: list[dict[str, Any]] = [
        {
            "name": "base",
            "kind": "checkpoint",
            "folder": str(folder),
            "bytes": _bytes(folder),
            "there": folder.is_dir(),
        }
    ]
    rows += [
        {"name": name, "kind": "scripted", "folder": None, "bytes": 0, "there": True}
        for name in SCRIPTED
    ]
    shown = [(r["name"], r["kind"], f"{r['bytes'] / 1e6:.1f} MB", r["there"]) for r in rows]
    emit(options, rows, table(shown, ["model", "kind", "size", "there"]))
    return int(ExitCode.OK)


def show(options: argparse.Namespace) -> int:
    """Show a checkpoint: 'base' or a folder.  Raises ModelError for anything else."""
    from model.adapters import fingerprint
    from model.paths import default_checkpoint

    name = "default" if options.name == "base" else options.name
    folder = default_checkpoint() if name == "default" else Path(name)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"There is no checkpoint at {folder.name!r} that can be read, so there is nothing to "
            "show; see `playteach models`."
        ) from error
    facts = {
        "folder": str(folder),
        "kind": config.get("model_type"),
        "bytes": _bytes(folder),
        "fingerprint": fingerprint(folder),
    }
    emit(options, facts, details(facts))
    return int(ExitCode.OK)


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*") if file.is_file())
