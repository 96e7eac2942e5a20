"""Whether the agent was taught a sentence, and what was taught that is like it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from app.agent import Agent
from model.familiarity import Repertoire, taught_sentences
from model.saying import Sayings
from recorder.games.base import Task
from recorder.store import Reader


class Advice:
    """Says of a sentence that it is unfamiliar to what plays now."""

    def __init__(self, agent: Agent, reader: Reader, tasks: Callable[[], Sequence[Task]]) -> None:
        self._agent = agent
        self._reader = reader
        self._tasks = tasks
        self._known: tuple[tuple[Path, bool, tuple[int, ...]], Repertoire] | None = None

    def of(self, sentence: str) -> str:
        """Return that a sentence is unfamiliar and what it may mean, "" where it is known."""
        unfamiliar = self._repertoire().check(sentence)
        if unfamiliar is None:
            return ""
        closest = f" Closest to it: “{unfamiliar.closest}”." if unfamiliar.closest else ""
        return f"The agent was not taught this sentence; it does what it can.{closest}"

    def _repertoire(self) -> Repertoire:
        """Return what the model was taught, and then by the rounds that what plays came from.

        A model that brings no list of whole sentences was taught the game's.
        """
        adapters = {row.id: row for row in self._agent.shown(self._reader.adapters())}
        row = next((each for each in adapters.values() if each.active), None)
        rounds = []
        while row is not None:
            rounds += [] if row.round_id is None else [row.round_id]
            row = adapters.get(row.parent_id) if row.parent_id is not None else None
        base, rewrite = self._agent.base, self._agent.choice.rewrite
        key = (base, rewrite, tuple(rounds))
        if self._known is None or self._known[0] != key:
            sayings = Sayings.load(base)
            own = () if sayings is None else sayings.sentences
            known = Repertoire(
                [
                    *(own or taught_sentences(self._tasks())),
                    *self._reader.taught_sentences(tuple(rounds)),
                ],
                sayings.restate if sayings is not None and rewrite else None,
            )
            self._known = (key, known)
        return self._known[1]
