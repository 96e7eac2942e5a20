"""Eighteen lessons that the default model was not taught, of six kinds, three of each.

Two of a kind are for the figures and one is for choosing by (``chosen_on``).  None of their
sentences is one that the game judges; each has a judge that the app does not see
(:mod:`app.benchmarks.teaching_cases.judges`) and a person who can do it
(:mod:`app.benchmarks.teaching_cases.person`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.benchmarks.teaching_cases import judges, person
from app.benchmarks.teaching_cases.judges import Rule, Trace, Verdict
from app.benchmarks.teaching_cases.person import Skill

MAX_TICKS = 210
"""Twelve seconds of the yard."""
UP_DEG = 15.0
HALF = (0.3, 0.7)
"""Between these parts of the way one is halfway."""
OFF = (120.0, 240.0)
"""So far from a thing one stands off it."""


class LessonKind(StrEnum):
    """What is new in a lesson."""

    MANNER = "a manner"
    VIEW = "a pose or view"
    WAY = "a way around something"
    DISTANCE = "a distance"
    RULE = "a rule"
    WORDS = "new words"


@dataclass(frozen=True, slots=True)
class TeachingLesson:
    """One lesson: what is said, which things stand in its rooms, who shows and who judges it.

    ``judge`` and ``skill`` make what follows one attempt.  ``things`` are keys of kinds.
    """

    kind: LessonKind
    sentence: str
    things: tuple[str, ...]
    judge: Callable[[], Rule]
    skill: Callable[[], Skill]
    chosen_on: bool = False

    @property
    def name(self) -> str:
        """A short name for files and tables."""
        return self.sentence.replace(",", "").replace(" ", "-")


def _each(rule: Rule) -> Callable[[], Rule]:
    """Return what makes a rule that remembers nothing."""
    return lambda: rule


def _held(control: str, share: float) -> Callable[[Trace], bool]:
    return lambda trace: trace.share_held(control) >= share


def _hopped(trace: Trace) -> bool:
    """Whether it jumped often enough for the way it went: at least every 24 ticks, and twice."""
    return trace.edges.get("jump", 0) >= max(2, trace.walked // 24)


def _looks(up: float) -> Callable[[Trace], bool]:
    return lambda trace: trace.state.pitch_deg * up >= UP_DEG and trace.gone <= judges.ASTRAY


def _back_turned(key: str) -> Callable[[Trace], bool]:
    def wanted(trace: Trace) -> bool:
        off = judges.bearing(trace, key)
        return off is not None and abs(off) >= 150.0 and trace.gone <= judges.ASTRAY

    return wanted


def _behind(key: str) -> Callable[[Trace], bool]:
    def wanted(trace: Trace) -> bool:
        thing, angle = judges.thing_of(trace.state, key), judges.side_angle(trace, key)
        return (
            thing is not None
            and angle is not None
            and angle >= 120.0
            and trace.state.distance(thing) <= 150.0
        )

    return wanted


def _halfway(key: str) -> Callable[[Trace], bool]:
    def wanted(trace: Trace) -> bool:
        first, now = judges.thing_of(trace.start, key), judges.thing_of(trace.state, key)
        if first is None or now is None:
            return False
        part = trace.state.distance(now) / max(1.0, trace.start.distance(first))
        return trace.still and HALF[0] <= part <= HALF[1]

    return wanted


def _stands_off(key: str) -> Callable[[Trace], bool]:
    def wanted(trace: Trace) -> bool:
        thing = judges.thing_of(trace.state, key)
        return (
            thing is not None
            and trace.still
            and trace.ticks > 2 * judges.HOLD_TICKS
            and OFF[0] <= trace.state.distance(thing) <= OFF[1]
            and abs(trace.state.bearing(thing)) <= 20.0
        )

    return wanted


def _shot_from_near(key: str) -> Rule:
    def rule(trace: Trace) -> Verdict:
        if judges.lost(trace, key):
            return False
        there = {thing.id for thing in trace.state.things}
        if any(one.key == key and one.id not in there for one in trace.start.things):
            return True
        thing = judges.thing_of(trace.state, key)
        near = thing is not None and trace.state.distance(thing) <= person.CLOSE
        return False if trace.action.attack and not near else None

    return rule


def _turned_first(key: str) -> Callable[[], Rule]:
    def make() -> Rule:
        turned = False
        inner = judges.reach(key, lambda trace: True)

        def rule(trace: Trace) -> Verdict:
            nonlocal turned
            turned = turned or abs(trace.swept) >= 300.0
            if not turned and trace.gone > judges.ASTRAY:
                return False
            found = inner(trace)
            return turned if found else found

        return rule

    return make


def _jumped_first(key: str) -> Rule:
    def rule(trace: Trace) -> Verdict:
        if judges.lost(trace, key):
            return False
        thing = judges.thing_of(trace.state, key)
        if thing is not None and thing.used:
            return trace.edges.get("jump", 0) >= 1
        return None

    return rule


def _gone(key: str) -> Rule:
    """Take or kill a thing and nothing else."""

    def rule(trace: Trace) -> Verdict:
        if judges.lost(trace, key):
            return False
        there = {thing.id for thing in trace.state.things}
        return True if any(o.key == key and o.id not in there for o in trace.start.things) else None

    return rule


K = LessonKind
LESSONS: tuple[TeachingLesson, ...] = (
    TeachingLesson(
        K.MANNER, "creep up to the red torch", ("red_torch",),
        _each(judges.reach("red_torch", _held("sneak", 0.8))),
        lambda: person.GoTo("red_torch", hold="sneak"),
    ),
    TeachingLesson(
        K.MANNER, "hop over to the green torch", ("green_torch",),
        _each(judges.reach("green_torch", _hopped)),
        lambda: person.GoTo("green_torch", rhythm=("jump", 14, 3)),
    ),
    TeachingLesson(
        K.MANNER, "dash over to the blue torch", ("blue_torch",),
        _each(judges.reach("blue_torch", _held("sprint", 0.8))),
        lambda: person.GoTo("blue_torch", hold="sprint"), chosen_on=True,
    ),
    TeachingLesson(
        K.VIEW, "look up at the sky", (), judges.hold(_looks(1.0)), lambda: person.Look(up=True),
    ),
    TeachingLesson(
        K.VIEW, "show the barrel your back", ("barrel",), judges.hold(_back_turned("barrel")),
        lambda: person.BackTo("barrel"),
    ),
    TeachingLesson(
        K.VIEW, "stare at your own feet", (), judges.hold(_looks(-1.0)),
        lambda: person.Look(up=False), chosen_on=True,
    ),
    TeachingLesson(
        K.WAY, "walk once around the red pillar", ("red_pillar",),
        judges.around("red_pillar", 0.8, 260.0), lambda: person.Circle("red_pillar"),
    ),
    TeachingLesson(
        K.WAY, "hide behind the tree", ("tree",), judges.hold(_behind("tree")),
        lambda: person.Circle("tree", stop_at=150.0),
    ),
    TeachingLesson(
        K.WAY, "circle the statue", ("statue",), judges.around("statue", 0.8, 260.0),
        lambda: person.Circle("statue"), chosen_on=True,
    ),
    TeachingLesson(
        K.DISTANCE, "stop halfway to the green pillar", ("green_pillar",),
        judges.hold(_halfway("green_pillar")), lambda: person.Halfway("green_pillar"),
    ),
    TeachingLesson(
        K.DISTANCE, "keep the imp at arm's length", ("imp",), judges.hold(_stands_off("imp")),
        lambda: person.StandOff("imp"),
    ),
    TeachingLesson(
        K.DISTANCE, "stop halfway to the evil eye", ("evil_eye",),
        judges.hold(_halfway("evil_eye")), lambda: person.Halfway("evil_eye"), chosen_on=True,
    ),
    TeachingLesson(
        K.RULE, "shoot the zombie but only from close up", ("zombie",),
        _each(_shot_from_near("zombie")), lambda: person.ShootClose("zombie"),
    ),
    TeachingLesson(
        K.RULE, "spin once and go to the candelabra", ("candelabra",),
        _turned_first("candelabra"), lambda: person.TurnThenGo("candelabra"),
    ),
    TeachingLesson(
        K.RULE, "jump before you open the red door", ("red_door",),
        _each(_jumped_first("red_door")), lambda: person.JumpThenOpen("red_door"), chosen_on=True,
    ),
    TeachingLesson(
        K.WORDS, "snatch the first aid", ("medkit",), _each(_gone("medkit")),
        lambda: person.Does("pick_up:medkit"),
    ),
    TeachingLesson(
        K.WORDS, "zap the meatball", ("cacodemon",), _each(_gone("cacodemon")),
        lambda: person.Does("shoot:cacodemon"),
    ),
    TeachingLesson(
        K.WORDS, "fetch the shiny face", ("gold_mask",), _each(_gone("gold_mask")),
        lambda: person.Does("pick_up:gold_mask"), chosen_on=True,
    ),
)  # fmt: skip
JUDGING = tuple(lesson for lesson in LESSONS if not lesson.chosen_on)
CHOOSING = tuple(lesson for lesson in LESSONS if lesson.chosen_on)
