"""The parent's side of a round: starts the process, keeps the books, decides.

The parent is the only writer of the database.  No torch, no Qt: the window and the
command line both use it.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from model.adapters.folders import fingerprint, unfinished
from model.adapters.in_use import adapter_in_use, lost_sentence, of_other_bases
from model.vla.memory import is_small
from model.vla.play_options import PlayOptions
from recorder.errors import ExitCode, KnownError
from recorder.games import REALTIME_GAMES
from recorder.store import (
    Activation,
    AdapterRow,
    EvaluationRow,
    NewAdapter,
    Reader,
    RoundEnd,
    RoundStatus,
    Stepping,
    Store,
    adapters_path,
    logs_path,
    of_game,
)
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import Beside, Played, Question, evaluate_pair
from trainer.evaluation.verdict import Verdict, judge
from trainer.rounds import protocol
from trainer.rounds.process import (
    OVERTAKEN,
    EndedError,
    end_sentence,
    new_folder,
    play_gate,
    round_command,
    see_off,
    understood,
)
from trainer.rounds.questions import questions_of, title_of
from trainer.rounds.round import CANCELLED, MAX_STEPS, REPLAY_EXAMPLES, SINCE_LAST_ROUND
from trainer.rounds.work import is_done, make_work_folder, work_path

FIRST_PAIRED_SEED = 2_000_000
PAIRED_SEEDS = 40
MEASURING = "measuring"
"""The name of a stage in which a game in a window of its own plays on the person's screen."""
LEAVE_ALONE = (
    "Another window of the game opens for the measurement; leave keyboard and mouse alone until it "
    "closes. A touch has a start played anew, and the panic key stops it."
)
FROM_THE_BASE = "the round begins from the base"
Say = Callable[[protocol.Message], None]


@dataclass(frozen=True, slots=True)
class RoundResult:
    """How a round ended.

    ``activated`` says that the adapter plays now; ``exit_code`` which kind of problem
    kept the round from being done.
    """

    round_id: int
    status: RoundStatus
    sentence: str
    adapter_id: int | None = None
    adapter: Path | None = None
    gates: tuple[protocol.Gate, ...] = ()
    verdict: Verdict | None = None
    activated: bool = False
    exit_code: ExitCode = ExitCode.OK


class RoundClient:
    """Runs one round at a time on a data folder.

    Until the very end nothing is listed or activated: a round that fails, is cancelled
    or is killed leaves its row (status and sentence) and no adapter.  What a killed one
    had learnt waits in its folder; the next round with the same samples goes on from it.
    """

    def __init__(
        self, data: Path, store: Store, base: Path, options: PlayOptions | None = None
    ) -> None:
        """``options`` are how the base is played, and so how it is taught and measured."""
        self._options = options or PlayOptions()
        self._data = data.absolute()
        self._work = work_path(self._data, 0)
        self._store = store
        self._base = base
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._cancelled = False
        self._listed = False

    def cancel(self) -> None:
        """End the round; adapter and database stay as they were.  Any thread.

        A cancelled client stays so: a cancel just before the start counts too.
        """
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                self._process.terminate()

    def run(
        self,
        query: str = SINCE_LAST_ROUND,
        *,
        questions: Sequence[Question] = (),
        paired_seeds: int = PAIRED_SEEDS,
        game: str = "doom",
        slowed: bool = False,
        max_steps: int = MAX_STEPS,
        replay: int = REPLAY_EXAMPLES,
        say: Say = lambda message: None,
        activate: bool = True,
        measure_failed: bool = False,
        hotkeys: Mapping[str, str] | None = None,
    ) -> RoundResult:
        """Train, gate, play pairs of ``questions``, and activate what passed.

        Of the episodes that ``query`` chooses those of ``game`` are taught, unless it names
        games itself (``game:*`` for all).
        Without questions the episodes' own judged tasks of ``game`` are played, a game in a
        window of its own in real time unless it is ``slowed``; ``hotkeys`` are the person's, None
        where nobody sits before the screen.  An adapter that
        failed its offline gates is played only with ``measure_failed``, and never
        activated.  Blocks; call it on a worker's thread.  Raises UsageError for a query
        that cannot be read, DataError where the database cannot be.
        """
        self._listed = False
        query = of_game(query, game)
        with Reader.open(self._data) as reader:
            # Whatever another base plays with is no start for this one.
            in_use = adapter_in_use(reader, self._base)
            done = sum(each.status is RoundStatus.DONE for each in reader.rounds())
        lost = "" if in_use is None else lost_sentence(in_use, FROM_THE_BASE)
        if lost:
            say(protocol.Stage("reading", lost))
        parent = None if lost else in_use
        round_id = self._store.add_round(
            parent_adapter_id=None if parent is None else parent.id,
            query=query,
            config={"max_steps": max_steps, "paired_seeds": paired_seeds, "seed": done},
            choose=True,
        )
        self._work = work_path(self._data, round_id)
        folder = new_folder(adapters_path(self._data), round_id)
        gates: list[protocol.Gate] = []
        played: list[EvaluationRow] = []
        verdict: Verdict | None = None
        try:
            make_work_folder(self._data, round_id)
            tasks = list(questions) or questions_of(self._data, round_id, query, game)
            command = round_command(
                self._data, self._base, folder, self._work, query, round_id,
                parent=None if parent is None else Path(parent.folder),
                seed=done, max_steps=max_steps, replay=replay, options=self._options,
            )  # fmt: skip
            ended = self._listen(command, gates, say)
            measured = tasks and paired_seeds and not self._few_bits
            if measured and (ended.passed or measure_failed):
                old = None if parent is None else Path(parent.folder)
                sides = (
                    PlayerSpec("before", self._base, old, options=self._options),
                    PlayerSpec("after", self._base, folder, options=self._options),
                )
                verdict = self._play_pairs(
                    sides, game, tasks, paired_seeds, round_id, played, say,
                    slowed=slowed, hotkeys=hotkeys,
                )  # fmt: skip
                gates.append(play_gate(verdict))
                say(gates[-1])
            with self._lock:
                if self._cancelled:
                    raise EndedError(CANCELLED)
            return self._keep(
                ended, folder, parent, round_id, gates, verdict, played, tasks,
                in_use=in_use, activate=activate and not self._few_bits,
            )  # fmt: skip
        except BaseException as error:
            # What was handed over is written first: a Ctrl-C may come just then.
            self._store.wait()
            if self._listed or is_done(self._data, round_id):
                raise
            self._cancelled = self._cancelled or isinstance(error, KeyboardInterrupt)
            self._throw_away(folder)
            status = RoundStatus.CANCELLED if self._cancelled else RoundStatus.FAILED
            why = str(error) if isinstance(error, KnownError) else type(error).__name__
            sentence = CANCELLED if self._cancelled else why
            self._store.update_round(round_id, status=status, metrics={"why": sentence})
            if not isinstance(error, EndedError):
                raise
            return RoundResult(
                round_id, status, sentence, gates=tuple(gates), exit_code=error.exit_code
            )

    @property
    def _few_bits(self) -> bool:
        """Whether the weights are packed: an adapter cannot be merged into such."""
        return self._options.precision in ("8bit", "4bit")

    def _keep(
        self,
        ended: protocol.Done,
        folder: Path,
        parent: AdapterRow | None,
        round_id: int,
        gates: Sequence[protocol.Gate],
        verdict: Verdict | None,
        played: Sequence[EvaluationRow],
        tasks: Sequence[Question],
        *,
        in_use: AdapterRow | None,
        activate: bool,
    ) -> RoundResult:
        """Write everything down: the adapter, what it learnt from, how it plays.

        ``in_use`` is what the books said when the round began: only in its place is the new
        adapter put in use.
        """
        metrics = dict(ended.metrics)
        samples = metrics.pop("samples")
        manifest = metrics.pop("manifest")
        passed = all(gate.passed is not False for gate in gates)
        wish = None
        if passed and activate:
            with Reader.open(self._data) as reader:
                others = of_other_bases(reader, self._base)
            wish = Activation(None if in_use is None else in_use.id, others, OVERTAKEN)
        adapter_id, activated = self._store.finish_round(
            round_id,
            RoundEnd(
                NewAdapter(
                    folder=str(folder),
                    base=self._base.name,
                    parent_id=None if parent is None else parent.id,
                    round_id=round_id,
                    title=title_of(tasks),
                    sha256=fingerprint(folder),
                    passed_gates=passed,
                ),
                samples=[tuple(sample) for sample in samples],
                evaluations=played,
                manifest=manifest,
                metrics={**protocol.finite(metrics), "gates": [asdict(gate) for gate in gates]},
                verdict={} if verdict is None else asdict(verdict),
                activation=wish,
            ),
        )
        self._listed = True
        shutil.rmtree(self._work, ignore_errors=True)
        overtaken = wish is not None and not activated
        sentence = end_sentence(verdict, gates, few_bits=self._few_bits, overtaken=overtaken)
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

    def _listen(self, command: list[str], gates: list[protocol.Gate], say: Say) -> protocol.Done:
        """Run the process to its end.  Raises EndedError where it ends without an adapter."""
        last: protocol.Message | None = None
        log_file = self._work / "round.log"
        with log_file.open("w", encoding="utf-8") as log:
            with self._lock:
                if self._cancelled:
                    raise EndedError(CANCELLED)
                process = self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    encoding="utf-8",
                )
            try:
                with process:
                    try:
                        for line in process.stdout or ():
                            last = understood(line)
                            if isinstance(last, protocol.Gate):
                                gates.append(last)
                            say(last)
                        # Before our end of its stdin closes, which would be a cancel.
                        process.wait()
                    except BaseException:
                        # It may still write where its adapter is thrown away: see it end.
                        see_off(process)
                        raise
            finally:
                with self._lock:
                    self._process = None
        if isinstance(last, protocol.Done) and process.returncode == 0:
            return last
        if isinstance(last, protocol.Failed):
            shutil.rmtree(self._work, ignore_errors=True)
            raise EndedError(last.sentence, process.returncode)
        if self._cancelled:
            raise EndedError(CANCELLED)
        kept = logs_path(self._data) / "round.log"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log_file, kept)
        if process.returncode > 0:
            # A fault of ours: what lies there may be why.
            shutil.rmtree(self._work, ignore_errors=True)
        raise EndedError(
            f"The round ended with code {process.returncode} before it was done, so the agent "
            f"plays as before; {kept} says why. Try again, with other programs closed if memory "
            "is short."
        )

    def _throw_away(self, folder: Path) -> None:
        """Remove what a round that does not count has written."""
        if not self._listed:
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(unfinished(folder), ignore_errors=True)
        if self._cancelled:
            shutil.rmtree(self._work, ignore_errors=True)

    def _play_pairs(
        self,
        sides: tuple[PlayerSpec, PlayerSpec],
        game: str,
        questions: Sequence[Question],
        seeds: int,
        round_id: int,
        rows: list[EvaluationRow],
        say: Say,
        *,
        slowed: bool,
        hotkeys: Mapping[str, str] | None,
    ) -> Verdict:
        """Play both sides on the same starts, spread evenly over the questions."""
        each = math.ceil(seeds / len(questions))
        starts = range(FIRST_PAIRED_SEED, FIRST_PAIRED_SEED + each)
        keys = {"before": sides[0].key, "after": sides[1].key}
        # A game in a window of its own does not wait for its player.
        paced = game in REALTIME_GAMES and not slowed
        stepping = Stepping.PACED if paced else Stepping.LOCK_STEP
        done = dict.fromkeys(keys, 0)
        good = dict.fromkeys(keys, 0)

        def check() -> None:
            if self._cancelled:
                raise EndedError(CANCELLED)

        def heard(side: str, result: Played) -> None:
            check()
            done[side] += 1
            good[side] += result.success
            rows.append(
                EvaluationRow(
                    policy_key=keys[side],
                    game=game,
                    task_id=result.task_id,
                    instruction=result.heard,
                    seed=result.seed,
                    stepping=stepping,
                    outcome=result.outcome,
                    ticks=result.ticks,
                    # A pair belongs together, whatever was measured of either before.
                    variant=f"round-{round_id}",
                    round_id=round_id,
                )
            )
            say(protocol.Played(done[side], each * len(questions), good[side], side))

        # Of a large model one copy at a time is enough for any memory.
        workers = None if is_small(self._base) else 1
        beside = None
        if game in REALTIME_GAMES and hotkeys is not None:
            beside = Beside(
                hotkeys, lambda text: say(protocol.Stage(MEASURING, text)), check, attending=True
            )
            beside.tell(LEAVE_ALONE)
        before, after = evaluate_pair(
            *sides, game, questions, starts,
            slowed=slowed, workers=workers, on_played=heard, beside=beside,
        )  # fmt: skip
        return judge([r.success for r in before], [r.success for r in after])
