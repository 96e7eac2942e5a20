"""Teaches lessons that no game judges, shown by a hand, and lets hidden judges say what came of it.

Every lesson is taught in a data folder of its own, from the default model on.  Its attempts are
kept, a JSON line each, so that a measurement of hours can be broken off and go on.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.automation.round_log import RoundDiary
from app.benchmarks.common import Say, Target, report
from app.benchmarks.teaching_cases.lessons import CHOOSING, JUDGING, TeachingLesson
from app.benchmarks.teaching_cases.playing import play
from app.benchmarks.teaching_cases.showing import Showing, show
from model.paths import default_checkpoint
from recorder.errors import KnownError, UsageError
from recorder.games.seeds import SeedRange
from recorder.store import RoundStatus, Store
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.study_rows import ROWS_FILE, KeptRows, whole_lines
from trainer.evaluation.verdicts.verdict import paired_interval
from trainer.rounds.client import RoundClient

FOLDER = "benchmark-teaching"
LESSONS_FILE = "lessons.jsonl"
PARTS = {"choosing": CHOOSING, "judging": JUDGING}
ARMS: Mapping[str, Mapping[str, str]] = {
    "mirror": {"mirror": "true"},
    "no-memory": {"memory": "false"},
    "long": {"min_steps": "140"},
    "slow": {"learning_rate": "0.0006"},
    "forgetful": {"keep": "0", "others": "0"},
}
"""Ways to teach that are held against each other on the choosing lessons: settings of a round."""
STARTS = 100
TEST_SKIP = 1_000_000
CHOOSE_SKIP = 5_000_000
"""Where the starts of the judging and the choosing lessons begin, in the test and the validation
range."""
SHOWN_SKIP = 9_000_000
"""Where the starts that the hand shows begin, in the teaching range."""
UNTAUGHT = 0.2
"""A lesson is one if the default model succeeds at most so often before it."""
TARGETS = {
    "success_after": Target(0.8, at_least=True),
    "improved_share": Target(11 / 12, at_least=True),
}


@dataclass(frozen=True, slots=True)
class Taught:
    """One lesson that was taught: what was shown, how long it took, what it changed.

    ``before`` and ``after`` are successes of ``starts``; ``gain`` is (difference, low, high) in
    shares of 1, paired, with a 95 % interval.  ``learning_s`` is the round's training.
    """

    part: str
    lesson: str
    kind: str
    showing: Showing
    learning_s: float | None
    starts: int
    before: int
    after: int
    gain: tuple[float, float, float]


def measure(runs: int | None, say: Say, *, folder: Path, parts: Sequence[str]) -> dict[str, object]:
    """Teach the lessons of ``parts`` (all: "choosing" and "judging"), ``runs`` starts each.

    A part may name arms: "choosing+mirror", "choosing+mirror+long".  ``runs`` None is STARTS.
    Raises UsageError for another part, KnownError for a round that does not get to its end; the
    lessons before it stay kept.
    """
    for each in parts:
        name, *arms = each.split("+")
        if name not in PARTS or not ARMS.keys() >= set(arms):
            known = [*PARTS, *(f"choosing+{arm}" for arm in ARMS)]
            raise UsageError(
                f"The teaching benchmark has no part {each!r}, so nothing was measured; choose "
                f"of: {', '.join(known)}."
            )
    starts = runs or STARTS
    there = folder / FOLDER
    kept = _kept(there / LESSONS_FILE)
    found: list[Taught] = []
    for part in parts or PARTS:
        lessons = PARTS[part.partition("+")[0]]
        for number, lesson in enumerate(lessons):
            done = kept.get((part, lesson.name, starts))
            if done is None:
                say(f"{part}: {lesson.sentence} ({number + 1} of {len(lessons)})")
                done = _teach(there, part, number, lesson, starts, say)
                _keep(there / LESSONS_FILE, done)
            say(f"{lesson.sentence}: {done.before} -> {done.after} of {starts}")
            found.append(done)
    return report(
        "teaching",
        [figures_of(found)],
        TARGETS,
        extra={"lessons": [asdict(each) for each in found]},
    ) | {"runs": starts}


def figures_of(taught: Sequence[Taught]) -> dict[str, float | None]:
    """Return what lessons came to; those that the model could do before are counted, not hidden."""
    return {
        "lessons": float(len(taught)),
        "known_before": float(sum(each.before > UNTAUGHT * each.starts for each in taught)),
        "success_before": sum(each.before / each.starts for each in taught) / len(taught),
        "success_after": sum(each.after / each.starts for each in taught) / len(taught),
        "improved_share": sum(each.gain[1] > 0 for each in taught) / len(taught),
        "driving_s": sum(each.showing.driving_s for each in taught) / len(taught),
    }


def _teach(
    there: Path, part: str, number: int, lesson: TeachingLesson, starts: int, say: Say
) -> Taught:
    data = there / f"{part}-{lesson.name}"
    rows = KeptRows(there / ROWS_FILE)
    base = default_checkpoint()
    name, *arms = part.split("+")
    settings = {each: value for arm in arms for each, value in ARMS[arm].items()}
    skip = TEST_SKIP if name == "judging" else CHOOSE_SKIP
    own = SeedRange.TEST if name == "judging" else SeedRange.VALIDATION
    seeds = own.seeds(skip + number * STARTS, starts)
    before = play(lesson, PlayerSpec("before", base), seeds, rows, lesson.name)
    say(f"before: {sum(before)} of {starts}")
    teaching = SeedRange.TEACHING.seeds(SHOWN_SKIP + number * STARTS, STARTS)
    diary = RoundDiary(tell=say)
    with Store.open(data) as store:
        showing = show(store, lesson, iter(teaching), random.Random(f"{name}/{lesson.name}"))
        say(
            f"shown: {showing.tries} tries, {showing.broken_off} of them broken off, "
            f"{showing.right} as the judge wants it, "
            f"{showing.driving_s:.0f} s of driving"
        )
        began = time.monotonic()
        client = RoundClient(data, store, base)
        query = " ".join(f"id:{each}" for each in showing.episodes)
        result = client.run(query, say=diary.hear, paired_seeds=0, settings=settings)
        took = time.monotonic() - began
    if result.status is not RoundStatus.DONE or result.adapter is None:
        raise KnownError(result.sentence)
    after = play(lesson, PlayerSpec("after", base, result.adapter), seeds, rows, lesson.name)
    return Taught(
        part, lesson.name, str(lesson.kind), showing, diary.training_s or round(took, 1), starts,
        sum(before), sum(after), paired_interval(before, after),
    )  # fmt: skip


def _kept(path: Path) -> dict[tuple[str, str, int], Taught]:
    """Return what was taught before, by part, lesson and number of starts."""
    found = {}
    try:
        for row in map(json.loads, whole_lines(path)):
            each = _taught_of(row)
            found[each.part, each.lesson, each.starts] = each
    except (ValueError, KeyError, TypeError) as error:
        raise KnownError(
            f"{path} holds a line that is no lesson, so it cannot be continued; move it away or "
            "choose another folder with --data."
        ) from error
    return found


def _taught_of(row: dict[str, Any]) -> Taught:
    shown = {**row["showing"], "episodes": tuple(row["showing"]["episodes"])}
    return Taught(**{**row, "showing": Showing(**shown), "gain": tuple(row["gain"])})


def _keep(path: Path, taught: Taught) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(taught), ensure_ascii=False) + "\n")
