"""``playteach models``: what can play."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TypedDict

from app.cli.common import details, emit, say, table
from recorder import json_values
from recorder.errors import ExitCode, ModelError, UsageError


class _Model(TypedDict):
    name: str
    kind: str
    folder: str | None
    bytes: int
    there: bool


def list_(options: argparse.Namespace) -> int:
    """List the checkpoints that ship with Playteach and the scripted players."""
    from model.paths import shipped_checkpoints
    from recorder.games import DEFAULT_GAME
    from trainer.evaluation.players import SCRIPTED

    rows: list[_Model] = [
        {
            "name": name,
            "kind": "checkpoint",
            "folder": str(folder),
            "bytes": _bytes(folder),
            "there": folder.is_dir(),
        }
        for name, folder in (
            ("base" if game == DEFAULT_GAME else f"base ({game})", folder)
            for game, folder in shipped_checkpoints().items()
        )
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
    from model.adapters.folders import fingerprint
    from model.paths import own_checkpoint
    from recorder.games import DEFAULT_GAME

    name = "default" if options.name == "base" else options.name
    folder = own_checkpoint(DEFAULT_GAME) if name == "default" else Path(name)
    try:
        config = json_values.parse((folder / "config.json").read_text(encoding="utf-8"))
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


def fetch(options: argparse.Namespace) -> int:
    """Fetch a checkpoint from the hub after asking."""
    folder = checkpoint_from_hub(options.name, agreed=options.yes)
    emit(options, {"folder": str(folder)}, [f"It is here: {folder}"])
    return int(ExitCode.OK)


def checkpoint_from_hub(name: str, *, agreed: bool) -> Path:
    """Return a hub checkpoint's folder, fetching it first where it is not here.

    Asks on a terminal unless ``agreed``.  Raises UsageError where nobody agreed, ModelError
    where it cannot be fetched.
    """
    from model.serving.hub import Hub, is_hub_name

    if not is_hub_name(name):
        raise UsageError(
            f"{name!r} is no name on the hub, so nothing was fetched; write owner/model."
        )
    hub = Hub()
    here = hub.cached(name)
    if here is not None:
        return here
    plan = hub.plan(name)
    if not agreed:
        say(f"{plan.question} Type yes:")
        if not sys.stdin.isatty() or sys.stdin.readline().strip().lower() != "yes":
            raise UsageError("Nothing was fetched; repeat with --yes to fetch it unasked.")
    told = -1

    def progress(done: int, total: int) -> None:
        nonlocal told
        percent = 100 * done // max(total, 1)
        if percent != told:
            told = percent
            say(f"{percent} % of {total / 1e9:.2f} GB")

    return hub.fetch(plan, progress)


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*") if file.is_file())
