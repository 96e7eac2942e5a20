"""Starts on which the agent fails, found by playing: there a correction teaches most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, repeat

from recorder.errors import UsageError
from recorder.games.base import Asked
from recorder.games.seeds import next_seed
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import Attempt, Start

MOST = 12
"""So many fresh starts are played; a sentence that never fails on them need not be corrected."""
Play = Callable[[PlayerSpec, Sequence[Start]], Sequence[Attempt]]


class FailingStarts:
    """Finds them, and remembers those that were found until the person has come to each.

    Where it failed on none it goes on behind those that were tried.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[int]] = {}
        self._tried: dict[tuple[str, str], int] = {}

    def next(self, player: PlayerSpec, asked: Asked, after: int, play: Play) -> int:
        """Return the seed of a start that ``player`` failed on, of those after seed ``after``.

        ``play`` plays starts without the person.  Seeds follow in the range of ``after``, which a
        person may be taught on.  Raises UsageError if it failed on none, and what play raises.
        """
        key = player.key, asked.heard
        waiting = [seed for seed in self._found.get(key, []) if seed > after]
        if not waiting:
            # What the person went past meanwhile is not gone back to.
            first = next_seed(max(after, self._tried.get(key, after)))
            seeds = accumulate(repeat(first, MOST), lambda seed, _first: next_seed(seed))
            starts = [Start(asked.task, asked.heard, seed) for seed in seeds]
            attempts = play(player, starts)
            waiting = [each.seed for each in attempts if each.judged and not each.success]
            if not waiting:
                self._tried[key] = starts[-1].seed
        if not waiting:
            raise UsageError(
                f"The agent did “{asked.heard}” from all of {MOST} starts that were tried, so "
                f"there was none to correct; try again for {MOST} others, or teach it something "
                "else."
            )
        self._found[key] = waiting
        self._tried.pop(key, None)
        return waiting[0]
