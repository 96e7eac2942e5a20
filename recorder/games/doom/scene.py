"""A seeded scene: a ground plan with its look, the things in it, where the player starts.

Pure and deterministic: the same task and seed give the same scene on every machine.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from recorder.games.doom import goals
from recorder.games.doom.draft import (
    PATH_CLEARANCE,
    START_CLEARANCE,
    TRIES,
    Draft,
    NoRoomError,
    Spot,
)
from recorder.games.doom.goals import Goal, Step
from recorder.games.doom.layout import (
    Plan,
    bearing_deg,
    distance_to_line,
    draw_plan,
    within,
)
from recorder.games.doom.things import (
    CARRIED,
    COLOURS,
    DOOR,
    FIXTURES,
    KIND_BY_KEY,
    KINDS,
    SWITCH,
    WEAPON_SLOTS,
    Kind,
)

HALF_VIEW_DEG = 53.0
"""Half of the horizontal field of view of a picture of 16 x 9."""
SHARE_OUT_OF_VIEW = 0.55
"""Part of all seeds whose target is not in the first picture."""
SHARE_OUT_OF_VIEW_QUICK = 0.6
"""The same for what is done at once when the target is seen."""
FACE_APART_DEG = 14.0
NEAREST_TARGET, FARTHEST_TARGET = 210.0, 620.0
STALKER_BEGINS = (240.0, 310.0)
OTHER_TRIES = 4
RETREAT, RETREAT_CLEARANCE = 330.0, 120.0
"""Room to go straight back from what comes nearer."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A thing at a place; ``angle`` in degrees, 0 is east, counter-clockwise.

    ``stalks``: it walks up to the player.
    """

    kind: Kind
    x: float
    y: float
    angle: int
    stalks: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a map is made from, in map units.

    ``things`` begins with the first step's thing, its double where two of a kind stand
    there, and the second step's thing.  ``armed`` lists the hotbar slots of the weapons
    in the player's hands, the one held last.
    """

    plan: Plan
    start_x: float
    start_y: float
    start_angle: int
    things: tuple[Placed, ...]
    armed: tuple[int, ...] = ()


def scene_seed(task_id: str, seed: int) -> int:
    """Mix task and seed into one 64-bit number, stable across versions of Python."""
    digest = hashlib.sha256(f"{task_id}/{seed}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def build_scene(goal: Goal | None, task_id: str, seed: int, named: tuple[Kind, ...] = ()) -> Scene:
    """Return the scene of (task, seed): what the goal needs and two to six other things.

    Without a goal it holds what is ``named``, at most three things and two doors or switches.

    At least one of the others is of the target's class.  Only where the goal tells two of
    a kind apart does a kind stand twice.
    """
    rng = np.random.default_rng(scene_seed(task_id, seed))
    steps = goal.steps if goal is not None else _free_steps(rng, named)
    # Drawn once: hidden targets fit less easily, and would become rarer with every try.
    quick = steps[0].verb in (goals.FACE, goals.SHOOT)
    hide = rng.random() < (SHARE_OUT_OF_VIEW_QUICK if quick else SHARE_OUT_OF_VIEW)
    while True:
        plan = draw_plan(rng, _wanted_fixtures(rng, steps), plain=_is_plain(steps))
        draft = Draft(rng, plan, hide)
        try:
            return _furnish(draft, steps[:1] if goal is None else steps, named)
        except NoRoomError:
            continue


def _free_steps(rng: np.random.Generator, named: tuple[Kind, ...]) -> tuple[Step, ...]:
    """Return what a free sentence is about: what it names, else any thing."""
    if named:
        return tuple(Step("", kind) for kind in named)
    return (Step("", KINDS[int(rng.integers(len(KINDS)))]),)


def _is_plain(steps: tuple[Step, ...]) -> bool:
    return steps[0].verb == goals.KEEP_AWAY


def _wanted_fixtures(rng: np.random.Generator, steps: tuple[Step, ...]) -> list[str]:
    """Return the doors and switches of the scene, those that are asked for first."""
    wanted = [step.kind.key for step in steps if step.kind is not None and step.fixture]
    for key in tuple(wanted):
        family = KIND_BY_KEY[key].family
        others = [f"{c}_{family}" for c in COLOURS if f"{c}_{family}" not in wanted]
        count = 1 if len(wanted) > 1 else int(rng.integers(1, 3))
        wanted += [str(k) for k in rng.choice(others, size=count, replace=False)]
    if not wanted and not _is_plain(steps) and rng.random() < 0.25:
        family = DOOR if rng.random() < 0.5 else SWITCH
        keys = [kind.key for kind in FIXTURES if kind.family == family]
        count = int(rng.integers(1, 3))
        wanted = [str(key) for key in rng.choice(keys, size=count, replace=False)]
    return wanted


def _furnish(draft: Draft, steps: tuple[Step, ...], named: tuple[Kind, ...]) -> Scene:
    rng = draft.rng
    first = steps[0]
    stalked = first.verb == goals.KEEP_AWAY
    for _ in range(TRIES):
        draft.start = draft.any_spot(None)
        # A wall to press on is used from near; it should not be so already.
        if all(math.dist(draft.start, (f.x, f.y)) >= START_CLEARANCE for f in draft.plan.fixtures):
            break
    draft.angle = float(rng.integers(360))
    if first.kind is None:
        _place_motion(draft, first)
    elif first.fixture:
        _turn_to(draft, first, _fixture_spot(draft, first.kind))
    elif first.relation:
        _place_pair(draft, first)
    else:
        _place_target(draft, first)
    if len(steps) > 1:
        _place_second(draft, steps)
    for kind in named[1:]:
        if kind.family not in (DOOR, SWITCH):
            draft.put(kind, draft.any_spot(kind))
    _place_others(draft, steps, few=stalked)
    armed: tuple[int, ...] = ()
    if first.verb == goals.SWITCH_TO:
        slots = [slot for slot in WEAPON_SLOTS.values() if slot != first.slot]
        armed = (*WEAPON_SLOTS.values(), int(rng.choice(slots)))
    return Scene(
        plan=draft.plan,
        start_x=draft.start[0],
        start_y=draft.start[1],
        start_angle=round(draft.angle) % 360,
        things=tuple(
            Placed(kind, *spot, int(rng.integers(8)) * 45, stalks=stalked and number == 0)
            for number, (kind, spot) in enumerate(zip(draft.kinds, draft.spots, strict=True))
        ),
        armed=armed,
    )


def _place_others(draft: Draft, steps: tuple[Step, ...], *, few: bool) -> None:
    """Place what is not asked for; two must fit, more are welcome where they do.

    The first of them may be taken for the target, so it is one of the two.
    """
    first = steps[0]
    alike = len(draft.kinds) > 0
    least = len(draft.spots) + (1 if few or len(draft.spots) > 1 else 2)
    for number, kind in enumerate(_other_kinds(draft, steps, few=few)):
        needed = len(draft.spots) < least or (alike and number == 0)
        for _ in range(OTHER_TRIES if needed else 1):
            try:
                spot = draft.any_spot(kind)
            except NoRoomError:
                break
            if first.verb != goals.FACE or _apart(draft, spot, first):
                draft.put(kind, spot)
                needed = False
                break
        if needed:
            raise NoRoomError


def _off_range(draft: Draft, step: Step) -> tuple[float, float]:
    """Return a range of bearings for the target, in the first picture or out of it."""
    rng = draft.rng
    if draft.hide:
        # What comes nearer must be found in time.
        last = 200.0 if step.verb == goals.KEEP_AWAY else 360 - HALF_VIEW_DEG - 7
        return HALF_VIEW_DEG + 7, last
    if step.verb == goals.FACE:
        return (FACE_APART_DEG, 42.0) if rng.random() < 0.5 else (-42.0, -FACE_APART_DEG)
    return -42.0, 42.0


def _place_target(draft: Draft, step: Step) -> None:
    assert step.kind is not None
    far = (NEAREST_TARGET, FARTHEST_TARGET)
    if step.verb == goals.KEEP_AWAY:
        far = STALKER_BEGINS
    spot = draft.spot_at(_off_range(draft, step), far, step.kind)
    draft.put(step.kind, spot)
    draft.paths.append((draft.start, spot))
    if step.verb == goals.KEEP_AWAY:
        draft.path_clearance = RETREAT_CLEARANCE
        share = RETREAT / math.dist(draft.start, spot)
        back = tuple(a - share * (b - a) for a, b in zip(draft.start, spot, strict=True))
        if not within(draft.plan.room, back[0], back[1], 32.0):
            raise NoRoomError
        draft.paths.append((draft.start, (back[0], back[1])))


def _fixture_spot(draft: Draft, kind: Kind) -> Spot:
    """Return where a door or switch is used from, if the start has a free way there."""
    found = next(f for f in draft.plan.fixtures if f.key == kind.key)
    spot = (found.x + 40 * found.normal[0], found.y + 40 * found.normal[1])
    start = draft.start
    ahead = (start[0] - found.x) * found.normal[0] + (start[1] - found.y) * found.normal[1]
    sideways = abs((start[0] - found.x) * found.normal[1] + (start[1] - found.y) * found.normal[0])
    # Not seen from along its own wall.
    if ahead < 100 or sideways > 1.6 * ahead or math.dist(start, spot) > FARTHEST_TARGET:
        raise NoRoomError
    if not draft.open_path(start, spot, 24):
        raise NoRoomError
    return spot


def _turn_to(draft: Draft, step: Step, spot: Spot) -> None:
    """Turn the player so that a fixed place is in view or not."""
    off = draft.rng.uniform(*_off_range(draft, step))
    # A bearing is counted to the right, an angle to the left.
    draft.angle = float(round(off - bearing_deg(*draft.start, 0.0, *spot)) % 360)
    draft.paths.append((draft.start, spot))


def _place_pair(draft: Draft, step: Step) -> None:
    """Place two of a kind so that a player who sees one picture can tell which is meant.

    Searching by turning right (left for "right"), the one that is meant comes first.
    """
    rng = draft.rng
    kind = step.kind
    assert kind is not None
    if step.relation == goals.BEHIND:
        # What is meant is near, what stands ahead is far: one look tells them apart.
        target = draft.spot_at((125.0, 235.0), (START_CLEARANCE, 250.0), kind)
        draft.put(kind, target)
        draft.put(kind, draft.spot_at((-32.0, 32.0), (390.0, 640.0), kind))
        draft.paths.append((draft.start, target))
        return
    apart = float(rng.uniform(18.0, 48.0))
    if draft.hide:
        low, high = HALF_VIEW_DEG + 7, 360 - HALF_VIEW_DEG - 7
    else:
        low, high = -42.0, 42.0
    left_off = float(rng.uniform(low, high - apart))
    offs = (left_off, left_off + apart)
    meant_left = step.relation == goals.LEFT
    if step.relation in (goals.NEAREST, goals.FARTHEST):
        meant_left = low > 0 or rng.random() < 0.5
    off, other_off = offs if meant_left else offs[::-1]
    near, far = (START_CLEARANCE, 260.0), (START_CLEARANCE, 460.0)
    if step.relation == goals.NEAREST:
        ranges = near, (400.0, 620.0)
    elif step.relation == goals.FARTHEST:
        ranges = (350.0, 410.0), (START_CLEARANCE, 215.0)
    else:
        ranges = far, far
    if step.verb == goals.FACE and abs(off) < FACE_APART_DEG:
        raise NoRoomError
    target = draft.spot_at((off - 1, off + 1), ranges[0], kind)
    draft.put(kind, target)
    draft.put(kind, draft.spot_at((other_off - 1, other_off + 1), ranges[1], kind))
    draft.paths.append((draft.start, target))
    other = draft.spots[1]
    if step.relation != goals.FARTHEST and distance_to_line(*other, *draft.start, *target) < (
        PATH_CLEARANCE + kind.radius
    ):
        raise NoRoomError


def _place_second(draft: Draft, steps: tuple[Step, ...]) -> None:
    """Place what the second step is about, with a free way from the first.

    It is in the first picture only where the first thing is; else turning right shows
    the first thing first.
    """
    first, second = steps
    assert first.kind is not None
    place = _fixture_spot(draft, first.kind) if first.fixture else draft.spots[0]
    if second.kind is None:
        return
    if second.fixture:
        spot = _fixture_spot(draft, second.kind)
    else:
        spot = draft.any_spot(second.kind)
        if "barrel" in (first.kind.key, second.kind.key) and math.dist(spot, place) < 210:
            raise NoRoomError
    if math.dist(place, spot) > FARTHEST_TARGET or not draft.open_path(place, spot, 24):
        raise NoRoomError
    # What is shot is shot from somewhere on the way.
    if first.verb == goals.SHOOT and not draft.open_path(draft.start, spot, 24):
        raise NoRoomError
    off, second_off = draft.bearing(place), draft.bearing(spot)
    in_view = abs(off) < HALF_VIEW_DEG
    if not in_view and (abs(second_off) < HALF_VIEW_DEG + 5 or second_off % 360 < off % 360):
        raise NoRoomError
    if not second.fixture:
        draft.put(second.kind, spot)
    draft.paths.append((place, spot))


def _place_motion(draft: Draft, step: Step) -> None:
    """Find a start with room to walk where the step goes."""
    turned = {goals.WALK_FORWARD: 0.0, goals.WALK_BACK: 180.0}.get(step.verb)
    if step.verb == goals.WALK_SIDEWAYS:
        turned = 90.0 if step.relation == goals.LEFT else -90.0
    if turned is None:
        return
    for _ in range(TRIES):
        draft.start, draft.angle = draft.any_spot(None), float(draft.rng.integers(360))
        direction = math.radians(draft.angle + turned)
        end = (
            draft.start[0] + 210 * math.cos(direction),
            draft.start[1] + 210 * math.sin(direction),
        )
        if within(draft.plan.room, *end, 40) and draft.open_path(draft.start, end, 40):
            draft.paths.append((draft.start, end))
            return
    raise NoRoomError


def _other_kinds(draft: Draft, steps: tuple[Step, ...], *, few: bool) -> list[Kind]:
    """Choose the other things: one like the target first, then any."""
    rng = draft.rng
    taken = {kind.key for kind in draft.kinds}
    taken |= {step.kind.key for step in steps if step.kind is not None}
    chosen: list[Kind] = []
    if draft.kinds:
        family = [k for k in KINDS if k.family == draft.kinds[0].family and k.key not in taken]
        chosen.append(family[int(rng.integers(len(family)))])
        taken.add(chosen[0].key)
    # Who goes backwards must not pick anything up.
    rest = [k for k in KINDS if k.key not in taken and not (few and k.family in CARRIED)]
    count = int(rng.choice([1, 2, 3, 4, 5], p=[0.34, 0.3, 0.2, 0.1, 0.06]))
    if few:
        count = 1
    elif not draft.kinds:
        count += 1
    chosen += [rest[int(n)] for n in rng.permutation(len(rest))[:count]]
    return chosen[: 8 - len(draft.kinds)]


def _apart(draft: Draft, spot: Spot, step: Step) -> bool:
    """Whether a thing is to be seen well beside the one that is to be faced."""
    if step.fixture:
        fixture = next(f for f in draft.plan.fixtures if step.kind and f.key == step.kind.key)
        target = (fixture.x, fixture.y)
    else:
        target = draft.spots[0]
    off = abs(draft.bearing(spot) - draft.bearing(target)) % 360
    return min(off, 360 - off) >= FACE_APART_DEG
