"""The lines of a verdict: paired outcomes turned into figures and a sentence each."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.evaluation.blind.statistics import Marks, Told, kind_of
from trainer.evaluation.eye.correction import corrected
from trainer.evaluation.eye.judge import Reliability
from trainer.evaluation.verdicts.sequential import (
    OLD_TASKS_MARGIN,
    SAME_WITHIN,
    SENTENCE_MARGIN,
    Estimate,
    Pairs,
    Plan,
    estimate,
    estimate_fixed,
    findable_gain,
)
from trainer.evaluation.verdicts.verdict import Choice, Line, Part, Verdict, VerdictKind

KNOWN_ALREADY = 0.9
"""From this share of successes on there is little to gain by a lesson."""
OLD_TASKS_NAME = "what it could before"


def knows_already(successes: int, starts: int) -> bool:
    """Whether a sentence succeeds at so many starts before the lesson that little can be gained."""
    return starts > 0 and successes >= KNOWN_ALREADY * starts


def known_sentence(name: str, successes: int, attempts: int, *, watched: int = 0) -> str:
    """Return what to tell a person before a lesson on a sentence that the agent knows.

    ``watched`` of the attempts were played before the person, the others to measure.
    """
    seen = f" ({watched} of them you watched)" if watched else ""
    return (
        f'It can do "{name}" already: {successes} of {attempts} attempts before this lesson '
        f"succeeded{seen}, so there is little to gain and the round will hardly be better."
    )


def sentence_line(part: Part, name: str, plan: Plan, pairs: Pairs) -> Line:
    """Return the line of one sentence that was played as planned."""
    told = estimate(plan, pairs)
    return _line(part, name, pairs, told, plan.margin, _of_sentence(part, name, plan, pairs, told))


def blind_line(name: str, marks: Marks, told: Told) -> Line:
    """Return the line of a taught sentence that a person judged blind, to the end."""
    kind = kind_of(marks)
    counts = (
        f"{marks.before} of {marks.n} clips were done before, {marks.after} of {marks.n} after; "
        f"without errors of judging that is {_points(told.difference)} points "
        f"({_points(told.low)} to {_points(told.high)})"
    )
    words = {VerdictKind.BETTER: "got better", VerdictKind.WORSE: "got worse"}
    what = f'"{name}" {words[kind]}' if kind in words else f'No difference was seen for "{name}"'
    return Line(
        Part.TAUGHT,
        name,
        kind,
        marks.before,
        marks.after,
        marks.n,
        told.difference,
        told.low,
        told.high,
        SENTENCE_MARGIN,
        told.low >= -SENTENCE_MARGIN,
        f"{what}, judged blind: {counts}.",
        blind=True,
    )


def eye_line(
    part: Part, name: str, plan: Plan, pairs: Pairs, reliability: Reliability, account: str
) -> Line:
    """Return the line of a sentence that was played as planned and judged by the agent's own eye.

    ``account`` says how good the eye is.  Its difference and interval are without the eye's errors;
    it is better, or worse, only if that is so of them too.
    """
    told = estimate(plan, pairs)
    difference, low, high = corrected(told.difference, told.low, told.high, reliability)
    not_worse = told.not_worse and low >= -SENTENCE_MARGIN
    holds = {
        VerdictKind.BETTER: low > 0,
        VerdictKind.WORSE: high < 0,
        VerdictKind.SAME: not_worse and high < SAME_WITHIN,
        VerdictKind.NOT_ENOUGH: True,
    }
    kind = told.kind if holds[told.kind] else VerdictKind.NOT_ENOUGH
    words = {
        VerdictKind.BETTER: f'"{name}" got better',
        VerdictKind.WORSE: f'"{name}" got worse',
        VerdictKind.SAME: f'"{name}" is about the same',
    }
    unsure = f'No gain was found for "{name}"'
    if part is not Part.TAUGHT:
        kept = f'"{name}" is kept'
        unsure = kept if not_worse else f"It is not sure that {kept}"
    text = (
        f"{words.get(kind, unsure)}, judged by its own eye: {pairs.before} of {pairs.n} before, "
        f"{pairs.after} of {pairs.n} after. The eye was {account}; if it errs alike on both sides, "
        f"that is {_points(difference)} points ({_points(low)} to {_points(high)})."
    )
    return Line(
        part, name, kind, pairs.before, pairs.after, pairs.n, difference, low, high,
        SENTENCE_MARGIN, not_worse, text, by_eye=True,
    )  # fmt: skip


def old_tasks_line(pairs: Pairs, against: str) -> Line:
    """Return the line of the old tasks, all of them played, against the "parent" or the "base"."""
    told = estimate_fixed(pairs, OLD_TASKS_MARGIN)
    counts = (
        f"{pairs.before} of {pairs.n} with {_called(against)}, {pairs.after} now; the change is "
        f"{_points(told.difference)} points ({_points(told.low)} to {_points(told.high)})"
    )
    allowed = f"{100 * OLD_TASKS_MARGIN:.0f} points"
    if told.not_worse:
        text = f"What it could before is kept: {counts}."
    elif told.kind is VerdictKind.WORSE:
        text = f"What it could before is damaged: {counts}, and at most {allowed} may be lost."
    else:
        text = f"It is not sure that what it could before is kept: {counts}; {allowed} may be lost."
    return _line(Part.OLD_TASKS, OLD_TASKS_NAME, pairs, told, OLD_TASKS_MARGIN, text, against)


def unknown_line(
    part: Part, name: str, sentence: str, *, checking: bool = False, elsewhere: bool = False
) -> Line:
    """Return a line of which nothing is known.

    It was not measured, is still being played, or is of another game.
    """
    margin = OLD_TASKS_MARGIN if part is Part.OLD_TASKS else SENTENCE_MARGIN
    return Line(
        part,
        name,
        kind=None,
        before=0,
        after=0,
        n=0,
        difference=0.0,
        low=-1.0,
        high=1.0,
        margin=margin,
        not_worse=False,
        sentence=sentence,
        checking=checking,
        elsewhere=elsewhere,
    )


def deciding(taught: Sequence[Line]) -> Line:
    """Return the taught line whose figures are the round's; there has to be one.

    One that the game or the person has judged goes before one that only its own eye has.
    """
    for kind in (VerdictKind.BETTER, VerdictKind.WORSE):
        of_kind = [line for line in taught if line.kind is kind]
        if of_kind:
            return min(of_kind, key=lambda line: line.by_eye)
    return taught[0]


def verdict_of(lines: Sequence[Line], choice: Choice, sentence: str) -> Verdict | None:
    """Return the verdict that the lines make; None without a taught sentence that was played."""
    taught = [line for line in lines if line.part is Part.TAUGHT and line.n]
    if not taught:
        return None
    line = deciding(taught)
    return Verdict(
        line.kind or VerdictKind.NOT_ENOUGH,
        line.before,
        line.after,
        line.n,
        line.difference,
        line.low,
        line.high,
        sentence,
        choice,
        tuple(lines),
    )


def _line(
    part: Part,
    name: str,
    pairs: Pairs,
    told: Estimate,
    margin: float,
    sentence: str,
    against: str = "parent",
) -> Line:
    return Line(
        part,
        name,
        told.kind,
        pairs.before,
        pairs.after,
        pairs.n,
        told.difference,
        told.low,
        told.high,
        margin,
        told.not_worse,
        sentence,
        against,
    )


def _of_sentence(part: Part, name: str, plan: Plan, pairs: Pairs, told: Estimate) -> str:
    counts = f"{pairs.before} of {pairs.n} before, {pairs.after} of {pairs.n} after"
    match told.kind:
        case VerdictKind.BETTER:
            return f'"{name}" got better: {counts}.'
        case VerdictKind.WORSE:
            return f'"{name}" got worse: {counts}.'
        case VerdictKind.SAME:
            return f'"{name}" is about the same: {counts}.'
        case VerdictKind.NOT_ENOUGH:
            pass
    if part is not Part.TAUGHT:
        allowed = f"{100 * plan.margin:.0f} points"
        return f'It is not sure that "{name}" lost less than {allowed}: {counts}.'
    if told.not_worse or pairs.n >= plan.most:
        return f'No gain was found for "{name}": {counts}. {_power_said(pairs, plan)}'
    return f'Not enough starts to tell for "{name}": {counts}.'


def _power_said(pairs: Pairs, plan: Plan) -> str:
    """Return what could have been found with so many pairs."""
    least = findable_gain(pairs.n, pairs.before / pairs.n, plan.alpha)
    if least is None:
        return f"{pairs.n} pairs find no gain here, so often does it succeed already."
    return f"{pairs.n} pairs find a gain of {100 * least:.0f} points 4 times in 5."


def _called(against: str) -> str:
    return "the base" if against == "base" else "the agent before"


def _points(share: float) -> str:
    # Whole numbers have no "-0".
    return f"{round(100 * share):+d}"
