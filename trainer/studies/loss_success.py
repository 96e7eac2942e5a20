"""Loss against success: `python -m trainer.studies.loss_success CHECKPOINT ... --out DIR`.

For a series of checkpoints (copies that trainings kept, or their ends): the loss of the
expert's actions on fixed states that no training saw, and how often the checkpoint
succeeds on twelve instructions (unseen seeds, Wilson's 95 % interval).
JARVIS-VLA's authors saw no success above a loss of 0.30, and a rise below 0.22; their
losses are of other tokens, so that only the shape can be compared.  Random play on the
same starts says what is no success of the model's.
Writes `loss_success.json`, `.md` and `.png`; `rows.jsonl` holds every attempt,
`losses.json` every loss, and what is there is not measured again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

from model.adapters.folders import fingerprint
from recorder.errors import KnownError
from recorder.games.base import Asked, Task
from recorder.games.seeds import SeedRange
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import Attempt, starts_of
from trainer.evaluation.study_rows import ROWS_FILE, KeptRows, play_kept
from trainer.evaluation.summary import rates_of
from trainer.studies.action_loss import (
    EVERY,
    FIRST_SEED,
    INSTRUCTIONS,
    NOISE,
    TaughtState,
    action_loss,
    taught_states,
)
from trainer.studies.charts import Rate, draw_against

PAPER_MARKS = (0.30, 0.22)
SEEDS = 5
LOSS_SEEDS = 4
LOSSES_FILE = "losses.json"


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class Line(Rate):
    """A checkpoint's line; ``action_loss`` in nats a token."""

    checkpoint: str
    steps: int
    action_loss: float


class Document(TypedDict):
    """What loss_success.json holds."""

    loss_seeds: int
    random: Rate
    checkpoints: list[Line]
    first_above_random: float | None


def measure(
    checkpoints: Sequence[Path],
    out: Path,
    *,
    seeds: int = SEEDS,
    loss_seeds: int = LOSS_SEEDS,
    tasks: int = len(INSTRUCTIONS),
    workers: int | None = None,
    tell: Callable[[str], None] = _say,
) -> Document:
    """Measure every checkpoint, and random play; return the document that is written.

    The files are written after every seed.  Raises KnownError where a folder is no
    checkpoint of a training, ValueError without seeds.
    """
    if seeds < 1:
        raise ValueError("a success rate needs at least one seed")
    steps = {folder: _steps(folder) for folder in checkpoints}
    names = _names(checkpoints)
    asked = INSTRUCTIONS[:tasks]
    rows = KeptRows(out / ROWS_FILE)
    losses = _losses(checkpoints, asked, loss_seeds, out / LOSSES_FILE)
    ordered = sorted(steps, key=lambda folder: (-losses[folder], steps[folder]))
    for folder in ordered:
        tell(f"{names[folder]}: step {steps[folder]}, loss {losses[folder]:.3f}")

    def play(player: PlayerSpec, count: int) -> Rate:
        starts = starts_of(map(Asked, asked), SeedRange.VALIDATION.seeds(0, count))
        played = play_kept(rows, "", player, starts, workers=workers)
        rates = _rates(played)
        tell(f"{player.name}: {rates['success']} of {rates['n']}")
        return rates

    # Seed by seed, so that an interrupted measurement has seen all checkpoints alike.
    for count in range(1, seeds + 1):
        random = play(PlayerSpec("random"), count)
        lines: list[Line] = [
            {
                "checkpoint": names[folder],
                "steps": steps[folder],
                "action_loss": round(losses[folder], 4),
                **play(PlayerSpec(names[folder], folder), count),
            }
            for folder in ordered
        ]
        document: Document = {
            "loss_seeds": loss_seeds,
            "random": random,
            "checkpoints": lines,
            "first_above_random": first_above(lines, random["interval"][1]),
        }
        _write(document, out)
    return document


def _names(checkpoints: Sequence[Path]) -> dict[Path, str]:
    """Return what tells the folders apart: their paths below the last folder of all of them."""
    parents = [folder.resolve().parents for folder in checkpoints]
    common = next(one for one in parents[0] if all(one in each for each in parents))
    return {folder: folder.resolve().relative_to(common).as_posix() for folder in checkpoints}


def _losses(
    checkpoints: Sequence[Path], tasks: Sequence[Task], seeds: int, kept: Path
) -> dict[Path, float]:
    """Return every checkpoint's loss; each is kept in a file as soon as it is known."""
    known: dict[str, float] = {}
    if kept.exists():
        known = json.loads(kept.read_text(encoding="utf-8"))
    states: list[TaughtState] = []
    losses = {}
    for folder in checkpoints:
        key = f"{fingerprint(folder)} {_states_key(tasks, seeds)}"
        if key not in known:
            states = states or taught_states(tasks, seeds=seeds)
            known[key] = action_loss(folder, states)
            fresh = kept.with_suffix(".new")
            fresh.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
            fresh.replace(kept)
        losses[folder] = known[key]
    return losses


def _states_key(tasks: Sequence[Task], seeds: int) -> str:
    """Return what tells the states apart on which a loss was measured."""
    text = json.dumps([[task.id for task in tasks], seeds, FIRST_SEED, EVERY, NOISE])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write(document: Document, out: Path) -> None:
    text = json.dumps(document, indent=1) + "\n"
    (out / "loss_success.json").write_text(text, encoding="utf-8")
    (out / "loss_success.md").write_text(markdown(document["checkpoints"]), encoding="utf-8")
    draw_against(
        [
            (line["action_loss"], line["success_rate"], line["interval"][0], line["interval"][1])
            for line in document["checkpoints"]
        ],
        out / "loss_success.png",
        marks=PAPER_MARKS,
        floor=document["random"]["success_rate"],
    )


def first_above(lines: Sequence[Line], bound: float) -> float | None:
    """Return the highest loss from which on every interval lies above ``bound``; None: none."""
    found = None
    for line in sorted(lines, key=lambda line: float(line["action_loss"])):
        if line["interval"][0] <= bound:
            break
        found = float(line["action_loss"])
    return found


def markdown(lines: Sequence[Line]) -> str:
    """Return the table as Markdown."""
    text = ["| Checkpoint | Steps | Action loss | Success |", "|---|---|---|---|"]
    for line in lines:
        low, high = line["interval"]
        share = f"{line['success_rate']:.1%} ({low:.1%} to {high:.1%})"
        counts = f"{line['success']} of {line['n']}"
        start = f"| `{line['checkpoint']}` | {line['steps']} | {line['action_loss']:.3f} "
        text.append(f"{start}| {counts}, {share} |")
    return "\n".join(text) + "\n"


def _rates(played: Sequence[Attempt]) -> Rate:
    rates = rates_of(played)
    return {
        "success": rates["success"],
        "n": rates["n"],
        "success_rate": rates["success_rate"],
        "interval": rates["interval"],
    }


def _steps(folder: Path) -> int:
    try:
        return int(json.loads((folder / "card.json").read_text(encoding="utf-8"))["steps"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KnownError(
            f"{folder} is no checkpoint of a training (its card.json tells no steps), so nothing "
            "was measured; name folders that `trainer.pretraining.train_yard_model` wrote."
        ) from error


def main(arguments: list[str] | None = None) -> int:
    """Measure the given checkpoints; 2 where one of them is none."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.studies.loss_success",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoints", type=Path, nargs="+", help="checkpoint folders")
    parser.add_argument("--out", type=Path, required=True, help="folder of rows and results")
    parser.add_argument(
        "--seeds",
        type=int,
        default=SEEDS,
        choices=range(1, 1001),
        metavar="N",
        help="unseen seeds an instruction",
    )
    parser.add_argument("--workers", type=int, help="games at once (default: one a core)")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    try:
        measure(
            given.checkpoints,
            given.out,
            seeds=given.seeds,
            workers=given.workers,
            tell=_say,
        )
    except KnownError as error:
        _say(error.sentence)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
