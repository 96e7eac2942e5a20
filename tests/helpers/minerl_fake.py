"""MineRL's own fake environment (its spaces, handlers and recorded data) at 640 x 360."""

from __future__ import annotations

import importlib.machinery
import sys
import types
from typing import Any

import numpy as np


def _skip_initialisers(*names: str) -> None:
    """Make packages whose own first lines import window toolkits that no test needs."""
    for name in names:
        spec = importlib.machinery.PathFinder.find_spec(
            name.rpartition(".")[2],
            getattr(sys.modules.get(name.rpartition(".")[0]), "__path__", None),
        )
        if spec is None:
            return
        package = types.ModuleType(name)
        package.__path__ = list(spec.submodule_search_locations or [])
        sys.modules[name] = package


def make() -> Any:
    _skip_initialisers("minestudio", "minestudio.simulator")
    try:
        from minestudio.simulator.minerl.env._fake import _FakeSingleAgentEnv
        from minestudio.simulator.minerl.herobraine.env_specs.navigate_specs import Navigate
    except ImportError:
        from minerl.env._fake import _FakeSingleAgentEnv
        from minerl.herobraine.env_specs.navigate_specs import Navigate
    spec = Navigate(dense=False, extreme=False)
    env = _FakeSingleAgentEnv(env_spec=spec)
    recorded = env._get_fake_malmo_data
    # The recording is older than the code: what the game has told since then is added.
    newer = {**dict.fromkeys(("xpos", "ypos", "zpos", "pitch", "yaw"), 0.0), "isGuiOpen": False}
    env._get_fake_malmo_data = lambda: {**newer, **recorded()}
    return Enlarged(env)


class Enlarged:
    """The environment with its recorded 64 x 64 pictures at the size that the model sees."""

    def __init__(self, env: Any) -> None:
        self._env = env
        self.action_space = env.action_space
        self.task = None

    def seed(self, seed: int) -> None:
        self._env.seed(seed)

    def reset(self) -> Any:
        return _enlarged(self._env.reset())

    def step(self, action: dict[str, Any]) -> Any:
        assert action in self.action_space
        seen, reward, over, info = self._env.step(action)
        return _enlarged(seen), reward, over, info

    def close(self) -> None:
        self._env.close()


def _enlarged(seen: dict[str, Any]) -> dict[str, Any]:
    rows, columns = np.arange(360) * 64 // 360, np.arange(640) * 64 // 640
    return {**seen, "pov": np.asarray(seen["pov"])[rows][:, columns]}
