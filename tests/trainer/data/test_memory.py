"""Which acts a sentence is told: those that are done once and then followed by something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.actions.tokens import encode_ids
from recorder.types import Action
from trainer.data.examples import Example
from trainer.data.memory import LEAST_AFTER, acts_to_tell

WALK, JUMP, SHOOT = Action(forward=True), Action(jump=True), Action(attack=True)
NEW = "hop"


def ticks(
    *runs: tuple[Action, int], after: tuple[str, ...], said: str = NEW, kind: str = "demonstration"
) -> list[Example]:
    picture = np.zeros((64, 64, 3), np.uint8)
    return [
        Example(picture, said, encode_ids(action), kind, acts=after)
        for action, count in runs
        for _ in range(count)
    ]


def told(tmp_path: Path, *examples: list[Example]) -> dict[str, list[str]]:
    every = [each for some in examples for each in some]
    return acts_to_tell(every, tmp_path, {"doom", "a game whose profile was deleted"})


def test_what_is_followed_by_something_else_is_told(tmp_path: Path) -> None:
    jumping = ticks((JUMP, 6), after=())
    then = ticks((JUMP, 2), (WALK, LEAST_AFTER), after=("jump",))
    assert told(tmp_path, jumping, then) == {NEW: ["jump"]}
    # Too little came after it, or it came again and again.
    few = ticks((WALK, LEAST_AFTER - 1), after=("jump",))
    assert told(tmp_path, jumping, few) == {}
    again = ticks((WALK, 3 * LEAST_AFTER), (SHOOT, LEAST_AFTER), after=("attack",))
    assert told(tmp_path, again) == {}


def test_only_what_a_person_shows_and_the_base_was_not_taught_is_told(tmp_path: Path) -> None:
    for said, kind in (("shoot the imp", "demonstration"), (NEW, "rollout"), (NEW, "replay")):
        assert told(tmp_path, ticks((WALK, 40), after=("jump",), said=said, kind=kind)) == {}
    assert told(tmp_path, ticks((WALK, 40), after=("jump",), kind="correction")) == {NEW: ["jump"]}


def test_a_key_that_is_still_down_is_no_second_time(tmp_path: Path) -> None:
    # Half a second on the key: it has been done for long before it is let go of.
    held = ticks((JUMP, 4), after=()) + ticks((JUMP, 6), (WALK, LEAST_AFTER), after=("jump",))
    assert told(tmp_path, held) == {NEW: ["jump"]}
    to_the_end = ticks((JUMP, 4), after=()) + ticks((JUMP, 60), after=("jump",))
    assert told(tmp_path, to_the_end) == {}


def test_a_taught_sentence_is_known_however_it_is_typed(tmp_path: Path) -> None:
    shot = ticks((SHOOT, 2), (WALK, 40), after=("attack",), said="Shoot the imp.")
    assert told(tmp_path, shot) == {}
    new = ticks((JUMP, 2), (WALK, 40), after=("jump",), said="Hop!")
    assert told(tmp_path, new) == {NEW: ["jump"]}
