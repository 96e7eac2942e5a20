"""JARVIS-VLA's action codec: one tick's action <-> action tokens.  Pure and total.

An action is written as begin, the tokens of every group that is not "none" in order,
pitch, yaw, end (arXiv 2503.16365, and the released code).  Camera degrees go through a
mu-law quantiser of 21 bins an axis: with x = clip(v, -10, 10) / 10 and mu = 20,
``bin = round_half_even(10 * sign(x) * ln(1 + mu |x|) / ln(1 + mu) + 10)``.

The published encoder never writes the inventory token; this one does (between begin and
pitch), and the published decoder understands it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from recorder.types import Action

ACTION_BEGIN = 178
ACTION_END = 179
INVENTORY = 177
INVENTORY_OFF = 176
PITCH_0 = 209
YAW_0 = 230
CAMERA_BINS = 21
CENTRE_BIN = 10
CAMERA_MAX_DEG = 10.0
MU = 20.0
CODEC_VERSION = 1

# (first token of the group, its options; the first option is "none")
GROUPS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (180, ("none", *(f"hotbar.{n}" for n in range(1, 10)))),
    (190, ("none", "forward", "back")),
    (193, ("none", "left", "right")),
    (196, ("none", "sprint", "sneak")),
    (199, ("none", "use")),
    (201, ("none", "drop")),
    (203, ("none", "attack")),
    (205, ("none", "jump")),
)
"""The eight written groups, in the order of their tokens."""
_TOKEN = re.compile(r"<\|reserved_special_token_([0-9]{1,3})\|>")
_OPTION = {
    first + index: (group, index)
    for group, (first, options) in enumerate(GROUPS)
    for index in range(len(options))
}


def token_string(n: int) -> str:
    """Return the token text of number ``n``."""
    return f"<|reserved_special_token_{n}|>"


def camera_bin(degrees: float) -> int:
    """Quantise degrees to a bin 0..20; values beyond +-10 are clamped, NaN is the centre."""
    if math.isnan(degrees):
        return CENTRE_BIN
    x = max(-CAMERA_MAX_DEG, min(CAMERA_MAX_DEG, degrees)) / CAMERA_MAX_DEG
    y = math.copysign(math.log1p(MU * abs(x)) / math.log1p(MU), x)
    return round(CENTRE_BIN * y) + CENTRE_BIN


def turn_is_cut(action: Action) -> bool:
    """Return whether a turn is larger than the tokens can say, so that a smaller one is written."""
    return any(abs(degrees) > CAMERA_MAX_DEG for degrees in action.camera)


def camera_degrees(camera: int) -> float:
    """Return the degrees of a bin 0..20."""
    y = (camera - CENTRE_BIN) / CENTRE_BIN
    return math.copysign(CAMERA_MAX_DEG * ((1 + MU) ** abs(y) - 1) / MU, y) if y else 0.0


def group_values(action: Action) -> tuple[int, ...]:
    """Return the option of each group; opposite directions cancel, the last option wins."""
    fore_back = 0 if action.forward and action.back else (2 if action.back else int(action.forward))
    left_right = 0 if action.left and action.right else (2 if action.right else int(action.left))
    sprint_sneak = 2 if action.sneak else int(action.sprint)
    return (
        action.hotbar,
        fore_back,
        left_right,
        sprint_sneak,
        int(action.use),
        int(action.drop),
        int(action.attack),
        int(action.jump),
    )


def encode_ids(action: Action) -> tuple[int, ...]:
    """Return the token numbers of an action, begin to end (4 to 12 of them)."""
    if action.inventory:
        return (ACTION_BEGIN, INVENTORY, PITCH_0 + CENTRE_BIN, YAW_0 + CENTRE_BIN, ACTION_END)
    written = [
        first + value
        for (first, _), value in zip(GROUPS, group_values(action), strict=True)
        if value
    ]
    pitch, yaw = (camera_bin(v) for v in action.camera)
    return (ACTION_BEGIN, *written, PITCH_0 + pitch, YAW_0 + yaw, ACTION_END)


def encode(action: Action) -> str:
    """Return the action as token text."""
    return "".join(map(token_string, encode_ids(action)))


def decode(text: str) -> list[Action]:
    """Return every complete action in ``text``; anything else is ignored."""
    return decode_ids(int(number) for number in _TOKEN.findall(text))


def decode_ids(numbers: Iterable[int]) -> list[Action]:
    """Return the actions between each begin and the next end; an open tail is ignored."""
    actions: list[Action] = []
    inside: list[int] | None = None
    for number in numbers:
        if inside is None:
            if number == ACTION_BEGIN:
                inside = []
        elif number == ACTION_END:
            actions.append(_from_numbers(inside))
            inside = None
        else:
            inside.append(number)
    return actions


def _from_numbers(numbers: Sequence[int]) -> Action:
    """Build an action; the last token of a group wins, unknown ones are ignored."""
    values = [0] * len(GROUPS)
    pitch = yaw = CENTRE_BIN
    inventory = False
    for number in numbers:
        if number in _OPTION:
            group, index = _OPTION[number]
            values[group] = index
        elif PITCH_0 <= number < PITCH_0 + CAMERA_BINS:
            pitch = number - PITCH_0
        elif YAW_0 <= number < YAW_0 + CAMERA_BINS:
            yaw = number - YAW_0
        elif number in (INVENTORY, INVENTORY_OFF):
            inventory = number == INVENTORY
    if inventory:
        return Action(inventory=True)
    return action_from_groups(values, pitch, yaw)


def action_from_groups(values: Sequence[int], pitch: int, yaw: int) -> Action:
    """Return the action of eight group options and two camera bins."""
    return Action(
        hotbar=values[0],
        forward=values[1] == 1,
        back=values[1] == 2,
        left=values[2] == 1,
        right=values[2] == 2,
        sprint=values[3] == 1,
        sneak=values[3] == 2,
        use=bool(values[4]),
        drop=bool(values[5]),
        attack=bool(values[6]),
        jump=bool(values[7]),
        camera=(camera_degrees(pitch), camera_degrees(yaw)),
    )


def split_actions(numbers: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    """Return the numbers of each complete action, begin to end."""
    actions: list[tuple[int, ...]] = []
    inside: list[int] = []
    for number in numbers:
        inside = [number] if number == ACTION_BEGIN and not inside else [*inside, number]
        if number == ACTION_END:
            actions.append(tuple(inside))
            inside = []
    return tuple(actions)


def continuation(prefix: Sequence[int], action: Sequence[int]) -> tuple[int, ...]:
    """Return what of ``action`` (begin to end) may stand behind ``prefix``, in order.

    ``prefix`` is the beginning of another action; what it has passed is left out.
    """
    passed = _rank(prefix[-1])
    return tuple(number for number in action if _rank(number) > passed)


def _rank(number: int) -> int:
    """Return the place of a token's group within an action."""
    if number in _OPTION:
        return 2 + _OPTION[number][0]
    if number >= YAW_0:
        return 101
    if number >= PITCH_0:
        return 100
    return {ACTION_BEGIN: 0, INVENTORY_OFF: 1, INVENTORY: 1}.get(number, 102)


def legal_next(prefix: Sequence[int]) -> tuple[int, ...]:
    """Return the token numbers that may follow ``prefix`` within one action.

    An empty prefix must begin; after end nothing follows.
    """
    if not prefix:
        return (ACTION_BEGIN,)
    last = prefix[-1]
    if last == ACTION_END:
        return ()
    if last >= YAW_0:
        return (ACTION_END,)
    if last >= PITCH_0:
        if INVENTORY in prefix:
            return (YAW_0 + CENTRE_BIN,)
        return tuple(range(YAW_0, YAW_0 + CAMERA_BINS))
    if last == INVENTORY:
        return (PITCH_0 + CENTRE_BIN,)
    pitches = tuple(range(PITCH_0, PITCH_0 + CAMERA_BINS))
    start = 0 if last == ACTION_BEGIN else _OPTION[last][0] + 1
    options = tuple(
        first + index for first, names in GROUPS[start:] for index in range(1, len(names))
    )
    return ((INVENTORY,) if last == ACTION_BEGIN else ()) + options + pitches
