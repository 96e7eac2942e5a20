"""What could not be stored is told in the window, also where no attempt shows it any more."""

from dataclasses import replace

from pytestqt.qtbot import QtBot
from sample import SampleBackend

from app.gui.main_window import MainWindow


def test_what_could_not_be_stored_after_an_attempt_is_said_once(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    def told() -> str:
        window.calls.refresh_storage()
        qtbot.waitUntil(lambda: window.calls.bridge.pending == 0)
        return window.play_page.notice.text()

    full = replace(place.sizes, problem="The disk is full, so recording stopped.")
    place.sizes = full
    assert told() == full.problem
    window.play_page.notice.clear()
    assert told() == ""
    # It went well in between, so it is news again.
    place.sizes = replace(full, problem="")
    assert told() == ""
    place.sizes = full
    assert told() == full.problem
