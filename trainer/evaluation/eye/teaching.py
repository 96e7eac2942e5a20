"""Teaches an eye from a person's marks, measures it, and says from when on it is believed.

The picture of "done" is learnt from the last moments of what was done, against everything before
and against all of what failed; the way, from how the two went until then.  The threshold is where
the held-out scores of the two kinds are apart, and how good the eye is, is measured by nested
cross-validation: neither the probes nor the threshold of a fold have met what it is judged on.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.evaluation.eye.correction import seeing
from trainer.evaluation.eye.glances import Array, Seen, manner
from trainer.evaluation.eye.judge import Eye, Reliability, kept_for
from trainer.evaluation.eye.probe import Probe, fit_probe

LAST_TICKS = 3
"""So many ticks at the end of what was done show it done."""
HOLDS = (2, 4, 8)
"""For so many ticks in a row an eye may have to believe that it is done."""
EVERY = 3
"""One of so many ticks shows what is not done: neighbours are near copies."""
EARLY = 0.4
"""The first part of what was done shows it not done yet; of what lies between nobody knows."""
LOOK_DECAY, LOOK_SPREAD = 1e-2, 1e-3
WAY_DECAY, WAY_SPREAD = 1e-3, 0.05
"""Chosen on three validation lessons (docs/log.md, 2026-11-30)."""
FOLDS = 5
PLACINGS = 2
"""So often it is found out anew when a clip was done."""
LEAST_OWN = 4
"""So many attempts of the agent's own of each kind have to be marked, or nothing is known of how
good an eye is."""
BELIEVED = 0.85
"""From this balanced accuracy on, without the person's own errors, an eye is believed."""
_NOBODY = Reliability(0, 0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """An attempt of which a person said whether it was done; ``own`` if the agent drove it.

    Attempts of one ``start`` (its seed) may be near copies of each other.  ``ends_there`` says that
    what was done was so at its end: a clip goes on after it.
    """

    seen: Seen
    done: bool
    own: bool
    start: int
    ends_there: bool = True


def teach_eye(sentence: str, base: str, marked: Sequence[Marked]) -> Eye | None:
    """Return the eye for a sentence; None if nothing done, or nothing failed, is there.

    ``base`` is the fingerprint of the checkpoint whose glances they are.
    """
    if not _both(marked):
        return None
    look, way = _probes(marked)
    ticks = _ticks(marked)
    threshold, hold = _rule(marked, _held_out(marked, ticks))
    reliability = _reliability(marked, ticks)
    return Eye(sentence, base, look, way, threshold, hold, ticks, reliability)


def _ticks(marked: Sequence[Marked]) -> int:
    """Return how long an eye may look: the longer it does, the likelier it calls done what is not.

    So it looks no longer than at what failed, the median of that, unless something was done later.
    """
    failed = sorted(len(each.seen) for each in marked if each.own and not each.done)
    done = max((len(each.seen) for each in marked if each.own and each.done), default=0)
    return max(done, failed[len(failed) // 2] if failed else 0)


def believed(reliability: Reliability) -> bool:
    """Whether an eye may judge for the person."""
    enough = min(reliability.done, reliability.failed) >= LEAST_OWN
    return enough and (seeing(reliability)[0] + 1) / 2 >= BELIEVED


def _both(marked: Sequence[Marked]) -> bool:
    usable = [each for each in marked if len(each.seen) > LAST_TICKS]
    return any(each.done for each in usable) and any(not each.done for each in usable)


def _probes(marked: Sequence[Marked]) -> tuple[Probe, Probe]:
    """Return what looks at the picture and what looks at the way.

    When a clip was done nobody said: it is taken to be where it looks most as if, to what was
    taught from attempts whose end is known, and then to what was taught from both.
    """
    surely = [each for each in marked if each.ends_there or not each.done]
    ends = {id(each): len(each.seen) for each in marked}
    if any(each.done for each in surely):
        taught = surely
        for _ in range(PLACINGS if len(surely) < len(marked) else 0):
            look = _look(taught, ends)
            for each in marked:
                if each.done and not each.ends_there:
                    ends[id(each)] = _looks_done(look, each.seen)
            taught = list(marked)
    look = _look(marked, ends)
    ways: list[Array] = []
    for each in marked:
        # Of what failed, where it looked most as if it were done.
        end = ends[id(each)] if each.done else _looks_done(look, each.seen)
        ways.append(manner(each.seen.deeds)[[end - 1, end - 2]])
    went_well = np.concatenate([np.full(len(w), m.done) for w, m in zip(ways, marked, strict=True)])
    way = fit_probe(
        np.concatenate(ways), went_well, np.ones(len(went_well), np.float32),
        decay=WAY_DECAY, least_spread=WAY_SPREAD,
    )  # fmt: skip
    return look, way


def _look(marked: Sequence[Marked], ends: Mapping[int, int]) -> Probe:
    """Return what looks at the picture; ``ends`` says after how many ticks each was done."""
    rows, done, shares = [], [], []
    for each in marked:
        glances, is_done = each.seen.glances, np.zeros(len(each.seen), bool)
        if each.done:
            end = ends[id(each)]
            is_done[max(0, end - LAST_TICKS) : end] = True
            # Just before the end it may be nearly done already, and after it, still.
            early = np.arange(len(is_done)) < EARLY * end
        else:
            early = np.ones(len(is_done), bool)
        known = is_done | (early & (np.arange(len(is_done)) % EVERY == 0))
        glances, is_done = glances[known], is_done[known]
        rows.append(glances)
        done.append(is_done)
        shares.append(np.where(is_done, 1 / max(1, is_done.sum()), 1 / max(1, (~is_done).sum())))
    return fit_probe(
        np.concatenate(rows), np.concatenate(done), np.concatenate(shares).astype(np.float32),
        decay=LOOK_DECAY, least_spread=LOOK_SPREAD,
    )  # fmt: skip


def _looks_done(look: Probe, seen: Seen) -> int:
    """Return after how many ticks (2 ...) an attempt looks most as if it were done."""
    likely = look.likely(seen.glances)
    return int(np.minimum(likely[1:], likely[:-1]).argmax()) + 2


def _folds(marked: Sequence[Marked]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield (places to learn from, places held out): each is held out once, both kinds in turn.

    All attempts of a start are on one side.
    """
    starts: dict[int, list[int]] = {}
    for place, each in enumerate(marked):
        starts.setdefault(each.start, []).append(place)
    groups = list(starts.values())
    random.Random(0).shuffle(groups)
    # Alike ones in a row are dealt out to different folds.
    groups.sort(key=lambda group: sorted((marked[at].own, marked[at].done) for at in group))
    for fold in range(FOLDS):
        out = [place for group in groups[fold::FOLDS] for place in group]
        yield [place for place in range(len(marked)) if place not in out], out


def _held_out(marked: Sequence[Marked], ticks: int) -> dict[int, Array]:
    """Return how likely each tick of each attempt is done, to probes that have not met it.

    Of each attempt the first ``ticks``: an eye looks no longer.  Of a fold without which one kind
    is missing there are none.
    """
    likely: dict[int, Array] = {}
    for learn, out in _folds(marked):
        taught = [marked[place] for place in learn]
        if not out or not _both(taught):
            continue
        eye = Eye("", "", *_probes(taught), 0.0, 1, 0, _NOBODY)
        likely |= {place: eye.likely(marked[place].seen.until(ticks)) for place in out}
    return likely


def _rule(marked: Sequence[Marked], likely: Mapping[int, Array]) -> tuple[float, int]:
    """Return (threshold, hold): the longest hold among those that tell the kinds apart best."""
    found = []
    for hold in HOLDS:
        scores = {place: kept_for(hold, each) for place, each in likely.items()}
        found.append((*_threshold(marked, scores), hold))
    threshold, _, hold = max(found, key=lambda each: (round(each[1], 9), each[2]))
    return threshold, hold


def _threshold(marked: Sequence[Marked], scores: Mapping[int, float]) -> tuple[float, float]:
    """Return the middle of the widest stretch of the greatest balanced accuracy, and that."""
    done = np.array([score for place, score in scores.items() if marked[place].done])
    failed = np.array([score for place, score in scores.items() if not marked[place].done])
    if not len(done) or not len(failed):
        return 0.5, 0.5
    cuts = np.unique(np.concatenate([[0.0, 1.0], done, failed]))
    right = [(done >= high).mean() + (failed < high).mean() for high in cuts[1:]]
    best = max(range(len(right)), key=lambda i: (round(right[i], 9), cuts[i + 1] - cuts[i]))
    return float((cuts[best] + cuts[best + 1]) / 2), float(right[best] / 2)


def _reliability(marked: Sequence[Marked], ticks: int) -> Reliability:
    """Return how an eye does on the agent's own attempts that neither probes nor threshold met.

    It looks at the first ``ticks`` of each, as in play.  What the person ended earlier, as it went
    wrong, counts as the part of an attempt that it lasted: on the rest the eye may yet have erred.
    """
    done: list[bool] = []
    wrongly, rightly = 0, 0.0
    for learn, out in _folds(marked):
        taught = [marked[place] for place in learn]
        if not out or not _both(taught):
            continue
        eye = Eye("", "", *_probes(taught), *_rule(taught, _held_out(taught, ticks)), 0, _NOBODY)
        for each in (marked[place] for place in out if marked[place].own):
            seen = each.seen.until(ticks)
            said = eye.score(seen) >= eye.threshold
            if each.done:
                done.append(said)
            elif said:
                wrongly += 1
            else:
                rightly += len(seen) / ticks
    # Of thirds that make a whole nothing is lost by rounding.
    right = math.floor(rightly + 1e-9)
    return Reliability(len(done), sum(done), right + wrongly, right)
