"""``playteach games install``: a simulator's own environment, beside Playteach's.

The simulators pin old versions (MineRL 1.0 wants NumPy under 1.24 and gym up to 0.23.1), so
none of it may come into Playteach's environment.  What must be there already (Java 8, git,
Xvfb) is checked first and told in one sentence.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.errors import GameError, UsageError
from recorder.games.minecraft.game import engines_folder
from recorder.games.minecraft.names import ENGINES

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]
PYTHON_VERSIONS = ((3, 9), (3, 11))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an engine's environment is made of, in pip's words, step by step."""

    steps: tuple[tuple[str, ...], ...]
    module: str


RECIPES = {
    "minerl": Recipe(
        (
            ("pip<24.1", "setuptools<66", "wheel<0.40"),
            ("numpy<1.24", "gym==0.23.1"),
            ("git+https://github.com/minerllabs/minerl@v1.0.2",),
        ),
        "minerl",
    ),
    "minestudio": Recipe(
        (("pip", "setuptools<70", "wheel"), ("numpy<2", "minestudio==1.1.6")),
        "minestudio.simulator",
    ),
}


def run_command(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it said."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


def missing_needs(engine: str, run: Run = run_command) -> list[str]:
    """Return a phrase for everything that a simulator needs and this machine lacks."""
    missing = []
    low, high = PYTHON_VERSIONS
    if not low <= sys.version_info[:2] <= high:
        missing.append("a Python from 3.9 to 3.11 (start Playteach's set-up with one)")
    if not sys.platform.startswith("linux"):
        missing.append("Linux (on Windows, WSL)")
    if shutil.which("java") is None:
        missing.append("Java 8 (Debian, Ubuntu: sudo apt install openjdk-8-jdk)")
    else:
        said = run(("java", "-version"))
        version = re.search(r'version "([^"]+)"', said.stderr + said.stdout)
        if version is None or not version[1].startswith("1.8."):
            found = version[1] if version else "an unknown one"
            missing.append(f"Java 8 instead of {found} (sudo update-alternatives --config java)")
    if shutil.which("xvfb-run") is None:
        missing.append("a hidden display (sudo apt install xvfb)")
    if engine == "minerl" and shutil.which("git") is None:
        missing.append("git (sudo apt install git)")
    return missing


def install(
    name: str,
    say: Callable[[str], None],
    *,
    folder: Path | None = None,
    run: Run = run_command,
    force: bool = False,
) -> Path:
    """Prepare the environment of ``name`` (minerl, minestudio; minecraft: MineRL).

    Returns its Python.  ``force`` goes on although something is missing.  Raises UsageError
    for another name, GameError where something is missing or a step fails; a second call
    goes on with what is there.
    """
    engine = "minerl" if name == "minecraft" else name
    if engine not in ENGINES:
        raise UsageError(
            f"There is nothing to install for {name!r}; choose one of: minecraft, "
            f"{', '.join(ENGINES)}."
        )
    missing = missing_needs(engine, run)
    if missing and not force:
        raise GameError(
            f"Minecraft cannot be installed yet, because this machine lacks {'; '.join(missing)}; "
            "put that right and start again (docs/minecraft.md says how)."
        )
    place = folder or engines_folder()
    home = place / engine
    python = home / "bin" / "python"
    recipe = RECIPES[engine]
    if not python.exists():
        say(f"Making an environment of its own in {home} ...")
        place.mkdir(parents=True, exist_ok=True)
        _must(run((sys.executable, "-m", "venv", str(home))), "the environment")
    for number, packages in enumerate(recipe.steps, 1):
        say(f"Step {number} of {len(recipe.steps)}: {', '.join(packages)}")
        _must(run((str(python), "-m", "pip", "install", *packages)), ", ".join(packages))
    say("Trying the simulator's code ...")
    _must(run((str(python), "-c", f"import {recipe.module}")), f"the import of {recipe.module}")
    record = place / f"{engine}.json"
    fresh = record.with_suffix(".new")
    fresh.write_text(json.dumps({"python": str(python)}) + "\n", encoding="utf-8")
    fresh.replace(record)
    return python


def _must(done: subprocess.CompletedProcess[str], what: str) -> None:
    if done.returncode == 0:
        return
    lines = (done.stderr or done.stdout).strip().splitlines()
    last = lines[-1] if lines else "without a word"
    raise GameError(
        f"Minecraft could not be installed: {what} failed ({last}); see docs/minecraft.md, then "
        "start again."
    )
