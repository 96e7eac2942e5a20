"""The person's ticks of earlier versions, read so that each picture comes before its action.

They recorded a game in a window of its own with what the person did up to a tick's decision.
The tick's picture was read some 12 ms before that, so it shows most of that action already.  The
raw events have times, so what was done from each picture to the next can be told anew.  A pure
function does it whenever such an episode is read; what is stored stays as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from recorder.games.controls import HOTBAR_PREFIX, MAX_EVENTS
from recorder.store.rows import InputEventRow, TickRow
from recorder.types import BUTTON_CONTROLS, MAX_CAMERA_DEG, Action, Driver

ROWS, PICTURE_FIRST = "rows", "picture first"
"""What a session's ``extra`` says of itself since its person's ticks are recorded rightly."""
UNSURE_DEG = 1.0
"""A turn of less than this may lie in either of two ticks: the picture hardly shows it."""
STALE_NS = 250_000_000
"""A picture that was older than this when the person acted is from before a pause."""
TOLERANCE_DEG = 0.01
"""Turns are sums of counts: more than this is missing only if events are."""
_AXES = ("pitch", "yaw")


@dataclass(frozen=True, slots=True)
class Paired:
    """An episode's ticks and events, each action after its tick's picture.

    A person's tick that cannot be told anew has ``paired`` False.
    """

    ticks: list[TickRow]
    events: list[InputEventRow]


def recorded_picture_first(realtime: bool, extra: Mapping[str, object]) -> bool:
    """Return whether a session's person's ticks are right as they are stored.

    True for every game that Playteach shows itself: there the person's action is carried out
    after the picture.  Those in a window of their own said how time ran.
    """
    own_window = realtime or "time" in extra
    return not own_window or extra.get(ROWS) == PICTURE_FIRST


def picture_first(ticks: Sequence[TickRow], events: Sequence[InputEventRow]) -> Paired:
    """Return the rows of an episode that was recorded by an earlier version from heard input.

    ``ticks`` and ``events`` are whole and in order, as stored: a person's tick holds what was
    heard from the decision before to its own.  Other drivers' ticks come back as they are.
    """
    moved = _Moved(ticks, events)
    done = [
        tick if tick.driver is not Driver.PERSON else moved.anew(place)
        for place, tick in enumerate(ticks)
    ]
    return Paired(done, moved.events())


class _Moved:
    """Where each event of an episode belongs.  Places are indices into the ticks."""

    def __init__(self, ticks: Sequence[TickRow], events: Sequence[InputEventRow]) -> None:
        self._ticks = ticks
        place_of = {tick.index: place for place, tick in enumerate(ticks)}
        self._stored: dict[int, list[InputEventRow]] = defaultdict(list)
        for event in events:
            self._stored[place_of[event.tick]].append(event)
        # Of each tick: what was done before its picture, and from its picture to its decision.
        self._before: dict[int, list[InputEventRow]] = defaultdict(list)
        self._after: dict[int, list[InputEventRow]] = defaultdict(list)
        self._unsure: set[int] = set()
        for place, tick in enumerate(ticks):
            if tick.driver is Driver.PERSON:
                self._divide(place)
        self._held = self._held_after_each()

    def anew(self, place: int) -> TickRow:
        """Return a person's tick with what was done from its picture to the next one."""
        tick = self._ticks[place]
        following = self._ticks[place + 1] if place + 1 < len(self._ticks) else None
        done = self._after[place] + self._before[place + 1]
        held = dict.fromkeys(self._held[place])
        for event in self._before[place + 1]:
            _press(held, event)
        taps = dict.fromkeys(event.code for event in done if _is_key(event) and event.value)
        turn = {axis: sum(e.value for e in done if e.code == axis) for axis in _AXES}
        sure = (
            following is not None
            and following.driver is Driver.PERSON
            and place not in self._unsure
            and place + 1 not in self._unsure
            and tick.mono_ns - tick.frame_mono_ns <= STALE_NS
            and all(abs(degrees) <= MAX_CAMERA_DEG for degrees in turn.values())
        )
        return replace(tick, executed=_action({**held, **taps}, turn), paired=sure)

    def events(self) -> list[InputEventRow]:
        """Return every event with the tick that it belongs to, in the order they came."""
        found = []
        for place, tick in enumerate(self._ticks):
            if tick.driver is not Driver.PERSON:
                found += self._stored[place]
                continue
            owner = self._ticks[max(0, place - 1)].index
            found += [replace(event, tick=owner) for event in self._before[place]]
            found += self._after[place]
        return found

    def _divide(self, place: int) -> None:
        """Divide a tick's events at its picture; note where that cannot be told."""
        tick, stored = self._ticks[place], self._stored[place]
        if len(stored) >= MAX_EVENTS or not _complete(tick, stored):
            self._unsure.add(place)
        # Nobody knows how long before the first picture a hand began.
        began_ns = self._ticks[place - 1].mono_ns if place else tick.frame_mono_ns - STALE_NS
        for event in stored:
            if _is_key(event):
                # Moves are added up between two keys, so a later one began after this.
                began_ns = max(began_ns, event.mono_ns)
            share = self._share_before(place, event, began_ns)
            if share:
                first = min(event.mono_ns, tick.frame_mono_ns) if share < 1 else event.mono_ns
                part = replace(event, mono_ns=first, value=event.value * share)
                self._before[place].append(event if share == 1 else part)
            if share < 1:
                part = replace(event, value=event.value * (1 - share))
                self._after[place].append(event if share == 0 else part)

    def _share_before(self, place: int, event: InputEventRow, began_ns: int) -> float:
        """Return which part of an event, 0 to 1, came before its tick's picture."""
        read_ns = self._ticks[place].frame_mono_ns
        if event.mono_ns <= read_ns:
            return 1.0
        if _is_key(event) or began_ns >= read_ns:
            return 0.0
        # Moves stored as one, with the time of the last.  A hand that was moving already has gone
        # on; of one that began in between nobody knows when.
        moving = any(each.code == event.code for each in self._stored[place - 1])
        paused = event.mono_ns - began_ns > STALE_NS
        if abs(event.value) > UNSURE_DEG and (paused or not moving):
            self._unsure.add(place)
        return (read_ns - began_ns) / (event.mono_ns - began_ns)

    def _held_after_each(self) -> list[dict[str, None]]:
        """Return what was down at each tick's decision, in the order of pressing."""
        found, held = [], dict[str, None]()
        for place, tick in enumerate(self._ticks):
            if tick.driver is not Driver.PERSON:
                held = {}
                found.append(held)
                continue
            held = dict(held)
            told = {event.code for event in self._stored[place] if _is_key(event)}
            done = _controls(tick.executed)
            # What was released without an event (the focus was lost), or was down before.
            for code in [
                code for code in held if code not in told and not _stays(code, held, done, told)
            ]:
                del held[code]
            for code in done:
                if code not in told:
                    held.setdefault(code)
            for event in self._stored[place]:
                _press(held, event)
            found.append(held)
        return found


def _is_key(event: InputEventRow) -> bool:
    return event.device != "motion"


def _press(held: dict[str, None], event: InputEventRow) -> None:
    if not _is_key(event):
        return
    held.pop(event.code, None)
    if event.value:
        held[event.code] = None


def _controls(action: Action) -> list[str]:
    slot = [f"{HOTBAR_PREFIX}{action.hotbar}"] if action.hotbar else []
    return [*slot, *(name for name in BUTTON_CONTROLS if name in action.held)]


def _stays(code: str, held: Mapping[str, None], done: Sequence[str], told: Collection[str]) -> bool:
    """Return whether a held key can still be down: of several slots only the newest acts.

    A slot that was pressed in this tick, one of those ``told``, became the newest in it.
    """
    slot = next((each for each in done if HOTBAR_PREFIX in each), None)
    if code in done or HOTBAR_PREFIX not in code or slot is None:
        return code in done
    order = list(held)
    return slot in told or slot not in held or order.index(code) < order.index(slot)


def _action(active: Iterable[str], turn: Mapping[str, float]) -> Action:
    names = list(active)
    slots = [int(name.removeprefix(HOTBAR_PREFIX)) for name in names if "." in name]
    buttons = {name: True for name in names if name in BUTTON_CONTROLS}
    camera = tuple(max(-MAX_CAMERA_DEG, min(MAX_CAMERA_DEG, turn[axis])) for axis in _AXES)
    return Action(hotbar=slots[-1] if slots else 0, camera=(camera[0], camera[1]), **buttons)


def _complete(tick: TickRow, stored: Sequence[InputEventRow]) -> bool:
    """Return whether a tick's action follows from its events, so that none of them is missing."""
    done = tick.executed
    for axis, turned in zip(_AXES, done.camera, strict=True):
        told = sum(event.value for event in stored if event.code == axis)
        if abs(told - turned) > TOLERANCE_DEG:
            return False
    pressed = {event.code for event in stored if _is_key(event) and event.value}
    return {code for code in pressed if HOTBAR_PREFIX not in code} <= done.held
