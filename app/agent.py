"""The agent behind the window: loads the model late, and swaps adapters.  No torch here.

A model is loaded anew for every adapter, so what plays is exactly base and adapter, and
going back gives the base's outputs bit for bit.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.session.parts import Player
from app.session.session import LiveSession
from model.policy import Observation
from recorder.errors import DataError, KnownError
from recorder.store import AdapterRow, Reader, Store
from recorder.types import MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH, Frame

if TYPE_CHECKING:
    from model.vla import VlaPolicy

log = logging.getLogger(__name__)

LOADING = "The model is being loaded."
NOT_LOADED = "No model is loaded."
BROKEN = (
    "The model could not be started by a mistake inside Playteach, so nothing plays; copy the "
    "diagnostics and report it."
)


class Agent:
    """Loads, activates and rolls back; every method blocks for seconds, on any thread.

    Attributes:
        base: the checkpoint's folder.
        device: a sentence on where the model runs and why.
        problem: one sentence where nothing plays, else "".

    """

    def __init__(self, session: LiveSession, store: Store, reader: Reader, base: Path) -> None:
        self.base = base
        self.device = LOADING
        self.problem = ""
        self._session = session
        self._store = store
        self._reader = reader
        self._lock = threading.Lock()

    def load(self) -> None:
        """Let the base with the active adapter play; a problem is kept and told."""
        with self._lock:
            try:
                self._use(self._reader.active_adapter())
            except KnownError as error:
                self._fail(error.sentence)
            except Exception:
                log.exception("the model could not be started")
                self._fail(BROKEN)

    def load_in_background(self) -> None:
        """Load on a thread of its own; returns at once."""
        threading.Thread(target=self.load, name="load-model", daemon=True).start()

    def activate(self, adapter_id: int | None) -> None:
        """Make an adapter (None: the bare base) the one that plays from the next episode on.

        Raises ModelError or DataError with what played before still in force.
        """
        with self._lock:
            policy, row = self._prepare(self._row(adapter_id))
            self._store.set_active_adapter(adapter_id)
            self._hand_over(policy, row)

    def go_back(self) -> None:
        """Undo the newest activation.  Raises DataError where there is nothing to undo."""
        with self._lock:
            active = self._store.undo_activation()
            try:
                self._use(self._row(active))
            except KnownError as error:
                self._fail(error.sentence)
                raise

    def _use(self, row: AdapterRow | None) -> None:
        self._hand_over(*self._prepare(row))

    def _prepare(self, row: AdapterRow | None) -> tuple[VlaPolicy, AdapterRow | None]:
        from model.vla import VlaPolicy

        # One core stays free for the window and the tick loop: torch's threads spin while
        # they wait for each other, and on two cores the answers then never came.
        policy = VlaPolicy.load(
            self.base,
            adapter=None if row is None else Path(row.folder),
            threads=max(1, (os.cpu_count() or 2) - 1),
        )
        # The first answer of a fresh model is slow; it is given to a black picture.
        black = np.zeros((MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH, 3), np.uint8)
        policy.reset("warm up", seed=0)
        policy.propose(Observation(Frame(0, 0, black), "warm up"))
        return policy, row

    def _hand_over(self, policy: VlaPolicy, row: AdapterRow | None) -> None:
        self.problem = ""
        self.device = policy.choice.reason
        self._session.use_player(Player(policy, None if row is None else row.id))

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
