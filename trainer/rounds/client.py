"""The parent's side of a round: starts the process, keeps the books, decides.

The parent is the only writer of the database.  No torch, no Qt: the window and the
command line both use it.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from model.adapters.folders import fingerprint, unfinished
from model.adapters.in_use import adapter_in_use, lost_sentence
from model.vla.play_options import PlayOptions
from recorder.errors import ExitCode, KnownError
from recorder.games.base import Asked
from recorder.store import (
    AdapterRow,
    NewAdapter,
    Reader,
    RoundEnd,
    RoundStatus,
    Store,
    adapters_path,
    logs_path,
    of_game,
)
from trainer.evaluation.lines import verdict_of
from trainer.evaluation.sequential import MOST_PAIRS
from trainer.evaluation.verdict import Choice, Line, Part, Verdict
from trainer.rounds import protocol
from trainer.rounds.decision import decide
from trainer.rounds.known_before import tell_before
from trainer.rounds.measure_later import Checked, after_the_lesson, check_rest
from trainer.rounds.measurement import Ground, play_taught, unjudged_line
from trainer.rounds.process import (
    FEW_BITS,
    EndedError,
    new_folder,
    round_command,
    see_off,
    understood,
)
from trainer.rounds.questions import free_sentences_of, questions_of, title_of
from trainer.rounds.round import CANCELLED, MAX_STEPS, REPLAY_EXAMPLES, SINCE_LAST_ROUND
from trainer.rounds.working_folder import is_done, make_work_folder, work_path

FROM_THE_BASE = "the round begins from the base"
Say = Callable[[protocol.Message], None]


@dataclass(frozen=True, slots=True)
class RoundResult:
    """How a round ended.

    ``activated`` says that the adapter plays now, which it never does before the rest is checked
    (:meth:`RoundClient.check_rest`); ``exit_code`` which kind of problem kept the round from being
    done.
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

    @property
    def waits(self) -> bool:
        """Whether something is still to be checked before it may be used."""
        return self.verdict is not None and self.verdict.choice is Choice.WAIT

    def after(self, checked: Checked) -> RoundResult:
        """Return how it stands after the rest was checked."""
        return replace(
            self,
            sentence=checked.sentence,
            verdict=checked.verdict,
            activated=checked.activated,
        )


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
        questions: Sequence[Asked] = (),
        paired_seeds: int = MOST_PAIRS,
        game: str = "doom",
        slowed: bool = False,
        max_steps: int = MAX_STEPS,
        replay: int = REPLAY_EXAMPLES,
        say: Say = lambda message: None,
        old_tasks: bool = True,
        measure_failed: bool = False,
        hotkeys: Mapping[str, str] | None = None,
    ) -> RoundResult:
        """Train, gate, and play pairs of ``questions``; nothing is put in use yet.

        At most ``paired_seeds`` pairs of each are played, fewer if it is decided before.  What is
        left to be checked :meth:`check_rest` plays, and it puts the round in use if it may be.
        Without ``old_tasks`` it may not.

        Of the episodes that ``query`` chooses those of ``game`` are taught, unless it names
        games itself (``game:*`` for all).
        Without questions the episodes' own judged tasks of ``game`` are played, a game in a
        window of its own in real time unless it is ``slowed``; ``hotkeys`` are the person's, None
        where nobody sits before the screen.  An adapter that
        failed its offline gates is played only with ``measure_failed``.  Blocks; call it on a
        worker's thread.  Raises UsageError for a query that cannot be read, DataError where the
        database cannot be.
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
            config={
                "max_steps": max_steps,
                "paired_seeds": paired_seeds,
                "seed": done,
                # Only in its place may the new adapter be put in use.
                "in_use": None if in_use is None else in_use.id,
            },
            choose=True,
        )
        self._work = work_path(self._data, round_id)
        folder = new_folder(adapters_path(self._data), round_id)
        gates: list[protocol.Gate] = []
        lines: list[Line] = []
        ground = self._ground(game, say, slowed=slowed, hotkeys=hotkeys)
        try:
            make_work_folder(self._data, round_id)
            tasks = list(questions) or questions_of(self._data, round_id, query, game)
            command = round_command(
                self._data, self._base, folder, self._work, query, round_id,
                parent=None if parent is None else Path(parent.folder),
                seed=done, max_steps=max_steps, replay=replay, options=self._options,
            )  # fmt: skip
            free = [] if questions else free_sentences_of(self._data, round_id, query, game)
            play = paired_seeds > 0 and not self._few_bits
            tell_before(ground, tasks, parent, query, round_id, play=play)
            ended = self._listen(command, gates, say)
            if paired_seeds and not self._few_bits and (ended.passed or measure_failed):
                lines = self._measure(ground, tasks, free, parent, folder, round_id, paired_seeds)
                lines = after_the_lesson(ground, lines, parent, wanted=old_tasks)
            with self._lock:
                if self._cancelled:
                    raise EndedError(CANCELLED)
            return self._keep(ended, folder, parent, round_id, gates, lines, tasks)
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
        lines: Sequence[Line],
        tasks: Sequence[Asked],
    ) -> RoundResult:
        """Write everything down: the adapter, what it learnt from, how it plays."""
        metrics = dict(ended.metrics)
        samples = metrics.pop("samples")
        manifest = metrics.pop("manifest")
        decision = decide(lines, gates)
        verdict = verdict_of(lines, decision.choice, decision.sentence)
        adapter_id, _ = self._store.finish_round(
            round_id,
            RoundEnd(
                NewAdapter(
                    folder=str(folder),
                    base=self._base.name,
                    parent_id=None if parent is None else parent.id,
                    round_id=round_id,
                    title=title_of(tasks),
                    sha256=fingerprint(folder),
                    passed_gates=decision.choice is not Choice.REFUSE,
                ),
                samples=[tuple(sample) for sample in samples],
                manifest=manifest,
                metrics={**protocol.finite(metrics), "gates": [asdict(gate) for gate in gates]},
                verdict={} if verdict is None else asdict(verdict),
            ),
        )
        self._listed = True
        shutil.rmtree(self._work, ignore_errors=True)
        few_bits = self._few_bits and decision.choice is not Choice.REFUSE
        return RoundResult(
            round_id,
            RoundStatus.DONE,
            FEW_BITS if few_bits else decision.sentence,
            adapter_id,
            folder,
            tuple(gates),
            verdict,
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

    def check_rest(
        self,
        round_id: int,
        *,
        game: str = "doom",
        slowed: bool = False,
        say: Say = lambda message: None,
        hotkeys: Mapping[str, str] | None = None,
        more: bool = False,
    ) -> Checked:
        """Measure what is left to be checked of a round, and put it in use if it may be.

        ``more`` plays taught sentences once more of which too little is known.  Blocks, and may be
        cancelled: what was played is kept, and the round stays as it was.  Raises what
        :func:`trainer.rounds.measure_later.check_rest` raises.
        """
        return check_rest(
            self._ground(game, say, slowed=slowed, hotkeys=hotkeys), round_id, more=more
        )

    def _ground(
        self, game: str, say: Say, *, slowed: bool, hotkeys: Mapping[str, str] | None
    ) -> Ground:
        def check() -> None:
            if self._cancelled:
                raise EndedError(CANCELLED)

        return Ground(
            self._data, self._store, self._base, game, self._options, say, check,
            slowed=slowed, hotkeys=hotkeys,
        )  # fmt: skip

    def _measure(
        self,
        ground: Ground,
        tasks: Sequence[Asked],
        free: Sequence[str],
        parent: AdapterRow | None,
        folder: Path,
        round_id: int,
        most: int,
    ) -> list[Line]:
        """Play what was taught; of what nobody can judge there is a line that says so."""
        before = ground.player("before", None if parent is None else Path(parent.folder))
        after = ground.player("after", folder)
        lines = play_taught(ground, tasks, before, after, round_id, most)
        for line in lines:
            ground.say(protocol.Measured(line))
        return [*lines, *(unjudged_line(Part.TAUGHT, sentence) for sentence in free)]
