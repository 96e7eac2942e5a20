"""The agent behind the window: loads the model late, and swaps adapters.  No torch here.

A model is loaded anew for every adapter, so what plays is exactly base and adapter, and
going back gives the base's outputs bit for bit.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from app.model_desk import Models
from app.session.model_choice import ModelChoice
from app.session.parts import Player
from app.session.session import LiveSession
from model.policy import Observation, Policy
from recorder.errors import DataError, KnownError, ModelError
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
        base: the folder of the checkpoint that plays; the practice model's where a server does.
        choice: which model plays, as the person set it.
        models: where other models than the practice model are found.
        device: a sentence on where the model runs and why.
        problem: one sentence where nothing plays, else "".

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

    def choose(self, choice: ModelChoice) -> None:
        """Let another model play from the next episode on.

        Raises KnownError with what played before still in force.
        """
        with self._lock:
            before = self.choice
            self.choice = choice
            try:
                self._use(self._reader.active_adapter())
            except BaseException:
                self.choice = before
                raise

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

    def _prepare(self, row: AdapterRow | None) -> tuple[Policy, AdapterRow | None]:
        policy, row = self._loaded(row)
        # The first answer of a fresh model is slow; it is given to a black picture.
        black = np.zeros((MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH, 3), np.uint8)
        policy.reset("warm up", seed=0)
        policy.propose(Observation(Frame(0, 0, black), "warm up"))
        return policy, row

    def _loaded(self, row: AdapterRow | None) -> tuple[Policy, AdapterRow | None]:
        """Return what the choice says, and the adapter that plays with it."""
        from model.watchers import WatchedPolicy

        choice = self.choice
        folder = self.models.folder(choice)
        if folder is None:
            return WatchedPolicy(self.models.remote(choice)), None
        if choice.source == "practice":
            return self._checkpoint(folder, row), row
        if row is not None and not _belongs(row, folder):
            # What was taught to another base waits until that plays again.
            row = None
        return WatchedPolicy(self._checkpoint(folder, row)), row

    def _checkpoint(self, folder: Path, row: AdapterRow | None) -> VlaPolicy:
        from model.decoding_options import Sampling
        from model.vla import PlayOptions, VlaPolicy

        choice = self.choice
        own = choice.source != "practice"
        # One core stays free for the window and the tick loop: torch's threads spin while
        # they wait for each other, and on two cores the answers then never came.
        return VlaPolicy.load(
            folder,
            adapter=None if row is None else Path(row.folder),
            threads=max(1, (os.cpu_count() or 2) - 1),
            sampling=Sampling(choice.temperature) if own else None,
            options=PlayOptions(
                history=choice.history,
                prompt=choice.prompt or None,
                rewrite=choice.rewrite,
                precision=choice.precision or None,
            )
            if own
            else None,
        )

    def _hand_over(self, policy: Policy, row: AdapterRow | None) -> None:
        self.problem = ""
        played: Any = getattr(policy, "policy", policy)
        if self.choice.source == "server":
            self.device = f"Plays on the server {urlsplit(self.choice.server).netloc}."
        else:
            self.base = played.folder
            self.device = played.choice.reason
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


def _belongs(row: AdapterRow, folder: Path) -> bool:
    """Return whether an adapter was taught to a checkpoint; False for one that is damaged."""
    from model.adapters import fingerprint, read_meta

    try:
        return read_meta(Path(row.folder)).base == fingerprint(folder)
    except ModelError as error:
        log.warning("%s", error.sentence)
        return False
