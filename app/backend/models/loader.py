"""Loads the model that plays, late, and swaps its adapters.  No torch here.

A model is loaded anew for every adapter, so what plays is exactly base and adapter, and
going back gives the base's outputs bit for bit.  The new one is loaded beside the old, which
plays on until then; where both do not fit into the memory, the old one goes first and comes
back if the new one cannot be had.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from app.backend.models.catalogue import Models, device_of, options_of
from app.backend.models.choice import ModelChoice
from app.session.control_loop import LiveSession
from app.session.wiring import JudgeOf, Player, nobody
from model.adapters.folders import read_meta
from model.adapters.in_use import adapter_in_use, of_other_bases, without_sentence
from model.play.policy import Observation, Policy
from model.vla.memory import free_bytes, predict
from recorder.errors import AdapterError, DataError, KnownError, ModelError
from recorder.store import AdapterRow, Reader, Store
from recorder.threads import BackgroundThread
from recorder.types import MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH, Frame
from trainer.evaluation.eye.kept import judges

if TYPE_CHECKING:
    from model.vla.vla import VlaPolicy

log = logging.getLogger(__name__)

LOADING = "The model is being loaded."
NOT_LOADED = "No model is loaded."
BROKEN = (
    "The model could not be started by a mistake inside Playteach, so nothing plays; copy the "
    "diagnostics and report it."
)


class ModelLoader:
    """Loads, activates and rolls back; every method blocks for seconds, on any thread.

    Attributes:
        base: the folder of the checkpoint that plays; the practice model's where a server does.
        choice: which model plays, as the person set it.
        models: where other models than the practice model are found.
        device: a sentence on where the model runs and why.
        problem: one sentence if nothing plays, or the base without its lost adapter; else "".

    """

    def __init__(
        self,
        session: LiveSession,
        store: Store,
        reader: Reader,
        base: Path,
        choice: ModelChoice | None = None,
    ) -> None:
        self.base = base
        self.choice = choice or ModelChoice()
        self.models = Models(base)
        self.device = LOADING
        self.problem = ""
        self._session = session
        self._store = store
        self._reader = reader
        self._lock = threading.Lock()
        self._playing: _Playing | None = None
        self._closed = False
        self._loading: BackgroundThread | None = None

    def load(self) -> None:
        """Let the base with the active adapter play; a problem is kept and told.

        A base whose adapter is lost plays without it.
        """
        with self._lock:
            if self._closed:
                return
            try:
                self._use_what_is_left(self._in_use())
            except KnownError as error:
                self._fail(error.sentence)
            except Exception:
                log.exception("the model could not be started")
                self._fail(BROKEN)

    def load_in_background(self) -> None:
        """Load on a thread of its own; returns at once."""
        self._loading = BackgroundThread("load-model", self.load).start()

    def close(self) -> None:
        """Load nothing any more, and wait for what is being loaded: nobody would see it play."""
        self._closed = True
        if self._loading is not None:
            self._loading.join()

    def choose(self, choice: ModelChoice) -> None:
        """Let another model play from the next episode on.

        Raises KnownError with what played before still in force.
        """
        with self._lock:
            before = self.choice
            self.choice = choice
            try:
                self._use_what_is_left(self._in_use())
            except BaseException:
                self.choice = before
                raise

    def shown(self, rows: Sequence[AdapterRow]) -> list[AdapterRow]:
        """Return rows of adapters in which the one that really plays is the active one.

        Before anything plays, that is what was last put in use, for whatever base.
        """
        playing = self._playing
        if playing is None:
            return list(rows)
        own = None if playing.row is None else playing.row.id
        return [replace(row, active=row.id == own) for row in rows]

    @property
    def not_taught(self) -> str:
        """Why rounds cannot teach what plays, one sentence, or ""."""
        if self.choice.source != "server":
            return ""
        return (
            "A server plays, and its model cannot be taught from here; choose a checkpoint on this "
            "machine first."
        )

    def activate(self, adapter_id: int | None) -> None:
        """Make an adapter (None: the bare base) the one that plays from the next episode on.

        Raises ModelError or DataError with what played before still in force.
        """
        with self._lock:
            self._use(
                self._row(adapter_id),
                ready=lambda: self._store.set_active_adapter(adapter_id),
            )

    def go_back(self) -> None:
        """Undo the newest activation of the base that plays; other bases keep their adapters.

        Raises DataError where there is nothing to undo.  A base whose adapter is lost plays
        without it.
        """
        with self._lock:
            if self.choice.source == "server":
                raise DataError(
                    "A server plays, so there is no adapter here to go back from; choose another "
                    "model of the server, or a checkpoint on this machine."
                )
            self._store.undo_activation(self._others())
            try:
                self._use_what_is_left(self._in_use())
            except KnownError as error:
                self._fail(error.sentence)
                raise

    @property
    def can_go_back(self) -> bool:
        """Whether anything was put in use for the base that plays."""
        if self.choice.source == "server":
            return False
        return self._reader.can_undo_activation(self._others())

    def _others(self) -> frozenset[int]:
        """Return the adapters of other bases than the one that is chosen."""
        try:
            base = self.models.folder(self.choice) or self.base
        except KnownError:
            # The chosen one is not here; what plays is.
            base = self.base
        return of_other_bases(self._reader, base)

    @contextmanager
    def rested(self, need: int, why: str) -> Iterator[bool]:
        """Let the model go meanwhile where ``need`` bytes beside it are not free.

        Gives whether it went; then what is in use is loaded afterwards.  ``why`` is what the
        person is told meanwhile.  Raises ModelError where an attempt under way needs it.
        """
        with self._lock:
            given_up = self._room_for(need, "what is asked for")
            if given_up is not None:
                self._fail(why)
        try:
            yield given_up is not None
        finally:
            if given_up is not None:
                self.load()

    def _in_use(self) -> AdapterRow | None:
        """Return the adapter that belongs to the chosen model."""
        if self.choice.source == "server":
            return None
        return adapter_in_use(self._reader, self.models.folder(self.choice) or self.base)

    def _use_what_is_left(self, row: AdapterRow | None) -> None:
        """Let a base play with its adapter, or without one that is gone or damaged."""
        try:
            self._use(row)
        except AdapterError as error:
            if row is None:
                raise
            log.warning("%s", error.sentence)
            self._use(None, problem=without_sentence(row, error))

    def _use(
        self, row: AdapterRow | None, ready: Callable[[], None] = lambda: None, problem: str = ""
    ) -> None:
        """Load what the choice says, call ``ready``, and let it play; ``problem`` is told then."""
        before = self._room_for(self._need(), "the new one")
        try:
            policy = self._warm(row)
            ready()
        except BaseException:
            if before is not None:
                self._bring_back(before)
            raise
        self._hand_over(policy, row, problem)

    def _need(self) -> int:
        """Return the bytes that the chosen model will take, 0 for one too small to matter."""
        folder = self.models.folder(self.choice)
        if folder is None or self.choice.source == "practice":
            return 0
        precision = self.choice.precision or None
        device = device_of(folder, precision)
        return predict(folder, device.dtype, precision, device.device).total

    def _room_for(self, need: int, what: str) -> _Playing | None:
        """Let what plays go where ``need`` bytes are not free beside it; return it then.

        Raises ModelError where an attempt needs it.  What would not fit anyway is left to
        whoever loads it.
        """
        playing = self._playing
        if playing is None or not playing.bytes or not need:
            return None
        free = free_bytes(playing.device)
        if need <= free or need > free + playing.bytes:
            return None
        if not self._session.release_player():
            raise ModelError(
                f"The model that plays and {what} do not fit into the memory beside each other "
                f"({need / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free), so nothing was "
                "changed; stop the attempt and try again."
            )
        self._playing = None
        release_memory()
        return playing

    def _bring_back(self, before: _Playing) -> None:
        """Let what was let go play again; a problem is kept and told."""
        wanted, self.choice = self.choice, before.choice
        try:
            self._hand_over(self._warm(before.row), before.row)
        except KnownError as error:
            self._fail(error.sentence)
        finally:
            self.choice = wanted

    def _warm(self, row: AdapterRow | None) -> Policy:
        policy = self._loaded(row)
        # The first answer of a fresh model is slow; it is given to a black picture.
        black = np.zeros((MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH, 3), np.uint8)
        policy.reset("warm up", seed=0)
        policy.propose(Observation(Frame(0, 0, black), "warm up"))
        return policy

    def _loaded(self, row: AdapterRow | None) -> Policy:
        """Return what the choice says, with an adapter."""
        from model.play.stuck_detector import PRACTICE_WATCH, WatchedPolicy

        choice = self.choice
        folder = self.models.folder(choice)
        if folder is None:
            return WatchedPolicy(self.models.remote(choice))
        if row is not None:
            # Before a large base is read in vain.
            read_meta(Path(row.folder))
        policy = self._checkpoint(folder, row)
        return WatchedPolicy(policy, PRACTICE_WATCH if choice.source == "practice" else None)

    def _checkpoint(self, folder: Path, row: AdapterRow | None) -> VlaPolicy:
        from model.play.sampling import Sampling
        from model.vla.vla import VlaPolicy

        own = self.choice.own_temperature
        # One core stays free for the window and the tick loop: torch's threads spin while
        # they wait for each other, and on two cores the answers then never came.
        return VlaPolicy.load(
            folder,
            adapter=None if row is None else Path(row.folder),
            threads=max(1, (os.cpu_count() or 2) - 1),
            sampling=None if own is None else Sampling(own),
            options=options_of(self.choice),
        )

    def _hand_over(self, policy: Policy, row: AdapterRow | None, problem: str = "") -> None:
        # Before it plays: the window asks as soon as it does.
        self.problem = problem
        played: Any = getattr(policy, "policy", policy)
        device = ""
        if self.choice.source == "server":
            self.device = f"Plays on the server {urlsplit(self.choice.server).netloc}."
        else:
            self.base = played.folder
            told = (played.choice.reason, getattr(played, "disagreement", ""))
            self.device = " ".join(part for part in told if part)
            device = played.choice.device
        self._playing = _Playing(self.choice, row, device, self._need())
        judge_of = _judges(self._reader, self._session.game.name, played)
        self._session.use_player(Player(policy, None if row is None else row.id, judge_of))

    def _fail(self, sentence: str) -> None:
        self.problem = sentence
        self.device = NOT_LOADED
        self._session.player_failed(sentence)

    def _row(self, adapter_id: int | None) -> AdapterRow | None:
        if adapter_id is None:
            return None
        for row in self._reader.adapters():
            if row.id == adapter_id:
                return row
        raise DataError(
            f"There is no adapter {adapter_id} in the database, so the agent stays as it is; "
            "choose one of the list."
        )


def _judges(reader: Reader, game: str, played: object) -> JudgeOf:
    """Return what judges sentences of the person's own, by what they marked before."""
    base = getattr(played, "fingerprint", "")
    return judges(reader.folder, reader, game, base) if base else nobody


@dataclass(frozen=True, slots=True)
class _Playing:
    """What plays now: enough to load it again.

    ``bytes`` is what it takes of the ``device``'s memory, 0 where that is little or elsewhere.
    """

    choice: ModelChoice
    row: AdapterRow | None
    device: str
    bytes: int


def release_memory() -> None:
    """Give back what a policy that is gone has held."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
