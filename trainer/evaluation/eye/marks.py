"""What a person marked of a sentence: whole attempts of theirs and of the agent's, with the result.

The agent's own attempts that the person called done or failed, the clips that they judged blind,
and what they showed.  What they broke off, or failed to show, says little of what failed: it is
left out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np

from recorder.errors import DataError
from recorder.store import EpisodeKind, EpisodeRow, LabelSource, Reader
from recorder.store.frames.playback import EpisodePlayback
from recorder.store.query import EpisodeQuery
from recorder.types import Outcome
from trainer.evaluation.eye.glances import Seen, deeds_of, seen_of
from trainer.evaluation.eye.teaching import LAST_TICKS, LEAST_OWN, Marked
from trainer.evaluation.eye.watching import Glancing

MOST_OWN, MOST_SHOWN = 20, 12
"""Of more than so many attempts of the agent's of each kind, and of the person's, the newest are
looked at."""
_JUDGED = (Outcome.SUCCESS, Outcome.FAILURE)
_Row = TypeVar("_Row")


def own_marks(reader: Reader, game: str, sentence: str, base: str) -> tuple[int, int]:
    """Return how many attempts of the agent's own the person called (done, failed)."""
    calls = [row.outcome is Outcome.SUCCESS for row in _own(reader, game, sentence)]
    done, failed = reader.seen_clip_counts(game, sentence, base)
    return sum(calls) + done, len(calls) - sum(calls) + failed


def enough_marks(reader: Reader, game: str, sentence: str, base: str) -> bool:
    """Whether so much is marked that an eye can be taught and measured."""
    return min(own_marks(reader, game, sentence, base)) >= LEAST_OWN


def marked_attempts(
    data: Path, reader: Reader, game: str, sentence: str, player: Glancing
) -> list[Marked]:
    """Return what there is to teach an eye from; blocks while the player looks at every picture.

    An attempt whose pictures are damaged or gone is left out.
    """
    marked: list[Marked] = []
    clips = reader.seen_clips(game, sentence, player.fingerprint)
    for clip in _newest(clips, lambda clip: clip.done):
        with contextlib.suppress(ValueError):
            seen = seen_of(clip.data)
            marked.append(Marked(seen, clip.done, own=True, start=clip.seed, ends_there=False))
    own = _newest(_own(reader, game, sentence), lambda row: row.outcome is Outcome.SUCCESS)
    for row in [*own, *_shown(reader, game, sentence)[-MOST_SHOWN:]]:
        with contextlib.suppress(DataError):
            seen = _look(data, row, player)
            done = row.outcome is Outcome.SUCCESS
            marked.append(Marked(seen, done, row.kind is EpisodeKind.ROLLOUT, row.seed))
    return [each for each in marked if len(each.seen) > LAST_TICKS]


def _newest(rows: Sequence[_Row], done: Callable[[_Row], bool]) -> list[_Row]:
    """Return the newest MOST_OWN of each kind, oldest first."""
    good = [row for row in rows if done(row)][-MOST_OWN:]
    bad = [row for row in rows if not done(row)][-MOST_OWN:]
    return [row for row in rows if row in good or row in bad]


def _own(reader: Reader, game: str, sentence: str) -> list[EpisodeRow]:
    """Return the attempts that the agent alone drove and the person judged, oldest first."""
    return [
        row
        for row in _of_sentence(reader, game, sentence, EpisodeKind.ROLLOUT)
        if row.outcome_source is LabelSource.PERSON and not row.takeovers
    ]


def _shown(reader: Reader, game: str, sentence: str) -> list[EpisodeRow]:
    """Return what the person showed to its end, oldest first."""
    return [
        row
        for row in _of_sentence(reader, game, sentence, EpisodeKind.DEMONSTRATION)
        if row.outcome is Outcome.SUCCESS
    ]


def _of_sentence(reader: Reader, game: str, sentence: str, kind: EpisodeKind) -> list[EpisodeRow]:
    rows = reader.episodes(
        EpisodeQuery(games=(game,), kinds=(kind,), texts=(sentence,), outcomes=_JUDGED)
    )
    of_it = [
        row
        for row in rows
        if row.instruction == sentence
        and not (row.later_sentences or row.open or row.wish.use is False)
    ]
    return sorted(of_it, key=lambda row: row.id)


def _look(data: Path, row: EpisodeRow, player: Glancing) -> Seen:
    """Return a recorded attempt as the player's model sees it.

    The picture after its last tick was not recorded, so the last tick is left out.
    """
    with closing(EpisodePlayback(data, row.id)) as film:
        ticks = film.ticks
        glances = [player.glance(film.frame(index)) for index in range(1, film.frames)]
        deeds = deeds_of([tick.executed for tick in ticks[: len(glances)]])
    width = len(glances[0]) if glances else 0
    return Seen(np.array(glances, np.float32).reshape(len(glances), width), deeds)
