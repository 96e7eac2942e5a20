"""Fixtures of a desktop of the test's own: a plugin, which no test imports."""

from collections.abc import Iterator

import pytest

from app.benchmarks.desktop_cases.parts import Hand
from app.benchmarks.desktop_cases.stage import PlainWindow, own_desktop
from recorder.capture.x11 import X11Windows


@pytest.fixture
def desktop() -> Iterator[str]:
    with own_desktop() as name:
        yield name


@pytest.fixture
def window(desktop: str) -> Iterator[PlainWindow]:
    made = PlainWindow("Plain game", left=100, top=60, width=640, height=360)
    yield made
    made.close()


@pytest.fixture
def other(window: PlainWindow) -> Iterator[PlainWindow]:
    made = PlainWindow("Other window", left=900, top=100, width=200, height=200)
    yield made
    made.close()


@pytest.fixture
def windows(desktop: str) -> Iterator[X11Windows]:
    made = X11Windows()
    yield made
    made.close()


@pytest.fixture
def hand(desktop: str) -> Iterator[Hand]:
    made = Hand()
    yield made
    made.close()
