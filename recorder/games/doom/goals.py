"""What a sentence wants in the engine's terms, read from a task's id.

An id is one step or two joined by "+"; a step is ``verb:thing`` or
``verb:relation:thing`` with underscores for spaces, such as ``go_to:red_torch``,
``shoot:left:imp``, ``turn_left``, ``pick_up:blue_keycard+shoot:imp``.
"""

from __future__ import annotations

from dataclasses import dataclass

from recorder.games.doom.things import (
    CARRIED,
    DOOR,
    KIND_BY_KEY,
    LANDMARK,
    MONSTER,
    SWITCH,
    WEAPON_SLOTS,
    Kind,
)

GO_TO, PICK_UP, SHOOT, FACE, KEEP_AWAY, OPEN, PRESS, SWITCH_TO = (
    "go to", "pick up", "shoot", "face", "keep away from", "open", "press", "switch to",
)  # fmt: skip
TURN_LEFT, TURN_RIGHT, TURN_AROUND = "turn left", "turn right", "turn around"
WALK_FORWARD, WALK_BACK, WALK_SIDEWAYS = "walk forward", "walk back", "walk sideways"
STAND_STILL = "stand still"
TWO_STEP = "two-step"
TURNS = (TURN_LEFT, TURN_RIGHT, TURN_AROUND)
WALKS = (WALK_FORWARD, WALK_BACK, WALK_SIDEWAYS)
VERBS: tuple[str, ...] = (
    GO_TO, PICK_UP, SHOOT, FACE, KEEP_AWAY, OPEN, PRESS, SWITCH_TO, *TURNS, *WALKS, STAND_STILL,
)  # fmt: skip
NEAREST, FARTHEST, LEFT, RIGHT, BEHIND = RELATIONS = (
    "nearest", "farthest", "left", "right", "behind",
)  # fmt: skip
SIDES = (LEFT, RIGHT)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.  ``kind`` is None where no thing is meant.

    ``relation`` tells two of a kind apart; for "walk sideways" it is the side.  ``slot``
    is the hotbar slot of "switch to".
    """

    verb: str
    kind: Kind | None = None
    relation: str = ""
    slot: int = 0

    @property
    def fixture(self) -> bool:
        """Whether its thing is part of a wall."""
        return self.kind is not None and self.kind.family in (DOOR, SWITCH)


@dataclass(frozen=True, slots=True)
class Goal:
    """What a task wants: one step, or two to be done in order."""

    steps: tuple[Step, ...]

    @property
    def verb(self) -> str:
        """The verb of the first step."""
        return self.steps[0].verb

    @property
    def kind(self) -> Kind:
        """The kind of the first step's thing; raises ValueError where there is none."""
        kind = self.steps[0].kind
        if kind is None:
            raise ValueError(f"{self.verb!r} is about no thing")
        return kind


def parse_goal(task_id: str) -> Goal | None:
    """Return the goal that an id spells, or None where it spells none."""
    steps = [_parse_step(part) for part in task_id.split("+")]
    if len(steps) > 2 or any(step is None for step in steps):
        return None
    return Goal(tuple(step for step in steps if step is not None))


def _parse_step(text: str) -> Step | None:
    name, *rest = text.split(":")
    verb = name.replace("_", " ")
    if verb in TURNS or verb in (WALK_FORWARD, WALK_BACK):
        return None if rest else Step(verb)
    if verb not in VERBS or not rest or len(rest) > 2:
        return None
    relation = rest[0] if len(rest) == 2 else ""
    if verb == WALK_SIDEWAYS:
        return Step(verb, relation=rest[0]) if len(rest) == 1 and rest[0] in SIDES else None
    if verb == SWITCH_TO:
        slot = WEAPON_SLOTS.get(rest[-1], 0)
        return Step(verb, slot=slot) if slot and not relation else None
    kind = KIND_BY_KEY.get(rest[-1])
    if kind is None or not _fits(verb, kind, relation):
        return None
    return Step(verb, kind, relation)


def _fits(verb: str, kind: Kind, relation: str) -> bool:
    """Say whether the verb can be done to such a thing."""
    if relation:
        if relation not in RELATIONS or kind.family in (DOOR, SWITCH):
            return False
        # Which is the farthest changes as one walks, so only what is done from afar can ask it.
        if relation == FARTHEST and verb not in (FACE, SHOOT):
            return False
        if verb not in (GO_TO, PICK_UP, SHOOT, FACE):
            return False
    allowed = {
        PICK_UP: kind.family in CARRIED,
        SHOOT: kind.family == MONSTER or kind.key == "barrel",
        KEEP_AWAY: kind.family == MONSTER,
        OPEN: kind.family == DOOR,
        PRESS: kind.family == SWITCH,
        STAND_STILL: kind.family == LANDMARK,
    }
    return allowed.get(verb, True)
