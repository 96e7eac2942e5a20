"""Whether the agent was taught a sentence, and what was taught that is like it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from app.backend.models.loader import ModelLoader
from app.backend.ports import Hint
from model.language.familiarity import Repertoire, Unfamiliar, taught_sentences
from model.language.paraphrase import Sayings
from recorder.games.base import Task
from recorder.games.sentences import either, quoted
from recorder.store import AdapterRow, Reader, database_path
from trainer.evaluation.players import PlayerSpec

STRANGE = 0.75
"""Of a sentence that scores so much hardly a word is known (:class:`Repertoire`)."""
MOST_TRIES = 3
"""So many sentences that may be meant are offered at most."""


class FamiliarityHint:
    """Says of a sentence that it is unfamiliar to what plays now."""

    def __init__(
        self, loader: ModelLoader, reader: Reader, tasks: Callable[[], Sequence[Task]]
    ) -> None:
        self._loader = loader
        self._reader = reader
        self._tasks = tasks
        self._known: tuple[tuple[Path, bool, tuple[int, ...]], Repertoire] | None = None

    def of(self, sentence: str) -> Hint:
        """Return that a sentence is unfamiliar, and what may be meant."""
        known = self._repertoire()
        unfamiliar = known.check(sentence)
        if unfamiliar is None:
            return Hint()
        meant = [task.instruction for task in unfamiliar.meanings]
        tries = meant or [unfamiliar.closest]
        return Hint(_told(known, unfamiliar), tuple(filter(None, tries))[:MOST_TRIES])

    def knows(self, sentence: str) -> bool:
        """Return whether what plays was taught a sentence."""
        return self._repertoire().check(sentence) is None

    def _repertoire(self) -> Repertoire:
        """Return what the model was taught, and then by the rounds that what plays came from."""
        rows = self._loader.shown(self._reader.adapters())
        rounds = _rounds(rows, next((row.id for row in rows if row.active), None))
        base, rewrite = self._loader.base, self._loader.choice.rewrite
        key = (base, rewrite, rounds)
        if self._known is None or self._known[0] != key:
            own = sorted(self._reader.taught_games(rounds))
            self._known = (key, taught_to(base, self._tasks(), own, rewrite=rewrite))
        return self._known[1]


def hint_for(
    spec: PlayerSpec, adapter_id: int | None, folder: Path, tasks: Sequence[Task], sentence: str
) -> str:
    """Return the same of a player and a data folder; "" of one that was never taught any."""
    if spec.checkpoint is None:
        return ""
    own: list[str] = []
    if database_path(folder).exists():
        with Reader.open(folder) as reader:
            own = sorted(reader.taught_games(_rounds(reader.adapters(), adapter_id)))
    return _sentence(taught_to(spec.checkpoint, tasks, own), sentence)


def _sentence(known: Repertoire, sentence: str) -> str:
    unfamiliar = known.check(sentence)
    return "" if unfamiliar is None else _told(known, unfamiliar)


def _told(known: Repertoire, unfamiliar: Unfamiliar) -> str:
    if unfamiliar.meanings:
        return (
            f"Which one do you mean: {named(unfamiliar.meanings)}? The sentence does not say it, "
            "so the agent may go for any of them; type which one."
        )
    if known.score(unfamiliar.sentence) >= STRANGE:
        return (
            "The agent knows hardly a word of this sentence: it was taught short English ones. "
            "Say it in other words, or show it."
        )
    closest = f" Closest to it: “{unfamiliar.closest}”." if unfamiliar.closest else ""
    return f"The agent was not taught this sentence; it does what it can.{closest}"


def named(tasks: Sequence[Task]) -> str:
    """Return tasks as a choice: by their things if these tell them apart, else as sentences."""
    things = dict.fromkeys(f"the {task.thing}" for task in tasks)
    plain = all(task.thing and task.instruction.endswith(task.thing) for task in tasks)
    if plain and len({task.verb for task in tasks}) == 1 and len(things) == len(tasks):
        return either(list(things))
    return either(quoted(tasks))


def _rounds(adapters: Sequence[AdapterRow], adapter_id: int | None) -> tuple[int, ...]:
    """Return the rounds that an adapter came from, the last one's first."""
    by_id = {row.id: row for row in adapters}
    rounds = []
    row = None if adapter_id is None else by_id.get(adapter_id)
    while row is not None:
        rounds += [] if row.round_id is None else [row.round_id]
        row = by_id.get(row.parent_id) if row.parent_id is not None else None
    return tuple(rounds)


def taught_to(
    base: Path, tasks: Sequence[Task], more: Sequence[str] = (), *, rewrite: bool = True
) -> Repertoire:
    """Return what a checkpoint was taught, and ``more``, as it hears it where ``rewrite``.

    A model that brings no list of whole sentences was taught the game's.
    """
    sayings = Sayings.load(base)
    own = () if sayings is None else sayings.sentences
    return Repertoire(
        [*(own or taught_sentences(tasks)), *more],
        sayings.restate if sayings is not None and rewrite else None,
        None if sayings is None else sayings.outside,
        None if sayings is None else sayings.of_several,
        tasks,
    )
