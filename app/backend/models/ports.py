"""What the window knows of models other than the practice model, and asks of them.  No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.backend.models.choice import ModelChoice

FetchProgress = Callable[[int, int], bool]
"""Told (bytes that are here, bytes of all); returns whether to go on."""


@dataclass(frozen=True, slots=True)
class PrecisionFacts:
    """What a number format needs: ``precision`` "" is Playteach's own choice.

    ``need`` is in bytes.  ``problem`` is one sentence where it cannot be had here, else "".
    """

    precision: str
    need: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a checkpoint before it is loaded.

    ``here`` says that its files are on this machine; ``total`` and ``missing`` are bytes of
    its files.  ``needs`` and ``free`` (bytes of the device's memory) are known only where
    it is here.  ``prompt`` and ``history`` are what the checkpoint itself asks for.
    """

    here: bool
    total: int
    missing: int
    needs: tuple[PrecisionFacts, ...] = ()
    free: int = 0
    device: str = ""
    prompt: str = ""
    history: int = 0


class ModelCatalogue(Protocol):
    """Where another model is looked up, fetched and put to play.

    All but :meth:`choice` may wait for disk, network or device: they are called from worker
    threads.  Known problems raise KnownError.
    """

    def choice(self) -> ModelChoice:
        """Return what plays now."""
        ...

    def look(self, choice: ModelChoice) -> ModelFacts:
        """Return what is known of a folder's or the hub's checkpoint; fetches nothing."""
        ...

    def fetch(self, name: str, progress: FetchProgress) -> None:
        """Fetch a checkpoint that the person agreed to; goes on where it was cut off."""
        ...

    def check_server(self, url: str, key: str) -> tuple[str, ...]:
        """Return the models of a server; ``key`` "" takes the one that is known."""
        ...

    def keep_key(self, url: str, key: str) -> str:
        """Keep a server's key, never in a file of Playteach's; return where, as a sentence."""
        ...

    def use(self, choice: ModelChoice) -> None:
        """Load a model and let it play from the next attempt on, now and after a restart.

        What played before goes on where this raises.
        """
        ...
