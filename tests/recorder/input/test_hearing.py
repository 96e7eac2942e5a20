from collections.abc import Sequence

from fake_desktop import FakeEars

from recorder.clock import ManualClock
from recorder.input.gate import StopGate
from recorder.input.hearing import NUDGE_NS, Hearing
from recorder.input.keys import CODES, name_of
from recorder.input.sent_inputs import Ledger
from recorder.types import Outcome


class Room:
    def __init__(
        self, *, focused: bool = True, bound: Sequence[str] = ("W", "A", "LeftButton")
    ) -> None:
        self.ears, self.gate = FakeEars(), StopGate()
        self.ledger = Ledger(ManualClock())
        self.agent: set[str] = set()
        self.said: list[str] = []
        self.hearing = Hearing(
            self.ears,
            self.gate,
            self.ledger,
            agent_holds=lambda code: name_of(code) in self.agent,
            guard_said=self._guard_said,
            bound=bound,
            chat_keys=["T"],
        )
        self.hearing.focus(focused)

    def _guard_said(self) -> None:
        for name in self.said:
            self.ledger.expect_key(CODES[name], False)
        self.said.clear()

    def key(self, name: str, down: bool, *, shared: bool = False) -> None:
        self.hearing.key(CODES[name], down, 0, shared=shared)

    def tap(self, name: str) -> None:
        self.key(name, True)
        self.key(name, False)


def test_the_agents_own_key_is_nobodys() -> None:
    room = Room()
    room.ledger.expect_key(CODES["W"], True)
    room.key("W", True, shared=True)
    assert room.ears.told == []
    assert not room.gate.shut


def test_the_same_key_from_a_real_keyboard_is_the_persons() -> None:
    room = Room()
    room.ledger.expect_key(CODES["W"], True)
    room.key("W", True, shared=False)
    assert room.ears.told == [("take_over",), ("key", "W", True)]
    assert room.gate.why == "person"


def test_the_key_that_the_agent_holds_may_be_pressed_or_released_by_the_person() -> None:
    room = Room()
    room.agent.add("W")
    room.key("W", True, shared=True)
    assert room.gate.shut
    assert room.hearing.took(CODES["W"])
    room.key("W", False, shared=True)
    assert not room.hearing.took(CODES["W"])
    other = Room()
    other.agent.add("W")
    other.key("W", False, shared=True)
    assert other.gate.why == "person"
    assert not other.hearing.took(CODES["W"])


def test_what_the_guard_releases_is_nobodys_though_its_word_was_not_read_yet() -> None:
    room = Room()
    room.agent |= {"W", "A"}
    room.said.append("W")
    room.key("W", False, shared=True)
    assert room.ears.told == []
    # What it did not say is the person's, at the same moment.
    room.key("A", False, shared=True)
    assert room.gate.why == "person"


def test_a_key_on_another_device_is_not_in_the_agents_way() -> None:
    room = Room()
    room.key("W", True, shared=False)
    assert not room.hearing.took(CODES["W"])


def test_to_let_go_of_ones_own_key_is_no_touch() -> None:
    room = Room()
    room.key("W", True)
    room.gate.open()
    room.ears.told.clear()
    # Handed back with the key still down; by now the agent holds it too, on its own device.
    room.agent.add("W")
    room.key("W", False)
    assert room.ears.told == [("key", "W", False)]
    assert not room.gate.shut
    # On the agent's own device the key goes up in its hand.
    room.key("W", True, shared=True)
    room.gate.open()
    room.key("W", False, shared=True)
    assert room.gate.why == "person"


def test_an_unbound_key_takes_over_and_leaves_no_code() -> None:
    room = Room()
    room.tap("P")
    assert set(room.ears.told) == {("take_over",)}


def test_the_release_of_a_key_pressed_elsewhere_means_nothing() -> None:
    room = Room()
    room.key("Return", False)
    room.key("W", False)
    assert room.ears.told == []


def test_without_the_focus_nothing_is_passed_on() -> None:
    room = Room(focused=False)
    room.tap("W")
    room.tap("F6")
    room.hearing.motion(50, 0, 0, shared=False)
    room.hearing.wheel()
    assert room.ears.told == []
    assert room.hearing.person_events == 0


def test_losing_the_focus_stops_the_agent_and_drops_what_is_held() -> None:
    room = Room()
    room.key("W", True)
    room.hearing.focus(False)
    assert ("focus_lost",) in room.ears.told
    room.ears.told.clear()
    room.hearing.focus(True)
    room.key("W", False)
    assert room.ears.told == []


def test_a_trembling_hand_does_not_take_over_and_a_nudge_does() -> None:
    room = Room()
    for number in range(40):
        room.hearing.motion(1, 0, number * NUDGE_NS // 2, shared=False)
    assert "take_over" not in room.ears.names()
    room.hearing.motion(4, 0, 100 * NUDGE_NS, shared=False)
    assert room.ears.told[-2:] == [("take_over",), ("move", 4, 0)]


def test_the_agents_own_moves_are_nobodys() -> None:
    room = Room()
    room.ledger.expect_move(30, -2)
    room.hearing.motion(30, -2, 0, shared=True)
    assert room.ears.told == []
    room.hearing.motion(30, -2, 0, shared=True)
    assert "take_over" in room.ears.names()


def test_panic_works_without_the_focus_and_shuts_the_gate() -> None:
    room = Room(focused=False)
    room.tap("F12")
    assert room.ears.told == [("pause",)]
    assert room.gate.shut


def test_hotkeys() -> None:
    room = Room()
    for name in ("F6", "F6", "F8", "F9", "F10"):
        room.tap(name)
    assert room.ears.told == [
        ("pause",), ("resume",), ("hand_back",),
        ("mark", Outcome.SUCCESS), ("mark", Outcome.FAILURE),
    ]  # fmt: skip


def test_what_is_typed_into_a_chat_is_kept_nowhere() -> None:
    room = Room()
    room.tap("T")
    assert room.hearing.chatting
    assert room.ears.told == [("focus_lost",), ("pause",)]
    for name in "WAXT":
        room.tap(name)
    room.hearing.motion(50, 50, 0, shared=False)
    assert room.ears.told == [("focus_lost",), ("pause",)]
    room.tap("Return")
    assert room.ears.told[2:] == [("resume",)]
    room.tap("W")
    assert ("key", "W", True) in room.ears.told


def test_a_chat_in_a_pause_does_not_end_the_pause() -> None:
    room = Room()
    room.tap("F6")
    room.tap("T")
    room.tap("Esc")
    assert "resume" not in room.ears.names()


def test_the_panic_key_in_a_chat_outlasts_it() -> None:
    room = Room()
    room.tap("T")
    room.tap("F12")
    room.tap("Return")
    assert not room.hearing.chatting
    assert "resume" not in room.ears.names()
    room.tap("F6")
    assert room.ears.names()[-1] == "resume"


def test_the_pause_key_in_a_chat_says_whether_it_goes_on_after_it() -> None:
    room = Room()
    room.tap("T")
    room.tap("F6")
    # Nothing goes on while what is pressed is typed into the chat.
    assert "resume" not in room.ears.names()
    room.tap("Return")
    assert room.ears.paused
    room.tap("T")
    room.tap("F6")
    assert "resume" not in room.ears.names()
    room.tap("Esc")
    assert room.ears.names()[-1] == "resume"


def test_the_wheel_is_a_hand() -> None:
    room = Room()
    room.hearing.wheel()
    assert room.ears.told == [("take_over",)]


def test_what_the_persons_own_devices_do_is_counted_apart() -> None:
    room = Room()
    room.tap("W")
    room.tap("F9")
    room.hearing.wheel()
    room.hearing.motion(50, 0, 0, shared=False)
    before = room.hearing.hand_touches
    assert before == 6
    room.key("W", True, shared=True)
    room.hearing.motion(50, 0, 0, shared=True)
    assert room.hearing.hand_touches == before


def test_the_right_shift_is_not_the_left_one() -> None:
    """Games know them apart: what the game did not hear is not kept as done."""
    room = Room(bound=["W", "Shift"])
    room.tap("RightShift")
    assert set(room.ears.told) == {("take_over",)}
    room.key("Shift", True)
    assert room.ears.told[-1] == ("key", "Shift", True)
