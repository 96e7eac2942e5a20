"""Background threads: listed while they run, stopped and joined by one owner."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from recorder import threads
from recorder.threads import BackgroundThread, running, stop_all


def waiting_for(let_go: threading.Event) -> Callable[[], None]:
    def wait() -> None:
        let_go.wait()

    return wait


def test_a_thread_is_listed_while_it_runs_and_joined_when_stopped() -> None:
    let_go = threading.Event()
    thread = BackgroundThread("waits", waiting_for(let_go), stop=let_go.set)
    assert thread not in running()
    assert thread.start() is thread
    assert thread in running()
    assert thread.alive
    assert not thread.join(0.01)
    assert thread.stop(10.0)
    assert not thread.alive
    assert thread not in running()
    assert thread.stop()


def test_a_thread_that_was_never_started_is_not_waited_for() -> None:
    assert BackgroundThread("idle", lambda: None).join()


def test_a_thread_does_not_wait_for_itself() -> None:
    said: list[bool] = []
    thread = BackgroundThread("own", lambda: said.extend((thread.is_current, thread.stop())))
    thread.start()
    assert thread.join(10.0)
    assert said == [True, False]
    assert not thread.is_current


def test_a_mistake_in_a_thread_is_logged_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("no")

    with caplog.at_level(logging.ERROR):
        assert BackgroundThread("breaks", fail).start().join(10.0)
    (record,) = [each for each in caplog.records if each.name == threads.__name__]
    assert "'breaks' ended by a mistake" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError


ENDS = """
import logging, threading
from recorder.threads import BackgroundThread
logging.basicConfig(format="%(message)s")
stop = threading.Event()
def wait():
    stop.wait()
    print("stopped", flush=True)
BackgroundThread("forgotten", wait, stop=stop.set).start()
"""


def test_the_programs_end_stops_what_its_owner_forgot() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS], capture_output=True, text=True, check=True, timeout=60
    )
    assert (ended.stdout, ended.stderr) == ("stopped\n", "")


def test_what_does_not_end_is_named(caplog: pytest.LogCaptureFixture) -> None:
    let_go = threading.Event()
    thread = BackgroundThread("stubborn", waiting_for(let_go)).start()
    before = [each.name for each in running() if each is not thread]
    try:
        assert not before, "threads of other tests still run"
        assert stop_all(0.01) == ("stubborn",)
        assert "threads that did not end: stubborn" in caplog.text
    finally:
        let_go.set()
        thread.join()
