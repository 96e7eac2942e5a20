"""What the person taught before: the anti-forgetting part where a base's own data is not here.

A released model's training data cannot be made anew.  What can be looked at are earlier
episodes of the same games: lessons of earlier rounds, and attempts in which the agent
succeeded by itself.  Their held-out ones are checked, the others are replayed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.vla.preprocess import CheckpointSpec
from recorder.store import EpisodeRow, Reader, Split
from trainer.data.examples import Example, examples_of


def earlier_examples(
    reader: Reader,
    rows: Sequence[EpisodeRow],
    spec: CheckpointSpec,
    count: int,
    *,
    actions: int = 1,
    seed: int = 0,
    reach: int | None = None,
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Return about ``count`` training and ``count / 4`` held-out examples.

    They come from episodes that are not among ``rows``, the round's own, of the same games,
    each on the side that it was recorded for.  Either side may be empty.  What was recorded
    after episode ``reach`` is the next round's.
    """
    own = {row.id for row in rows}
    games = {row.game for row in rows}
    others = [
        row
        for row in reader.episodes()
        if row.id not in own
        and row.game in games
        and row.ticks
        and not row.open
        and (reach is None or row.id <= reach)
    ]
    rng = np.random.default_rng(seed)
    train = [row for row in others if row.split is not Split.HELD_OUT]
    held = [row for row in others if row.split is Split.HELD_OUT]
    return (
        _drawn(reader, train, spec, actions, count, rng),
        _drawn(reader, held, spec, actions, count // 4, rng),
    )


def _drawn(
    reader: Reader,
    rows: Sequence[EpisodeRow],
    spec: CheckpointSpec,
    actions: int,
    count: int,
    rng: np.random.Generator,
) -> tuple[Example, ...]:
    """Return ``count`` examples of episodes in random order, no episode giving most of them."""
    found: list[Example] = []
    share = max(1, 2 * count // max(1, len(rows)))
    for index in rng.permutation(len(rows)):
        if len(found) >= count:
            break
        each = examples_of(reader, rows[index], spec, 0, actions)
        keep = rng.permutation(len(each))[: min(share, count - len(found))]
        found.extend(replace(each[i], kind="replay") for i in sorted(keep))
    return tuple(found)
