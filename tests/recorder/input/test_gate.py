import threading
import time

from recorder.input.gate import GateClock, StopGate


def test_the_first_reason_stays_until_it_is_opened() -> None:
    gate = StopGate()
    gate.shut_for("person")
    gate.shut_for("panic")
    assert (gate.shut, gate.why) == (True, "person")
    gate.open()
    assert (gate.shut, gate.why, gate.shut_ns) == (False, "", 0)


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
    clock.sleep_until_ns(clock.now_ns() + 1_000_000)
    clock.sleep_until_ns(clock.now_ns() - 1)
    assert let_go == [True]
