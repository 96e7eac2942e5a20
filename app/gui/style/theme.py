"""Colours, sizes and the stylesheet of both looks, from one table of tokens.

Blue is the agent, amber the person, grey nobody; green and red are outcomes only.  The
``*_text`` variants have a contrast of at least 4.5:1 on every surface of their look
(checked by the tests); the plain ones are for fills, frames and curves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from string import Template

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.backend.ports import ThemeChoice
from app.gui.style.icons import ICON_FOLDER
from app.gui.style.stylesheet import RULES
from recorder.types import Driver, Outcome

GRID = 8
TEXT_PX = 13
FONT_PX = range(8, 41)
"""The pixels that the stylesheet may ask for."""
PERCENT = "textPercent"
"""The application's property that holds the text size in force."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one look, as #rrggbb."""

    dark: bool
    page: str
    bar: str
    card: str
    sunken: str
    raised: str
    hover: str
    line: str
    text: str
    muted: str
    agent: str
    agent_text: str
    agent_tint: str
    person: str
    person_text: str
    person_tint: str
    nobody: str
    ok: str
    ok_text: str
    ok_tint: str
    bad: str
    bad_text: str
    bad_tint: str
    on_fill: str


DARK = Tokens(
    dark=True,
    page="#111317",
    bar="#191c22",
    card="#1c2026",
    sunken="#15181d",
    raised="#2a2f38",
    hover="#353b46",
    line="#343a45",
    text="#eceef2",
    muted="#a3abb8",
    agent="#4fb3ff",
    agent_text="#6cbfff",
    agent_tint="#17293a",
    person="#ffb454",
    person_text="#ffb454",
    person_tint="#33281a",
    nobody="#7d8694",
    ok="#57d188",
    ok_text="#5fd58e",
    ok_tint="#182c22",
    bad="#ff6b6b",
    bad_text="#ff8585",
    bad_tint="#351f22",
    on_fill="#0c1015",
)

LIGHT = Tokens(
    dark=False,
    page="#eef0f4",
    bar="#fafbfc",
    card="#ffffff",
    sunken="#f3f5f8",
    raised="#dfe3eb",
    hover="#d0d6e1",
    line="#cdd3dd",
    text="#161a20",
    muted="#515b69",
    agent="#3aa3f5",
    agent_text="#0a5ea8",
    agent_tint="#e0f0ff",
    person="#ffae42",
    person_text="#854c00",
    person_tint="#fff1dc",
    nobody="#8a93a1",
    ok="#35b56b",
    ok_text="#126339",
    ok_tint="#def5e7",
    bad="#e5484d",
    bad_text="#ad1f2a",
    bad_tint="#ffe6e6",
    on_fill="#0c1015",
)

DRIVER_WORDS = {
    Driver.POLICY: "Agent",
    Driver.PERSON: "You",
    Driver.NOBODY: "Nobody",
}

OUTCOME_WORDS = {
    Outcome.SUCCESS: "Done",
    Outcome.FAILURE: "Failed",
    Outcome.TIMEOUT: "Out of time",
    Outcome.ABANDONED: "Stopped",
    Outcome.INTERRUPTED: "Interrupted",
    Outcome.UNKNOWN: "Not judged",
}

OUTCOME_MEANINGS = {
    Outcome.SUCCESS: "It did what the sentence asks for.",
    Outcome.FAILURE: "It was said to have failed, by the game or by you.",
    Outcome.TIMEOUT: "The time for the sentence was over before it was done.",
    Outcome.ABANDONED: "You ended it, or began something else, before it was done.",
    Outcome.INTERRUPTED: "The game or Playteach ended in the middle of it.",
    Outcome.UNKNOWN: "It ran to its end, and nobody has said how it went.",
}
"""What each outcome means, a sentence each, for tips."""


class Theme(QObject):
    """The look in force.  Painted widgets keep a reference and repaint on ``changed``.

    Signals: changed() after the tokens or the stylesheet changed.
    """

    changed = Signal()

    def __init__(self, choice: ThemeChoice = ThemeChoice.SYSTEM, text_percent: int = 100) -> None:
        super().__init__()
        self._choice = choice
        self._text_percent = text_percent
        self.tokens = _resolve(choice)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)

    @property
    def choice(self) -> ThemeChoice:
        """What the person chose."""
        return self._choice

    @property
    def text_percent(self) -> int:
        """How large text is, in per cent."""
        return self._text_percent

    def choose(self, choice: ThemeChoice, text_percent: int | None = None) -> None:
        """Change the look, and the text size unless it is None, and restyle the application."""
        self._choice = choice
        if text_percent is not None:
            self._text_percent = text_percent
        self.apply()

    def apply(self) -> None:
        """Style the running application."""
        self.tokens = _resolve(self._choice)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.setStyle("Fusion")
            app.setProperty(PERCENT, self._text_percent)
            app.setFont(ui_font())
            app.setPalette(make_palette(self.tokens))
            app.setStyleSheet(stylesheet(self.tokens, self._text_percent))
        self.changed.emit()

    def colour(self, name: str) -> QColor:
        """Return a token as a colour."""
        return QColor(getattr(self.tokens, name))

    def driver(self, driver: Driver) -> QColor:
        """Return the colour of a driver."""
        return self.colour(driver_token(driver))

    def outcome(self, outcome: Outcome | None) -> QColor:
        """Return the colour of an outcome; grey where it was neither won nor lost."""
        if outcome is Outcome.SUCCESS:
            return self.colour("ok")
        if outcome in {Outcome.FAILURE, Outcome.TIMEOUT}:
            return self.colour("bad")
        return self.colour("nobody")

    def _on_scheme_changed(self) -> None:
        if self._choice is ThemeChoice.SYSTEM:
            self.apply()


def driver_token(driver: Driver) -> str:
    """Return the token that a driver is painted in."""
    return {Driver.POLICY: "agent", Driver.PERSON: "person", Driver.NOBODY: "nobody"}[driver]


def text_percent() -> int:
    """Return the text size in force, in per cent, as the theme gave it to the application.

    The application holds it, so that whatever paints text finds it without a theme.
    """
    app = QCoreApplication.instance()
    percent = None if app is None else app.property(PERCENT)
    return percent if isinstance(percent, int) else 100


def scaled(pixels: float) -> int:
    """Return the pixels for what takes ``pixels`` with text of 100 %."""
    return round(pixels * text_percent() / 100)


@cache
def _has_inter() -> bool:
    return "Inter" in QFontDatabase.families()


def ui_font(pixel_size: int = TEXT_PX, *, bold: bool = False) -> QFont:
    """Return Inter where it is installed, else the system's font, with standing digits.

    ``pixel_size`` is that of a text size of 100 %.
    """
    if _has_inter():
        font = QFont("Inter")
    else:
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPixelSize(scaled(pixel_size))
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    # "tnum" gives every digit the same width, so that changing numbers stand still.
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def make_palette(tokens: Tokens) -> QPalette:
    """Return Qt's palette for what the stylesheet does not reach."""
    palette = QPalette()
    role = QPalette.ColorRole
    pairs = {
        role.Window: tokens.page,
        role.WindowText: tokens.text,
        role.Base: tokens.sunken,
        role.AlternateBase: tokens.card,
        role.Text: tokens.text,
        role.Button: tokens.raised,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.bad,
        role.Highlight: tokens.agent,
        role.HighlightedText: tokens.on_fill,
        role.ToolTipBase: tokens.card,
        role.ToolTipText: tokens.text,
        role.PlaceholderText: tokens.muted,
        role.Link: tokens.agent_text,
        role.LinkVisited: tokens.agent_text,
        role.Mid: tokens.line,
        role.Accent: tokens.agent,
    }
    for name, value in pairs.items():
        palette.setColor(name, QColor(value))
    for name in (role.Text, role.ButtonText, role.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(tokens.nobody))
    return palette


def stylesheet(tokens: Tokens, percent: int = 100) -> str:
    """Return the stylesheet in the colours of ``tokens``, with text of ``percent`` of its size."""
    values = {name: getattr(tokens, name) for name in Tokens.__slots__ if name != "dark"}
    sizes = {f"text_{px}": round(px * percent / 100) for px in FONT_PX}
    return Template(RULES).substitute(values, icons=ICON_FOLDER.as_posix(), **sizes)


def contrast(one: str, other: str) -> float:
    """Return the WCAG contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _resolve(choice: ThemeChoice) -> Tokens:
    if choice is ThemeChoice.SYSTEM:
        scheme = QGuiApplication.styleHints().colorScheme()
        return LIGHT if scheme is Qt.ColorScheme.Light else DARK
    return DARK if choice is ThemeChoice.DARK else LIGHT
