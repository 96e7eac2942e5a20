"""A crowded yard: two dozen things in one room, for teaching what things look like.

Nothing is judged there and nothing needs a free way; the pictures hold many things each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from recorder.games.doom.layout import crosses, draw_plan, within
from recorder.games.doom.scene import Placed, Scene
from recorder.games.doom.things import FIXTURES, KIND_BY_KEY, KINDS, Kind

MOST_FIXTURES = 3
FEWEST_THINGS, MOST_THINGS = 10, 26
WALL_ROOM = 40.0
APART = 30.0
"""Room between two things, beside their radii."""
START_ROOM = 70.0


def build_crowd(seed: int, kinds: Sequence[Kind] = KINDS) -> Scene:
    """Return the crowded scene of a seed; most of ``kinds`` stand once, some twice."""
    rng = np.random.default_rng((0xC40D, seed))
    count = int(rng.integers(MOST_FIXTURES + 1))
    fixtures = [str(k.key) for k in rng.choice(np.array(FIXTURES, object), count, replace=False)]
    plan = draw_plan(rng, fixtures)
    west, south, east, north = plan.room
    start = (
        float(rng.uniform(west + WALL_ROOM, east - WALL_ROOM)),
        float(rng.uniform(south + WALL_ROOM, north - WALL_ROOM)),
    )
    mixed = [kinds[int(n)] for n in rng.permutation(len(kinds))]
    wanted = mixed[: int(rng.integers(FEWEST_THINGS, MOST_THINGS + 1))]
    wanted += [wanted[int(n)] for n in rng.integers(len(wanted), size=2)]
    things: list[Placed] = []
    for kind in wanted:
        for _ in range(6):
            x = round(float(rng.uniform(west + WALL_ROOM, east - WALL_ROOM)), 1)
            y = round(float(rng.uniform(south + WALL_ROOM, north - WALL_ROOM)), 1)
            free = (
                math.dist((x, y), start) > START_ROOM + kind.radius
                and not any(crosses(area, x, y, x, y, kind.radius + 8) for area in plan.pillars)
                and all(
                    math.dist((x, y), (other.x, other.y))
                    > APART + kind.radius + KIND_BY_KEY[other.kind.key].radius
                    for other in things
                )
                and not any(
                    within(area, x, y, -kind.radius) and not within(area, x, y, kind.radius)
                    for area in plan.ledges
                )
            )
            if free:
                things.append(Placed(kind, x, y, int(rng.integers(8)) * 45))
                break
    return Scene(plan, *start, int(rng.integers(360)), tuple(things))
