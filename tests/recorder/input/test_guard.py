"""Both ends of the input guard without a screen: what it says, and when it lets go."""

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from fake_desktop import FakeDevice

from recorder.clock import ManualClock
from recorder.input import guard_process
from recorder.input.gate import StopGate
from recorder.input.guard import InputGuard
from recorder.input.guard_process import GuardProcess
from recorder.input.guard_protocol import HANG_S
from recorder.input.sent_inputs import Ledger


class SilentReader(InputGuard):
    """A guard's app end whose reader never has a turn; ``said`` is the guard's mouth."""

    def __init__(self) -> None:
        self._gate, self._ledger = StopGate(), Ledger(ManualClock())
        self._released, self._ready = threading.Event(), threading.Event()
        self._turn = threading.Lock()
        self._rest, self._ended = b"", False
        self._on_release = lambda why: None
        self._process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.DEVNULL)
        self._process.wait()
        out, self.said = os.pipe()
        self._process.stdout = os.fdopen(out, "rb", buffering=0)


def test_the_guards_word_is_read_without_the_readers_thread() -> None:
    guard = SilentReader()
    os.write(guard.said, b"releasing hang 17 272\nrel")
    assert not guard._ledger.strike_key(17, False, 0)
    guard.hear()
    assert guard._ledger.strike_key(17, False, 0)
    assert guard._ledger.strike_key(272, False, 0)
    assert guard._gate.why == "guard"
    assert guard.take_released()
    # The rest of a line comes later, and the end of the guard is no word at all.
    os.write(guard.said, b"easing focus 30\n")
    os.close(guard.said)
    guard.hear()
    guard.hear()
    assert guard._ledger.strike_key(30, False, 0)
    assert guard._process.stdout is not None
    guard._process.stdout.close()


@pytest.mark.parametrize(("said", "why"), [("panic", "panic"), ("focus", "guard")])
def test_a_panic_is_one_though_only_the_guard_has_heard_it(said: str, why: str) -> None:
    guard = SilentReader()
    guard._gate.shut_for("person")
    os.write(guard.said, f"releasing {said} 17\n".encode())
    guard.hear()
    assert guard._gate.why == ("panic" if said == "panic" else "person")
    guard._gate.open()
    os.write(guard.said, f"releasing {said} 17\n".encode())
    guard.hear()
    assert guard._gate.why == why
    os.close(guard.said)
    assert guard._process.stdout is not None
    guard._process.stdout.close()


class JustAfter(threading.Event):
    """Is set by another thread in the moment after it was looked at."""

    def is_set(self) -> bool:
        was = super().is_set()
        self.set()
        return was


def test_a_release_that_is_said_in_the_moment_of_asking_is_not_lost() -> None:
    guard = SilentReader()
    guard._released = JustAfter()
    assert not guard.take_released()
    assert guard.take_released()
    os.close(guard.said)
    assert guard._process.stdout is not None
    guard._process.stdout.close()


@pytest.mark.parametrize(("beat_waits", "released"), [(True, []), (False, [("W", False)])])
def test_a_guard_that_had_no_turn_itself_takes_nobody_for_hung(
    monkeypatch: pytest.MonkeyPatch, beat_waits: bool, released: list[tuple[str, bool]]
) -> None:
    now_s = [10 * HANG_S]
    waiting = [b"beat\n"] if beat_waits else []
    guard = GuardProcess.__new__(GuardProcess)
    device = guard._device = FakeDevice()  # type: ignore[assignment]
    guard._held, guard._limit_s, guard._rest = {17: None}, HANG_S, b""
    guard._heard_s = 0.0
    select = SimpleNamespace(select=lambda *_: ([0] if waiting else [], [], []))
    monkeypatch.setattr(guard_process, "select", select)
    monkeypatch.setattr(guard_process, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    monkeypatch.setattr(
        guard_process, "os", SimpleNamespace(read=lambda *_: waiting.pop(), write=lambda *_: 0)
    )
    guard._release("hang")
    assert device.events == released
