"""Who drives, for every order of wishes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.session.api import Phase
from app.session.arbiter import TABLE, Hands, Wish, move
from recorder.types import Driver

wishes = st.lists(st.sampled_from(list(Wish)), max_size=30)


def after(sequence: list[Wish]) -> Hands:
    hands = Hands()
    for wish in sequence:
        hands = move(hands, wish)
    return hands


@given(wishes)
def test_a_pause_is_one_step_from_anywhere_and_nobody_drives_in_it(sequence: list[Wish]) -> None:
    paused = move(after(sequence), Wish.PAUSE)
    assert paused.phase is Phase.PAUSED
    assert paused.owner is Driver.NOBODY
    assert not paused.driving


@given(wishes)
def test_going_on_returns_to_the_phase_before_however_often_it_was_paused(
    sequence: list[Wish],
) -> None:
    hands = after([*sequence, Wish.RESUME])
    again = move(move(move(hands, Wish.PAUSE), Wish.PAUSE), Wish.RESUME)
    assert again == hands


@given(wishes)
def test_the_owner_follows_from_the_phase_alone_and_the_end_frees_the_hands(
    sequence: list[Wish],
) -> None:
    hands = after(sequence)
    owner = {
        Phase.WATCHING: Driver.NOBODY,
        Phase.DEMONSTRATING: Driver.PERSON,
        Phase.PLAYING: Driver.POLICY,
        Phase.CORRECTING: Driver.PERSON,
        Phase.PAUSED: Driver.NOBODY,
    }
    assert hands.owner is owner[hands.phase]
    assert move(hands, Wish.END).phase is Phase.WATCHING


@given(wishes)
def test_the_person_gets_the_hands_from_the_policy_only_by_taking_over(
    sequence: list[Wish],
) -> None:
    hands = Hands()
    for wish in sequence:
        before, hands = hands, move(hands, wish)
        if before.phase is Phase.PLAYING and hands.owner is Driver.PERSON:
            assert wish is Wish.TAKE_OVER
        if before.owner is Driver.PERSON and hands.owner is Driver.POLICY:
            assert wish in {Wish.HAND_BACK, Wish.PLAY}


def test_a_key_in_a_demonstration_changes_nothing() -> None:
    hands = move(Hands(), Wish.DEMONSTRATE)
    assert move(hands, Wish.TAKE_OVER) is hands
    assert move(hands, Wish.HAND_BACK) is hands


def test_the_table_names_only_phases_and_wishes_that_exist() -> None:
    assert {wish for _, wish in TABLE} == set(Wish) - {Wish.RESUME}
