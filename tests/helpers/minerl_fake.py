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

    def enlarged() -> Any:
        # The recorded pictures are 64 x 64; the worker takes the model's size only.
        data = recorded()
        data["pov"] = np.resize(np.asarray(data["pov"], np.uint8), (360, 640, 3))
        return data

    env._get_fake_malmo_data = enlarged
    return env
