"""Rounds that are really taught and played, to see whether their verdicts can be believed.

``gaining`` teaches sentences that the default model fails; each round is then held against 300
other starts of its sentence and 300 other starts of the old tasks.  ``no-effect`` teaches answers
in a shuffled order, from which nothing can be learnt; such a round should not be put in use.
Every round is a line of a file, so that a measurement of hours can be broken off and go on.
"""

from __future__ import annotations

import json
import math
import random
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from app.automation.demonstrations import record_demonstrations
from app.automation.round_log import RoundDiary
from app.benchmarks.common import Say, Target, median, report
from model.paths import default_checkpoint
from recorder.data_folder import database_path
from recorder.errors import KnownError
from recorder.games import required_task, task_list
from recorder.games.base import Asked
from recorder.games.seeds import SeedRange
from recorder.store import Reader, RoundStatus, Store
from recorder.store.query import EVERY_EPISODE
from trainer.evaluation.old_tasks import old_task_starts, taught_tasks
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate_sides
from trainer.evaluation.starts import Start, starts_of
from trainer.evaluation.study_rows import ROWS_FILE, KeptRows, whole_lines
from trainer.evaluation.verdicts.sequential import OLD_TASKS_MARGIN
from trainer.evaluation.verdicts.stored_verdicts import read_verdict
from trainer.evaluation.verdicts.verdict import Line, Part, Verdict, VerdictKind, paired_interval
from trainer.rounds.books import RoundResult
from trainer.rounds.client import RoundClient

GAME = "doom"
FOLDER = "benchmark-rounds"
ROUNDS_FILE = "rounds.jsonl"
ROUNDS = 20
DEMONSTRATIONS = 10
CHECKED_ON = 300
"""So many other starts tell what a round really changed, of its sentence and of the old tasks."""
LESSON_SKIP = 3_000_000
OLD_SKIP = 4_000_000
"""Where those starts begin in the validation range; no other measurement plays there."""
SAMPLES = 4
"""The old tasks are checked on one of so many samples in turn, as the base plays each once."""
FIRST_SAMPLE = 1_000
"""The number of the first such sample; a round's own samples count from 0."""
LARGE, SOME, CLEAR = 0.3, 0.2, 0.4
"""A large gain, one that is reported too, and one that a verdict should find quickly."""
GAINING, NO_EFFECT = "gaining", "no-effect"
TARGETS = {
    GAINING: {
        "gained_not_used": Target(2),
        "forgetting_as_told_share": Target(17 / 20, at_least=True),
        "lesson_s": Target(25.0),
        "old_tasks_s": Target(240.0),
    },
    NO_EFFECT: {"put_in_use": Target(3)},
}
LESSONS = tuple(
    f"use your gun on the {thing}"
    for thing in (
        "barrel",
        "zombie",
        "lost soul",
        "spider",
        "nearest baron",
        "farthest imp",
        "farthest zombie",
        "farthest demon",
        "farthest cacodemon",
        "farthest baron",
        "farthest spider",
        "farthest soldier",
        "right baron",
        "right soldier",
        "cacodemon",
        "nearest soldier",
        "farthest lost soul",
        "lost soul behind you",
        "soldier behind you",
        "demon",
    )
)
"""Held-out sentences that the default model does in at most half of its attempts.

Chosen on four validation starts of each of 85 held-out sentences: all with "use your gun on",
those to keep away, those to change the weapon, and things that are hard to face.
"""
KNOWN = ("go to the red torch", "pick up the medkit", "shoot the imp", "open the blue door")
"""Sentences of the training that the default model does in most attempts."""
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PlayedRound:
    """One round and what it really changed.

    ``verdict`` is what it told and ``used`` whether it was put in use.  ``lesson`` and
    ``old_tasks`` are (difference, low, high) in shares of 1 with a 95 % interval, on other starts
    than its verdict's; None if not played.  Times are in seconds: up to the offline gates, of the
    lesson's paired play, of the old tasks; ``load`` is the machine's load average at its end.
    """

    part: str
    number: int
    sentence: str
    verdict: Verdict | None
    used: bool
    training_s: float | None
    lesson_s: float | None
    old_tasks_s: float | None
    load: float
    lesson: Triple | None = None
    old_tasks: Triple | None = None

    @property
    def told(self) -> Line | None:
        """The line of the old tasks against the base; None if they were not played."""
        lines = () if self.verdict is None else self.verdict.lines
        found = (each for each in lines if each.part is Part.OLD_TASKS and each.n)
        return next((each for each in found if each.against == "base"), None)

    @property
    def kept(self) -> bool:
        """Whether the old tasks lost, on the other starts, at most what may be lost."""
        return self.old_tasks is not None and self.old_tasks[0] >= -OLD_TASKS_MARGIN

    @property
    def forgetting_as_told(self) -> bool | None:
        """Whether the other starts agree with the interval told; None if one was not played.

        The interval is widened by the other starts' own error: of the difference of two
        estimates the half width is the root of the sum of their squared half widths.
        """
        told = self.told
        if told is None or self.old_tasks is None:
            return None
        found, low, high = self.old_tasks
        below = math.hypot(told.difference - told.low, high - found)
        above = math.hypot(told.high - told.difference, found - low)
        return told.difference - below <= found <= told.difference + above


class KeptRounds:
    """The rounds of one file, a JSON line each; a line that an interruption cut off is left out."""

    def __init__(self, path: Path) -> None:
        """Read what is there; raises KnownError if the file is no list of rounds."""
        self._path = path
        try:
            self._rounds = [_round_of(json.loads(line)) for line in whole_lines(path)]
        except (ValueError, KeyError, TypeError) as error:
            raise KnownError(
                f"{path} holds a line that is no round, so it cannot be continued; move it away or "
                "choose another folder with --data."
            ) from error

    def of(self, part: str) -> dict[int, PlayedRound]:
        """Return the rounds of a part by their number."""
        return {each.number: each for each in self._rounds if each.part == part}

    def keep(self, played: PlayedRound) -> None:
        """Add a round, written through at once."""
        self._rounds.append(played)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(played), ensure_ascii=False) + "\n")


def _round_of(row: dict[str, Any]) -> PlayedRound:
    verdict = row["verdict"]
    truths = {name: row[name] and tuple(row[name]) for name in ("lesson", "old_tasks")}
    return PlayedRound(
        **{**row, **truths, "verdict": None if verdict is None else read_verdict(verdict)}
    )


def measure(runs: int, say: Say, *, folder: Path, parts: Sequence[str]) -> dict[str, object]:
    """Teach and play ``runs`` rounds of each of ``parts``; what is kept is not done again.

    Everything lies under ``folder`` / FOLDER.  Raises KnownError for a round that does not get to
    its end, and what play raises; the rounds before it stay kept.
    """
    there = folder / FOLDER
    kept = KeptRounds(there / ROUNDS_FILE)
    figures: dict[str, float | None] = {}
    for part in parts:
        ground = _Ground(there, part, say)
        for number in range(runs):
            if number not in kept.of(part):
                say(f"{part}: round {number + 1} of {runs}")
                kept.keep(ground.round(number))
        played = [one for number, one in sorted(kept.of(part).items()) if number < runs]
        figures |= _FIGURES[part](played)
    targets = {name: target for part in parts for name, target in TARGETS[part].items()}
    rounds = {part: [_told(one) for one in kept.of(part).values()] for part in parts}
    document = report("rounds", [figures], targets, extra={"rounds": rounds})
    return document | {"runs": runs}


def gaining_figures(played: Sequence[PlayedRound]) -> dict[str, float | None]:
    """Return what the gaining rounds came to; times are medians of rounds that clearly gained.

    ``gained_not_used`` counts rounds that gained ``LARGE`` or more without forgetting on the other
    starts and were not put in use, of ``gained``; ``gained_some...`` from ``SOME`` to ``LARGE``.
    """
    gains = [(one, one.lesson[0]) for one in played if one.lesson is not None and one.kept]
    large = [one for one, gain in gains if gain >= LARGE]
    some = [one for one, gain in gains if SOME <= gain < LARGE]
    clear = [one for one in played if one.lesson is not None and one.lesson[0] >= CLEAR]
    agreed = [one.forgetting_as_told for one in played if one.forgetting_as_told is not None]
    return {
        "gained": float(len(large)),
        "gained_not_used": float(sum(not one.used for one in large)),
        "gained_some": float(len(some)),
        "gained_some_not_used": float(sum(not one.used for one in some)),
        "forgetting_as_told": float(sum(agreed)),
        "forgetting_told": float(len(agreed)),
        "forgetting_as_told_share": sum(agreed) / len(agreed) if agreed else None,
        "training_s": median([one.training_s for one in played]),
        "lesson_s": median([one.lesson_s for one in clear]),
        "old_tasks_s": median([one.old_tasks_s for one in played]),
    }


def no_effect_figures(played: Sequence[PlayedRound]) -> dict[str, float | None]:
    """Return how many rounds of shuffled answers were put in use, and called better."""
    verdicts = [one.verdict for one in played if one.verdict is not None]
    return {
        "put_in_use": float(sum(one.used for one in played)),
        "called_better": float(sum(each.kind is VerdictKind.BETTER for each in verdicts)),
        "called_worse": float(sum(each.kind is VerdictKind.WORSE for each in verdicts)),
    }


_FIGURES = {GAINING: gaining_figures, NO_EFFECT: no_effect_figures}


def _told(one: PlayedRound) -> dict[str, object]:
    """Return a round's row for a reader: what it told, what the other starts say."""
    verdict = one.verdict
    return {
        "sentence": one.sentence,
        "verdict": None if verdict is None else [verdict.before, verdict.after, verdict.n],
        "choice": None if verdict is None else str(verdict.choice),
        "used": one.used,
        "lesson": one.lesson,
        "old_tasks_told": one.told and [one.told.difference, one.told.low, one.told.high],
        "old_tasks": one.old_tasks,
        "seconds": [one.training_s, one.lesson_s, one.old_tasks_s],
        "load": one.load,
    }


@dataclass(frozen=True, slots=True)
class _Ground:
    """Where the rounds of a part are taught: one data folder, in which each begins at the base."""

    folder: Path
    part: str
    say: Say

    @property
    def data(self) -> Path:
        return self.folder / self.part

    def round(self, number: int) -> PlayedRound:
        """Show, teach and judge one round, then hold it against other starts."""
        shuffled = self.part == NO_EFFECT
        sentences = (*KNOWN, *LESSONS) if shuffled else LESSONS
        sentence = sentences[number % len(sentences)]
        with Store.open(self.data) as store:
            shown = record_demonstrations(store, GAME, sentence, _fresh_seeds(self.data))
            store.wait()
        episodes = [each.episode_id for each in shown if each.episode_id is not None]
        if shuffled:
            shuffle_answers(self.data, episodes, seed=number)
        with Store.open(self.data) as store:
            return self._taught(store, number, sentence, episodes)

    def _taught(
        self, store: Store, number: int, sentence: str, episodes: Sequence[int]
    ) -> PlayedRound:
        asked = Asked(
            required_task(GAME, task_list(GAME), sentence, "nothing was taught"), sentence
        )
        diary = RoundDiary(tell=self.say)
        client = RoundClient(self.data, store, default_checkpoint())
        store.set_active_adapter(None)
        result = client.run(
            f"id:{min(episodes)}-{max(episodes)}", questions=[asked], game=GAME, say=diary.hear
        )
        if result.status is not RoundStatus.DONE:
            raise KnownError(result.sentence)
        old_tasks_s = None
        if result.waits:
            began = time.monotonic()
            result = result.after(client.check_rest(result.round_id, game=GAME, say=diary.hear))
            old_tasks_s = round(time.monotonic() - began, 1)
        self.say(result.sentence)
        load = round(psutil.getloadavg()[0], 2)
        played = PlayedRound(
            self.part, number, sentence, result.verdict, result.activated,
            diary.training_s, diary.evaluation_s, old_tasks_s, load,
        )  # fmt: skip
        return self._checked(played, asked, result) if self.part == GAINING else played

    def _checked(self, played: PlayedRound, asked: Asked, result: RoundResult) -> PlayedRound:
        """Play the other starts: those of the sentence, and a sample of the old tasks."""
        rows = KeptRows(self.folder / ROWS_FILE)
        sides = {
            "before": PlayerSpec("before", default_checkpoint()),
            "after": PlayerSpec("after", default_checkpoint(), result.adapter),
        }
        lesson = starts_of([asked], SeedRange.VALIDATION.seeds(LESSON_SKIP, CHECKED_ON))
        starts = [*lesson, *_other_old_tasks(played.number % SAMPLES)]
        self.say("Playing other starts of the sentence and of the old tasks.")
        attempts = evaluate_sides(
            sides, GAME, starts,
            known={side: rows.of(self.part, player.key) for side, player in sides.items()},
            on_played=lambda attempt: rows.keep(self.part, attempt),
        )  # fmt: skip
        before, after = ([one.success for one in attempts[side]] for side in sides)
        n = len(lesson)
        return replace(
            played,
            lesson=paired_interval(before[:n], after[:n]),
            old_tasks=paired_interval(before[n:], after[n:]),
        )


def _other_old_tasks(sample: int) -> list[Start]:
    """Return a sample of the old tasks that no round is judged by."""
    tasks = taught_tasks(GAME, default_checkpoint())
    starts = old_task_starts(GAME, tasks, FIRST_SAMPLE + sample, CHECKED_ON)
    seeds = SeedRange.VALIDATION.seeds(OLD_SKIP + sample * CHECKED_ON, CHECKED_ON)
    return [replace(start, seed=seed) for start, seed in zip(starts, seeds, strict=True)]


def _fresh_seeds(data: Path) -> range:
    """Return seeds to teach on after all that were taught on in a data folder."""
    used = 0
    if database_path(data).exists():
        with Reader.open(data) as reader:
            used = sum(1 for _ in reader.episodes(EVERY_EPISODE))
    return SeedRange.TEACHING.seeds(used, DEMONSTRATIONS)


def shuffle_answers(data: Path, episodes: Sequence[int], *, seed: int) -> None:
    """Deal out the actions of recorded episodes anew among all their ticks.

    The pictures stay, and so does how often each action was taken; nothing can be learnt from it
    about which picture asks for which.  Nobody else may have the database open.
    """
    places = ", ".join("?" * len(episodes))
    with closing(sqlite3.connect(database_path(data))) as database, database:
        rows = database.execute(
            "SELECT episode_id, tick, hotbar, buttons, pitch, yaw FROM tick "
            f"WHERE episode_id IN ({places}) ORDER BY episode_id, tick",
            tuple(episodes),
        ).fetchall()
        actions = [row[2:] for row in rows]
        random.Random(seed).shuffle(actions)
        database.executemany(
            "UPDATE tick SET hotbar = ?, buttons = ?, pitch = ?, yaw = ? "
            "WHERE episode_id = ? AND tick = ?",
            [(*action, *row[:2]) for row, action in zip(rows, actions, strict=True)],
        )
