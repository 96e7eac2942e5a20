"""The parent's side of a round: starts the process, keeps the books, decides.

The parent is the only writer of the database.  No torch, no Qt: the window and the
command line both use it.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.vla.play_options import PlayOptions
from recorder.games.base import Asked
from recorder.store import Store, logs_path, of_game
from trainer.evaluation.verdicts.sequential import MOST_PAIRS
from trainer.evaluation.verdicts.verdict import Line, Part
from trainer.rounds import protocol
from trainer.rounds.books import RoundBooks, RoundResult, Say
from trainer.rounds.child import CANCELLED
from trainer.rounds.measuring.by_eye import NOT_BY_ITS_JUDGE, eyes_for, why_no_eye
from trainer.rounds.measuring.known_before import tell_before
from trainer.rounds.measuring.measure_later import Checked, after_the_lesson, check_rest
from trainer.rounds.measuring.measurement import Ground, play_taught, unjudged_line
from trainer.rounds.process import (
    EndedError,
    practice_command,
    round_command,
    see_off,
    understood,
)
from trainer.rounds.questions import free_sentences_of, questions_of
from trainer.rounds.round import REPLAY_EXAMPLES, SINCE_LAST_ROUND
from trainer.rounds.times import Stopwatch, with_times
from trainer.rounds.training.lora_config import MAX_STEPS
from trainer.rounds.working_folder import PRACTICE_FILE, make_work_folder


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked of a round; fields as in :meth:`RoundClient.run`."""

    game: str
    questions: Sequence[Asked]
    paired_seeds: int
    max_steps: int
    replay: int
    settings: Mapping[str, str]
    practice_min: float | None
    old_tasks: bool
    measure_failed: bool


class RoundClient:
    """Runs one round at a time on a data folder.

    Until the very end nothing is listed or activated: a round that fails, is cancelled
    or is killed leaves its row (status and sentence) and no adapter.  What a killed one
    had learnt waits in its folder; the next round with the same samples goes on from it.
    """

    def __init__(
        self,
        data: Path,
        store: Store,
        base: Path,
        options: PlayOptions | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``options`` are how the base is played, and so how it is taught and measured.

        ``now`` is the time in seconds that its parts are measured by.
        """
        self._options = options or PlayOptions()
        self._data = data.absolute()
        self._store = store
        self._base = base
        self._now = now
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._cancelled = False

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
        practice_min: float | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> RoundResult:
        """Train, gate, and play pairs of ``questions``; nothing is put in use yet.

        With ``practice_min`` it does not learn from episodes: the agent practises ``questions`` by
        itself for so many minutes (:mod:`trainer.practice`), and the rest is the same.
        ``settings`` are hyper-parameters that are not to be as usual.

        At most ``paired_seeds`` pairs of each are played, fewer if it is decided before.  What is
        left to be checked :meth:`check_rest` plays, and it puts the round in use if it may be.
        Without ``old_tasks`` it may not.

        Of the episodes that ``query`` chooses those of ``game`` are taught, unless it names
        games itself (``game:*`` for all).
        Without questions the episodes' own judged tasks of ``game`` are played, a game in a
        window of its own in real time unless it is ``slowed``; ``hotkeys`` are the person's, None
        where nobody sits before the screen.  An adapter that failed its offline gates is played
        only with ``measure_failed``.  Blocks; call it on a worker's thread.  Raises UsageError for
        a query that cannot be read, DataError where the database cannot be.
        """
        wanted = _Wanted(
            game, questions, paired_seeds, max_steps, replay, settings or {}, practice_min,
            old_tasks=old_tasks, measure_failed=measure_failed,
        )  # fmt: skip
        books = self._begin(query, wanted, say)
        ground = self._ground(game, say, slowed=slowed, hotkeys=hotkeys)
        try:
            return self._run(books, ground, wanted)
        except BaseException as error:
            if books.is_done():
                raise
            self._cancelled = self._cancelled or isinstance(error, KeyboardInterrupt)
            result = books.break_off(error, cancelled=self._cancelled)
            if isinstance(error, EndedError):
                return result
            raise

    def _begin(self, query: str, wanted: _Wanted, say: Say) -> RoundBooks:
        """Write the round's row."""
        sizes: dict[str, float] = {"paired_seeds": wanted.paired_seeds}
        if wanted.practice_min is not None:
            sizes["practice_min"] = wanted.practice_min
            game = wanted.game
            return RoundBooks.begin(
                self._data, self._store, self._base, f"game:{game}", say, sizes, practises=game
            )
        sizes["max_steps"] = wanted.max_steps
        return RoundBooks.begin(
            self._data, self._store, self._base, of_game(query, wanted.game), say, sizes
        )

    def _run(self, books: RoundBooks, ground: Ground, wanted: _Wanted) -> RoundResult:
        """Teach, measure and write down; raises what keeps it from its end."""
        took = Stopwatch(self._now)
        make_work_folder(self._data, books.round_id, practises=wanted.practice_min is not None)
        tasks, free = self._lesson(books, wanted.questions, wanted.game)
        play = wanted.paired_seeds > 0 and not self._few_bits
        tell_before(ground, tasks, books.parent, books.query, books.round_id, play=play)
        took.note("before_s")
        ended = self._listen(self._command(books, wanted, tasks, free), books, ground.say)
        took.note("teaching_s")
        lines: list[Line] = []
        if play and (ended.passed or wanted.measure_failed):
            lines = self._measure(
                books, ground, tasks, free, wanted.paired_seeds, wanted=wanted.old_tasks,
                practised=wanted.practice_min is not None,
            )  # fmt: skip
        ground.check()
        if wanted.practice_min is None:
            # How long the next round takes is told by these; practice takes as long as is said.
            # What its own eye judged was played too.
            played = len(tasks) + sum(line.by_eye and line.part is Part.TAUGHT for line in lines)
            ended = with_times(ended, took, game=wanted.game, base=self._base, sentences=played)
        return books.keep(ended, lines, tasks, few_bits=self._few_bits)

    @property
    def _few_bits(self) -> bool:
        """Whether the weights are packed: an adapter cannot be merged into such."""
        return self._options.precision in ("8bit", "4bit")

    def _lesson(
        self, books: RoundBooks, questions: Sequence[Asked], game: str
    ) -> tuple[list[Asked], list[str]]:
        """Return (what the round is measured with, the taught sentences that nobody can judge)."""
        if questions:
            judged = [each for each in questions if each.task.judged]
            return judged, [each.heard for each in questions if not each.task.judged]
        place = (self._data, books.round_id, books.query, game)
        return questions_of(*place), free_sentences_of(*place)

    def _command(
        self, books: RoundBooks, wanted: _Wanted, tasks: Sequence[Asked], free: Sequence[str]
    ) -> list[str]:
        """Return what starts the process that learns from episodes, or practises."""
        place = (self._data, self._base, books.folder, books.work)
        if wanted.practice_min is not None:
            return practice_command(
                *place,
                game=wanted.game,
                sentences=[*(each.heard for each in tasks), *free],
                minutes=wanted.practice_min,
                number=books.round_id,
                parent=books.parent_folder,
                options=self._options,
            )
        return round_command(
            *place,
            books.query,
            books.round_id,
            parent=books.parent_folder,
            seed=books.done_before,
            max_steps=wanted.max_steps,
            replay=wanted.replay,
            options=self._options,
            settings=wanted.settings,
        )

    def _listen(self, command: list[str], books: RoundBooks, say: Say) -> protocol.Done:
        """Run the process to its end.  Raises EndedError where it ends without an adapter."""
        last: protocol.Message | None = None
        log_file = books.work / "round.log"
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
                                books.gates.append(last)
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
            # Practice that is told of a problem of the world is taken up again like a killed one.
            if self._cancelled or not (books.work / PRACTICE_FILE).exists():
                shutil.rmtree(books.work, ignore_errors=True)
            raise EndedError(last.sentence, process.returncode)
        if self._cancelled:
            raise EndedError(CANCELLED)
        kept = logs_path(self._data) / "round.log"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log_file, kept)
        if process.returncode > 0:
            # A fault of ours: what lies there may be why.
            shutil.rmtree(books.work, ignore_errors=True)
        raise EndedError(
            f"The round ended with code {process.returncode} before it was done, so the agent "
            f"plays as before; {kept} says why. Try again, with other programs closed if memory "
            "is short."
        )

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
        :func:`trainer.rounds.measuring.measure_later.check_rest` raises.
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
            self._data,
            self._store,
            self._base,
            game,
            self._options,
            say,
            check,
            slowed=slowed,
            hotkeys=hotkeys,
        )

    def _measure(
        self,
        books: RoundBooks,
        ground: Ground,
        tasks: Sequence[Asked],
        free: Sequence[str],
        most: int,
        *,
        wanted: bool,
        practised: bool,
    ) -> list[Line]:
        """Play what was taught; of what nobody can judge there is a line that says so.

        An eye by which it ``practised`` does not judge what came of it: who learns to please a
        judge pleases its errors too.
        Beside them are the lines of what is to be checked later: the old tasks, if ``wanted``.
        """
        before = ground.player("before", books.parent_folder)
        after = ground.player("after", books.folder)
        with eyes_for(ground, () if practised else free) as eyes:
            judging = [each for each in eyes if each.believed]
            lines = play_taught(ground, tasks, before, after, books.round_id, most, eyes=judging)
        for line in lines:
            ground.say(protocol.Measured(line))
        judged = {each.sentence for each in judging}
        lines += [
            unjudged_line(
                Part.TAUGHT,
                sentence,
                NOT_BY_ITS_JUDGE if practised else why_no_eye(ground, sentence, eyes),
            )
            for sentence in free
            if sentence not in judged
        ]
        return after_the_lesson(ground, lines, books.parent, wanted=wanted, gates=books.gates)
