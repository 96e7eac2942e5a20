"""The one store of outcomes: whether an attempt is known already, and keeping a new one.

Attempts lie in the recorder's table of evaluations.  Only those of the very same play count
as known: the same player, game, start, stepping and version.
"""

from __future__ import annotations

from collections.abc import Iterable

from recorder.store import Reader, Store
from recorder.store.rows import Stepping
from recorder.types import Outcome
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.starts import LOOKED_FOR, Attempt, Start, StartKey, attempt_of, row_of

KEEP_EVERY = 10
"""So many attempts are written at once; an interruption costs at most those."""
_CUT_SHORT = frozenset({Outcome.INTERRUPTED, Outcome.ABANDONED})


def known_attempts(
    reader: Reader,
    player: str,
    game: str,
    starts: Iterable[Start],
    stepping: Stepping,
    *,
    version: str = PLAY_VERSION,
) -> dict[StartKey, Attempt]:
    """Return those of ``starts`` that ``player`` (its key) has played before, with what came of it.

    An attempt that something cut short is not known: it says nothing of the player.
    """
    rows = reader.evaluations(policy_key=player, game=game, stepping=stepping, variant=version)
    wanted = {start.key for start in starts}
    found = {attempt.key.start: attempt for attempt in map(attempt_of, rows)}
    return {
        key: attempt
        for key, attempt in found.items()
        if key in wanted and attempt.outcome not in _CUT_SHORT
    }


def starts_looked_for(reader: Reader, game: str) -> set[tuple[str, int]]:
    """Return (sentence, seed) of the starts on which an agent was seen to fail before it was shown.

    What a person then watches on them was chosen by its outcome and says nothing of how often.
    """
    rows = reader.evaluations(game=game, variant=LOOKED_FOR)
    return {(row.instruction, row.seed) for row in rows}


class AttemptKeeper:
    """Keeps attempts in a store, some at a time; :meth:`flush` writes what still waits.

    What is kept replaces an attempt of the same key: it was played once more on purpose.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Attempt] = []

    def keep(self, attempt: Attempt) -> None:
        """Take an attempt; it is safe after the next flush, the latest after ``KEEP_EVERY``."""
        self._waiting.append(attempt)
        if len(self._waiting) >= KEEP_EVERY:
            self.flush()

    def flush(self) -> None:
        """Write what waits; raises DataError where it cannot be written."""
        if self._waiting:
            self._store.add_evaluations([row_of(each) for each in self._waiting], anew=True)
            self._waiting.clear()
