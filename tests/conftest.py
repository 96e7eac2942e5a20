"""Every test has folders of its own, no network, no screen and no thread left behind."""

import os

# Before torch, Qt or a hub client is imported anywhere, and inherited by child processes.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["OMP_NUM_THREADS"] = "1"

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

JOIN_S = 10.0
"""How long a thread may take to end after its test; only a leak waits this long."""

# A shared machine may stall any single example; hypothesis would call that a failure.
settings.register_profile("playteach", deadline=None)
settings.load_profile("playteach")


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Point every place where data and settings could go into a folder of the test's own."""
    home = tmp_path_factory.mktemp("home")
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(home / variable.removeprefix("XDG_").lower()))
    monkeypatch.setenv("PLAYTEACH_CONFIG", str(home / "settings"))
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    return home


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fail a test after which a thread still runs that would keep the process alive."""
    before = set(threading.enumerate())
    yield
    left = [
        thread
        for thread in threading.enumerate()
        if thread not in before and not thread.daemon and thread.is_alive()
    ]
    for thread in left:
        thread.join(JOIN_S)
    names = [thread.name for thread in left if thread.is_alive()]
    assert not names, f"threads still run after this test: {', '.join(names)}"
