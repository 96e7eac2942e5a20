"""The lines between the app and the input guard."""

from __future__ import annotations

HANG_S = 0.3
"""No heartbeat of the control thread for so long, while something is held, is a hang."""
BEAT = "beat"
DOWN = "down"
UP = "up"
READY = "ready"
RELEASING = "releasing"
RELEASED = "released"
WAIT = "wait"
"""With a number of seconds: the control thread thinks, and the game stands still meanwhile."""
