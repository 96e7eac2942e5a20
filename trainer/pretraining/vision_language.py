"""Language and vision-language data of the practice yard, free from the engine's state.

Pure functions of a hidden state (with labels on) and a seeded generator: captions,
questions with answers, counts, points and boxes; and text-only pairs on how the yard
works and on how things are said.  Coordinates are JARVIS-VLA's: integers of a thousandth
of the picture, at most 990, as ``<|point_start|>(x,y)<|point_end|>`` and
``<|box_start|>(x,y),(x,y)<|box_end|>``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recorder.games.base import Task
from recorder.games.doom.state import HiddenState, SeenThing
from recorder.games.doom.tasks import TRAINED_TASKS
from recorder.games.doom.things import (
    CLASSES,
    DOOR,
    FIXTURES,
    KIND_BY_KEY,
    KINDS,
    SWITCH,
    WEAPON_SLOTS,
    Kind,
)

LARGEST_COORDINATE = 990
LEAST_SIDE, LEAST_AREA = 4, 40
"""Pixels at 640 x 360; what is smaller in the picture is not asked about."""
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
FAMILY_WORDS = {
    "landmark": "landmark", "pickup": "pick-up", "key": "key", "weapon": "weapon",
    "monster": "monster", DOOR: "door", SWITCH: "switch",
}  # fmt: skip
_REFERENCE_PIXELS = 640 * 360

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its answer.

    ``kind`` says what is asked for (caption, presence, count, place, nearest, order,
    class, point, box, rule, paraphrase).  ``key`` is the thing it is about ("" for none),
    ``numbers`` the coordinates or count in the answer.
    """

    kind: str
    question: str
    answer: str
    key: str = ""
    numbers: tuple[int, ...] = ()


def coordinates(x: float, y: float, size: Size) -> tuple[int, int]:
    """Return a pixel's place in thousandths of a picture of ``size`` (width, height)."""
    width, height = size
    return (
        max(0, min(LARGEST_COORDINATE, int(x * 1000 / width))),
        max(0, min(LARGEST_COORDINATE, int(y * 1000 / height))),
    )


def point_text(x: int, y: int) -> str:
    """Return a point as the model writes it."""
    return f"<|point_start|>({x},{y})<|point_end|>"


def box_text(left: int, top: int, right: int, bottom: int) -> str:
    """Return a box as the model writes it: the upper left and the lower right corner."""
    return f"<|box_start|>({left},{top}),({right},{bottom})<|box_end|>"


def seen_things(state: HiddenState, size: Size) -> tuple[SeenThing, ...]:
    """Return what can be made out in the picture, from left to right."""
    scale = (size[0] * size[1] / _REFERENCE_PIXELS) ** 0.5
    found = []
    for thing in state.everything:
        if thing.box is None:
            continue
        _, _, width, height = thing.box
        if min(width, height) >= LEAST_SIDE * scale and width * height >= LEAST_AREA * scale**2:
            found.append(thing)
    return tuple(sorted(found, key=lambda thing: _centre(thing)[0]))


def caption(state: HiddenState, size: Size, rng: np.random.Generator) -> Pair:
    """Return a description of the picture: what is seen, where and how far."""
    things = seen_things(state, size)
    question = _pick(rng, ("Describe what you see.", "What do you see?", "Describe the picture."))
    if not things:
        return Pair("caption", question, "I see an empty part of the yard.")
    parts = [
        f"{_a(_phrase(thing))} {_place(thing, size)}{_how_far(state, thing)}" for thing in things
    ]
    return Pair("caption", question, f"I see {_listed(parts)}.")


def questions(
    state: HiddenState, size: Size, rng: np.random.Generator, count: int
) -> tuple[Pair, ...]:
    """Return up to ``count`` different pairs on one picture; an empty one has fewer."""
    makers: tuple[Maker, ...] = (
        caption, _presence, _presence, _count, _where, _nearest, _order, _class, _state_of,
        _point, _point, _point, _box, _box,
    )  # fmt: skip
    pairs: dict[str, Pair] = {}
    for _ in range(count * 4):
        if len(pairs) >= count:
            break
        pair = makers[int(rng.integers(len(makers)))](state, size, rng)
        if pair is not None:
            pairs.setdefault(pair.question, pair)
    return tuple(pairs.values())


def rule_pairs() -> tuple[Pair, ...]:
    """Return text-only pairs on how the yard works."""
    pairs = [Pair("rule", question, answer) for question, answer in _RULES]
    for kind in (*KINDS, *FIXTURES):
        word = FAMILY_WORDS[kind.family]
        pairs.append(
            Pair("rule", f"What is {_a(kind.phrase)}?", f"{_a(word).capitalize()}.", kind.key)
        )
        pairs.append(
            Pair("rule", f"What can you do with {_a(kind.phrase)}?", _use_of(kind), kind.key)
        )
    for family in CLASSES:
        names = _listed([f"the {kind.phrase}" for kind in KINDS if kind.family == family])
        pairs.append(Pair("rule", f"Which {FAMILY_WORDS[family]}s are there?", f"{names}."))
    for key, slot in WEAPON_SLOTS.items():
        name = KIND_BY_KEY[key].phrase if key in KIND_BY_KEY else key
        pairs.append(
            Pair("rule", f"Which number is the {name} on?", f"Number {slot}.", key, (slot,))
        )
        pairs.append(Pair("rule", f"What is on number {slot}?", f"The {name}.", key, (slot,)))
    return tuple(pairs)


def paraphrase_pairs(tasks: Sequence[Task] = TRAINED_TASKS) -> tuple[Pair, ...]:
    """Return text-only pairs from every phrasing of the tasks to the task's own sentence.

    Phrasings and tasks that are held out are not among them by default.
    """
    return tuple(
        Pair("paraphrase", f"What does this ask for: {said}", f"{task.instruction}.", task.id)
        for task in tasks
        for said in task.phrasings
    )


Maker = Callable[[HiddenState, Size, np.random.Generator], Pair | None]


def _presence(state: HiddenState, size: Size, rng: np.random.Generator) -> Pair:
    """Ask for something that is there, or for something that is not, half the time each."""
    keys = {thing.key for thing in seen_things(state, size)}
    hidden = {thing.key for thing in state.everything if thing.box is not None} - keys
    if keys and rng.random() < 0.5:
        key, answer = sorted(keys)[int(rng.integers(len(keys)))], "Yes."
    else:
        # What is too small to be sure of is asked about neither way.
        absent = [k.key for k in (*KINDS, *FIXTURES) if k.key not in keys | hidden]
        key, answer = absent[int(rng.integers(len(absent)))], "No."
    name = KIND_BY_KEY[key].phrase
    asked = _pick(rng, ("Do you see {}?", "Is there {} in view?", "Can you see {}?"))
    return Pair("presence", asked.format(_a(name)), answer, key)


def _number(count: int) -> str:
    """Return a count as an answer; beyond eight nobody counts at a glance."""
    return f"{NUMBERS[count].capitalize()}." if count < len(NUMBERS) else "Many."


def _count(state: HiddenState, size: Size, rng: np.random.Generator) -> Pair:
    things = seen_things(state, size)
    families = Counter(KIND_BY_KEY[thing.key].family for thing in things)
    if rng.random() < 0.4:
        # Doors and switches belong to the walls.
        n = sum(families[family] for family in CLASSES)
        return Pair("count", "How many things do you see?", _number(n), "", (n,))
    family = _pick(rng, tuple(families) or CLASSES)
    if rng.random() < 0.25:
        family = _pick(rng, CLASSES)
    n = families[family]
    plural = "switches" if family == SWITCH else f"{FAMILY_WORDS[family]}s"
    return Pair("count", f"How many {plural} do you see?", _number(n), "", (n,))


def _where(state: HiddenState, size: Size, rng: np.random.Generator) -> Pair | None:
    thing = _any_alone(state, size, rng)
    if thing is None:
        return None
    where = _place(thing, size)
    return Pair("place", f"Where is the {_phrase(thing)}?", f"It is {where}.", thing.key)


def _nearest(state: HiddenState, size: Size, rng: np.random.Generator) -> Pair | None:
    things = seen_things(state, size)
    if len(things) < 2:
        return None
    far = rng.random() < 0.3
    chosen = (max if far else min)(things, key=state.distance)
    word = "farthest away" if far else "nearest"
    return Pair("nearest", f"What is {word}?", f"The {_phrase(chosen)}.", chosen.key)


def _order(state: HiddenState, size: Size, rng: np.random.Generator) -> Pair | None:
    things = seen_things(state, size)
    if len({thing.key for thing in things}) < 2:
        return None
    one, other = (things[int(n)] for n in rng.choice(len(things), size=2, replace=False))
    if one.key == other.key or abs(_centre(one)[0] - _centre(other)[0]) < size[0] * 0.03:
        return None
    left = rng.random() < 0.5
    in_order = sorted((one, other), key=lambda thing: _centre(thing)[0])
    chosen = in_order[0 if left else 1]
    side = "left" if left else "right"
    question = f"Which is further {side}, the {_phrase(one)} or the {_phrase(other)}?"
    return Pair("order", question, f"The {_phrase(chosen)}.", chosen.key)


def _class(state: HiddenState, size: Size, rng: np.random.Generator) -> Pair | None:
    thing = _any_alone(state, size, rng)
    if thing is None:
        return None
    x, y = coordinates(*_centre(thing), size)
    return Pair(
        "class",
        f"What is at {point_text(x, y)}?",
        f"{_a(_phrase(thing)).capitalize()}.",
        thing.key,
        (x, y),
    )


def _state_of(state: HiddenState, size: Size, rng: np.random.Generator) -> Pair | None:
    """Ask whether a door is open or a switch pressed."""
    keys = {kind.key for kind in FIXTURES}
    fixtures = [thing for thing in seen_things(state, size) if thing.key in keys]
    if not fixtures:
        return None
    thing = fixtures[int(rng.integers(len(fixtures)))]
    word = "open" if KIND_BY_KEY[thing.key].family == DOOR else "pressed"
    answer = "Yes." if thing.used else "No."
    return Pair("presence", f"Is the {_phrase(thing)} {word}?", answer, thing.key)


def _point(state: HiddenState, size: Size, rng: np.random.Generator) -> Pair | None:
    thing = _any_alone(state, size, rng)
    if thing is None:
        return None
    asked = _pick(rng, ("Point to the {}.", "Where is the {}? Point to it.", "Point at the {}."))
    return _point_pair(asked.format(_phrase(thing)), thing, size)


def _box(state: HiddenState, size: Size, rng: np.random.Generator) -> Pair | None:
    thing = _any_alone(state, size, rng)
    if thing is None:
        return None
    return _box_pair(f"Where is the {_phrase(thing)}? Give its box.", thing, size)


def _point_pair(question: str, thing: SeenThing, size: Size) -> Pair:
    x, y = coordinates(*_centre(thing), size)
    return Pair("point", question, point_text(x, y), thing.key, (x, y))


def _box_pair(question: str, thing: SeenThing, size: Size) -> Pair:
    assert thing.box is not None
    x, y, width, height = thing.box
    numbers = (*coordinates(x, y, size), *coordinates(x + width, y + height, size))
    return Pair("box", question, box_text(*numbers), thing.key, numbers)


def _any_alone(state: HiddenState, size: Size, rng: np.random.Generator) -> SeenThing | None:
    """Return something in the picture that stands in the yard only once."""
    counts = Counter(thing.key for thing in state.everything)
    alone = [thing for thing in seen_things(state, size) if counts[thing.key] == 1]
    return alone[int(rng.integers(len(alone)))] if alone else None


def _centre(thing: SeenThing) -> tuple[float, float]:
    assert thing.box is not None
    x, y, width, height = thing.box
    return x + width / 2, y + height / 2


def _phrase(thing: SeenThing) -> str:
    return KIND_BY_KEY[thing.key].phrase


def _place(thing: SeenThing, size: Size) -> str:
    share = _centre(thing)[0] / size[0]
    if share < 0.4:
        return "on the left"
    return "on the right" if share > 0.6 else "straight ahead"


def _how_far(state: HiddenState, thing: SeenThing) -> str:
    distance = state.distance(thing)
    if distance < 200:
        return ", near"
    return ", far away" if distance > 500 else ""


def _a(phrase: str) -> str:
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{'; '.join(parts[:-1])}; and {parts[-1]}"


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _use_of(kind: Kind) -> str:
    if kind.family == "landmark":
        return "Go to it and face it." if kind.key != "barrel" else "Go to it, or shoot it."
    if kind.family == "monster":
        return "Shoot it, or keep away from it."
    return {DOOR: "Open it.", SWITCH: "Press it."}.get(kind.family, "Pick it up.")


_RULES = (
    ("How do you pick a thing up?", "Walk over it."),
    ("How do you open a door?", "Go near it, face it and press use."),
    ("How do you press a switch?", "Go near it, face it and press use."),
    ("How do you shoot?", "Turn until the target is in the middle, then attack."),
    ("How many bullets does a monster take?", "About two."),
    ("What do you do when you do not see the target?", "Turn right until it comes into view."),
    ("What do you do when you look for the right one of two?", "Turn left until both are seen."),
    ("What happens when you do it to the wrong thing?", "The attempt fails."),
    ("What happens when you do nothing?", "The time runs out."),
    ("How do you get around a pillar?", "Walk past it on the free side."),
    ("How do you keep away from a monster?", "Face it and walk back when it comes near."),
    ("What does 'behind you' mean?", "Turn around, then it is in front of you."),
    ("What does 'nearest' mean?", "The one that looks largest."),
    ("What does 'farthest' mean?", "The one that looks smallest."),
    ("What does 'the left one' mean?", "The one that is further left in the picture."),
    ("What does 'the right one' mean?", "The one that is further right in the picture."),
    ("When is a two-step sentence done?", "When both parts are done in order."),
    ("What do you do first in 'open the red door, then shoot the imp'?", "Open the red door."),
    ("What do you do after the first part is done?", "The second part."),
    ("How do you face a thing?", "Turn until it is in the middle of the picture."),
    ("How do you stand still at a thing?", "Go to it, then do nothing."),
    ("Does a door stay open?", "Yes."),
    ("How do you see that a switch was pressed?", "It has a white ring."),
    ("Do the monsters of the yard bite?", "No."),
    ("What does a barrel do when it is shot?", "It explodes."),
    ("How do you turn around?", "Keep turning to one side."),
    ("How do you walk sideways?", "Press left or right without turning."),
    ("How do you change weapons?", "Press the weapon's number."),
)
