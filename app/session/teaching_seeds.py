"""Chooses the starts that a person sees: of the teaching range, others at each launch."""

from __future__ import annotations

from itertools import accumulate, repeat

from recorder.errors import UsageError
from recorder.games.seeds import SeedRange, may_be_learnt_from, next_seed, range_of
from recorder.store import Reader


def fresh_teaching_seed(reader: Reader, game: str) -> int:
    """Return the first teaching seed that nothing was recorded on in ``game``."""
    teaching = SeedRange.TEACHING
    return reader.next_seed(game, teaching.first, teaching.last)


def fresh_teaching_seeds(reader: Reader, game: str, count: int) -> list[int]:
    """Return ``count`` teaching seeds from the first fresh one on."""
    first = fresh_teaching_seed(reader, game)
    return list(accumulate(repeat(first, count), lambda seed, _first: next_seed(seed)))


def require_unjudged(seed: int) -> None:
    """Raise UsageError for a seed that judges, so that nothing is recorded and taught on it."""
    if may_be_learnt_from(seed):
        return
    own, teaching = range_of(seed), SeedRange.TEACHING
    raise UsageError(
        f"Seed {seed} is of the {own.title} range, on which agents are judged, so nothing is "
        f"recorded on it; choose one of {teaching.first} to {teaching.last}."
    )
