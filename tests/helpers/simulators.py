"""MineRL's and MineStudio's own Python code, with MineRL's fake environment in Java's place.

Runs in the simulator's Python, not in Playteach's.  MineStudio carries MineRL 1.0's code; it
is found here under its own name, ``minerl``, by a package that calls :func:`as_minerl`.
(MineStudio has taken ``drop`` out of it; MineRL's own has it.)
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

NOTHING = ("0", "0.0 0.0", "0,0,0,0,0,0")
HARDNESS = 3
"""Ticks that a log takes."""


def _skip_initialisers(*names: str) -> None:
    """Make packages whose own first lines import window toolkits that no test needs."""
    for name in names:
        if name in sys.modules:
            continue
        spec = importlib.machinery.PathFinder.find_spec(
            name.rpartition(".")[2],
            getattr(sys.modules.get(name.rpartition(".")[0]), "__path__", None),
        )
        if spec is None:
            raise ImportError(f"there is no {name}")
        package = types.ModuleType(name)
        package.__path__ = list(spec.submodule_search_locations or [])
        sys.modules[name] = package


def _fake_environment() -> type:
    """Return MineRL's fake environment with a log before the player, which can be mined."""
    fake = importlib.import_module("minestudio.simulator.minerl.env._fake")

    class Fake(fake._FakeSingleAgentEnv):  # type: ignore[misc,name-defined]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.yaw, self.worked, self.mined, self.gui = 0.0, 0, 4, False

        def _send_mission(self, instance: Any, mission: Any, token: str) -> None:
            super()._send_mission(instance, mission, token)
            _note(f"seed {self._seed}")

        def step(self, action: Any) -> Any:
            """As MineRL does with Java: first what is done, then what is seen."""
            name = self.task.agent_names[0]
            self._process_action(name, action)
            seen, told = self._get_fake_obs()
            return seen[name], 0.0, False, told[name]

        def _process_action(self, name: str, action: Any) -> str:
            said = str(super()._process_action(name, action))
            verbs = dict(line.partition(" ")[::2] for line in said.splitlines())
            _note(" | ".join(f"{k} {v}" for k, v in verbs.items() if v not in NOTHING))
            self.yaw += float(verbs["camera"].split()[1])
            self.worked = self.worked + 1 if verbs["attack"] == "1" else 0
            self.mined += self.worked > 0 and self.worked % HARDNESS == 0
            self.gui ^= verbs.get("inventory") == "1"
            return said

        def _get_fake_malmo_data(self) -> dict[str, Any]:
            recorded = np.asarray(self._fake_malmo_data["pov"], dtype=np.uint8)
            width, height = self.task.resolution
            rows = np.arange(height) * len(recorded) // height
            columns = (np.arange(width) * recorded.shape[1] // width + int(self.yaw)) % 64
            drawn = recorded[rows][:, columns].copy()
            drawn[: 40 * (1 + self.worked), :80] = (120, 90, 50)
            # Java sends the lowest row first.
            sent = np.ascontiguousarray(drawn[::-1])
            places = dict.fromkeys(("xpos", "ypos", "zpos", "pitch"), 0.0)
            return {
                **places,
                "yaw": self.yaw,
                "pov": sent[::-1],
                "isGuiOpen": self.gui,
                "inventory": [],
                "mine_block": {"oak_log": self.mined},
            }

    return Fake


def _note(line: str) -> None:
    """Write down what would have gone to Java."""
    path = os.environ.get("PLAYTEACH_TEST_COMMANDS")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def __getattr__(name: str) -> Any:
    if name == "Fake":
        return globals().setdefault("Fake", _fake_environment())
    raise AttributeError(name)


def _without_java() -> None:
    _skip_initialisers("minestudio", "minestudio.simulator")
    specs = importlib.import_module("minestudio.simulator.minerl.herobraine.env_spec")
    specs.EnvSpec.U_SINGLE_AGENT_ENTRYPOINT = f"{__name__}:Fake"


def as_minerl(package: types.ModuleType) -> None:
    """Let ``package`` be MineRL: its code as MineStudio carries it."""
    _without_java()
    carried = importlib.import_module("minestudio.simulator.minerl")
    package.__path__ = list(carried.__path__)
    basalt = importlib.import_module("minerl.herobraine.env_specs.basalt_specs")
    basalt._singleagent = types.SimpleNamespace(_SingleAgentEnv=__getattr__("Fake"))


def make_minestudio() -> Any:
    """Return MineStudio's own simulator as the worker makes it."""
    _without_java()
    entry = importlib.import_module("minestudio.simulator.entry")
    # Its engine is a download of half a gigabyte.
    entry.check_engine = lambda **_: None
    sys.modules["minestudio.simulator"].MinecraftSim = entry.MinecraftSim
    return sys.modules["__main__"].make_minestudio()
