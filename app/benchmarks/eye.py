"""How often the agent's own eye agrees with a lesson's hidden judge.

The lessons are those of ``benchmark teaching``, taught before in the same data folder.  A person
who errs sometimes marks twelve attempts of each, four before the round and eight after it, then
judges twenty-four clips; the eye that is taught from it is held against the judge on other starts.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.numpy import save_file

from app.benchmarks.common import Say, Target, report
from app.benchmarks.teaching import FOLDER, PARTS
from app.benchmarks.teaching_cases.lessons import LESSONS, TeachingLesson
from app.benchmarks.teaching_cases.watching import Watched, Watching, judge_clips, mark_attempts
from model.paths import default_checkpoint
from model.vla.play_options import PlayOptions
from model.vla.vla import VlaPolicy
from recorder.data_folder import database_path
from recorder.errors import KnownError, UsageError
from recorder.games.seeds import SeedRange
from recorder.store import AdapterRow, Reader, Side, Store
from trainer.evaluation.eye.correction import corrected
from trainer.evaluation.eye.glances import Seen
from trainer.evaluation.eye.judge import Eye
from trainer.evaluation.eye.teaching import believed
from trainer.evaluation.run import begin_player_process, player_context
from trainer.evaluation.study_rows import whole_lines
from trainer.evaluation.verdicts.verdict import paired_interval
from trainer.rounds.measuring.eyes import teach_eyes

ROWS = "eyes.jsonl"
ATTEMPTS = "eye"
MARKED_BEFORE, MARKED_AFTER, CLIP_STARTS = 4, 8, 12
STARTS = 50
"""So many other starts are played before and after the round, a hundred attempts in all."""
LATE_TICKS = 18
"""If the judge calls it done within a second of the eye, the eye was right."""
SEEN_AFTER = 35
"""What the eye has not called done two seconds after it was so, it has overlooked."""
MARK_SKIP, CLIP_SKIP, CHOOSE_SKIP, TEST_SKIP = 9_500_000, 6_000_000, 5_700_000, 1_500_000
"""Where the starts begin: of marks in the teaching range, of clips in that of verdicts, those that
measure in the validation range (choosing) or the test range (judging)."""
TARGETS = {
    "balanced_accuracy": Target(0.9, at_least=True),
    "believed_below_85": Target(1),
    "gain_as_told_share": Target(0.9, at_least=True),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One eye against the judge: ``marks`` that it was taught from, and what it called what.

    Of ``done`` attempts it called ``right_done`` done, of ``failed`` ones ``right_failed`` failed.
    ``told`` is the balanced accuracy that it told of itself (0 to 1), None if it was not taught.
    ``gain`` is (difference, low, high) of the round as it told it, without its errors, and
    ``true_gain`` the judge's difference on the same starts, both in shares of 1.
    """

    part: str
    lesson: str
    marks: int
    told: float | None
    believed: bool
    done: int = 0
    right_done: int = 0
    failed: int = 0
    right_failed: int = 0
    gain: tuple[float, float, float] | None = None
    true_gain: float | None = None

    @property
    def balanced(self) -> float | None:
        """The mean of what it got right of each kind; of the one kind if there is only that."""
        shares = [
            right / of
            for right, of in ((self.right_done, self.done), (self.right_failed, self.failed))
            if of
        ]
        return sum(shares) / len(shares) if shares else None

    @property
    def gain_as_told(self) -> bool:
        """Whether the judge's difference lies in the interval that the eye told."""
        return (
            self.gain is not None
            and self.true_gain is not None
            and self.gain[1] <= self.true_gain <= self.gain[2]
        )


def measure(runs: int | None, say: Say, *, folder: Path, parts: Sequence[str]) -> dict[str, object]:
    """Mark, teach and measure an eye for each lesson of ``parts`` (all: choosing and judging).

    ``runs`` None is STARTS on each side.  Raises UsageError for another part, KnownError for a
    lesson that was not taught yet.
    """
    if unknown := sorted(set(parts) - set(PARTS)):
        raise UsageError(
            f"There is no part called {', '.join(unknown)}, so nothing was measured; choose of: "
            f"{', '.join(PARTS)}."
        )
    starts, there = runs or STARTS, folder / FOLDER
    found: list[Judged] = []
    for part in parts or PARTS:
        for number, lesson in enumerate(PARTS[part]):
            kept = [
                each for each in _kept(there) if (each.part, each.lesson) == (part, lesson.name)
            ]
            if not kept:
                say(f"{part}: {lesson.sentence}")
                kept = _measured(there / f"{part}-{lesson.name}", part, number, lesson, starts, say)
                _keep(there, kept)
            for each in kept:
                say(f"{lesson.sentence}, {each.marks} marks: {each.balanced} (told {each.told})")
            found += kept
    whole = [each for each in found if each.marks == MARKED_BEFORE + MARKED_AFTER + 2 * CLIP_STARTS]
    few = [each for each in found if each not in whole]
    figures = figures_of(whole) | {f"{name}_12": value for name, value in figures_of(few).items()}
    return report("eye", [figures], TARGETS, extra={"lessons": [asdict(each) for each in found]})


def figures_of(judged: Sequence[Judged]) -> dict[str, float | None]:
    """Return what eyes came to: pooled over those that could be taught, and over those believed."""
    taught = [each for each in judged if each.told is not None]
    trusted = [each for each in taught if each.believed]

    def pooled(some: Sequence[Judged]) -> float | None:
        done, failed = sum(each.done for each in some), sum(each.failed for each in some)
        if not done or not failed:
            return None
        right = sum(each.right_done for each in some) / done
        return (right + sum(each.right_failed for each in some) / failed) / 2

    return {
        "lessons": float(len(judged)),
        "taught": float(len(taught)),
        "believed": float(len(trusted)),
        "balanced_accuracy": pooled(taught),
        "balanced_accuracy_of_believed": pooled(trusted),
        # Of no eye that is believed nothing is proven.
        "believed_below_85": float(sum((each.balanced or 0) < 0.85 for each in trusted))
        if trusted
        else None,
        "gain_as_told_share": sum(each.gain_as_told for each in trusted) / len(trusted)
        if trusted
        else None,
    }


def _measured(
    data: Path, part: str, number: int, lesson: TeachingLesson, starts: int, say: Say
) -> list[Judged]:
    base = default_checkpoint()
    adapters: list[AdapterRow] = []
    if database_path(data).is_file():
        # It brings what an earlier version wrote up to date.
        Store.open(data).close()
        with Reader.open(data) as reader:
            adapters = reader.adapters()
    if not adapters or adapters[-1].round_id is None:
        raise KnownError(
            f'"{lesson.sentence}" was not taught in this folder, so its eye cannot be measured; '
            f"run `playteach benchmark teaching --part {part}` first."
        )
    sides: list[tuple[Side, Path | None]] = [
        (Side.BEFORE, None), (Side.AFTER, Path(adapters[-1].folder)),
    ]  # fmt: skip
    own = SeedRange.TEST if part == "judging" else SeedRange.VALIDATION
    skip = TEST_SKIP if part == "judging" else CHOOSE_SKIP
    seeds = own.seeds(skip + number * STARTS, starts)
    attempts = _attempts(data, lesson, sides, seeds)
    say(f"watched {len(attempts)} attempts, {sum(each.verdict is True for each in attempts)} done")
    marks = SeedRange.TEACHING.seeds(MARK_SKIP + number * 100, MARKED_BEFORE + MARKED_AFTER)
    clips = SeedRange.VERDICT.seeds(CLIP_SKIP + number * 100, CLIP_STARTS)
    rng = random.Random(f"eye/{lesson.name}")
    # Marks go into a copy: one that was broken off in the middle is made anew.
    marked = data.with_name(f"{data.name}-marked")
    shutil.rmtree(marked, ignore_errors=True)
    shutil.copytree(data, marked, ignore=shutil.ignore_patterns(ATTEMPTS))
    watching = Watching(lesson, VlaPolicy.load(base))
    found = []
    try:
        with Store.open(marked) as store:
            for (_, adapter), own_marks in zip(
                sides, (marks[:MARKED_BEFORE], marks[MARKED_BEFORE:]), strict=True
            ):
                watching.policy.set_adapter(adapter)
                mark_attempts(store, watching, own_marks, rng)
            found.append(_judged(marked, part, lesson, MARKED_BEFORE + MARKED_AFTER, attempts))
            judge_clips(store, watching, adapters[-1].round_id, sides, clips, rng)
            count = found[0].marks + 2 * CLIP_STARTS
            found.append(_judged(marked, part, lesson, count, attempts))
    finally:
        watching.close()
    return found


def _judged(
    data: Path, part: str, lesson: TeachingLesson, marks: int, attempts: Sequence[Watched]
) -> Judged:
    """Teach an eye from what is marked by now, and hold it against the judge."""
    with tempfile.TemporaryDirectory() as folder:
        taught = teach_eyes(
            data, default_checkpoint(), "doom", PlayOptions(), [lesson.sentence], Path(folder)
        )
        if not taught:
            return Judged(part, lesson.name, marks, None, believed=False)
        eye = Eye.load(taught[0].path)
    truths = [done_in_time(eye, each) for each in attempts]
    right = [called_rightly(eye, each) for each in attempts]
    done = [good for truth, good in zip(truths, right, strict=True) if truth]
    failed = [good for truth, good in zip(truths, right, strict=True) if not truth]
    called = [bool(eye.calls(each.seen)) for each in attempts]
    half = len(attempts) // 2
    told = paired_interval(called[:half], called[half:])
    return Judged(
        part, lesson.name, marks, eye.reliability.balanced, believed(eye.reliability),
        len(done), sum(done), len(failed), sum(failed),
        corrected(*told, eye.reliability), (sum(truths[half:]) - sum(truths[:half])) / half,
    )  # fmt: skip


def called_rightly(eye: Eye, watched: Watched) -> bool:
    """Return whether an eye calls an attempt what the judge calls it.

    It ends the attempt where it calls it done, so it has to be done by then, or within a second.
    """
    calls = eye.calls(watched.seen)
    if watched.decided is None or not done_in_time(eye, watched):
        return not calls
    return bool(calls) and calls[0] + LATE_TICKS >= watched.decided


def done_in_time(eye: Eye, watched: Watched) -> bool:
    """Return whether the judge calls an attempt done within the time that the eye gives it."""
    return watched.verdict is True and (watched.decided or 0) <= eye.ticks


def _attempts(
    data: Path, lesson: TeachingLesson, sides: Sequence[tuple[Side, Path | None]],
    seeds: Sequence[int],
) -> list[Watched]:  # fmt: skip
    """Return the attempts that measure; each is kept in a file, and not played again."""
    folder = data / ATTEMPTS
    folder.mkdir(exist_ok=True)
    jobs = [(side, adapter, seed) for side, adapter in sides for seed in seeds]
    files = {(side, seed): folder / f"{side.value}-{seed}.safetensors" for side, _, seed in jobs}
    missing = [job for job in jobs if not files[job[0], job[2]].exists()]
    if missing:
        with ProcessPoolExecutor(
            os.cpu_count() or 1, player_context(loads=True), begin_player_process,
            (dict(os.environ),),
        ) as pool:  # fmt: skip
            list(
                pool.map(
                    _watch,
                    [lesson.name] * len(missing),
                    [adapter for _, adapter, _ in missing],
                    [seed for _, _, seed in missing],
                    [files[side, seed] for side, _, seed in missing],
                )
            )
    return [_read(files[side, seed]) for side, _, seed in jobs]


_watching: dict[str, Watching] = {}


def _watch(name: str, adapter: Path | None, seed: int, path: Path) -> None:
    if name not in _watching:
        for each in _watching.values():
            each.close()
        _watching.clear()
        lesson = next(each for each in LESSONS if each.name == name)
        _watching[name] = Watching(lesson, VlaPolicy.load(default_checkpoint(), threads=1))
    watching = _watching[name]
    if watching.adapter != adapter:
        watching.adapter = adapter
        watching.policy.set_adapter(adapter)
    watched = watching.attempt(seed, after_done=SEEN_AFTER)
    told = json.dumps({"verdict": watched.verdict, "decided": watched.decided})
    fresh = path.with_suffix(".new")
    parts = {"glances": watched.seen.glances, "deeds": watched.seen.deeds}
    save_file(parts, fresh, metadata={"told": told})
    fresh.replace(path)


def _read(path: Path) -> Watched:
    with safe_open(path, framework="numpy") as file:
        told: dict[str, Any] = json.loads(file.metadata()["told"])
        seen = Seen(file.get_tensor("glances"), file.get_tensor("deeds"))
    return Watched(seen, told["verdict"], told["decided"])


def _kept(there: Path) -> list[Judged]:
    rows = [json.loads(line) for line in whole_lines(there / ROWS)]
    return [Judged(**{**row, "gain": row["gain"] and tuple(row["gain"])}) for row in rows]


def _keep(there: Path, judged: Sequence[Judged]) -> None:
    with (there / ROWS).open("a", encoding="utf-8") as file:
        for each in judged:
            file.write(json.dumps(asdict(each), ensure_ascii=False) + "\n")
