"""The window.  Qt is imported here and in the composition root only."""

from app.gui.none_guard import keep_none_alive

keep_none_alive()
