"""The next step that the Teach card recommends, in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from app.backend.ports import TeachFacts, VerdictFacts
from trainer.evaluation.verdicts.lines import knows_already
from trainer.evaluation.verdicts.verdict import Choice, Line, Part

ENOUGH = 6
"""So many showings of a sentence are a lesson; with fewer none is left to check against."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next; ``fails_at`` is a sentence that it may be shown to fail at, "" for none."""

    sentence: str = ""
    fails_at: str = ""


def next_step(
    facts: TeachFacts, verdict: VerdictFacts | None, plays: Callable[[str], bool]
) -> NextStep:
    """Return what to do next; nothing before the first lesson, or while something is being played.

    ``plays`` says whether a sentence can be played here without the person, and judged.
    """
    if facts.blocked and facts.lessons:
        # Why it cannot be taught yet is said already.
        return NextStep()
    if shown := Counter(each.sentence for each in facts.lessons if each.taught_s > 0):
        return _collected(shown, plays)
    if verdict is None or verdict.checking:
        return NextStep()
    return _after(verdict, plays)


def _collected(shown: Counter[str], plays: Callable[[str], bool]) -> NextStep:
    sentence, count = min(shown.items(), key=lambda each: each[1])
    missing = ENOUGH - count
    if missing <= 0:
        return NextStep("That is enough to teach.")
    told = (
        f"You have shown “{sentence}” {times(count)}. Show it {_more(missing)}, so that the agent "
        "learns it better."
    )
    return NextStep(told, sentence if plays(sentence) else "")


def _after(verdict: VerdictFacts, plays: Callable[[str], bool]) -> NextStep:
    if verdict.to_judge:
        name = verdict.to_judge[0]
        seen = any(line.by_eye and line.n for line in verdict.lines if line.name == name)
        why = "only its own eye has seen" if seen else "nobody knows yet"
        return NextStep(f"Judge “{name}” blind: {why} what it learnt.")
    taught = [line for line in verdict.lines if line.part is Part.TAUGHT and line.n]
    if not taught:
        return NextStep()

    def done(line: Line) -> int:
        return line.after if verdict.in_use else line.before

    worst = min(taught, key=lambda line: done(line) / line.n)
    can, name = done(worst), worst.name
    if knows_already(can, worst.n):
        return NextStep(f"It does “{name}” {can} of {worst.n} times: teach it something else.")
    if not verdict.in_use and verdict.choice in (Choice.USE, Choice.WAIT, Choice.PLAY_MORE):
        # What was learnt may be used yet; the card says how.
        return NextStep()
    told = f"It fails at “{name}” {worst.n - can} of {worst.n} times: "
    if plays(name):
        return NextStep(f"{told}correct it there, or let it practise.", name)
    return NextStep(f"{told}correct it, or show it from other starts.")


def _more(count: int) -> str:
    return "once more" if count == 1 else f"{count} more times"


def times(count: int) -> str:
    """Return how often in words: "once", "3 times"."""
    return "once" if count == 1 else f"{count} times"
