"""The engine's side: a process of its own that holds the ViZDoom object and obeys its parent.

``python -m recorder.games.doom.engine_process PICTURES`` in the engine's private folder.  Orders
and answers are JSON lines on the standard streams; the newest picture lies in the shared file
PICTURES.  So the engine's working folder, its memory and its crashes are not the parent's.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NotRequired, TypedDict

import numpy as np
import psutil
from numpy.typing import NDArray

from recorder.games.doom.leftovers import INSTANCE_FILE
from recorder.processes import follow_parent, leash_script

if TYPE_CHECKING:
    import vizdoom

LEAVE_S = 5.0
"""So long after its parent's death this process may take to end the engine by itself."""
MAX_FREE_TICKS = 1 << 30


class Opening(TypedDict):
    """The first order: what the engine is to be."""

    wad: str
    size: tuple[int, int]
    labels: bool
    buttons: list[str]
    variables: list[str]


class Order(TypedDict):
    """Button values and for how many tics, after an episode was begun if there is a seed."""

    acts: list[tuple[list[float], int]]
    seed: NotRequired[int]


class Refusal(Exception):  # noqa: N818  # an answer, not an error of this program's
    """Why there is no engine: ``kind`` is "missing", "size" or "start"."""

    def __init__(self, kind: str, why: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.why = why


def open_engine(order: Opening, folder: Path) -> vizdoom.DoomGame:
    """Return a started engine; raises Refusal with the reason if it cannot be started."""
    try:
        import vizdoom
    except ImportError as error:
        raise Refusal("missing") from error
    width, height = order["size"]
    resolution = getattr(vizdoom.ScreenResolution, f"RES_{width}X{height}", None)
    if resolution is None:
        raise Refusal("size")
    engine = vizdoom.DoomGame()
    engine.set_doom_scenario_path(order["wad"])
    engine.set_doom_map("MAP01")
    if sys.platform == "linux":
        program = Path(vizdoom.__file__).with_name("vizdoom")
        note = ("+viz_instance_id", INSTANCE_FILE)
        engine.set_vizdoom_path(str(leash_script(program, folder, note=note)))
    engine.set_doom_config_path(str(folder / "engine.ini"))
    engine.set_screen_resolution(resolution)
    engine.set_screen_format(vizdoom.ScreenFormat.RGB24)
    engine.set_window_visible(False)
    engine.set_sound_enabled(False)
    engine.set_render_hud(False)
    engine.set_mode(vizdoom.Mode.PLAYER)
    engine.set_objects_info_enabled(True)
    engine.set_sectors_info_enabled(True)
    engine.set_labels_buffer_enabled(order["labels"])
    engine.set_available_buttons([getattr(vizdoom.Button, name) for name in order["buttons"]])
    engine.set_available_game_variables(
        [getattr(vizdoom.GameVariable, name) for name in order["variables"]]
    )
    engine.set_episode_timeout(MAX_FREE_TICKS)
    try:
        engine.init()
    except Exception as error:
        # The library's exceptions have no common base.
        raise Refusal("start", first_line(error)) from error
    return engine


def obey(engine: vizdoom.DoomGame, order: Order, pictures: NDArray[np.uint8]) -> dict[str, object]:
    """Do an order: begin an episode or not, then actions; return what is seen after them."""
    if "seed" in order:
        engine.set_seed(order["seed"])
        engine.new_episode()
    for values, tics in order["acts"]:
        engine.make_action(values, tics)
    state = engine.get_state()
    answer: dict[str, object] = {"dead": engine.is_player_dead(), "state": None}
    if state is not None:
        pictures[:] = state.screen_buffer
        answer["state"] = {
            "variables": state.game_variables.tolist(),
            "objects": [
                (each.id, each.name, each.position_x, each.position_y) for each in state.objects
            ],
            "labels": [
                (each.object_id, each.x, each.y, each.width, each.height)
                for each in state.labels or ()
            ],
            "sectors": [(each.floor_height, each.ceiling_height) for each in state.sectors],
        }
    return answer


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says, without its full stop."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def serve(pictures_path: str, orders: BinaryIO, answers: BinaryIO) -> int:
    """Answer orders until there are no more, or until the engine fails; return the exit code."""

    def answer(document: dict[str, object]) -> None:
        answers.write(json.dumps(document).encode() + b"\n")
        answers.flush()

    line = orders.readline()
    if not line:
        return 0
    order = json.loads(line)
    try:
        engine = open_engine(order, Path.cwd())
    except Refusal as refusal:
        answer({"refused": refusal.kind, "why": refusal.why})
        return 1
    width, height = order["size"]
    try:
        with Path(pictures_path).open("r+b") as file:
            # Goes with the process: the array keeps it from being closed.
            shared = mmap.mmap(file.fileno(), width * height * 3)
        pictures = np.frombuffer(shared, np.uint8).reshape(height, width, 3)
        answer({"engine": [child.pid for child in psutil.Process().children()]})
        for line in orders:
            answer(obey(engine, json.loads(line), pictures))
    except Exception as error:  # noqa: BLE001  # of the library; the parent decides what it means
        answer({"failed": first_line(error)})
        return 1
    finally:
        engine.close()
    return 0


def main(arguments: list[str]) -> int:
    """Serve on the standard streams; what the engine prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    left = threading.Event()

    def gone() -> None:
        # An engine that hangs keeps this process from reading that there are no more orders.
        if not left.wait(LEAVE_S):
            os._exit(1)

    parent = follow_parent(gone)
    try:
        return serve(arguments[0], sys.stdin.buffer, answers)
    except BrokenPipeError:
        return 0
    finally:
        left.set()
        parent.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
