import pytest
from fake_desktop import FakeDevice, FakeGuard
from hypothesis import given
from hypothesis import strategies as st

from recorder.clock import ManualClock
from recorder.errors import GameError
from recorder.input.gate import StopGate
from recorder.input.keys import CODES
from recorder.input.sender import InputSender
from recorder.input.sent_inputs import Ledger

NAMES = ("W", "A", "S", "LeftButton", "Esc")


NO_KEY = 600
"""A code beyond what a keyboard can tell of, and no button of a usual mouse."""


def codes(*names: str) -> list[int]:
    return [CODES[name] for name in names]


class Desk:
    def __init__(self) -> None:
        self.clock = ManualClock(10**9)
        self.device, self.guard, self.gate = FakeDevice(), FakeGuard(), StopGate()
        self.ledger = Ledger(self.clock)
        self.sender = InputSender(
            self.device,
            self.gate,
            self.ledger,
            self.guard,
            forbidden=lambda code: code == CODES["Esc"],
        )


def test_only_the_difference_is_sent() -> None:
    desk = Desk()
    assert desk.sender.hold(codes("W", "A"))
    assert desk.sender.hold(codes("W", "S"))
    assert desk.device.events == [("W", True), ("A", True), ("A", False), ("S", True)]


def test_a_forbidden_or_unknown_key_is_never_pressed() -> None:
    desk = Desk()
    assert desk.sender.hold([*codes("Esc"), NO_KEY, *codes("W")])
    assert desk.device.events == [("W", True)]
    assert desk.sender.refused == 2


def test_the_guard_hears_of_a_press_before_and_of_a_release_after_it() -> None:
    desk = Desk()
    seen: list[set[str]] = []
    desk.device.on_event = lambda: seen.append(set(desk.guard.held))
    desk.sender.hold(codes("W"))
    desk.sender.hold([])
    assert seen == [{"W"}, {"W"}]
    assert desk.guard.held == set()


def test_the_flag_is_looked_at_before_every_event() -> None:
    desk = Desk()

    def stop_after_two() -> None:
        if len(desk.device.events) == 2:
            desk.gate.shut_for("person")

    desk.device.on_event = stop_after_two
    assert not desk.sender.hold(codes("W", "A", "S"))
    assert desk.device.events == [("W", True), ("A", True)]
    assert not desk.sender.move(5, 0)
    assert desk.device.moves == []


def test_everything_goes_up_while_the_flag_is_up() -> None:
    desk = Desk()
    desk.sender.hold(codes("W", "LeftButton"))
    desk.gate.shut_for("panic")
    desk.sender.release_all()
    assert desk.device.down == set()
    assert desk.guard.held == set()
    assert desk.sender.held == frozenset()


def test_a_key_in_the_persons_hand_stays_there() -> None:
    desk = Desk()
    desk.sender.hold(codes("W", "A"))
    desk.sender.release_all(lambda code: code == CODES["W"])
    assert desk.device.down == {"W"}
    assert desk.sender.held == frozenset()


def test_what_the_guard_released_is_released_again() -> None:
    # A press may have been on its way while the guard let go.
    desk = Desk()
    desk.sender.hold(codes("W"))
    desk.guard.released = True
    desk.sender.beat()
    assert desk.device.events[-1] == ("W", False)
    assert desk.sender.held == frozenset()


def test_nothing_stays_down_where_the_guard_has_ended() -> None:
    desk = Desk()
    desk.sender.hold(codes("W", "A", "S"))
    desk.guard.ended = True
    with pytest.raises(GameError, match="guard"):
        desk.sender.hold(codes("W"))
    desk.sender.release_all()
    assert desk.device.down == set()
    desk.sender.close()
    assert desk.device.closed


@pytest.mark.parametrize("stop_at", range(6))
@given(st.lists(st.sets(st.sampled_from(NAMES)), max_size=6))
def test_whatever_happens_nothing_stays_down(stop_at: int, wishes: list[set[str]]) -> None:
    desk = Desk()
    count = [0]

    def maybe_stop() -> None:
        count[0] += 1
        if count[0] == stop_at:
            desk.gate.shut_for("person")

    desk.device.on_event = maybe_stop
    for wanted in wishes:
        desk.sender.hold(codes(*sorted(wanted)))
        assert desk.device.down == desk.guard.held
        assert desk.sender.held == set(codes(*desk.device.down))
    desk.sender.close()
    assert desk.device.down == set()
    assert desk.device.closed
