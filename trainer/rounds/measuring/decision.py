"""Whether a round is put in use by itself: a rule over the lines of its measurement.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.evaluation.verdicts.verdict import Choice, Line, Part, VerdictKind
from trainer.rounds.protocol import Gate

NOT_MEASURED = (
    "Nothing here can judge how it plays but you, so it is not measured yet. Judge it blind in "
    "the window, or try it and go back if it plays worse."
)
OLD_TASKS_NOT_MEASURED = (
    "Not in use: it was not measured whether it still can what it could before; try it, and go "
    "back if it lost something."
)

BY_EYE_ONLY = (
    "What it could before is kept. Only its own eye saw the gain, and it may err otherwise about "
    "the new agent, so you decide: judge it blind, or try it."
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a round, with the sentence that says why."""

    choice: Choice
    sentence: str


def decide(lines: Sequence[Line], gates: Sequence[Gate] = ()) -> Decision:
    """Return what becomes of a round.

    It is put in use by itself only if every gate that could be checked let it by, at least one
    taught sentence is better (by another judge than its own eye), and every other taught sentence,
    every earlier lesson and the old tasks were measured and are surely not worse by more than
    their margin.  What was taught in
    another game cannot be measured in this one: such a round is offered, and it is told if nothing
    else is missing.
    """
    for gate in gates:
        if gate.passed is False:
            return Decision(
                Choice.REFUSE, f"Not in use, the agent plays as before: {gate.sentence}"
            )
    taught = [line for line in lines if line.part is Part.TAUGHT]
    if not any(line.n for line in taught):
        return Decision(Choice.TRY, NOT_MEASURED)
    lost = [line for line in lines if line.kind is VerdictKind.WORSE and not line.not_worse]
    if lost:
        return Decision(Choice.REFUSE, f"Not in use, the agent plays as before: {lost[0].sentence}")
    better = [line for line in taught if line.kind is VerdictKind.BETTER]
    if not better:
        return _no_gain(taught)
    # What the game or the person has seen says more than what its own eye has.
    return _gained(min(better, key=lambda line: line.by_eye), lines)


def _no_gain(taught: Sequence[Line]) -> Decision:
    played = [line for line in taught if line.n]
    open_ones = [line for line in played if line.kind is not VerdictKind.SAME]
    if not open_ones:
        # More play tells nothing of what nobody can judge.
        what = "nothing" if len(played) == len(taught) else "nothing that can be judged"
        return Decision(
            Choice.TRY, f"Not in use, as {what} got better: {played[0].sentence} You may try it."
        )
    return Decision(
        Choice.PLAY_MORE, f"Not in use: {open_ones[0].sentence} Play more starts, or try it."
    )


def _gained(better: Line, lines: Sequence[Line]) -> Decision:
    """Decide about a round that made a sentence better, perhaps at the cost of another."""
    # What is of another game says nothing here, but nobody knows whether it is kept.
    missing = [line for line in lines if line.elsewhere]
    others = [line for line in lines if line.kind is not VerdictKind.BETTER and not line.elsewhere]
    waiting = [line for line in others if line.checking]
    unsure = [line for line in others if not line.not_worse and not line.checking]
    if unsure:
        line = unsure[0]
        # Of the others more play would only try its luck again.
        more = line.n and line.part is Part.TAUGHT and not line.blind
        choice = Choice.PLAY_MORE if more else Choice.TRY
        offer = "Play more starts, or try it." if more else "You may try it."
        return Decision(choice, f"{better.sentence} Not in use yet: {line.sentence} {offer}")
    if waiting:
        return Decision(Choice.WAIT, f"{better.sentence} Not in use yet: {waiting[0].sentence}")
    if not any(line.part is Part.OLD_TASKS for line in lines):
        return Decision(Choice.TRY, f"{better.sentence} {OLD_TASKS_NOT_MEASURED}")
    if missing:
        return Decision(
            Choice.TRY,
            f"{better.sentence} Not in use by itself, and for this only: {missing[0].sentence} "
            "You may try it.",
        )
    if all(line.by_eye for line in lines if line.kind is VerdictKind.BETTER):
        return Decision(Choice.TRY, f"{better.sentence} {BY_EYE_ONLY}")
    return Decision(Choice.USE, better.sentence)
