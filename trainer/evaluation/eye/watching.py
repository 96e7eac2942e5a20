"""The eye in play: it follows an attempt as a player's model sees it, and keeps what was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from model.play.episode import EpisodeEnd, EpisodeStart
from recorder.types import Action, Frame, RGBImage, Tick
from trainer.evaluation.eye.glances import Array, Seen, deeds_of
from trainer.evaluation.eye.judge import Eye, Watcher

Glance = Callable[[RGBImage], Array]
"""Returns what a picture looks like in short (:meth:`model.vla.vla.VlaPolicy.glance`)."""


class Glancing(Protocol):
    """A player whose model can look at a picture without answering it."""

    @property
    def fingerprint(self) -> str:
        """Tells its base's weights from others."""
        ...

    def glance(self, rgb: RGBImage) -> Array:
        """Return what a picture looks like in short."""
        ...


class EyeWatch:
    """Implements :class:`model.play.episode.Watch` by an eye; ``glance`` is the player's."""

    def __init__(self, eye: Eye, glance: Glance) -> None:
        self._watcher, self._glance = Watcher(eye), glance
        self.ticks = self._watcher.ticks
        """The longest attempt that it may judge."""

    def begin(self) -> None:
        """A new attempt begins."""
        self._watcher.begin()

    def done(self, frame: Frame, action: Action) -> bool:
        """Return whether the eye calls it done."""
        return self._watcher.done(self._glance(frame.rgb), action)


class EyeWatches:
    """The watches of a player, one a sentence, each loaded when it is first needed."""

    def __init__(self, eyes: Mapping[str, Path], player: Glancing) -> None:
        """``eyes`` says where the eye of each sentence lies."""
        self._eyes, self._player = eyes, player
        self._there: dict[str, EyeWatch] = {}

    def of(self, sentence: str) -> EyeWatch | None:
        """Return what watches attempts at a sentence, None if no eye was taught it.

        Raises ValueError for a file that is no eye, or one of another model.
        """
        if sentence not in self._eyes:
            return None
        if sentence not in self._there:
            eye = Eye.load(self._eyes[sentence])
            if eye.base != self._player.fingerprint:
                raise ValueError(f"the eye for {sentence!r} was taught by another model's pictures")
            self._there[sentence] = EyeWatch(eye, self._player.glance)
        return self._there[sentence]


class SeenKeeper:
    """An observer that keeps what a model sees of an attempt, and what is done in it."""

    def __init__(self, player: Glancing) -> None:
        self.player = player
        self._glances: list[Array] = []
        self._actions: list[Action] = []

    def on_start(self, start: EpisodeStart) -> None:
        """Forget the attempt before."""
        self._glances, self._actions = [], []

    def on_instruction(self, tick: int, text: str) -> None:
        """Nothing to see."""

    def on_tick(self, tick: Tick) -> None:
        """Keep what was seen and done."""
        if tick.index:
            # The very first picture shows what nothing was done for.
            self._glances.append(self.player.glance(tick.frame.rgb))
        self._actions.append(tick.executed)

    def on_end(self, end: EpisodeEnd) -> None:
        """Nothing to do: the last picture comes with :meth:`seen`."""

    def seen(self, last: Frame) -> Seen | None:
        """Return the attempt, which ends with the picture ``last``; None without a tick."""
        if not self._actions:
            return None
        glances = [*self._glances, self.player.glance(last.rgb)]
        return Seen(np.stack(glances), deeds_of(self._actions))
