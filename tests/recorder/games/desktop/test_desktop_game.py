from dataclasses import replace

import pytest
from fake_desktop import PROFILE, Desk, FakeEars
from fake_layouts import CZ, FR
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.capture.base import Rect, Trouble
from recorder.errors import GameError, GameSuspendedError
from recorder.games.base import OwnWindowGame, free_task
from recorder.games.desktop.acting import MARGIN
from recorder.input.hearing import Hotkey
from recorder.input.keys import CODES
from recorder.input.layout import Layout
from recorder.types import Action

FORWARD = Action(forward=True)
TASK = free_task("look around")


def test_it_is_a_game_in_a_window_of_its_own() -> None:
    desk = Desk()
    assert isinstance(desk.game, OwnWindowGame)


def test_asking_what_kind_of_game_it_is_looks_at_no_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It is asked on threads that may not: Python 3.11 reads every property of the protocol.
    desk = Desk()
    looked: list[int] = []
    monkeypatch.setattr(desk.windows, "look", looked.append)
    assert isinstance(desk.game, OwnWindowGame)
    assert looked == []


def test_a_tick_presses_turns_and_takes_a_picture_within_its_time() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    began_ns = desk.clock.now_ns()
    frame = desk.game.step(Action(forward=True, hotbar=2, camera=(2.0, -4.0)))
    assert desk.device.down == {"W", "2"}
    assert [sum(axis) for axis in zip(*desk.device.moves, strict=True)] == [-20, 10]
    assert len(desk.device.moves) == 4
    assert desk.clock.now_ns() - began_ns == 37_500_000
    assert frame.rgb.shape == (360, 640, 3)
    desk.game.step(Action())
    assert desk.device.down == set()


@settings(max_examples=30)
@given(st.lists(st.floats(-9, 9, allow_nan=False), min_size=1, max_size=30))
def test_fractions_of_counts_are_not_lost(turns: list[float]) -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    for turn in turns:
        desk.windows.where = desk.windows.rect.centre
        desk.game.step(Action(camera=(0.0, turn)))
    sent = sum(dx for dx, _ in desk.device.moves)
    assert abs(sent * 0.2 - sum(turns)) <= 0.2 + 1e-6


@settings(max_examples=40)
@given(
    st.floats(-180, 180, allow_nan=False),
    st.floats(-180, 180, allow_nan=False),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_pointer_never_leaves_the_window(
    pitch: float, yaw: float, right: float, down: float
) -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    inner = desk.windows.rect
    desk.windows.where = (
        inner.left + MARGIN + round(right * (inner.width - 1 - 2 * MARGIN)),
        inner.top + MARGIN + round(down * (inner.height - 1 - 2 * MARGIN)),
    )
    desk.game.step(Action(camera=(pitch, yaw)))
    x, y = desk.windows.where
    rect = desk.windows.rect
    assert rect.left + MARGIN <= x < rect.right - MARGIN
    assert rect.top + MARGIN <= y < rect.bottom - MARGIN
    asked = abs(int(round(yaw / 0.2, 6))) + abs(int(round(pitch / 0.2, 6)))
    done = sum(abs(dx) + abs(dy) for dx, dy in desk.device.moves)
    assert done + desk.game.cut_counts == asked
    # What is stored is what the game got: the moves, or the whole turn if all of it fitted.
    turned = [0.2 * sum(move[axis] for move in desk.device.moves) for axis in (1, 0)]
    told = desk.game.sent().camera
    if desk.game.cut_counts:
        assert told == pytest.approx(turned)
    else:
        assert told == (pitch, yaw)
        assert told == pytest.approx(turned, abs=0.2)


def test_keys_that_the_game_does_not_have_are_not_told_as_pressed() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    desk.game.step(Action(forward=True, jump=True, hotbar=9, camera=(0.0, 0.1)))
    assert desk.game.sent() == Action(forward=True, camera=(0.0, 0.1))


@pytest.mark.parametrize("trouble", [t for t in Trouble if t is not Trouble.GONE])
def test_trouble_releases_everything_and_records_nothing(trouble: Trouble) -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    desk.game.step(FORWARD)
    grabbed = len(desk.grabber.grabs)
    desk.windows.trouble = trouble
    with pytest.raises(GameSuspendedError) as caught:
        desk.game.step(FORWARD)
    assert caught.value.sentence.endswith(".")
    assert desk.device.down == set()
    assert len(desk.grabber.grabs) == grabbed
    desk.game.listen(FakeEars())
    with pytest.raises(GameSuspendedError):
        desk.game.watch()


def test_a_picture_that_somebody_elses_window_may_be_in_is_thrown_away() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)

    def cover() -> None:
        desk.windows.trouble = Trouble.COVERED

    desk.grabber.after = cover
    with pytest.raises(GameSuspendedError):
        desk.game.step(FORWARD)


def test_a_window_that_moved_is_pictured_where_it_is() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    there = Rect(200, 90, 640, 360)

    def move() -> None:
        desk.windows.rect = there

    desk.grabber.after = move
    desk.game.step(FORWARD)
    assert desk.grabber.grabs[-1] == there


def test_a_vanished_window_ends_the_attempt() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    desk.windows.trouble = Trouble.GONE
    with pytest.raises(GameError) as caught:
        desk.game.step(FORWARD)
    assert not isinstance(caught.value, GameSuspendedError)


def test_coming_back_asks_for_the_keyboard_and_says_when_it_does_not_get_it() -> None:
    desk = Desk()
    desk.windows.trouble = Trouble.UNFOCUSED
    desk.gate.shut_for("focus")
    desk.game.come_back()
    assert not desk.gate.shut
    desk.windows.trouble, desk.windows.takes_focus = Trouble.UNFOCUSED, False
    with pytest.raises(GameSuspendedError):
        desk.game.come_back()
    assert desk.gate.shut


def test_the_agent_is_silent_after_a_touch_until_the_session_insists() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    desk.gate.shut_for("person")
    desk.game.step(FORWARD)
    assert desk.device.down == set()
    desk.game.step(FORWARD)
    assert desk.device.down == {"W"}


@pytest.mark.parametrize("before", [(), ("person",), ("focus",)])
@pytest.mark.parametrize("why", ["panic", "chat"])
def test_panic_and_a_chat_are_not_overcome_by_insisting(why: str, before: tuple[str, ...]) -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    for each in (*before, why):
        desk.gate.shut_for(each)
    for _ in range(5):
        desk.game.step(FORWARD)
    assert desk.device.down == set()


def test_panic_right_after_a_touch_outlives_the_persons_tick() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    desk.game.listen(FakeEars())
    assert desk.hearing is not None
    desk.hearing.focus(True)
    desk.hearing.key(CODES["S"], True, 0, shared=False)
    desk.hearing.key(CODES["F12"], True, 0, shared=False)
    desk.game.watch()
    desk.game.step(FORWARD)
    desk.game.step(FORWARD)
    assert desk.device.down == set()
    # Only a wish to go on overcomes it.
    desk.game.come_back()
    desk.game.step(FORWARD)
    assert desk.device.down == {"W"}


def test_panic_while_the_game_comes_back_is_not_overcome() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    desk.game.listen(FakeEars())
    desk.gate.shut_for("pause")
    desk.listener.unheard.append(lambda: desk.gate.shut_for("panic"))
    desk.game.come_back()
    desk.game.step(FORWARD)
    desk.game.step(FORWARD)
    assert (desk.gate.why, desk.device.down) == ("panic", set())


def test_the_persons_tick_sends_nothing_and_lets_go() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    desk.game.listen(FakeEars())
    desk.game.step(FORWARD)
    assert desk.hearing is not None
    desk.hearing.focus(True)
    desk.hearing.key(CODES["S"], True, 0, shared=False)
    desk.game.watch()
    assert desk.device.events == [("W", True), ("W", False)]
    assert not desk.gate.shut
    # Handed back: the agent acts in the very next tick.
    desk.hearing.key(CODES["S"], False, 0, shared=False)
    desk.game.watch()
    desk.game.step(FORWARD)
    assert desk.device.down == {"W"}


def test_a_person_whom_nobody_hears_cannot_be_watched() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    with pytest.raises(RuntimeError, match="listens"):
        desk.game.watch()


def test_all_that_came_before_a_picture_is_heard_before_it_is_said_to_be_read() -> None:
    desk, ears = Desk(), FakeEars()
    desk.game.listen(ears)
    desk.game.reset(TASK, 0)
    assert desk.hearing is not None
    desk.hearing.focus(True)
    hearing = desk.hearing
    ears.told.clear()

    def press() -> None:
        desk.grabber.after = lambda: None
        # The server knows of it, and no listener has had its turn yet.
        desk.listener.unheard.append(lambda: hearing.key(CODES["S"], True, 0, shared=False))

    desk.grabber.after = press
    desk.game.watch()
    assert ears.names()[-3:] == ["take_over", "key", "picture_read"]
    assert ears.names().count("picture_read") == 1


LETTERS = replace(PROFILE, bindings=replace(PROFILE.bindings, letters=True))


@pytest.mark.parametrize("layout", [FR, CZ])
def test_a_place_stays_down_and_comes_up_under_another_layout(layout: Layout) -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    desk.game.step(FORWARD)
    desk.device.layout = layout
    desk.game.step(FORWARD)
    desk.game.step(Action(hotbar=2))
    desk.game.step(Action())
    assert desk.device.events == [("W", True), ("W", False), ("2", True), ("2", False)]


def test_a_letter_is_where_the_layout_has_it_also_after_a_change() -> None:
    desk = Desk(LETTERS)
    desk.game.reset(TASK, 0)
    desk.game.step(FORWARD)
    desk.device.layout = FR
    desk.game.step(FORWARD)
    # W is where a US keyboard has its Z.
    assert desk.device.events == [("W", True), ("W", False), ("Z", True)]
    # Its digits are typed with Shift, which is what such a game listens to.
    desk.game.step(Action(hotbar=2))
    assert desk.device.down == {"2", "Shift"}
    assert desk.device.events[-2:] == [("Shift", True), ("2", True)]
    desk.game.step(Action())
    assert desk.device.down == set()
    desk.game.step(Action(hotbar=2))
    desk.game.close()
    assert desk.device.down == set()


def test_the_listener_too_takes_letters_where_they_are_while_the_person_plays() -> None:
    desk, ears = Desk(LETTERS), FakeEars()
    desk.game.listen(ears)
    desk.press("W", True)
    desk.device.layout = FR
    desk.game.hear()
    # Pressed before the change, so still the same key.
    desk.press("W", False)
    desk.press("W", True)
    desk.press("Z", True)
    told = [each for each in ears.told if each[0] == "key"]
    assert told == [("key", "W", True), ("key", "W", False), ("key", "W", True)]


def test_what_is_sent_in_a_cut_tick_is_told_by_the_games_own_names() -> None:
    desk = Desk(LETTERS)
    desk.device.layout = FR
    desk.game.reset(TASK, 0)
    desk.device.on_event = lambda: desk.gate.shut_for("person")
    desk.game.step(Action(forward=True, attack=True))
    assert desk.game.cut_short()
    assert desk.game.sent() == FORWARD
    assert desk.device.events == [("Z", True)]


def test_a_hotkey_is_never_pressed_though_a_layout_has_a_games_letter_there() -> None:
    hotkeys = {**PROFILE.hotkeys, Hotkey.PAUSE: "Z"}
    desk = Desk(replace(LETTERS, hotkeys=hotkeys, forbidden=PROFILE.forbidden | {"Z"}))
    desk.device.layout = FR
    desk.game.reset(TASK, 0)
    desk.game.step(FORWARD)
    assert desk.device.events == []
    assert desk.sender.refused == 1


def test_closing_releases_everything() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    desk.game.listen(FakeEars())
    desk.game.step(FORWARD)
    desk.game.close()
    assert desk.device.down == set()
    assert desk.windows.closed
    assert desk.grabber.closed


@pytest.mark.parametrize(
    ("events", "sent"),
    [
        (0, Action()),
        (1, Action(forward=True)),
        (2, Action(forward=True, hotbar=2)),
        (3, Action(forward=True, hotbar=2, camera=(0.0, 1.0))),
        (5, Action(forward=True, hotbar=2, camera=(0.0, 3.0))),
    ],
)
def test_a_tick_that_was_cut_short_tells_what_was_really_sent(events: int, sent: Action) -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    done = 0

    def touch() -> None:
        nonlocal done
        done += 1
        if done == events:
            desk.gate.shut_for("person")

    desk.device.on_event = touch
    if not events:
        desk.gate.shut_for("person")
    desk.game.step(Action(forward=True, hotbar=2, camera=(0.0, 4.0)))
    assert desk.game.cut_short()
    assert desk.game.sent() == sent


def test_a_touch_after_everything_was_sent_still_cuts_the_tick_short() -> None:
    desk = Desk()
    desk.game.reset(TASK, 0)
    desk.game.step(FORWARD)
    assert not desk.game.cut_short()
    desk.grabber.after = lambda: desk.gate.shut_for("person")
    desk.game.step(FORWARD)
    assert desk.game.cut_short()
    assert desk.game.sent() == FORWARD
