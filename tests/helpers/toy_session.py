"""A session over the toy game, ticked by the test."""

from __future__ import annotations

from collections.abc import Callable

from app.session.control_loop import LiveSession

RED = "reach the red dot"
Make = Callable[..., LiveSession]
"""Makes a session that has begun; keywords are its constructor's."""


def run(session: LiveSession, ticks: int) -> None:
    for _ in range(ticks):
        session.step()
