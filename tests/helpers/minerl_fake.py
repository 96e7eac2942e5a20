"""MineRL's own fake environment (its spaces, handlers and recorded data) at 640 x 360."""

from __future__ import annotations

from typing import Any

import numpy as np


def make() -> Any:
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
