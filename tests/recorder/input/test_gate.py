import threading
import time

import pytest

from recorder.input.gate import FIRMER, GateClock, StopGate


def test_the_first_reason_stays_until_it_is_opened() -> None:
    gate = StopGate()
    gate.shut_for("person")
    gate.shut_for("focus")
    assert (gate.shut, gate.why) == (True, "person")
    assert gate.open()
    assert (gate.shut, gate.why) == (False, "")


@pytest.mark.parametrize("first", ["person", "focus", "guard", "pause", "chat"])
def test_panic_takes_the_place_of_every_reason_and_keeps_it(first: str) -> None:
    gate = StopGate()
    gate.shut_for(first)
    gate.shut_for("panic")
    assert gate.why == "panic"
    gate.shut_for(first)
    assert gate.why == "panic"


def test_a_gate_that_is_shut_for_something_firmer_is_not_opened_for_a_touch() -> None:
    gate = StopGate()
    gate.shut_for("person")
    gate.shut_for("chat")
    assert not gate.open(but_for=FIRMER)
    assert (gate.shut, gate.why) == (True, "chat")
    assert gate.open()
    assert gate.open(but_for=FIRMER)


def test_a_sleeper_lets_go_at_once_and_sleeps_on() -> None:
    gate = StopGate()
    let_go: list[int] = []
    clock = GateClock(gate, lambda: let_go.append(time.monotonic_ns()))
    began_ns = clock.now_ns()
    shutter = threading.Timer(0.02, gate.shut_for, ("person",))
    shutter.start()
    clock.sleep_until_ns(began_ns + 120_000_000)
    shutter.join()
    assert len(let_go) == 1
    assert let_go[0] < began_ns + 110_000_000
    assert clock.now_ns() >= began_ns + 120_000_000


def test_a_gate_that_was_shut_before_is_let_go_for_too() -> None:
    gate = StopGate()
    gate.shut_for("focus")
    let_go: list[bool] = []
    clock = GateClock(gate, lambda: let_go.append(True))
    clock.sleep_until_ns(clock.now_ns() + 20_000_000)
    clock.sleep_until_ns(clock.now_ns() - 1)
    assert let_go == [True]
