"""The stylesheet's rules, one per look-carrying role; $names are the tokens of theme.py.

``$text_13`` is text of 13 pixels at the text size of 100 %.
"""

from __future__ import annotations

RULES = """
* { outline: none; }
QWidget { color: $text; font-size: ${text_13}px; }
QMainWindow, QDialog, QWidget[role="page"] { background: $page; }
QWidget[role="bar"] { background: $bar; }
QFrame[role="card"] { background: $card; border: 1px solid $card; border-radius: 11px; }
QFrame[role="card"][tone="ok"] { border-color: $ok; }
QFrame[role="card"][tone="bad"] { border-color: $bad; }
QFrame[role="card"][tone="nobody"] { border-color: $nobody; }
QFrame[role="card"][tone="agent"] { border-color: $agent; }
QFrame[role="sunken"] { background: $sunken; border-radius: 9px; }
QToolTip { background: $card; color: $text; border: 1px solid $line; padding: 5px 8px; }

QLabel { background: transparent; }
QLabel[role="brand"] { font-size: ${text_16}px; font-weight: 700; }
QLabel[role="title"] { font-size: ${text_17}px; font-weight: 600; }
QLabel[role="heading"] { font-size: ${text_22}px; font-weight: 700; }
QLabel[role="figure"] { font-size: ${text_22}px; font-weight: 700; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="muted"], QLabel[role="caption"] { color: $muted; }
QLabel[role="caption"] { font-size: ${text_12}px; }
QLabel[role="placeholder"] {
  color: $muted; background: $sunken; border: 1px dashed $line; border-radius: 9px;
}
QLabel[tone="agent"] { color: $agent_text; }
QLabel[tone="person"] { color: $person_text; }
QLabel[tone="ok"] { color: $ok_text; }
QLabel[tone="bad"] { color: $bad_text; }

QPushButton {
  background: $raised; border: 2px solid $raised; border-radius: 9px;
  padding: 6px 14px; font-weight: 600; min-height: 18px;
}
QPushButton:hover { background: $hover; border-color: $hover; }
QPushButton:pressed { background: $line; border-color: $line; }
QPushButton:focus { border-color: $agent; }
QPushButton:disabled { color: $nobody; background: $sunken; border-color: $sunken; }
QPushButton[role="agent"] { background: $agent; border-color: $agent; color: $on_fill; }
QPushButton[role="agent"]:hover { background: $agent; border-color: $text; }
QPushButton[role="agent"]:focus { border-color: $text; }
QPushButton[role="agent"]:disabled { background: $raised; border-color: $raised; color: $nobody; }
QPushButton[role="person"] { background: $person; border-color: $person; color: $on_fill; }
QPushButton[role="person"]:hover { background: $person; border-color: $text; }
QPushButton[role="person"]:focus { border-color: $text; }
QPushButton[role="person"]:disabled { background: $raised; border-color: $raised; color: $nobody; }
QPushButton[size="large"] { font-size: ${text_15}px; min-height: 28px; }
QPushButton[role="chip"] {
  background: transparent; border: 1px solid $line; border-radius: 14px;
  padding: 4px 13px; font-weight: 500; min-height: 18px;
}
QPushButton[role="chip"]:hover { background: $raised; }
QPushButton[role="chip"]:focus { border: 2px solid $agent; padding: 3px 12px; }
QPushButton[role="chip"]:disabled { color: $nobody; }
QPushButton[role="chip"][tone="person"] {
  border-color: $person; color: $person_text; font-weight: 600;
}
QPushButton[role="chip"][tone="agent"] {
  border-color: $agent; color: $agent_text; font-weight: 600;
}
QPushButton[role="chip"][tone="agent"]:hover { background: $raised; }
QPushButton[role="chip"][tone="ok"] { border-color: $ok; color: $ok_text; font-weight: 600; }
QPushButton[role="chip"][tone="bad"] { border-color: $bad; color: $bad_text; font-weight: 600; }
QPushButton[role="chip"][tone="person"]:hover { background: $person_tint; }
QPushButton[role="chip"][tone="ok"]:hover { background: $ok_tint; }
QPushButton[role="chip"][tone="bad"]:hover { background: $bad_tint; }
QPushButton[role="chip"][tone]:disabled { border-color: $line; color: $nobody; }
QPushButton[role="chip"]:checked {
  background: $agent_tint; border-color: $agent; color: $agent_text;
}
QPushButton[role="link"] {
  background: transparent; border: 2px solid transparent; padding: 2px 4px; color: $agent_text;
  font-weight: 600;
}
QPushButton[role="link"]:hover { text-decoration: underline; }
QPushButton[role="link"]:focus { border-color: $agent; }
QPushButton[role="link"]:disabled {
  color: $nobody; background: transparent; border-color: transparent;
}
QPushButton[role="tab"] {
  background: transparent; border: 0; border-bottom: 3px solid transparent; border-radius: 0;
  padding: 10px 4px 8px 4px; color: $muted; font-weight: 500; font-size: ${text_14}px;
}
QPushButton[role="tab"]:hover { color: $text; }
QPushButton[role="tab"]:checked { color: $text; border-bottom-color: $agent; font-weight: 600; }
QPushButton[role="tab"]:focus { color: $agent_text; border-bottom-color: $text; }
QPushButton[role="quiet"] {
  background: transparent; border: 2px solid transparent; padding: 5px 8px;
}
QPushButton[role="quiet"]:hover { background: $raised; }
QPushButton[role="quiet"]:focus { border-color: $agent; }
QPushButton::menu-indicator { image: none; width: 0; }

QFrame[role="bar-field"] { background: $card; border: 2px solid $line; border-radius: 11px; }
QFrame[role="bar-field"][focused="true"] { border-color: $agent; }
QLineEdit[role="instruction"] {
  background: transparent; border: 0; font-size: ${text_18}px; font-weight: 500; padding: 0 4px;
}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextBrowser, QTableWidget {
  background: $sunken; border: 2px solid $line; border-radius: 9px; padding: 5px 8px;
  selection-background-color: $agent; selection-color: $on_fill;
}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus,
QTextBrowser:focus, QTableWidget:focus { border-color: $agent; }
QLineEdit[role="instruction"]:focus { border: 0; }
QComboBox::drop-down { border: 0; width: 26px; }
QComboBox::down-arrow { image: url($icons/chevron_down.svg); width: 14px; height: 14px; }
QSpinBox, QDoubleSpinBox { padding-right: 26px; min-height: 20px; }
QSpinBox::up-button, QDoubleSpinBox::up-button {
  subcontrol-origin: border; subcontrol-position: top right; width: 24px; border: 0;
  background: transparent;
}
QSpinBox::down-button, QDoubleSpinBox::down-button {
  subcontrol-origin: border; subcontrol-position: bottom right; width: 24px; border: 0;
  background: transparent;
}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow {
  image: url($icons/chevron_up.svg); width: 12px; height: 12px;
}
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {
  image: url($icons/chevron_down.svg); width: 12px; height: 12px;
}
QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled, QLineEdit:disabled {
  color: $nobody;
}
QComboBox QAbstractItemView {
  background: $card; border: 1px solid $line; selection-background-color: $raised;
  selection-color: $text;
}
QTableWidget { padding: 0; gridline-color: transparent; }
QTableWidget::item { padding: 4px 8px; }
QTableWidget::item:selected, QTreeWidget::item:selected { background: $agent_tint; color: $text; }
QHeaderView::section {
  background: $sunken; color: $muted; border: 0; padding: 6px 8px; font-weight: 600;
}
QTableCornerButton::section { background: $sunken; border: 0; }

QCheckBox, QRadioButton {
  spacing: 8px; padding: 3px; border: 2px solid transparent; border-radius: 6px;
}
QCheckBox::indicator, QRadioButton::indicator, QTreeView::indicator {
  width: 16px; height: 16px; border: 2px solid $muted; background: $sunken;
}
QCheckBox::indicator, QTreeView::indicator { border-radius: 5px; }
QRadioButton::indicator { border-radius: 10px; }
QCheckBox::indicator:checked, QTreeView::indicator:checked {
  background: $agent; border-color: $agent; image: url($icons/check.svg);
}
QRadioButton::indicator:checked {
  border-color: $agent;
  background: qradialgradient(cx:0.5, cy:0.5, radius:0.5, fx:0.5, fy:0.5,
    stop:0 $agent, stop:0.55 $agent, stop:0.6 $sunken, stop:1 $sunken);
}
QCheckBox:focus, QRadioButton:focus { border-color: $agent; }
QSlider { min-height: 22px; border: 2px solid transparent; border-radius: 8px; }
QSlider:focus { border-color: $agent; }
QSlider::groove:horizontal { height: 6px; border-radius: 3px; background: $raised; }
QSlider::sub-page:horizontal { background: $agent; border-radius: 3px; }
QSlider::handle:horizontal {
  background: $agent; width: 16px; height: 16px; margin: -5px 0; border-radius: 8px;
}
QProgressBar {
  background: $raised; border: 0; border-radius: 4px; max-height: 8px; min-height: 8px;
}
QProgressBar::chunk { background: $person; border-radius: 4px; }

QListView { background: transparent; border: 2px solid transparent; border-radius: 11px; }
QListView:focus { border-color: $agent; }
QScrollArea { background: transparent; border: 0; }
QScrollArea > QWidget > QWidget[role="scrolled"] { background: transparent; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar::handle:vertical { background: $line; border-radius: 3px; min-height: 28px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 2px; }
QScrollBar::handle:horizontal { background: $line; border-radius: 3px; min-width: 28px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QMenu { background: $card; border: 1px solid $line; border-radius: 9px; padding: 6px; }
QMenu::item { padding: 6px 28px 6px 14px; border-radius: 6px; }
QMenu::item:selected { background: $raised; }
QMenu::item:disabled { color: $nobody; }
QMenu::separator { height: 1px; background: $line; margin: 5px 8px; }

/* Qt's own boxes are like ours: the main button at the right, no icons on the buttons. */
QDialogButtonBox { button-layout: 3; dialogbuttonbox-buttons-have-icons: 0; }

QTabWidget::pane { border: 0; }
QTabBar::tab {
  background: transparent; color: $muted; padding: 8px 12px; border-bottom: 3px solid transparent;
  font-weight: 600;
}
QTabBar::tab:selected { color: $text; border-bottom-color: $agent; }
QTabBar::tab:focus { color: $agent_text; }

QFrame[role="notice"] { background: $bad_tint; border: 1px solid $bad; border-radius: 9px; }
QFrame[role="notice"][tone="agent"] { background: $agent_tint; border-color: $agent; }
QFrame[role="toast"] { background: $raised; border: 1px solid $line; border-radius: 11px; }
QFrame[role="rule"] { background: $line; max-height: 1px; min-height: 1px; border: 0; }
"""
