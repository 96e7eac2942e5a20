"""Measures a round after its lesson: earlier lessons, the old tasks, more starts.

It goes by what the database says of the round, so it can be broken off and taken up again: every
attempt is kept, and what was played is not played again.  At its end the round is decided anew and
put in use if it may be.  No torch, no Qt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.adapters.in_use import lost_sentence, of_other_bases
from recorder.errors import DataError
from recorder.games.base import Asked, free_task
from recorder.store import Activation, AdapterRow, Reader, RoundRow
from trainer.evaluation import old_tasks
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.verdicts.lines import verdict_of
from trainer.evaluation.verdicts.stored_verdicts import read_verdict
from trainer.evaluation.verdicts.verdict import Choice, Line, Part, Verdict, VerdictKind
from trainer.rounds import protocol
from trainer.rounds.measuring import measurement
from trainer.rounds.measuring.by_eye import eyes_for, may_have_eye
from trainer.rounds.measuring.decision import decide
from trainer.rounds.measuring.measurement import Ground
from trainer.rounds.process import OVERTAKEN


@dataclass(frozen=True, slots=True)
class Checked:
    """How a round stands after more of it was measured, and the sentence for the person."""

    verdict: Verdict
    sentence: str
    activated: bool


def after_the_lesson(
    ground: Ground,
    lines: Sequence[Line],
    parent: AdapterRow | None,
    *,
    wanted: bool = True,
    gates: Sequence[protocol.Gate] = (),
) -> list[Line]:
    """Return the lines of a round whose lesson was played, those of what is still to be checked.

    Nothing is to be checked if it cannot put the round in use: nothing got better, it is not sure
    of another sentence, one of its ``gates`` refused it, or the old tasks are not ``wanted``.
    """
    taught = [line.name for line in lines]
    with Reader.open(ground.data) as reader:
        judged, unknown = measurement.earlier_lessons(
            reader, parent, taught, ground.game, ground.data
        )
    for line in [each for each in unknown if may_have_eye(ground, each.name)]:
        if not line.elsewhere:
            unknown.remove(line)
            judged.append(Asked(free_task(line.name), line.name))
    left_out = "" if wanted else measurement.OLD_TASKS_LEFT_OUT
    if wanted:
        left_out = measurement.why_no_old_tasks(ground)

    def rest(skipped: str) -> list[Line]:
        """Return the other lines, of what is being checked or, with a reason, is not."""
        earlier = [measurement.waiting_line(each.heard, skipped) for each in judged]
        if left_out or skipped:
            text = left_out or f"What it could before {skipped}"
            return [*earlier, *unknown, measurement.old_tasks_unknown(text)]
        return [*earlier, *unknown, measurement.old_tasks_pending()]

    found = [*lines, *rest("")]
    if decide(found, gates).choice is Choice.WAIT:
        return found
    better = any(line.kind is VerdictKind.BETTER for line in lines)
    return [*lines, *rest(measurement.UNDECIDED if better else measurement.SKIPPED)]


def check_rest(ground: Ground, round_id: int, *, more: bool = False) -> Checked:
    """Measure what is still to be checked of a round that is done, and decide it anew.

    ``more`` plays the taught sentences once more of which it is not known whether they got better,
    on fresh starts, as a further test of their lessons.  It is put in use if it may be and what it
    was compared with is still in use.  Raises DataError for a round without a measured adapter,
    and what play and ``ground.check`` raise.
    """
    with Reader.open(ground.data) as reader:
        row = next((each for each in reader.rounds() if each.id == round_id), None)
        adapters = {each.id: each for each in reader.adapters()}
    verdict = None if row is None else read_verdict(row.verdict)
    adapter = None if row is None else adapters.get(row.adapter_id or 0)
    # A verdict of an earlier version has no lines.
    if row is None or verdict is None or adapter is None or not verdict.lines:
        raise DataError(
            f"Round {round_id} has no adapter that was measured, so there is nothing to check; "
            "teach once more."
        )
    parent = adapters.get(row.parent_adapter_id or 0)
    lines = list(verdict.lines)
    if more:
        lines = _play_taught_again(ground, lines, row, parent, adapter)
    if decide(lines, gates_of(row)).choice is Choice.WAIT:
        lines = _play_waiting(ground, lines, row, parent, adapter)
    return settle(ground, row, adapter, lines)


def _play_taught_again(
    ground: Ground,
    lines: Sequence[Line],
    row: RoundRow,
    parent: AdapterRow | None,
    adapter: AdapterRow,
) -> list[Line]:
    unsure = {VerdictKind.NOT_ENOUGH, VerdictKind.SAME}
    # What the person judged blind stands.
    names = [
        line.name
        for line in lines
        if line.part is Part.TAUGHT and line.kind in unsure and not line.blind
    ]
    asked = _asked(ground, names, row)
    before, after = sides_of(ground, parent, adapter)
    known = {each.heard for each in asked}
    with eyes_for(ground, [name for name in names if name not in known]) as eyes:
        judging = [each for each in eyes if each.believed]
        played = measurement.play_taught(ground, asked, before, after, row.id, eyes=judging)
    # Of what nobody judged this time the line from before stands.
    fresh = {line.name: line for line in played if line.n}
    return with_taught(ground, lines, fresh, row, parent)


def with_taught(
    ground: Ground,
    lines: Sequence[Line],
    fresh: Mapping[str, Line],
    row: RoundRow,
    parent: AdapterRow | None,
) -> list[Line]:
    """Return the lines of a round of which ``fresh`` taught sentences, by name, were measured."""
    taught = [fresh.get(line.name, line) for line in lines if line.part is Part.TAUGHT]
    rest = [line for line in lines if line.part is not Part.TAUGHT]
    better = any(line.kind is VerdictKind.BETTER for line in taught)
    if rest and (not better or any(line.n or line.checking for line in rest)):
        return [*taught, *rest]
    # What was not worth checking before is now.
    return after_the_lesson(ground, taught, parent, gates=gates_of(row))


def _play_waiting(
    ground: Ground,
    lines: Sequence[Line],
    row: RoundRow,
    parent: AdapterRow | None,
    adapter: AdapterRow,
) -> list[Line]:
    waiting = [line for line in lines if line.checking]
    found = [line for line in lines if not line.checking]
    names = [line.name for line in waiting if line.part is Part.EARLIER]
    if names:
        before, after = sides_of(ground, parent, adapter)
        asked = _asked(ground, names, row)
        known = {each.heard for each in asked}
        with eyes_for(ground, [name for name in names if name not in known]) as eyes:
            judging = [each for each in eyes if each.believed]
            played = measurement.play_earlier(ground, asked, before, after, row.id, judging)
        for line in played:
            ground.say(protocol.Measured(line))
        found += played
        # What cannot be judged any more must not be forgotten for it.
        judged = {line.name for line in played}
        found += [
            measurement.unjudged_line(Part.EARLIER, name) for name in names if name not in judged
        ]
    if any(line.part is Part.OLD_TASKS for line in waiting):
        tasks = old_tasks.taught_tasks(ground.game, ground.base, ground.data)
        if not tasks:
            why = measurement.why_no_old_tasks(ground)
            return [*found, measurement.old_tasks_unknown(why)]
        starts = old_tasks.old_task_starts(ground.game, tasks, _block(ground, row))
        before_folder = None if parent is None else Path(parent.folder)
        played = measurement.play_old_tasks(ground, starts, before_folder, Path(adapter.folder))
        for line in played:
            ground.say(protocol.Measured(line))
        found += played
    return found


def settle(
    ground: Ground,
    row: RoundRow,
    adapter: AdapterRow,
    lines: Sequence[Line],
) -> Checked:
    """Write down how the round stands, and put it in use if it may be."""
    decision = decide(lines, gates_of(row))
    verdict = verdict_of(lines, decision.choice, decision.sentence)
    if verdict is None:
        raise RuntimeError("a measured round has a verdict")
    wish = None
    if decision.choice is Choice.USE:
        with Reader.open(ground.data) as reader:
            others = of_other_bases(reader, ground.base)
            wish = Activation(_compared_with(reader, row), others, OVERTAKEN)
    used = ground.store.settle_round(row.id, adapter.id, asdict(verdict), wish)
    sentence = verdict.sentence
    if wish is not None and not used:
        sentence = f"{sentence} {OVERTAKEN}"
    return Checked(verdict, sentence, activated=used)


def _compared_with(reader: Reader, row: RoundRow) -> int | None:
    """Return what must be in use by the books for a round to take its place.

    That is its parent; or an adapter that had lost its files when the round began from the base,
    for as long as they are lost: it plays again once they are back.
    """
    parent = row.parent_adapter_id
    then = row.config.get("in_use", parent)
    if then == parent:
        return parent
    lost = any(each.id == then and lost_sentence(each) for each in reader.adapters())
    return then if lost else parent


def _asked(ground: Ground, names: Sequence[str], row: RoundRow) -> list[Asked]:
    """Return the tasks of sentences; one that is none of the game's keeps what it was played as."""
    from recorder.games import judged_task, task_list

    every = task_list(ground.game, ground.data)
    by_id = {task.id: task for task in every}
    with Reader.open(ground.data) as reader:
        attempts = reader.evaluations(game=ground.game, round_id=row.id)
    played = {each.instruction: by_id.get(each.task_id) for each in attempts}
    # What was played as free was judged by eye, and is again.
    found = [(judged_task(every, name) or played.get(name), name) for name in names]
    return [Asked(task, name) for task, name in found if task is not None]


def sides_of(
    ground: Ground, parent: AdapterRow | None, adapter: AdapterRow
) -> tuple[PlayerSpec, PlayerSpec]:
    """Return who played before a round and who plays after it."""
    return (
        ground.player("before", None if parent is None else Path(parent.folder)),
        ground.player("after", Path(adapter.folder)),
    )


def _block(ground: Ground, row: RoundRow) -> int:
    """Return which sample of the old tasks a round is held against."""
    with Reader.open(ground.data) as reader:
        earlier = [each for each in reader.rounds() if each.id < row.id]
    checked = sum(_has_old_tasks(each.verdict) for each in earlier)
    return checked // old_tasks.ROUNDS_A_BLOCK


def _has_old_tasks(stored: Mapping[str, Any]) -> bool:
    verdict = read_verdict(stored)
    return verdict is not None and any(
        line.part is Part.OLD_TASKS and line.n for line in verdict.lines
    )


def gates_of(row: RoundRow) -> list[protocol.Gate]:
    """Return what the gates of a round that is done said."""
    return [protocol.Gate(**each) for each in row.metrics.get("gates", [])]
