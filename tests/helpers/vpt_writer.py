"""Writes recordings in VPT's format, for the reader to read."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from recorder.exchange import MINECRAFT_HZ, Step
from recorder.exchange.vpt import DEGREES_PER_COUNT, KEYS
from recorder.types import Action

KEY_OF = {control: key for key, control in KEYS.items()}
BUTTONS = {0: "attack", 1: "use"}


def write_vpt(video: Path, steps: list[Step]) -> Path:
    """Write steps as an mp4 and the .jsonl beside it; return the .jsonl.

    Mouse counts are whole numbers, so a turn comes back to the nearest 0.15 degrees.
    """
    import av

    height, width = steps[0].rgb.shape[:2]
    lines: list[dict[str, Any]] = []
    hotbar = 0
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(int(MINECRAFT_HZ)))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "12", "preset": "veryfast"}
        for step in steps:
            frame = av.VideoFrame.from_ndarray(step.rgb, format="rgb24")
            container.mux(stream.encode(frame))
            lines.append(_line_of(step.action, hotbar, previous=lines))
            hotbar = lines[-1]["hotbar"]
        container.mux(stream.encode())
    path = video.with_suffix(".jsonl")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def _line_of(action: Action, hotbar: int, previous: list[dict[str, Any]]) -> dict[str, Any]:
    pitch, yaw = action.camera
    buttons = [number for number, control in BUTTONS.items() if getattr(action, control)]
    before = previous[-1]["mouse"]["buttons"] if previous else []
    slot = action.hotbar - 1 if action.hotbar else hotbar
    keys = [key for control, key in KEY_OF.items() if getattr(action, control)]
    keys += [f"key.keyboard.{action.hotbar}"] if action.hotbar else []
    mouse = {
        "x": 640.0,
        "y": 360.0,
        "dx": float(round(yaw / DEGREES_PER_COUNT)),
        "dy": float(round(pitch / DEGREES_PER_COUNT)),
        "dwheel": 0.0,
        "buttons": buttons,
        # An attack that is down from the start would be taken for the recorder's own fault.
        "newButtons": [b for b in buttons if previous and b not in before],
    }
    return {
        "mouse": mouse,
        "keyboard": {"keys": keys, "newKeys": [], "chars": ""},
        "isGuiOpen": False,
        "hotbar": slot,
        "tick": len(previous),
    }
