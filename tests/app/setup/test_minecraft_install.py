"""Installing a simulator: needs told first, steps in order, nothing in our own environment."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.setup import minecraft_install
from app.setup.minecraft_install import install, missing_needs
from recorder.errors import GameError, UsageError
from recorder.games.minecraft.game import installation


class Machine:
    """Runs nothing; notes what was asked and says what it was told to."""

    def __init__(self, java: str = "1.8.0_392", fails: str = "") -> None:
        self.java = java
        self.fails = fails
        self.asked: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self.asked.append(list(command))
        if command[0] == "java":
            return subprocess.CompletedProcess(command, 0, "", f'openjdk version "{self.java}"')
        if "venv" in command:
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        wrong = bool(self.fails) and self.fails in " ".join(command)
        return subprocess.CompletedProcess(command, int(wrong), "", "long\nGradle went wrong")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What the machine has; a test takes away."""
    there = {"java", "xvfb-run", "git"}
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name in there else None)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(minecraft_install, "PYTHON_VERSIONS", ((3, 0), (3, 99)))
    return there


def test_an_environment_is_made_step_by_step(tools: set[str], tmp_path: Path) -> None:
    machine = Machine()
    said: list[str] = []
    python = install("minecraft", said.append, folder=tmp_path, run=machine)
    assert python == tmp_path / "minerl" / "bin" / "python"
    steps = [command for command in machine.asked if "pip" in command]
    assert all(command[0] == str(python) for command in steps)
    assert [command[4] for command in steps] == [
        "pip<24.1", "numpy<1.24", "git+https://github.com/minerllabs/minerl@v1.0.2",
    ]  # fmt: skip
    assert json.loads((tmp_path / "minerl.json").read_text()) == {"python": str(python)}
    assert installation("minerl", tmp_path).python == python
    assert any("Step 3 of 3" in line for line in said)
    again = Machine()
    install("minerl", said.append, folder=tmp_path, run=again)
    assert not any("venv" in command for command in again.asked)


def test_what_is_missing_is_told_before_anything_is_fetched(
    tools: set[str], tmp_path: Path
) -> None:
    tools.clear()
    machine = Machine()
    with pytest.raises(GameError, match=r"openjdk-8-jdk.*xvfb.*git"):
        install("minerl", lambda text: None, folder=tmp_path, run=machine)
    assert machine.asked == []
    assert len(missing_needs("minestudio", machine)) == 2
    install("minestudio", lambda text: None, folder=tmp_path, run=machine, force=True)


def test_another_java_is_named(tools: set[str]) -> None:
    assert missing_needs("minerl", Machine("17.0.9")) == [
        "Java 8 instead of 17.0.9 (sudo update-alternatives --config java)"
    ]
    assert missing_needs("minerl", Machine()) == []


@pytest.mark.parametrize("fails", ["venv", "minerllabs", "import minerl"])
def test_a_step_that_fails_leaves_no_record(tools: set[str], tmp_path: Path, fails: str) -> None:
    with pytest.raises(GameError, match="Gradle went wrong"):
        install("minerl", lambda text: None, folder=tmp_path, run=Machine(fails=fails))
    assert not (tmp_path / "minerl.json").exists()


def test_other_games_need_no_installing() -> None:
    with pytest.raises(UsageError, match="minestudio"):
        install("doom", lambda text: None)
