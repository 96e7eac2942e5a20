from pytestqt.qtbot import QtBot

from app.backend.ports import RoundUpdate
from app.gui.style.theme import Theme
from app.gui.teach.teach_panel import TeachPanel


def test_a_long_stage_does_not_make_the_panel_wider(qtbot: QtBot, theme: Theme) -> None:
    panel = TeachPanel(theme)
    qtbot.addWidget(panel)
    panel.begin_round()
    panel.show_update(RoundUpdate(stage="Learning"))
    before = panel.minimumSizeHint().width()
    panel.show_update(RoundUpdate(stage="Doing something that takes a very long sentence. " * 3))
    assert panel.minimumSizeHint().width() == before
    assert panel.stage.accessibleName().startswith("Doing something")


def test_what_it_can_do_already_is_in_sight_while_it_is_taught(qtbot: QtBot, theme: Theme) -> None:
    panel = TeachPanel(theme)
    qtbot.addWidget(panel)
    panel.begin_round()
    panel.show_update(RoundUpdate(aside="It can do the first already."))
    panel.show_update(RoundUpdate(aside="It can do the second already."))
    panel.show_update(RoundUpdate(stage="Training", step=1, steps=9, loss=0.5))
    assert panel.notice.text() == "It can do the first already. It can do the second already."
    panel.show_update(RoundUpdate(problem="The disk is full.", finished=True))
    assert panel.notice.text() == "The disk is full."
    panel.begin_round()
    assert panel.notice.text() == ""
    panel.show_update(RoundUpdate(aside="It can do the first already."))
    panel.show_cancelling()
    panel.show_update(RoundUpdate(finished=True))
    assert "cancelled" in panel.notice.text()
    assert "already" not in panel.notice.text()
