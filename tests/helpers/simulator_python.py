"""Where the simulators' own Python is, and how MineRL's code is found in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recorder.games.minecraft.game import PYTHON_VARIABLE

HELPERS = Path(__file__).parent
VARIABLE = "PLAYTEACH_TEST_MINERL"
NO_SIMULATOR = pytest.mark.skipif(
    VARIABLE not in os.environ,
    reason=f"set {VARIABLE} to the Python of an environment that has MineStudio's package",
)


def set_up_minerl(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app's own way to MineRL end at its code, without its Java build.

    ``folder`` gets a package ``minerl`` that stands for the installed one.
    """
    package = folder / "minerl"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import sys\nfrom simulators import as_minerl\nas_minerl(sys.modules[__name__])\n",
        encoding="utf-8",
    )
    monkeypatch.setenv(PYTHON_VARIABLE, os.environ[VARIABLE])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(HELPERS)]))
