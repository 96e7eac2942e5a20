"""The simulator's side: runs inside its own environment, not inside Playteach's.

Started as a script by that environment's Python, so it imports nothing of Playteach, and
is written for Python 3.8 on.  Orders come as JSON lines on standard input, answers go as
JSON lines to standard output, pictures lie in a shared file.  Whatever the simulator
prints goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import re
import sys
from typing import IO, Any, Callable, Dict, Iterable, List, Optional, Tuple

BUTTONS = (
    "forward", "back", "left", "right", "sprint", "sneak", "use", "drop", "attack", "jump",
    "inventory",
)  # fmt: skip
HEIGHT, WIDTH = 360, 640
FRAME_BYTES = HEIGHT * WIDTH * 3
EXPECTED = {
    "resolution": (640, 360),
    "fov_range": (70, 70),
    "gamma_range": (2, 2),
    "guiscale_range": (1, 1),
    "cursor_size_range": (16, 16),
}
VERSION = "1.16"
"""What the released model was trained on."""
HUMAN = "MineRLHumanSurvival-v0"
_TABLES = re.compile(r"mc_constants(?:\.([\d.]+))?\.json$")


def make_minerl(env_id: str = HUMAN) -> Any:
    """Return one of MineRL 1.0's environments; human survival takes commands besides keys."""
    import gym

    importlib.import_module("minerl")
    importlib.import_module("minerl.herobraine.envs")
    if env_id != HUMAN:
        return gym.make(env_id)
    specs = importlib.import_module("minerl.herobraine.env_specs.human_survival_specs")
    handlers = importlib.import_module("minerl.herobraine.hero.handlers")
    chat: Any = getattr(handlers, "ChatAction", None)
    if chat is None:
        return gym.make(env_id)

    class Said(chat):  # type: ignore[misc]
        """Says nothing where there is nothing to say; the original would open the chat."""

        def to_hero(self, x: object) -> str:
            return "chat " + str(x) if x else ""

    class Survival(specs.HumanSurvival):  # type: ignore[misc,name-defined]
        """Its own commands are not among the environment's actions."""

        def create_actionables(self) -> List[object]:
            known = [each for each in super().create_actionables() if each.to_string() != "chat"]
            return [*known, Said()]

    return Survival().make()


def make_minestudio() -> Any:
    """Return MineStudio's simulator with the environment's own actions."""
    from minestudio.simulator import MinecraftSim

    return MinecraftSim(action_type="env", obs_size=(WIDTH, HEIGHT), render_size=(WIDTH, HEIGHT))


def make_engine(name: str) -> Any:
    """Return the simulator called ``name``: minerl, minerl/ID, minestudio or MODULE:FUNCTION."""
    engine, _, env_id = name.partition("/")
    if engine == "minerl":
        return make_minerl(env_id or HUMAN)
    if name == "minestudio":
        return make_minestudio()
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)()


class Simulator:
    """One simulator behind both of gym's interfaces."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.goal: Dict[str, Any] = {}
        self.start = 0
        self.fresh: Tuple[Any, Any] = ({}, {})
        self.known = set(self.idle())

    def idle(self) -> Dict[str, object]:
        """Return the action that does nothing.

        MineStudio's own space is smaller than what it takes: commands are not in it.
        """
        space = self.env.action_space
        for owner, name in ((self.env, "noop_action"), (space, "no_op"), (space, "noop")):
            make = getattr(owner, name, None)
            if callable(make):
                # MineRL's BASALT wrapper reads it, whether the environment knows it or not.
                return {"ESC": 0, **make()}
        raise AttributeError("the simulator has no action that does nothing")

    def lacks(self) -> List[str]:
        """Return the controls that this simulator does not know: pressing them does nothing."""
        lacking = [name for name in BUTTONS if name not in self.known]
        lacking += [f"hotbar.{n}" for n in range(1, 10) if f"hotbar.{n}" not in self.known]
        return lacking + ([] if "camera" in self.known else ["camera"])

    def differs(self) -> Dict[str, object]:
        """Return what of the picture differs from what the model was trained on."""
        inner = getattr(self.env, "unwrapped", self.env)
        inner = getattr(inner, "env", inner)
        task = getattr(inner, "task", None)
        found: Dict[str, object] = {}
        version = self.version(task)
        if version and not version.startswith(VERSION):
            found["version"] = version
        for name, wanted in EXPECTED.items():
            value = getattr(task, name, None)
            if value is not None and tuple(value) != wanted:
                found[name] = list(value)
        return found

    def version(self, task: object) -> str:
        """Return the Minecraft version whose things the simulator knows, "" where unknown."""
        if task is None:
            return ""
        for kind in type(task).__mro__:
            root, found, _ = kind.__module__.partition(".herobraine.")
            if not found:
                continue
            tables = importlib.import_module(root + ".herobraine.hero.mc")
            match = _TABLES.search(str(getattr(tables, "mc_constants_file", "")))
            if match is not None:
                # The older MineRL did not write it into the name.
                return match.group(1) or "1.11.2"
        return ""

    def seed(self, number: int) -> None:
        """Fix the next world; MineStudio keeps its seed in a field and takes it further in."""
        for owner in (self.env, getattr(self.env, "env", None)):
            sow = getattr(owner, "seed", None)
            if callable(sow):
                sow(number)
                return

    def reset(self, order: Dict[str, Any]) -> Tuple[Any, Any]:
        """Make a new world and begin in it; return the picture and what else is seen."""
        self.seed(order.get("seed", 0))
        layer: Any = self.env
        while layer is not None:
            if "num_steps" in vars(layer):
                # MineRL's own time limit counts on from attempt to attempt.
                layer.num_steps = 0
            layer = vars(layer).get("env")
        made = self.env.reset()
        self.fresh = made if isinstance(made, tuple) else (made, {})
        return self.begin(order)

    def begin(self, order: Dict[str, Any]) -> Tuple[Any, Any]:
        """Begin in the world as it was made, in which nothing was done yet."""
        self.goal = order.get("goal") or {}
        seen, info = self.fresh
        for command in order.get("commands", ()):
            seen, info, _ = self.act({"chat": command})
        self.start = self.count(seen, info)
        return seen, info

    def act(self, wanted: Dict[str, object]) -> Tuple[Any, Any, bool]:
        """Do one tick; ``wanted`` holds env keys.  Returns what is seen, told, and "over"."""
        action = self.idle()
        for name, value in wanted.items():
            if name in self.known:
                action[name] = value
        done = self.env.step(action)
        if len(done) == 5:
            seen, _, ended, cut, info = done
            return seen, info, bool(ended or cut)
        seen, _, ended, info = done
        return seen, info, bool(ended)

    def step(self, order: Dict[str, Any]) -> Tuple[Any, Any, bool]:
        """Do one tick of an action of Playteach's."""
        told = order["action"]
        wanted: Dict[str, object] = {name: 1 for name in BUTTONS if told.get(name)}
        if told.get("hotbar"):
            wanted[f"hotbar.{told['hotbar']}"] = 1
        if any(told.get("camera", (0, 0))):
            import numpy as np

            wanted["camera"] = np.array(told["camera"], dtype=np.float32)
        return self.act(wanted)

    def count(self, seen: Any, info: Any) -> int:
        """Return how often the goal's event happened to any of its objects, since ever."""
        event = self.goal.get("event")
        if not event:
            return 0
        table = info.get(event, seen.get(event)) if isinstance(seen, dict) else info.get(event)
        if not hasattr(table, "items"):
            return 0
        objects = self.goal.get("objects") or []
        total = 0
        for name, value in table.items():
            bare = str(name).replace("minecraft:", "").replace("minecraft.", "")
            if bare in objects or (not objects and value):
                total += int(value)
        return total

    def answer(self, seen: Any, info: Any, over: bool) -> Dict[str, object]:
        """Return what is told of a tick, without the picture."""
        counted = self.count(seen, info) - self.start
        gui = bool(info.get("isGuiOpen") or info.get("is_gui_open") or False)
        return {"ok": True, "count": counted, "over": over, "gui": gui}


def picture(seen: Any, info: Any) -> bytes:
    """Return the picture as H x W x 3 bytes; raises ValueError for one of another size."""
    pov = info.get("pov") if hasattr(info, "get") else None
    if pov is None:
        pov = seen.get("pov", seen.get("image"))
    if pov is None or tuple(pov.shape[:2]) != (HEIGHT, WIDTH):
        shape = None if pov is None else tuple(pov.shape)
        raise ValueError(f"the picture is {shape} instead of {(HEIGHT, WIDTH, 3)}")
    flat: bytes = pov[:, :, :3].astype("uint8").tobytes()
    return flat


def serve(
    orders: Iterable[str], answers: IO[str], shared: mmap.mmap, make: Callable[[], Any]
) -> None:
    """Answer orders until there are no more; an answer carries its order's number."""
    simulator: Optional[Simulator] = None
    number: Optional[int] = None

    def reply(document: Dict[str, object]) -> None:
        document["number"] = number
        answers.write(json.dumps(document) + "\n")
        answers.flush()

    for line in orders:
        order = json.loads(line)
        number = order.get("number")
        try:
            if order["do"] == "close":
                break
            if simulator is None:
                simulator = Simulator(make())
            if order["do"] == "open":
                reply(
                    {
                        "ok": True,
                        "lacks": simulator.lacks(),
                        "differs": simulator.differs(),
                        "commands": "chat" in simulator.known,
                    }
                )
                continue
            if order["do"] in ("reset", "begin"):
                begun = simulator.reset if order["do"] == "reset" else simulator.begin
                seen, info = begun(order)
                over = False
            else:
                seen, info, over = simulator.step(order)
            if info.get("error"):
                raise RuntimeError("the simulator lost its game: %s" % info["error"])
            shared[:FRAME_BYTES] = picture(seen, info)
            reply(simulator.answer(seen, info, over))
        except Exception as error:  # noqa: BLE001  # told to the other side, which decides
            first = (str(error) or type(error).__name__).splitlines()[0]
            reply({"ok": False, "problem": "%s: %s" % (type(error).__name__, first)})
    if simulator is not None:
        simulator.env.close()


def main() -> None:
    """Serve on the standard streams; arguments: engine, shared file, folders to import from."""
    engine, path = sys.argv[1:3]
    sys.path[:0] = sys.argv[3:]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What the simulator prints must not look like an answer.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), FRAME_BYTES) as shared:
        serve(sys.stdin, answers, shared, lambda: make_engine(engine))


if __name__ == "__main__":
    main()
