"""What the person taught before: lessons of earlier rounds stay in replay and in the gate.

An adapter knows what its own round and those before it were taught.  A later round sees a part of
it again and is judged on the starts of it that were kept aside.  Of a released model, whose first
training data cannot be made anew, every earlier episode stands for what it could.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from model.vla.preprocess import CheckpointSpec
from recorder.store import AdapterRow, EpisodeRow, Reader, Split
from recorder.store.split import lesson_of
from trainer.data.examples import Example, Sides, examples_of
from trainer.data.material import taught_rows
from trainer.data.sampling import GATE_SHARE, SELECT_SHARE, stratified

PRACTISED = "sentences"
"""In the manifest of a practice: what was practised."""
READ_AHEAD = 3
"""Whole episodes are read, for their sentences are followed; so many times what is wanted."""


def taught_by(reader: Reader, adapter: Path | None) -> frozenset[int]:
    """Return the episodes that an adapter's round and its parents' rounds have learnt from."""
    return reader.taught_episodes(_rounds_of(reader, adapter))


def practised_by(reader: Reader, adapter: Path | None) -> tuple[str, ...]:
    """Return the sentences that an adapter, or one of its parents, has practised."""
    rounds = set(_rounds_of(reader, adapter))
    found: dict[str, None] = {}
    for row in reader.rounds():
        said = row.manifest.get(PRACTISED) if row.id in rounds else None
        if isinstance(said, list):
            found.update(dict.fromkeys(each for each in said if isinstance(each, str)))
    return tuple(found)


def ever_practised(reader: Reader, sentence: str) -> bool:
    """Return whether a sentence was ever practised: who learns to please a judge fools it too."""
    return any(sentence in row.manifest.get(PRACTISED, ()) for row in reader.rounds())


def _rounds_of(reader: Reader, adapter: Path | None) -> list[int]:
    """Return the rounds that made an adapter and its parents."""
    rows = {row.id: row for row in reader.adapters()}
    found = None if adapter is None else _listed(rows.values(), adapter)
    chain: dict[int, AdapterRow] = {}
    while found is not None and found.id not in chain:
        chain[found.id] = found
        found = None if found.parent_id is None else rows.get(found.parent_id)
    return [each.round_id for each in chain.values() if each.round_id is not None]


def _listed(rows: Iterable[AdapterRow], folder: Path) -> AdapterRow | None:
    """Return the row of an adapter's folder; of a copy, the only one whose folder is called so."""
    named = [row for row in rows if Path(row.folder).name == folder.name]
    here = [row for row in named if Path(row.folder).resolve() == folder.resolve()]
    if here:
        return here[0]
    return named[0] if len(named) == 1 else None


def earlier_rows(
    reader: Reader,
    rows: Sequence[EpisodeRow],
    taught: frozenset[int] | None,
    reach: int | None = None,
    games: Collection[str] = (),
) -> list[EpisodeRow]:
    """Return the episodes of earlier lessons, of the same games and of ``games``, not in ``rows``.

    ``taught`` are episodes that were learnt from; with them come the starts of the same lessons
    that were kept aside.  None takes every episode for an earlier lesson.  What was recorded after
    episode ``reach`` is the next round's.
    """
    own = {row.id for row in rows}
    games = {*games, *(row.game for row in rows)}
    others = [
        row
        for row in taught_rows(reader.episodes())
        if row.id not in own and row.game in games and (reach is None or row.id <= reach)
    ]
    if taught is None:
        return others
    # The round's own lesson may have been taught before, and may be in the bin by now.
    lessons = {
        (row.game, lesson_of(row.task_id, row.instruction))
        for row in reader.episodes(include_deleted=True)
        if row.id in taught
    }
    return [
        row
        for row in others
        if (row.game, lesson_of(row.task_id, row.instruction)) in lessons
        and (row.id in taught or row.split in (Split.SELECT, Split.GATE))
    ]


def earlier_examples(
    reader: Reader,
    rows: Sequence[EpisodeRow],
    spec: CheckpointSpec,
    count: int,
    *,
    actions: int = 1,
    seed: int = 0,
) -> Sides:
    """Return examples of earlier episodes (:func:`earlier_rows`), whole episodes in their order.

    About READ_AHEAD times ``count`` to learn from, an eighth of it to choose by, a quarter to
    judge on; take the wanted number of them with :func:`thinned`.  A side may be empty.
    """
    rng = np.random.default_rng(seed)
    wanted = {
        Split.TRAIN: count,
        Split.SELECT: round(SELECT_SHARE * count),
        Split.GATE: round(GATE_SHARE * count),
    }
    found = {}
    for side, most in wanted.items():
        own = [row for row in rows if row.split is side]
        found[side] = _whole_episodes(reader, own, spec, actions, READ_AHEAD * most, rng)
    return Sides(found[Split.TRAIN], found[Split.SELECT], found[Split.GATE])


def _whole_episodes(
    reader: Reader,
    rows: Sequence[EpisodeRow],
    spec: CheckpointSpec,
    actions: int,
    count: int,
    rng: np.random.Generator,
) -> tuple[Example, ...]:
    """Return the examples of episodes, one of each lesson in turn, until ``count`` are there."""
    by_lesson: dict[tuple[str, str], list[EpisodeRow]] = defaultdict(list)
    for index in rng.permutation(len(rows)):
        row = rows[int(index)]
        by_lesson[row.game, lesson_of(row.task_id, row.instruction)].append(row)
    found: list[Example] = []
    while by_lesson and len(found) < count:
        for lesson in list(by_lesson):
            row = by_lesson[lesson].pop()
            if not by_lesson[lesson]:
                del by_lesson[lesson]
            each = examples_of(reader, row, spec, actions)
            found.extend(replace(example, kind="replay") for example in each)
            if len(found) >= count:
                break
    return tuple(found)


def thinned(sides: Sides, count: int, *, seed: int = 0) -> Sides:
    """Return at most ``count`` examples to learn from, an eighth to choose by, a quarter to judge.

    Stratified: every sentence gives as many, if it has them.
    """
    rng = np.random.default_rng(seed)
    return Sides(
        stratified(sides.train, count, rng),
        stratified(sides.select, round(SELECT_SHARE * count), rng),
        stratified(sides.gate, round(GATE_SHARE * count), rng),
    )
