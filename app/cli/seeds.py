"""Shared by commands: which seeds may teach and which may judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recorder.errors import UsageError
from recorder.games.seeds import JUDGING, SeedRange, common_range

EVALUATED = 20
"""So many seeds are played where none were named."""


def range_of_all(seeds: Sequence[int]) -> SeedRange:
    """Return the range that all seeds belong to; raises UsageError for several or none."""
    try:
        return common_range(seeds)
    except ValueError:
        ranges = ", ".join(f"{each.title} {each.first}-{each.last}" for each in SeedRange)
        raise UsageError(
            f"Seeds {seeds[0]} to {seeds[-1]} do not lie in one range, so nothing was played; "
            f"choose them from one of: {ranges}."
        ) from None


def seeds_to_judge_on(
    asked: range | None, *, scripted: bool, say: Callable[[str], None]
) -> tuple[range, SeedRange]:
    """Return the seeds of a measurement and their range; the first of validation for None.

    Raises UsageError for seeds that may not judge; of a scripted player, which learns nothing,
    that is only said.
    """
    seeds = SeedRange.VALIDATION.seeds(0, EVALUATED) if asked is None else asked
    own = range_of_all(seeds)
    if own not in JUDGING:
        validation = SeedRange.VALIDATION
        known = (
            f"Seeds {seeds[0]} to {seeds[-1]} are of the {own.title} range ({own.value.purpose})"
        )
        use = f"use {validation.first} to {validation.last}, or leave --seeds out"
        if not scripted:
            raise UsageError(f"{known}, so they cannot judge and nothing was played; {use}.")
        say(f"{known}: they judge no model, only a script, which learns nothing; for models {use}.")
    return seeds, own


def seeds_to_show_on(asked: Sequence[int], *, for_training: bool) -> None:
    """Raise UsageError for seeds that demonstrations may not be recorded on.

    A person's lessons are on teaching seeds; ``for_training`` asks for those of the training
    range, which make a default model.
    """
    own = range_of_all(asked)
    wanted = SeedRange.TRAINING if for_training else SeedRange.TEACHING
    if own is not wanted:
        other = " with --for-training" if for_training else ""
        raise UsageError(
            f"Seeds {asked[0]} to {asked[-1]} are of the {own.title} range ({own.value.purpose}), "
            f"so nothing was recorded; demonstrations{other} use {wanted.first} to {wanted.last}."
        )
