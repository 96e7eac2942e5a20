"""Crossing threads: results on the GUI thread, newest answer wins, sentences for people."""

import threading
import time

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot
from sample import SampleBackend

from app.backend.ports import RoundHandle, RoundUpdate
from app.gui.calls.async_calls import Bridge, RoundBridge
from recorder.errors import DataError


@pytest.fixture
def bridge(qapp: object) -> Bridge:
    return Bridge()


def test_call_runs_elsewhere_and_answers_here(qtbot: QtBot, bridge: Bridge) -> None:
    here = threading.get_ident()
    seen: list[tuple[int, int]] = []
    with qtbot.waitSignal(bridge.idle):
        bridge.ask(threading.get_ident, lambda there: seen.append((there, threading.get_ident())))
    [(there, back)] = seen
    assert there != here
    assert back == here
    assert bridge.pending == 0


def test_known_problem_becomes_a_sentence(qtbot: QtBot, bridge: Bridge) -> None:
    def fail() -> None:
        raise DataError("The disk is full, so nothing was kept; free some room.")

    with qtbot.waitSignal(bridge.problem) as heard:
        bridge.ask(fail)
    assert heard.args == ["The disk is full, so nothing was kept; free some room."]


def test_known_problem_goes_to_who_asked(qtbot: QtBot, bridge: Bridge) -> None:
    def fail() -> None:
        raise DataError("Damaged.")

    told: list[str] = []
    with qtbot.waitSignal(bridge.idle), qtbot.assertNotEmitted(bridge.problem):
        bridge.ask(fail, failed=told.append)
    assert told == ["Damaged."]


def test_bug_is_logged_and_told_without_traceback(
    qtbot: QtBot, bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret detail")

    with qtbot.waitSignal(bridge.problem) as heard:
        bridge.ask(fail)
    assert heard.args is not None
    assert "secret detail" not in heard.args[0]
    assert "secret detail" in caplog.text


def test_only_the_newest_of_a_kind_answers(qtbot: QtBot, bridge: Bridge) -> None:
    go = threading.Event()
    answers: list[str] = []

    def slow() -> str:
        assert go.wait(10)
        return "old"

    bridge.ask(slow, answers.append, replaces="teach")
    bridge.ask(lambda: "new", answers.append, replaces="teach")
    qtbot.waitUntil(lambda: answers == ["new"])
    with qtbot.waitSignal(bridge.idle):
        go.set()
    assert answers == ["new"]


def test_what_was_promised_is_done_though_the_window_is_closed_before_its_turn(
    qapp: object, caplog: pytest.LogCaptureFixture
) -> None:
    bridge = Bridge(threads=1)
    done: list[str] = []

    def until_closed() -> None:
        while not bridge._closed:
            time.sleep(0.001)

    def fail() -> None:
        raise DataError("The disk is full, so the label was not kept.")

    bridge.ask(until_closed)
    bridge.ask(lambda: done.append("picture"))
    bridge.ask(lambda: done.append("label"), promised=True)
    bridge.ask(fail, promised=True)
    bridge.ask(lambda: done.append("settings"), promised=True)
    bridge.close()
    assert done == ["label", "settings"]
    assert "the label was not kept" in caplog.text


def test_nothing_is_applied_after_close(bridge: Bridge) -> None:
    answers: list[int] = []
    bridge.ask(lambda: 1, answers.append)
    bridge.close()
    bridge.ask(lambda: 2, answers.append)
    assert answers == []


def test_round_news_arrive_on_the_gui_thread(qtbot: QtBot, place: SampleBackend) -> None:
    rounds = RoundBridge(place)
    threads: list[QThread] = []
    rounds.updated.connect(lambda _update: threads.append(QThread.currentThread()))
    rounds.start()
    assert rounds.running
    round_ = place.round
    assert round_ is not None
    worker = threading.Thread(target=round_.send, args=(RoundUpdate("Training", 1, 10),))
    with qtbot.waitSignal(rounds.updated):
        worker.start()
    worker.join()
    assert threads == [QThread.currentThread()]
    assert rounds.running
    with qtbot.waitSignal(rounds.updated) as heard:
        rounds.cancel()
    assert heard.args is not None
    assert heard.args[0].finished
    assert not rounds.running


def test_round_that_cannot_start_ends_with_its_sentence(qtbot: QtBot, place: SampleBackend) -> None:
    class Refusing(SampleBackend):
        def start_round(self, on_update: object, practice: object = None) -> RoundHandle:
            raise DataError("Another round is running; wait for it.")

    refusing = Refusing(place.sizes.folder, place.session)
    rounds = RoundBridge(refusing)
    with qtbot.waitSignal(rounds.updated) as heard:
        rounds.start()
    assert heard.args is not None
    assert heard.args[0].problem == "Another round is running; wait for it."
    assert not rounds.running
