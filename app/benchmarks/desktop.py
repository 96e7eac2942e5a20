"""``playteach benchmark desktop``: every promise about games in a window of their own.

Starts its own Xvfb, window manager and Luanti.  Figures are kept part by part in the data
folder, so that an interruption costs one part; ``--fresh`` measures them all again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.benchmarks.common import Figures, Say, Target, report
from app.benchmarks.desktop_cases.faults import measure_faults
from app.benchmarks.desktop_cases.live import (
    measure_camera,
    measure_cost,
    measure_delay,
    measure_false,
    measure_loop,
    measure_privacy,
    measure_takeover,
)
from app.benchmarks.desktop_cases.stage import own_desktop
from recorder.errors import UsageError
from trainer.evaluation.training_pause import quiet

FILE = "desktop-figures.json"
TARGETS = {
    "loop_missed_share": Target(0.01),
    "loop_lost_ticks": Target(0),
    "mouse_ms_p95": Target(50),
    "key_ms_p95": Target(80),
    "takeover_ms_p95": Target(20),
    "takeover_late_events": Target(0),
    "takeover_late_ticks": Target(0),
    "takeover_refused": Target(0),
    "false_takeovers": Target(0),
    "stuck_keys": Target(0),
    "release_ms_p99": Target(100),
    "hang_ms_p99": Target(400),
    "foreign_keys_stored": Target(0),
    "extra_keys_stored": Target(0),
    "core_share": Target(0.35),
    "camera_error": Target(0.02),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One group of figures: ``pieces`` times ``whole``, added up, or once ``quick``."""

    whole: Callable[[Say], Figures]
    quick: Callable[[Say], Figures]
    pieces: int = 1


PARTS: Mapping[str, Part] = {
    "loop": Part(lambda say: measure_loop(60, say), lambda say: measure_loop(10, say)),
    "delay": Part(lambda say: measure_delay(60, say), lambda say: measure_delay(6, say)),
    "takeover": Part(lambda say: measure_takeover(200, say), lambda say: measure_takeover(10, say)),
    "privacy": Part(lambda say: measure_privacy(500, say), lambda say: measure_privacy(50, say)),
    "cost": Part(lambda say: measure_cost(60, say), lambda say: measure_cost(10, say)),
    "camera": Part(lambda say: measure_camera(60, say), lambda say: measure_camera(8, say)),
    "faults": Part(lambda say: measure_faults(100, say), lambda say: measure_faults(2, say)),
    # Half an hour in many fresh games: a long run in one would be one start only.
    "false": Part(lambda say: measure_false(60, say), lambda say: measure_false(10, say), 30),
}


def measure(
    runs: int,
    say: Say,
    *,
    folder: Path | None = None,
    parts: Sequence[str] = (),
    quick: bool = False,
    fresh: bool = False,
) -> dict[str, object]:
    """Measure the chosen parts (none: all) ``runs`` times; ``quick`` shortens each of them.

    Whole figures are kept under ``folder`` and not measured again unless ``fresh``.
    Raises UsageError for a part that there is none of.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise UsageError(
            f"There is no part called {', '.join(unknown)}, so nothing was measured; choose of: "
            f"{', '.join(PARTS)}."
        )
    kept = Kept(None if folder is None or quick else folder / FILE)
    chosen = [name for name in PARTS if not parts or name in parts]
    each: list[Figures] = []
    with quiet(), own_desktop():
        for run in range(runs):
            figures: dict[str, float | None] = {}
            for name in chosen:
                part = PARTS[name]
                pieces = []
                for piece in range(1 if quick else part.pieces):
                    key = f"{name}/{run}/{piece}"
                    known = None if fresh else kept.get(key)
                    if known is None:
                        known = (part.quick if quick else part.whole)(say)
                        kept.put(key, known)
                    pieces.append(known)
                figures |= pieces[0] if len(pieces) == 1 else added(pieces)
            each.append(figures)
    targets = {name: target for name, target in TARGETS.items() if name in each[0]}
    return report("desktop", each, targets, extra={"parts": chosen, "quick": quick})


def added(pieces: Sequence[Figures]) -> dict[str, float | None]:
    """Return the sum of every figure over pieces that count something."""
    return {name: sum(piece[name] or 0.0 for piece in pieces) for name in pieces[0]}


class Kept:
    """Figures of finished parts in a file; None keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._figures: dict[str, Figures] = {}
        if path is not None and path.exists():
            self._figures = json.loads(path.read_text(encoding="utf-8"))

    def get(self, key: str) -> Figures | None:
        """Return what was measured before."""
        return self._figures.get(key)

    def put(self, key: str, figures: Figures) -> None:
        """Keep a part."""
        self._figures[key] = dict(figures)
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_name(self._path.name + ".new")
            fresh.write_text(json.dumps(self._figures, indent=1), encoding="utf-8")
            fresh.replace(self._path)
