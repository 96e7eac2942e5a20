"""What a base could before any lesson: a stratified sample of starts over all it was taught.

The sample stays for ``ROUNDS_A_BLOCK`` rounds and is then drawn anew.  So the outcomes of the base
and of what was in use before are known already, and no start judges for ever.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

from model.language.paraphrase import TAUGHT_FILE, Sayings
from recorder.errors import DataError
from recorder.games.base import Task
from recorder.games.seeds import SeedRange
from trainer.evaluation.starts import Attempt, Start, StartKey
from trainer.evaluation.verdicts.sequential import Pairs

OLD_TASK_STARTS = 300
ROUNDS_A_BLOCK = 5
LESSON_SEEDS = 5_000_000
"""The first half of the verdict's seeds belongs to lessons, what follows to the old tasks."""


def taught_tasks(game: str, base: Path, data: Path | None = None) -> tuple[Task, ...]:
    """Return the judged tasks that ``base`` was taught before it came here, () if not known.

    Of the practice yard that is every task of its training, those of two steps included; of
    another game the sentences that the base's own list names.
    """
    if not (base / TAUGHT_FILE).is_file():
        return ()
    from recorder.games import judged_task, registered, task_list

    spec = registered(game)
    if spec is not None and spec.trained is not None:
        return tuple(spec.trained())

    sayings = Sayings.load(base)
    every = task_list(game, data)
    found = (judged_task(every, each) for each in (sayings.sentences if sayings else ()))
    return tuple(dict.fromkeys(task for task in found if task is not None))


def old_task_starts(
    game: str, tasks: Sequence[Task], block: int, count: int = OLD_TASK_STARTS
) -> list[Start]:
    """Return the starts of a block (0 ...): every verb in it, by the root of its number of tasks.

    Within a verb each task comes once before one comes twice.  The same block is the same starts.
    Raises DataError for a block past the end of the seeds.
    """
    if block < 0 or count < 0:
        raise ValueError("blocks and starts are counted from 0")
    strata: dict[str, list[Task]] = {}
    for task in tasks:
        strata.setdefault(task.verb, []).append(task)
    if not strata:
        return []
    rng = random.Random(f"{game} {block}")
    parts = _parts({verb: math.sqrt(len(each)) for verb, each in strata.items()}, count)
    try:
        seeds = SeedRange.VERDICT.seeds(LESSON_SEEDS + block * count, count)
    except ValueError as error:
        raise DataError(
            "All starts on which it is checked what a model could before are used up, so nothing "
            "was played; teach into another data folder."
        ) from error
    chosen: list[Task] = []
    for verb, part in parts.items():
        drawn = rng.sample(strata[verb], len(strata[verb]))
        chosen += [drawn[number % len(drawn)] for number in range(part)]
    rng.shuffle(chosen)
    return [Start(task, task.instruction, seed) for task, seed in zip(chosen, seeds, strict=True)]


def _parts(weights: dict[str, float], count: int) -> dict[str, int]:
    """Divide ``count`` by weights into whole numbers (largest remainders)."""
    total = sum(weights.values())
    exact = {name: count * weight / total for name, weight in weights.items()}
    parts = {name: math.floor(value) for name, value in exact.items()}
    by_rest = sorted(exact, key=lambda name: parts[name] - exact[name])
    for name in by_rest[: count - sum(parts.values())]:
        parts[name] += 1
    return parts


def paired(before: dict[StartKey, Attempt], after: dict[StartKey, Attempt]) -> Pairs:
    """Return how the starts came out that both sides played and somebody judged."""
    pairs = Pairs()
    for key, new in after.items():
        old = before.get(key)
        if old is not None and old.judged and new.judged:
            pairs = pairs.plus(old.success, new.success)
    return pairs
