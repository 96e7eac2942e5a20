"""A round's blind comparison: which sentences need it, how long its clips are, its result.

For sentences whose play nothing in the game can judge.  The database holds how far a comparison
is, so it can be put off, broken off or killed, and goes on at the same clip.  No torch, no Qt.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from recorder.errors import DataError
from recorder.games.base import FREE_TASK_ID, Task, free_task
from recorder.store import (
    AdapterRow,
    ClipRow,
    ComparisonRow,
    EpisodeKind,
    NewComparison,
    Reader,
    RoundRow,
    Side,
)
from recorder.store.query import games_named
from trainer.evaluation.blind.order import Course, Place, course_of, draw_order
from trainer.evaluation.blind.statistics import told_by
from trainer.evaluation.run import film_sides
from trainer.evaluation.starts import Attempt, Start
from trainer.evaluation.verdicts.lines import blind_line, unknown_line
from trainer.evaluation.verdicts.stored_verdicts import read_lines, read_verdict
from trainer.evaluation.verdicts.verdict import Line, Part
from trainer.rounds import protocol
from trainer.rounds.inputs import chosen_episodes
from trainer.rounds.measuring.measure_later import Checked, settle, sides_of, with_taught
from trainer.rounds.measuring.measurement import Ground, fresh_lesson_seeds, unjudged_line
from trainer.rounds.questions import free_sentences_of, questions_of

SHORTEST_S, LONGEST_S = 2.0, 10.0
"""A clip's length, unless its attempt ends before."""
SLACK = 1.5
"""A clip is so many times as long as the person took to show it, if they did."""
BLIND = "blind-"
"""The version of attempts that are filmed to be judged blind begins with it."""
NOT_PLAYED = "was not played, so it is not known whether it changed."


@dataclass(frozen=True, slots=True)
class Judged:
    """What a blind comparison came to: its line, the person's own consistency, the round."""

    round_id: int
    line: Line
    alike: int
    twice: int
    checked: Checked


@dataclass(frozen=True, slots=True)
class _Parts:
    """A comparison with the round and the two agents that it is about."""

    row: ComparisonRow
    round_row: RoundRow
    adapter: AdapterRow
    parent: AdapterRow | None


def waiting_sentences(data: Path, game: str, row: RoundRow) -> list[str]:
    """Return the sentences that a done round taught and that no person or game has judged.

    They are read from its lines; of a round that has none, from what it learnt from.  A round of
    another game has none here.
    """
    games = games_named(row.query)
    if games and not any(fnmatchcase(game, each) for each in games):
        return []
    return [
        line.name
        for line in _lines_of(data, game, row)
        if line.part is Part.TAUGHT and (line.by_eye or (line.kind is None and not line.n))
    ]


def _lines_of(data: Path, game: str, row: RoundRow) -> list[Line]:
    lines = read_lines(row.verdict)
    # A verdict of an earlier version has no lines, but was measured.
    if lines or read_verdict(row.verdict) is not None:
        return list(lines)
    place = (data, row.id, row.query, game)
    return [
        *(unjudged_line(Part.TAUGHT, each) for each in free_sentences_of(*place)),
        *(
            unknown_line(Part.TAUGHT, each.heard, f'"{each.heard}" {NOT_PLAYED}')
            for each in questions_of(*place)
        ),
    ]


def begin_comparison(ground: Ground, row: RoundRow, sentence: str, rng: random.Random) -> int:
    """Draw starts and order of a sentence's comparison, write them down, and return its id.

    ``rng`` draws; its numbers must not be known to who judges.  Raises DataError if the sentence
    is compared already.
    """
    from recorder.games import judged_task, task_list

    task = judged_task(task_list(ground.game, ground.data), sentence) or free_task(sentence)
    order = draw_order(rng)
    with Reader.open(ground.data) as reader:
        count = max(each.start for each in order) + 1
        seeds = fresh_lesson_seeds(reader, ground.game, count)
        ticks = _clip_ticks(reader, row, sentence)
    return ground.store.add_comparison(
        NewComparison(
            round_id=row.id,
            game=ground.game,
            task_id=task.id,
            sentence=sentence,
            clip_ticks=ticks,
            clips=[(each.side, seeds[each.start], each.repeats) for each in order],
        )
    )


def _clip_ticks(reader: Reader, row: RoundRow, sentence: str) -> int:
    """Return how long a clip may be: somewhat longer than the person's longest demonstration."""
    episodes = chosen_episodes(reader, row.query, row.id)
    shown = [
        each.duration_s
        for each in episodes
        if each.kind is EpisodeKind.DEMONSTRATION and each.instruction == sentence
    ]
    seconds = SLACK * max(shown) if shown else LONGEST_S
    rate = episodes[0].tick_rate_hz if episodes else 20.0
    return round(rate * min(max(seconds, SHORTEST_S), LONGEST_S))


def order_of(clips: Sequence[ClipRow]) -> tuple[Place, ...]:
    """Return the order of a comparison as it was drawn."""
    first = min(clip.seed for clip in clips)
    return tuple(Place(clip.side, clip.seed - first, clip.repeats) for clip in clips)


def course_in(reader: Reader, comparison_id: int) -> Course:
    """Return how far a comparison is."""
    return course_of(order_of(reader.clips(comparison_id)), reader.clip_marks(comparison_id))


def missing_clips(clips: Sequence[ClipRow], course: Course, most: int) -> list[ClipRow]:
    """Return the clips that were not played of the next ``most`` to be shown, in that order."""
    ahead = () if course.next is None else (course.next, *course.ahead)
    coming = [shown_by(clips, clips[place]) for place in ahead[:most]]
    return [clip for clip in dict.fromkeys(coming) if clip.frames is None]


def shown_by(clips: Sequence[ClipRow], clip: ClipRow) -> ClipRow:
    """Return the clip whose pictures are shown: another one's for a clip that comes again."""
    return clip if clip.repeats is None else clips[clip.repeats]


def play_clips(ground: Ground, comparison_id: int, wanted: Sequence[ClipRow]) -> None:
    """Play and film clips in the order given; each is written as it comes.

    Blocks, and may be broken off: what was played is kept.  Raises DataError if the comparison or
    an adapter of it is gone, and what play and ``ground.check`` raise.
    """
    with Reader.open(ground.data) as reader:
        parts = _parts(reader, comparison_id)
    task = _task(ground, parts.row)
    before, after = sides_of(ground, parts.parent, parts.adapter)
    clip_of = {(clip.side.value, clip.seed): clip for clip in wanted}
    done = 0

    def heard(side: str, attempt: Attempt) -> None:
        nonlocal done
        ground.check()
        if attempt.film is None:
            raise RuntimeError("a clip was played without a camera")
        ground.store.add_film(clip_of[side, attempt.seed].id, attempt.film)
        done += 1
        ground.say(protocol.Played(done, len(wanted), 0, "blind"))

    ground.check()
    film_sides(
        {Side.BEFORE.value: before, Side.AFTER.value: after},
        ground.game,
        [
            (clip.side.value, Start(task, parts.row.sentence, clip.seed))
            for clip in wanted
        ],
        heard,
        ticks=parts.row.clip_ticks,
        slowed=ground.slowed,
        workers=ground.workers,
        beside=ground.beside(),
        version=f"{BLIND}{parts.row.round_id}",
        data=ground.data,
    )  # fmt: skip


def settle_blind(ground: Ground, comparison_id: int, *, keep_pictures: bool = False) -> Judged:
    """Write what a comparison that is decided came to into its round, and erase its pictures.

    The round is decided anew as after any measurement, and put in use if it may be.  May be called
    again: after a kill in between it comes to the same.  Raises DataError for a comparison that is
    not decided yet.
    """
    with Reader.open(ground.data) as reader:
        parts = _parts(reader, comparison_id)
        course = course_in(reader, comparison_id)
    if not course.over:
        raise DataError(
            "This comparison is not decided yet, so it has no result; go on judging its clips."
        )
    told = told_by(course.marks, course.alike, course.twice)
    line = blind_line(parts.row.sentence, course.marks, told)
    lines = _lines_of(ground.data, ground.game, parts.round_row)
    lines = with_taught(ground, lines, {line.name: line}, parts.round_row, parts.parent)
    checked = settle(ground, parts.round_row, parts.adapter, lines)
    ground.store.end_comparison(comparison_id, keep_pictures=keep_pictures)
    return Judged(parts.row.round_id, line, course.alike, course.twice, checked)


def _parts(reader: Reader, comparison_id: int) -> _Parts:
    row = next((each for each in reader.comparisons() if each.id == comparison_id), None)
    rounds = {each.id: each for each in reader.rounds()}
    adapters = {each.id: each for each in reader.adapters()}
    round_row = None if row is None else rounds.get(row.round_id)
    adapter = None if round_row is None else adapters.get(round_row.adapter_id or 0)
    if row is None or round_row is None or adapter is None:
        raise DataError(
            f"There is no blind comparison {comparison_id}, or no adapter of its round, so nothing "
            "was played; see `playteach rounds`."
        )
    return _Parts(row, round_row, adapter, adapters.get(round_row.parent_adapter_id or 0))


def _task(ground: Ground, row: ComparisonRow) -> Task:
    from recorder.games import task_list

    if row.task_id == FREE_TASK_ID:
        return free_task(row.sentence)
    found = next((t for t in task_list(ground.game, ground.data) if t.id == row.task_id), None)
    return found or free_task(row.sentence)
