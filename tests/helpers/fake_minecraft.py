"""Simulators that the worker can be told to make: MineRL's and MineStudio's interfaces."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np


class Space:
    """MineRL's dictionary space: keys and a no-op."""

    def __init__(self, names: list[str]) -> None:
        self.spaces = dict.fromkeys(names)

    def noop(self) -> dict[str, Any]:
        return {name: [0.0, 0.0] if name == "camera" else 0 for name in self.spaces}


class Task:
    resolution = (640, 360)
    fov_range = (70, 70)
    gamma_range = (0, 0)


MINERL = [
    "ESC", "attack", "back", "drop", "forward", *(f"hotbar.{n}" for n in range(1, 10)),
    "inventory", "jump", "left", "pickItem", "right", "sneak", "sprint", "swapHands", "use",
    "camera", "chat",
]  # fmt: skip


class MineRL:
    """The old interface: reset gives what is seen, a step four values."""

    def __init__(self, names: list[str] = MINERL) -> None:
        self.action_space = Space(names)
        self.task = Task()
        self.seeds: list[int] = []
        self.mined = 5
        self.ticks = 0
        os.write(1, b"a simulator talks on standard output\n")

    def seed(self, seed: int) -> None:
        self.seeds.append(seed)

    def _seen(self) -> dict[str, Any]:
        pov = np.zeros((360, 640, 3), np.uint8)
        pov[..., 0] = self.ticks
        pov[..., 1] = self.seeds[-1] if self.seeds else 0
        return {"pov": pov, "mine_block": {"minecraft:oak_log": self.mined, "dirt": 9}}

    def reset(self) -> Any:
        self.ticks = 0
        return self._seen()

    def step(self, action: dict[str, Any]) -> Any:
        self.ticks += 1
        if action.get("chat") == "/crash":
            os._exit(3)
        if action.get("chat") == "/hang":
            # Says nothing any more, and stays.
            os.closerange(0, 3)
            os.closerange(3, 256)
            time.sleep(60)
        if action.get("chat") == "/java":
            # What it started holds the way for answers open, and outlives it.
            for number in range(3, 64):
                with contextlib.suppress(OSError):
                    os.set_inheritable(number, True)
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
        if action["hotbar.9"]:
            time.sleep(30)
        if action["hotbar.6"]:
            time.sleep(0.6)
        if action["hotbar.8"]:
            raise RuntimeError("no such block\nand more")
        self.mined += bool(action["attack"]) and float(action["camera"][1]) == 1.5
        return self._seen(), 0.0, bool(action["hotbar.7"]), {"isGuiOpen": bool(action["inventory"])}

    def close(self) -> None:
        os.write(1, b"closed\n")


class MineStudio(MineRL):
    """The new interface: two values from reset, five from a step, no drop."""

    def __init__(self) -> None:
        super().__init__([name for name in MINERL if name != "drop"])
        self.env = MineRL()
        self.seeds = self.env.seeds
        self.seed = 3  # type: ignore[assignment,method-assign]
        self._taken = self.action_space
        self.action_space = object()  # type: ignore[assignment]

    def noop_action(self) -> dict[str, Any]:
        return self._taken.noop()

    def _told(self, seen: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return {"image": seen["pov"]}, {**seen, "is_gui_open": False}

    def _seen(self) -> dict[str, Any]:
        pov = np.full((360, 640, 3), self.ticks, np.uint8)
        pov[..., 1] = self.seeds[-1] if self.seeds else 0
        return {"pov": pov, "mine_block": {"oak_log": self.mined}}

    def reset(self) -> Any:
        self.ticks = 0
        return self._told(self._seen())

    def step(self, action: dict[str, Any]) -> Any:
        seen, reward, over, _ = super().step(action)
        image, info = self._told(seen)
        if action["hotbar.6"]:
            info["error"] = "the socket died"
        return image, reward, over, over, info


class Small(MineRL):
    """Draws pictures of another size."""

    def _seen(self) -> dict[str, Any]:
        return {"pov": np.zeros((64, 64, 3), np.uint8)}
