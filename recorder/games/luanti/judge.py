"""The mod's side of a world: commands in, events and states out, by files of the world.

Everything stays on this machine, in a folder that only this user reads.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recorder import json_values
from recorder.errors import GameEndedError, GameError

ENDED = "Luanti ended by itself, so this attempt is over and does not count; start it again."
POLL_S = 0.004

Event = Mapping[str, Any]
Stacks = tuple[tuple[int, str, int], ...]
"""(slot from 1, item, count) of every slot that is not empty."""


@dataclass(frozen=True, slots=True)
class Near:
    """Something that can be touched near the player; ``item`` is "" for a living thing."""

    name: str
    x: float
    y: float
    z: float
    item: str = ""


@dataclass(frozen=True, slots=True)
class PlayerState:
    """What the server knows of the player, in nodes and degrees of the map.

    ``yaw_deg`` 0 looks along +z and grows to the left; ``pitch_deg`` is positive downwards.
    ``us`` is CLOCK_MONOTONIC_RAW in microseconds.
    """

    x: float
    y: float
    z: float
    yaw_deg: float
    pitch_deg: float
    hp: int
    slot: int
    wield: str
    main: Stacks = ()
    craft: Stacks = ()
    near: tuple[Near, ...] = ()
    us: int = 0
    speed: float = 0.0

    def count(self, item: str) -> int:
        """Return how many of an item the player has in the inventory."""
        return sum(n for _, name, n in self.main if name == item)


@dataclass(slots=True)
class JudgeClient:
    """Reads the world's log and sends commands to the mod.  One thread."""

    world: Path
    alive: Callable[[], bool] = field(default=lambda: True)
    state: PlayerState | None = None
    _offset: int = 0
    _commands: int = 0

    def poll(self) -> list[Event]:
        """Return what happened since the last call, in order; the newest state is kept."""
        try:
            with (self.world / "events.jsonl").open("rb") as log:
                log.seek(self._offset)
                fresh = log.read()
        except FileNotFoundError:
            return []
        end = fresh.rfind(b"\n") + 1
        self._offset += end
        events: list[Event] = []
        newest: Event | None = None
        for line in fresh[:end].splitlines():
            event = json_values.parse(line)
            if event.get("ev") == "state":
                newest = event
            else:
                events.append(event)
        if newest is not None:
            self.state = state_of(newest)
        return events

    def wait_for(self, wanted: Callable[[Event], bool], timeout_s: float) -> Event:
        """Wait for an event; raises GameError where it does not come or the game ends."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            for event in self.poll():
                if wanted(event):
                    return event
            if not self.alive():
                raise GameEndedError(ENDED)
            time.sleep(POLL_S)
        raise GameError(
            "Luanti did not answer in time, so the attempt cannot go on; close other programs if "
            "the machine is busy, then start again."
        )

    def wait_for_state(self, timeout_s: float) -> PlayerState:
        """Wait for a state that is newer than now."""
        self.poll()
        before = self.state
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            self.poll()
            if self.state is not None and self.state is not before:
                return self.state
            if not self.alive():
                raise GameEndedError(ENDED)
            time.sleep(POLL_S)
        raise GameError("Luanti tells nothing of its player, so it cannot be judged; start again.")

    def lay_out(self, layout: Mapping[str, object], timeout_s: float = 20.0) -> None:
        """Build a layout and put the player into it; raises GameError where that fails."""
        self._commands += 1
        number = f"{self._commands}"
        document = {**layout, "id": number}
        fresh = self.world / "cmd.tmp"
        fresh.write_text(json.dumps(document), encoding="ascii")
        fresh.rename(self.world / "cmd.json")
        answer = self.wait_for(
            lambda event: event.get("ev") == "cmd" and event.get("id") == number, timeout_s
        )
        if not answer.get("ok"):
            raise GameError(
                f"Luanti could not lay the task out ({answer.get('err')}), so it was not begun; "
                "try again."
            )


def state_of(event: Event) -> PlayerState:
    """Return the state of a log row."""
    x, y, z = event["pos"]
    vx, _, vz = event["vel"]
    return PlayerState(
        x=x,
        y=y,
        z=z,
        yaw_deg=event["yaw"],
        pitch_deg=event["pitch"],
        hp=int(event["hp"]),
        slot=int(event["slot"]),
        wield=event["wield"],
        main=_stacks(event.get("main")),
        craft=_stacks(event.get("craft")),
        near=tuple(Near(str(n[0]), n[1], n[2], n[3], str(n[4])) for n in event.get("near") or ()),
        us=int(event["us"]),
        speed=math.hypot(vx, vz),
    )


def _stacks(rows: Sequence[Sequence[Any]] | None) -> Stacks:
    # An empty Lua table is written as null.
    return tuple((int(slot), str(name), int(count)) for slot, name, count in rows or ())
