"""Where a door or switch is to be seen in the picture: the engine labels things only."""

from __future__ import annotations

import math

from recorder.games.doom.layout import CELL, Fixture, crosses, within
from recorder.games.doom.scene import Scene

EYE_HEIGHT = 41.0
"""Of the player, in map units above the floor."""
TALL = 1.2
"""The engine draws so many times as tall as wide."""
NEAR = 4.0
LEAST_PIXELS = 3

Box = tuple[int, int, int, int]


def face_box(
    fixture: Fixture,
    scene: Scene,
    pose: tuple[float, float, float, float],
    size: tuple[int, int],
) -> Box | None:
    """Return (x, y, w, h) in pixels of a fixture's face, or None where it is not seen.

    ``pose`` is x, y, angle, pitch in map units and degrees (pitch positive downwards), seen
    from inside the main room; ``size`` is the picture's width and height.
    """
    x, y, angle, pitch = pose
    plan = scene.plan
    width, height = size
    ahead_of_wall = (x - fixture.x) * fixture.normal[0] + (y - fixture.y) * fixture.normal[1]
    if ahead_of_wall <= 0 or not within(plan.room, x, y, 0.0):
        return None
    if any(crosses(area, x, y, fixture.x, fixture.y, 0.0) for area in plan.pillars):
        return None
    half = len(fixture.edges) * CELL / 2
    along = (abs(fixture.normal[1]) * half, abs(fixture.normal[0]) * half)
    heading = math.radians(angle)
    ends = []
    for sign in (-1.0, 1.0):
        dx, dy = fixture.x + sign * along[0] - x, fixture.y + sign * along[1] - y
        ends.append(
            (
                dx * math.cos(heading) + dy * math.sin(heading),
                dx * math.sin(heading) - dy * math.cos(heading),
            )
        )
    (ahead_a, right_a), (ahead_b, right_b) = sorted(ends)
    if ahead_b <= NEAR:
        return None
    if ahead_a < NEAR:
        share = (NEAR - ahead_a) / (ahead_b - ahead_a)
        ahead_a, right_a = NEAR, right_a + share * (right_b - right_a)
    # The engine widens a view of 90 degrees at 4 x 3 for wider pictures.
    focus = height * (4 / 3) / 2
    # Looking up or down shears the picture, as walls stay upright in it.
    horizon = height / 2 - math.tan(math.radians(pitch)) * focus * TALL
    columns = [width / 2 + focus * right_a / ahead_a, width / 2 + focus * right_b / ahead_b]
    nearest = min(ahead_a, ahead_b)
    top = horizon - focus * TALL * (plan.sectors[0].ceiling - EYE_HEIGHT) / nearest
    bottom = horizon + focus * TALL * EYE_HEIGHT / nearest
    left, right = max(0.0, min(columns)), min(float(width), max(columns))
    top, bottom = max(0.0, top), min(float(height), bottom)
    if right - left < LEAST_PIXELS or bottom - top < LEAST_PIXELS:
        return None
    return round(left), round(top), round(right - left), round(bottom - top)
