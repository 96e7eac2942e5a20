"""How well the agent does a lesson that a person gave by hand in the window, after one round.

The lesson is ``tests/data/hand-barrel``.  It is taught anew from the default model with other
random numbers in every run, and each run plays the same starts; rounds and attempts are kept.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from app.automation.round_log import RoundDiary
from app.benchmarks.common import Say, Target, report
from model.paths import default_checkpoint
from recorder.data_folder import database_path
from recorder.errors import KnownError
from recorder.games import required_task, task_list
from recorder.games.base import Asked
from recorder.games.seeds import SeedRange
from recorder.store import RoundStatus, Store
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate
from trainer.evaluation.starts import Start, starts_of
from trainer.evaluation.study_rows import ROWS_FILE, KeptRows, whole_lines
from trainer.evaluation.verdicts.verdict import paired_interval
from trainer.rounds.client import RoundClient

GAME = "doom"
SENTENCE = "use your gun on the barrel"
LESSON = Path(__file__).parents[2] / "tests" / "data" / "hand-barrel" / "playteach.sqlite3"
FOLDER = "benchmark-hand"
ROUNDS_FILE = "rounds.jsonl"
RUNS = 3
STARTS = 100
SKIP = 2_000_000
"""Where the starts begin in the test range; no other measurement plays there."""
TARGETS = {"success_after_pooled": Target(0.7, at_least=True)}


@dataclass(frozen=True, slots=True)
class HandRound:
    """One round on the lesson: its run, its adapter's folder in that run's data, its training."""

    run: int
    adapter: str
    training_s: float | None


def measure(runs: int | None, say: Say, *, folder: Path, parts: Sequence[str]) -> dict[str, object]:
    """Teach the lesson ``runs`` (None: RUNS) times and play STARTS starts before and after each.

    ``parts`` is empty: there are none.  Raises KnownError if the lesson is not there or a round
    does not get to its end; what was done before it stays kept.
    """
    del parts
    if not LESSON.is_file():
        raise KnownError(
            f"The lesson of this benchmark ({LESSON.parent.name}) lies in the source tree alone, "
            "so nothing was measured; run it from a clone of the repository."
        )
    runs = RUNS if runs is None else runs
    there = folder / FOLDER
    rows = KeptRows(there / ROWS_FILE)
    task = required_task(GAME, task_list(GAME), SENTENCE, "nothing was measured")
    starts = starts_of([Asked(task, SENTENCE)], SeedRange.TEST.seeds(SKIP, STARTS))
    before = _played(PlayerSpec("before", default_checkpoint()), starts, rows)
    say(f"before: {sum(before)} of {STARTS}")
    kept = _kept(there / ROUNDS_FILE)
    taught, after = [], []
    for run in range(runs):
        say(f"round {run + 1} of {runs}")
        one = kept.get(run) or _taught(there, run, say)
        adapter = there / f"run-{run}" / one.adapter
        after.append(_played(PlayerSpec("after", default_checkpoint(), adapter), starts, rows))
        say(f"after: {sum(after[-1])} of {STARTS}")
        taught.append(one)
    pooled = sum(map(sum, after)) / (STARTS * runs)
    each = [
        {
            "success_before": sum(before) / STARTS,
            "success_after": sum(own) / STARTS,
            "success_after_pooled": pooled,
            "training_s": one.training_s,
        }
        for one, own in zip(taught, after, strict=True)
    ]
    gains = [paired_interval(before, own) for own in after]
    return report("hand", each, TARGETS, extra={"gains": gains})


def _played(player: PlayerSpec, starts: Sequence[Start], rows: KeptRows) -> list[bool]:
    """Return for each start whether it succeeded; what is kept is not played again."""
    found = evaluate(
        player, GAME, starts,
        known=rows.of("", player.key), on_played=lambda attempt: rows.keep("", attempt),
    )  # fmt: skip
    return [one.success for one in found]


def _taught(there: Path, run: int, say: Say) -> HandRound:
    """Do the round of a run in a data folder of its own, and keep what it came to."""
    data = there / f"run-{run}"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    shutil.copy(LESSON, database_path(data))
    diary = RoundDiary(tell=say)
    with Store.open(data) as store:
        client = RoundClient(data, store, default_checkpoint())
        result = client.run(
            "kind:demonstration", game=GAME, say=diary.hear, paired_seeds=0, old_tasks=False,
            settings={"seed": str(run)},
        )  # fmt: skip
    if result.status is not RoundStatus.DONE or result.adapter is None:
        raise KnownError(result.sentence)
    one = HandRound(run, str(result.adapter.relative_to(data.absolute())), diary.training_s)
    with (there / ROUNDS_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(one)) + "\n")
    return one


def _kept(path: Path) -> dict[int, HandRound]:
    """Return the rounds that were done before, by their run."""
    try:
        return {one.run: one for one in (HandRound(**json.loads(row)) for row in whole_lines(path))}
    except (ValueError, KeyError, TypeError) as error:
        raise KnownError(
            f"{path} holds a line that is no round, so it cannot be continued; move it away or "
            "choose another folder with --data."
        ) from error
