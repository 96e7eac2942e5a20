"""The bar at the top: pages, where we are, help and the menu."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QWidget

from app.gui.style import icons
from app.gui.style.theme import Theme, scaled
from app.gui.style.widgets import Elided, button, label

PLAY, LIBRARY, TEACH = range(3)
"""Indices of the pages."""
TAB_PADDING = 10
"""Pixels at both sides of a tab's word together, and a little for rounding."""


class Header(QWidget):
    """Tabs at the left, the game and its seed at the right.

    Signals: page_chosen(int), help_asked().
    """

    page_chosen = Signal(int)
    help_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("role", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._tabs = QButtonGroup(self)
        self.menu = QMenu(self)
        self.where = Elided("", "muted")
        self.where.tip = "The number of this start; the same number gives the same start"
        self.where.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._help = button("", "quiet")
        self._help.setAccessibleName("Keyboard shortcuts")
        self._menu_button = button("", "quiet")
        self._menu_button.setAccessibleName("Menu")
        self._menu_button.setMenu(self.menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(18, 0, 10, 0)
        layout.setSpacing(20)
        layout.addWidget(label("Playteach", "brand"))
        for index, text in enumerate(("Play", "Library", "Teach")):
            tab = button(text, "tab")
            tab.setCheckable(True)
            self._tabs.addButton(tab, index)
            layout.addWidget(tab)
        layout.addWidget(self.where, 1)
        layout.addWidget(self._help)
        layout.setSpacing(16)
        layout.addWidget(self._menu_button)
        self._tabs.idClicked.connect(self.page_chosen)
        self._help.clicked.connect(self.help_asked)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.show_page(PLAY)

    def show_page(self, page: int) -> None:
        """Mark the page that is shown."""
        self._tabs.button(page).setChecked(True)

    def show_teach_tab(self, visible: bool) -> None:
        """Offer the teach page, in a narrow window."""
        self._tabs.button(TEACH).setVisible(visible)

    def _restyle(self) -> None:
        self.setFixedHeight(scaled(44))
        for tab in self._tabs.buttons():
            tab.ensurePolished()
            bold = QFont(tab.font())
            bold.setWeight(QFont.Weight.DemiBold)
            # The tab that is shown is bold, and its place is measured before it is.
            tab.setMinimumWidth(QFontMetrics(bold).horizontalAdvance(tab.text()) + TAB_PADDING)
        for widget, name in ((self._help, "help"), (self._menu_button, "menu")):
            widget.setIcon(icons.icon(name, self._theme.colour("muted")))
            widget.setIconSize(QSize(scaled(20), scaled(20)))
