"""Every test has folders of its own, no network, no screen and no thread left behind."""

import gc
import os
import sys
import tempfile

# Before torch, Qt or a hub client is imported anywhere, and inherited by child processes.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["OMP_NUM_THREADS"] = "1"

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Whoever wants no compiled files gets them all the same, in folders that git ignores: hundreds of
# processes would each compile the same sources again, for minutes in all.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Off until the tests are collected: they bring torch and Qt with them, of which nothing is garbage.
gc.disable()

JOIN_S = 10.0
"""How long a thread may take to end after its test; only a leak waits this long."""

LONG_S = 5.0
"""A test that takes longer says why, with the marker "long"."""

# A shared machine may stall any single example; hypothesis would call that a failure.
settings.register_profile("playteach", deadline=None)
settings.load_profile("playteach")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with the longest tests first: started last, one keeps a process alone."""
    seconds: Counter[Path] = Counter()
    for item in items:
        for mark in item.iter_markers("long"):
            takes, why = mark.args
            if not takes > LONG_S or not why:
                raise pytest.UsageError(f"{item.nodeid}: long(more than {LONG_S:g}, why)")
            seconds[item.path] += takes
    items.sort(key=lambda item: -seconds[item.path])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that took long and do not say why; a busy machine alone fails none."""
    unexplained = sorted(
        (report.duration, report.nodeid)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
        and report.when == "call"
        and report.duration > LONG_S
        and "long" not in report.keywords
    )
    if unexplained:
        terminalreporter.section(f"over {LONG_S:g} s, and no marker says why")
        for duration, name in reversed(unexplained):
            terminalreporter.line(f"{duration:.1f} s {name}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish() -> None:
    """Collect garbage from here on."""
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def light_collections() -> None:
    """Leave what was there before a file's tests out of the garbage collections in them.

    Torch, transformers, Qt and the tests themselves are objects by the hundred thousand that live
    to the end.  With all of them to look through, a test that collects a dozen times took half a
    minute late in a run, and a second by itself.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Point every place where data and settings could go into a folder of the test's own."""
    # The factory looks through the thousands of folders that are there before it makes one.
    home = Path(tempfile.mkdtemp(prefix="home-", dir=tmp_path_factory.getbasetemp()))
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(home / variable.removeprefix("XDG_").lower()))
    monkeypatch.setenv("PLAYTEACH_CONFIG", str(home / "settings"))
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    return home


@pytest.fixture(autouse=True)
def one_thread_of_torch() -> Iterator[None]:
    """Put back how many threads torch counts with: a training's main sets it for its process.

    With two threads in each of two processes on two cores, the waiting takes most of the time.
    """
    yield
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


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
