"""The parent's side of a round: starts the process, keeps the books, decides.

The parent is the only writer of the database.  No torch, no Qt: the window and the
command line both use it.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recorder.errors import KnownError
from recorder.store import (
    EvaluationRow,
    NewAdapter,
    Reader,
    RoundStatus,
    Stepping,
    Store,
    parse_query,
)
from trainer import progress
from trainer.evaluate import Played, Question, evaluate
from trainer.players import PlayerSpec
from trainer.verdict import Verdict, VerdictKind, judge

FIRST_PAIRED_SEED = 2_000_000
PAIRED_SEEDS = 40
Say = Callable[[progress.Message], None]


@dataclass(frozen=True, slots=True)
class RoundResult:
    """How a round ended.  ``activated`` says that the adapter plays now."""

    round_id: int
    status: RoundStatus
    sentence: str
    adapter_id: int | None = None
    adapter: Path | None = None
    gates: tuple[progress.Gate, ...] = ()
    verdict: Verdict | None = None
    activated: bool = False


class RoundClient:
    """Runs one round at a time on a data folder."""

    def __init__(self, data: Path, store: Store, base: Path) -> None:
        self._data = data
        self._store = store
        self._base = base
        self._process: subprocess.Popen[str] | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """End the running round; adapter and database stay as they were.  Any thread."""
        self._cancelled = True
        process = self._process
        if process is not None:
            process.terminate()

    def run(
        self,
        query: str = "since:last-round",
        *,
        questions: Sequence[Question] = (),
        paired_seeds: int = PAIRED_SEEDS,
        game: str = "doom",
        max_steps: int = 160,
        say: Say = lambda message: None,
        activate: bool = True,
        measure_failed: bool = False,
    ) -> RoundResult:
        """Train, gate, play pairs of ``questions``, and activate what passed.

        Without questions the episodes' own judged tasks are played.  An adapter that
        failed its offline gates is played only with ``measure_failed``, and never
        activated.  Blocks; call it on a worker's thread.
        """
        self._cancelled = False
        with Reader.open(self._data) as reader:
            parent = reader.active_adapter()
            tasks = list(questions) or _questions_of(reader, query, game)
        round_id = self._store.add_round(
            parent_adapter_id=None if parent is None else parent.id,
            query=query,
            config={"max_steps": max_steps, "paired_seeds": paired_seeds},
        )
        folder = self._data / "adapters" / f"round-{round_id:03d}"
        work = self._data / "rounds" / f"round-{round_id:03d}"
        command = [
            sys.executable, "-m", "trainer.rounds", "--data", str(self._data), "--base",
            str(self._base), "--out", str(folder), "--work", str(work), "--query", query,
            "--seed", str(round_id), "--max-steps", str(max_steps),
        ]  # fmt: skip
        if parent is not None:
            command += ["--parent", parent.folder]
        gates: list[progress.Gate] = []
        try:
            ended = self._listen(command, work, gates, say)
        except BaseException:
            self._store.update_round(round_id, status=RoundStatus.FAILED)
            raise
        if not isinstance(ended, progress.Done):
            status = RoundStatus.CANCELLED if self._cancelled else RoundStatus.FAILED
            self._store.update_round(round_id, status=status, metrics={"why": ended.sentence})
            shutil.rmtree(work, ignore_errors=True)
            return RoundResult(round_id, status, ended.sentence, gates=tuple(gates))
        samples = ended.metrics.pop("samples")
        adapter_id = self._store.add_adapter(
            NewAdapter(
                folder=str(folder),
                base=self._base.name,
                parent_id=None if parent is None else parent.id,
                round_id=round_id,
                title=f"#{round_id}",
                passed_gates=ended.passed,
            )
        )
        self._store.add_round_samples(round_id, [tuple(sample) for sample in samples])
        shutil.rmtree(work, ignore_errors=True)
        verdict = None
        if tasks and paired_seeds and (ended.passed or measure_failed):
            before = PlayerSpec(
                "before", self._base, None if parent is None else Path(parent.folder)
            )
            after = PlayerSpec("after", self._base, folder)
            verdict = self._play_pairs(before, after, game, tasks, paired_seeds, round_id, say)
        passed = ended.passed and (
            verdict is None
            or (verdict.kind is not VerdictKind.WORSE and verdict.after >= verdict.before)
        )
        activated = passed and activate and not self._cancelled
        if activated:
            self._store.set_active_adapter(adapter_id)
        self._store.update_round(
            round_id,
            status=RoundStatus.DONE,
            adapter_id=adapter_id,
            metrics=_finite(ended.metrics),
            verdict={} if verdict is None else asdict(verdict),
        )
        sentence = (
            verdict.sentence
            if verdict is not None
            else (
                "The new adapter passed its gates; nobody could judge how it plays."
                if ended.passed
                else "The new adapter did not pass its gates, so the agent plays as before."
            )
        )
        return RoundResult(
            round_id,
            RoundStatus.DONE,
            sentence,
            adapter_id,
            folder,
            tuple(gates),
            verdict,
            activated,
        )

    def _listen(
        self, command: list[str], work: Path, gates: list[progress.Gate], say: Say
    ) -> progress.Done | progress.Failed:
        """Run the process; return its last word, or our own where it died without one."""
        work.mkdir(parents=True, exist_ok=True)
        last: progress.Done | progress.Failed | None = None
        with (work / "round.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8"
            )
            self._process = process
            if self._cancelled:
                process.terminate()
            with process:
                for line in process.stdout or ():
                    message = progress.parse(line)
                    if isinstance(message, progress.Gate):
                        gates.append(message)
                    if isinstance(message, progress.Done | progress.Failed):
                        last = message
                    say(message)
        self._process = None
        if last is not None and (process.returncode == 0 or isinstance(last, progress.Failed)):
            return last
        if self._cancelled:
            return progress.Failed("The round was cancelled; the agent plays as before.")
        tail = (work / "round.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        keep = self._data / "logs"
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{work.name}.log").write_text(tail, encoding="utf-8")
        return progress.Failed(
            f"The round ended with code {process.returncode} before it was done, so the agent "
            f"plays as before; the reason is in logs/{work.name}.log of the data folder."
        )

    def _play_pairs(
        self,
        before: PlayerSpec,
        after: PlayerSpec,
        game: str,
        questions: Sequence[Question],
        seeds: int,
        round_id: int,
        say: Say,
    ) -> Verdict:
        """Play both sides on the same starts, spread evenly over the questions."""
        each = max(1, math.ceil(seeds / len(questions)))
        starts = range(FIRST_PAIRED_SEED, FIRST_PAIRED_SEED + each)
        sides: list[list[Played]] = []
        for side, player in (("before", before), ("after", after)):
            counts = {"done": 0, "good": 0}
            rows: list[EvaluationRow] = []

            def heard(result: Played, side: str = side, counts: dict[str, int] = counts,
                      rows: list[EvaluationRow] = rows, key: str = player.key) -> None:  # fmt: skip
                counts["done"] += 1
                counts["good"] += result.success
                rows.append(
                    EvaluationRow(
                        key, game, result.task_id, result.heard, result.seed,
                        Stepping.LOCK_STEP, result.outcome, result.ticks, round_id=round_id,
                    )
                )  # fmt: skip
                say(progress.Played(counts["done"], each * len(questions), counts["good"], side))
                if self._cancelled:
                    raise KnownError("The evaluation was cancelled; the agent plays as before.")

            sides.append(evaluate(player, game, questions, starts, on_played=heard))
            self._store.add_evaluations(rows)
        return judge([r.success for r in sides[0]], [r.success for r in sides[1]])


def _questions_of(reader: Reader, query: str, game: str) -> list[Question]:
    """Return the judged tasks of the queried episodes, as they were said."""
    from recorder.games import task_list

    tasks = {task.id: task for task in task_list(game)}
    found: dict[tuple[str, str], Question] = {}
    for row in reader.episodes(parse_query(query)):
        task = tasks.get(row.task_id)
        if task is not None:
            question = Question(task, row.instruction)
            found[(task.id, question.heard)] = question
    return list(found.values())


def _finite(metrics: dict[str, Any]) -> dict[str, Any]:
    """Replace NaN, which JSON does not know, by None."""
    return {
        key: _finite(value)
        if isinstance(value, dict)
        else (None if isinstance(value, float) and not math.isfinite(value) else value)
        for key, value in metrics.items()
    }
