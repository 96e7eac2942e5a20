"""What a player is told that it has done."""

from __future__ import annotations

from model.language.action_memory import HELD_TICKS, ActionMemory, told_acts, with_memory
from recorder.types import NO_ACTION, Action


def after(*actions: Action) -> tuple[str, ...]:
    memory = ActionMemory()
    for action in actions:
        memory.see(action)
    return memory.acts


def test_an_act_is_told_once_its_key_was_let_go_of_or_held_for_long() -> None:
    jump = Action(jump=True)
    assert after(NO_ACTION, jump, jump) == ()
    assert after(NO_ACTION, jump, jump, Action(forward=True)) == ("jump",)
    assert after(jump, NO_ACTION, jump) == ("jump",)
    assert after(*[jump] * (HELD_TICKS - 1)) == ()
    assert after(*[jump] * HELD_TICKS) == ("jump",)


def test_acts_are_told_each_once_in_one_order_whatever_came_first() -> None:
    attack, jump = Action(attack=True), Action(jump=True)
    assert after(attack, jump, attack, NO_ACTION) == ("jump", "attack")
    assert after(jump, attack, NO_ACTION) == ("jump", "attack")


def test_how_one_walks_and_turns_is_not_told() -> None:
    walk = Action(hotbar=2, forward=True, left=True, sprint=True, sneak=True, camera=(3.0, -4.0))
    assert after(*[walk] * 9, NO_ACTION) == ()


def test_a_sentence_is_told_its_own_acts_alone_however_it_is_typed() -> None:
    remembers = {"jump before the door": ["jump"]}
    for typed in ("jump before the door", "Jump before the door.", "JUMP  before the  door!"):
        assert told_acts(remembers, typed, ("jump", "use")) == ("jump",)
    assert told_acts(remembers, "jump before the door", ("use",)) == ()
    assert told_acts(remembers, "jump before the red door", ("jump",)) == ()
    assert told_acts({}, "jump before the door", ("jump",)) == ()


def test_a_sentence_is_as_it_was_until_something_was_done() -> None:
    assert with_memory("open the door", ()) == "open the door"
    assert with_memory("open the door", ("jump", "use")) == "open the door, after jump use"
