"""Rounds beside the window: what one would learn from, one that runs, the check after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.backend.blind.judging import BlindJudging
from app.backend.blind.rounds import BlindRounds
from app.backend.lessons.collected import Collected
from app.backend.lessons.films import FilmClip, Films, film_of_round, until
from app.backend.lessons.practising import practice_blocked
from app.backend.lessons.round_in_progress import RoundInProgress
from app.backend.lessons.rounds_of_now import made_now
from app.backend.lessons.time_left import TimeLeft
from app.backend.models.catalogue import options_of, round_need
from app.backend.models.loader import ModelLoader
from app.backend.ports import (
    PracticeWish,
    PractisedFacts,
    RoundPart,
    RoundUpdate,
    TeachFacts,
    VerdictFacts,
)
from app.backend.view_facts import (
    as_it_is_now,
    round_update,
    unmeasured_facts,
    verdict_facts,
)
from app.session.control_loop import LiveSession
from model.vla.play_options import PlayOptions
from recorder.errors import KnownError, ModelError
from recorder.games.base import Asked, Game, OwnWindowGame
from recorder.store import Reader, RoundStatus, Store
from recorder.types import RGBImage
from trainer.evaluation.verdicts.stored_verdicts import read_lines, read_verdict
from trainer.evaluation.verdicts.verdict import Choice
from trainer.practice.fit import practicable
from trainer.practice.strips import FILE as STRIPS_FILE
from trainer.practice.strips import read_strips
from trainer.rounds.client import RoundClient
from trainer.rounds.measuring.decision import decide
from trainer.rounds.measuring.measure_later import gates_of
from trainer.rounds.measuring.measurement import MEASURING, Ground
from trainer.rounds.protocol import Failed, Message, Played, Stage

log = logging.getLogger(__name__)

RESTING = (
    "The agent rests during this round: playing and learning at once do not fit into the memory."
)
MEASURED_NOW = (
    "A round is being measured in another window of the game, so nothing is played here meanwhile; "
    "wait for its verdict, or cancel the round."
)
OWN_WINDOW = "Measuring in a window of its own"
BUSY = (
    "A round is being taught or checked, so nothing can be judged meanwhile; judge it when that is "
    "done."
)
ROUND_BROKEN = (
    "Something inside Playteach went wrong in this round; the agent plays as before, and the "
    "log says more."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Strips:
    """A few pictures of one start, before and after the round that made an adapter."""

    adapter_id: int
    seed: int
    before: tuple[RGBImage, ...]
    after: tuple[RGBImage, ...]

    @classmethod
    def of(cls, films: Films) -> _Strips:
        strips = FilmClip(films.before).strip(), FilmClip(films.after).strip()
        return cls(films.adapter_id, films.seed, *strips)


class Teaching:
    """The rounds of the game and the model that the window has open.

    One round at a time, and one check of a round's rest; each on a thread of its own.
    """

    def __init__(
        self,
        session: LiveSession,
        store: Store,
        reader: Reader,
        loader: ModelLoader,
        *,
        data: Path,
        game: Game,
        hotkeys: Callable[[], Mapping[str, str]],
        keep_clips: Callable[[], bool] = lambda: False,
    ) -> None:
        """``hotkeys`` returns the person's, by the names of what they ask for.

        ``keep_clips`` says whether clips that were judged blind are kept after the result.
        """
        self._live = session
        self._store = store
        self._reader = reader
        self._loader = loader
        self._data = data
        self._game_name = game.name
        self._slowed = isinstance(game, OwnWindowGame) and not session.paced
        self._own_window = isinstance(game, OwnWindowGame)
        self._hotkeys = hotkeys
        self._blind = BlindRounds(
            loader,
            reader,
            self._ground,
            judged=lambda round_id: self._begin_check(round_id, more=False),
            woken=session.wake_up,
            keep_clips=keep_clips,
        )
        self._strips: _Strips | None = None
        self._collected = Collected(session, reader, loader, data=data, game=game)
        self._round: RoundInProgress | None = None
        self._check: RoundInProgress | None = None
        self._progress = ""

    def facts(self) -> TeachFacts:
        """Return what a round would learn from, and what to do next."""
        verdict = self.last_verdict()
        place = (self._loader.base, self._game_name)
        if self._loader.not_taught or (verdict and not made_now(self._reader, verdict, *place)):
            # Another model or another game is no reason to do anything here.
            verdict = None
        return self._collected.facts(verdict)

    def start(
        self, on_update: Callable[[RoundUpdate], None], practice: PracticeWish | None = None
    ) -> RoundInProgress:
        """Begin a round on a thread of its own, or practice.

        Raises ModelError where a server plays, UsageError for a sentence that nobody judges.
        """
        if self._loader.not_taught:
            raise ModelError(self._loader.not_taught)
        said = () if practice is None else practice.sentences
        asked = practicable(
            self._data, self._game_name, self._loader.base, self._live.tasks(), said
        )
        self._blind.end()
        if (check := self._check) is not None:
            # What was played is kept; it can be gone on with after this round.
            check.cancel()
        options = options_of(self._loader.choice)

        def say(message: Message, clock: TimeLeft) -> None:
            # The final word is said once, below, when the books are done.
            if isinstance(message, Stage) and message.name == MEASURING:
                # There is one keyboard: this window's game gives way to the measured one.
                self._live.rest(MEASURED_NOW)
                update = RoundUpdate(stage=OWN_WINDOW, part=RoundPart.MEASURE)
                on_update(replace(update, notice=message.sentence, left_s=clock.left_s(update)))
            elif not isinstance(message, Failed):
                update = round_update(message)
                on_update(replace(update, left_s=clock.left_s(update)))

        def run(handle: RoundInProgress) -> None:
            try:
                if check is not None:
                    # There is one keyboard, and two that play at once are slower than in turn.
                    check.end()
                clock = TimeLeft(self._collected.expected(practice))
                final = self._run_round(
                    handle, options, lambda message: say(message, clock), practice, asked
                )
            except KnownError as error:
                # What was asked for is no problem.
                problem = "" if handle.cancelled.is_set() else error.sentence
                final = RoundUpdate(problem=problem, finished=True)
            except Exception:
                log.exception("the round failed")
                final = RoundUpdate(problem=ROUND_BROKEN, finished=True)
            finally:
                self._live.wake_up()
            on_update(final)

        client = RoundClient(self._data, self._store, self._loader.base, options)
        self._round = RoundInProgress(client, run).start()
        return self._round

    def close(self) -> None:
        """Cancel what runs and wait for its end."""
        self._blind.end()
        if (round_ := self._round) is not None:
            round_.end()
        # Looked for after it: what is left to check begins at a round's end.
        if (check := self._check) is not None:
            check.end()

    def _run_round(
        self,
        handle: RoundInProgress,
        options: PlayOptions,
        say: Callable[[Message], None],
        practice: PracticeWish | None,
        asked: Sequence[Asked],
    ) -> RoundUpdate:
        with self._loader.rested(self._round_need(options), RESTING) as rested:
            result = handle.client.run(
                say=say,
                game=self._game_name,
                slowed=self._slowed,
                hotkeys=self._hotkeys(),
                questions=asked,
                practice_min=None if practice is None else practice.minutes,
            )
        if handle.left.is_set():
            # What was done is written down; whoever has left waits for no film.
            return RoundUpdate(finished=True)
        if result.activated and not rested:
            self._loader.load()
        if result.waits:
            self._begin_check(result.round_id, more=False)
        if result.verdict is not None:
            try:
                assert result.adapter_id is not None
                films = film_of_round(
                    self._reader,
                    result.round_id,
                    result.adapter_id,
                    self._loader.base,
                    options,
                    check=until(handle.left),
                )
                self._strips = None if films is None else _Strips.of(films)
            except KnownError as error:
                # The verdict stands without its pictures.
                log.warning("no film of the round: %s", error.sentence)
            return RoundUpdate(verdict=self.last_verdict(), finished=True)
        facts = self.last_verdict()
        if facts is not None and facts.kind is None and facts.round_id == result.round_id:
            # Nobody has judged it: its card says so and offers to.
            return RoundUpdate(verdict=facts, finished=True)
        cancelled = result.status is RoundStatus.CANCELLED
        return RoundUpdate(problem="" if cancelled else result.sentence, finished=True)

    def play_more(self, round_id: int) -> None:
        """Begin to play more starts of a round, or go on checking it."""
        if self.running:
            raise ModelError(
                "A round is being taught, so no more starts were played; play them when it is done."
            )
        if self._check is not None:
            raise ModelError(
                "Starts are being played already, so no more were begun; wait until they are done."
            )
        row = next((each for each in self._reader.rounds() if each.id == round_id), None)
        verdict = None if row is None else read_verdict(row.verdict)
        waits = verdict is not None and verdict.choice is Choice.WAIT
        self._begin_check(round_id, more=not waits)

    def _begin_check(self, round_id: int, *, more: bool) -> None:
        """Measure the rest of a round while the person goes on."""
        options = options_of(self._loader.choice)

        def say(message: Message) -> None:
            if isinstance(message, Played):
                self._progress = f"{message.done} of {message.total} starts played"
            elif isinstance(message, Stage) and message.name == MEASURING:
                self._live.rest(MEASURED_NOW)

        def run(handle: RoundInProgress) -> None:
            try:
                checked = handle.client.check_rest(
                    round_id,
                    game=self._game_name,
                    slowed=self._slowed,
                    say=say,
                    hotkeys=self._hotkeys(),
                    more=more,
                )
                if checked.activated and not handle.left.is_set():
                    self._loader.load()
            except KnownError as error:
                # The round stays as it was, and its card offers to go on.
                log.warning("the check of round %d ended: %s", round_id, error.sentence)
            except Exception:
                log.exception("the check of round %d failed", round_id)
            finally:
                self._check = None
                self._live.wake_up()

        self._progress = ""
        client = RoundClient(self._data, self._store, self._loader.base, options)
        self._check = RoundInProgress(client, run)
        self._check.start()

    def _round_need(self, options: PlayOptions) -> int:
        """Return the bytes that a round on the chosen model needs; 0 for the practice model."""
        if self._loader.choice.source == "practice":
            return 0
        return round_need(self._loader.base, options, self._collected.ticks())

    @property
    def running(self) -> bool:
        """Whether a round runs."""
        return self._round is not None and self._round.running

    @property
    def checking(self) -> bool:
        """Whether a round that was taught is being checked."""
        return self._check is not None

    def judge_blind(self, round_id: int) -> BlindJudging:
        """Begin a blind comparison of a round's first waiting sentence, or take it up again."""
        if self._check is not None or self.running:
            raise ModelError(BUSY)
        return self._blind.open(round_id)

    def _ground(self) -> Ground:
        def say(message: Message) -> None:
            if isinstance(message, Stage) and message.name == MEASURING:
                self._live.rest(MEASURED_NOW)

        return Ground(
            self._data,
            self._store,
            self._loader.base,
            self._game_name,
            options_of(self._loader.choice),
            say,
            lambda: None,
            slowed=self._slowed,
            hotkeys=self._hotkeys(),
        )

    def last_verdict(self) -> VerdictFacts | None:
        """Return the card of the newest round that made an adapter, None before the first."""
        adapters = {row.id: row for row in self._loader.shown(self._reader.adapters())}
        for row in reversed(self._reader.rounds()):
            adapter = adapters.get(row.adapter_id or 0)
            if adapter is None:
                continue
            verdict = read_verdict(row.verdict)
            if verdict is None:
                lines = read_lines(row.verdict)
                facts = unmeasured_facts(lines, decide(lines, gates_of(row)), adapter)
            else:
                facts = verdict_facts(verdict, adapter, in_use=adapter.active)
            facts = self._blind.added_to(facts, row)
            if (why := row.metrics.get("not_in_use")) and not adapter.active:
                facts = replace(facts, sentence=f"{facts.sentence} {why}")
            strips = self._strips
            if strips is not None and strips.adapter_id == adapter.id:
                facts = replace(
                    facts,
                    film_before=strips.before,
                    film_after=strips.after,
                    film_seed=strips.seed,
                )
            facts = as_it_is_now(facts, checking=self._check is not None)
            return replace(
                facts,
                can_go_back=self._loader.can_go_back,
                may_watch=facts.tries > 0
                and not facts.blind
                and not practice_blocked(self._loader, self._game_name, self._data),
                checking=self._check is not None,
                progress=self._progress,
                practised=(Path(adapter.folder) / STRIPS_FILE).exists(),
            )
        return None

    def practice_strips(self, round_id: int) -> list[PractisedFacts]:
        """Return a few of the attempts that a practice counted as done."""
        folders = [row.folder for row in self._reader.adapters() if row.round_id == round_id]
        return [
            PractisedFacts(each.sentence, each.seed, each.by_eye, tuple(each.pictures))
            for folder in folders
            for each in read_strips(Path(folder))
        ]
