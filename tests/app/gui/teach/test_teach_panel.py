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
