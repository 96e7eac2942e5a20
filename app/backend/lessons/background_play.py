"""Plays starts in the background: finds where the agent fails, makes the films of a round."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from app.backend.lessons.failing_starts import FailingStarts
from app.backend.lessons.films import film_of_round, until
from app.backend.lessons.practising import practice_blocked
from app.backend.models.catalogue import options_of
from app.backend.models.loader import ModelLoader
from app.backend.ports import FilmFacts
from app.session.control_loop import LiveSession
from recorder.errors import ModelError, UsageError
from recorder.games import judged_task
from recorder.games.base import Asked
from recorder.store import Reader, Store
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate
from trainer.evaluation.starts import LOOKED_FOR, Attempt, Start, row_of

UNJUDGED = (
    "The game cannot judge “{}”, so nobody can find out alone where the agent fails at it; play "
    "it, and take over when it goes wrong."
)
NO_FILM = (
    "No start of this round was played with the model and the settings of now, so there is no "
    "film of it; play the sentence to see it."
)
TAUGHT_NOW = (
    "A round is being taught or measured, so nothing else is played meanwhile; try again when it "
    "is done."
)


class BackgroundPlay:
    """Plays what the person wants to look at next, one thing at a time: a new wish ends the old.

    Attempts that look for a start are stored, all of a search or none: those that end first succeed
    more often, so a part of them would be no fair sample of what the agent can.
    """

    def __init__(
        self,
        session: LiveSession,
        store: Store,
        reader: Reader,
        loader: ModelLoader,
        *,
        data: Path,
        game: str,
        busy: Callable[[], bool],
    ) -> None:
        """``busy`` says whether a round is taught or checked: beside it nothing is played."""
        self._live = session
        self._store = store
        self._reader = reader
        self._loader = loader
        self._data = data
        self._game = game
        self._busy = busy
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._left = False
        self._failing = FailingStarts()

    def end(self) -> None:
        """End what is played, after the attempts that run.  May be called from any thread."""
        with self._lock:
            self._stop.set()

    def leave(self) -> None:
        """End what is played, after the attempts that run; nothing more begins.

        The window is closing.  May be called from any thread.
        """
        with self._lock:
            self._left = True
            self._stop.set()

    def failing_start(self, sentence: str) -> int:
        """Return the seed of a start on which what plays now fails at a sentence.

        Raises UsageError if it cannot be played without the person or failed on none that were
        tried, ModelError while a round runs.
        """
        if why := practice_blocked(self._loader, self._game, self._data):
            raise UsageError(why)
        task = judged_task(self._live.tasks(), sentence)
        if task is None:
            raise UsageError(UNJUDGED.format(sentence))
        stop = self._begin()
        adapters = self._loader.shown(self._reader.adapters())
        folder = next((Path(row.folder) for row in adapters if row.active), None)
        options = options_of(self._loader.choice)
        player = PlayerSpec(
            "now", self._loader.base, folder, self._loader.choice.own_temperature, options=options
        )
        asked, after = Asked(task, sentence), self._live.snapshot().seed
        return self._failing.next(player, asked, after, partial(self._play, stop))

    def film(self, round_id: int, number: int) -> FilmFacts:
        """Play a start of a round's measurement again, before and after.

        Raises ModelError if nothing of it can be shown, or while a round runs.
        """
        stop = self._begin()
        row = next((each for each in self._reader.rounds() if each.id == round_id), None)
        films = None
        if row is not None and row.adapter_id is not None:
            options = options_of(self._loader.choice)
            films = film_of_round(
                self._reader,
                round_id,
                row.adapter_id,
                self._loader.base,
                options,
                number,
                check=until(stop),
            )
        if films is None:
            raise ModelError(NO_FILM)
        return films.facts()

    def _begin(self) -> threading.Event:
        """End what is played now; return what is set when this is to end too."""
        if self._busy():
            raise ModelError(TAUGHT_NOW)
        with self._lock:
            self._stop.set()
            self._stop = threading.Event()
            if self._left:
                self._stop.set()
            return self._stop

    def _play(
        self, stop: threading.Event, player: PlayerSpec, starts: Sequence[Start]
    ) -> Sequence[Attempt]:
        check = until(stop)
        attempts = evaluate(
            player,
            self._game,
            starts,
            version=LOOKED_FOR,
            on_played=lambda _attempt: check(),
        )
        self._store.add_evaluations([row_of(each) for each in attempts])
        return attempts
