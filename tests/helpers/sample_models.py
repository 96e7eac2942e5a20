"""Invented models to choose from, for the gallery and the tests."""

from __future__ import annotations

import threading

from app.backend.models.choice import ModelChoice
from app.backend.models.ports import FetchProgress, ModelFacts, PrecisionFacts
from recorder.errors import ModelError


class SampleModels:
    """Models whose answers are set by hand; notes what is asked in ``calls``."""

    def __init__(self) -> None:
        self.current = ModelChoice()
        self.calls: list[tuple[object, ...]] = []
        self.facts = ModelFacts(here=False, total=16_582_000_000, missing=16_582_000_000)
        self.problem = ""
        self.go_on = threading.Event()
        self.go_on.set()
        self.served: tuple[str, ...] = ("jarvis-vla", "jarvis-vla-torches")

    def fetched(self) -> ModelFacts:
        """Return the facts of a 7B checkpoint that is here, on a GPU of 16 GB."""
        needs = (
            PrecisionFacts("", 18_100_000_000, "It needs 18.1 GB and 15.2 GB are free."),
            PrecisionFacts("bf16", 18_100_000_000, "It needs 18.1 GB and 15.2 GB are free."),
            PrecisionFacts("8bit", 11_400_000_000),
            PrecisionFacts("4bit", 8_300_000_000),
        )
        return ModelFacts(
            True, 16_582_000_000, 0, needs, 15_200_000_000, "Plays on the GPU.", "jarvis", 0
        )

    def choice(self) -> ModelChoice:
        """Return what was set."""
        return self.current

    def look(self, choice: ModelChoice) -> ModelFacts:
        """Return what was set."""
        self._need("look", choice)
        return self.facts

    def fetch(self, name: str, progress: FetchProgress) -> None:
        """Fetch in four steps, each as soon as ``go_on`` is set."""
        self._need("fetch", name)
        for part in range(1, 5):
            self.go_on.wait()
            if not progress(self.facts.total * part // 4, self.facts.total):
                raise ModelError(f"{name} could not be fetched (you stopped it).")
        self.facts = self.fetched()

    def check_server(self, url: str, key: str) -> tuple[str, ...]:
        """Return what was set."""
        self._need("check", url, key)
        return self.served

    def keep_key(self, url: str, key: str) -> str:
        """Note it."""
        self._need("key", url, key)
        return "The key is in this system's keyring."

    def use(self, choice: ModelChoice) -> None:
        """Note it."""
        self._need("use", choice)
        self.current = choice

    def _need(self, *call: object) -> None:
        self.calls.append(call)
        if self.problem:
            raise ModelError(self.problem)
