"""The films of a verdict: the same start, played before and after the round."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np

from app.backend.ports import FilmFacts
from model.play.episode import Decision, EpisodeLoop, Proposal, policy_drives, run_episode
from model.play.runner import LockStepRunner
from model.torch_state import torch_threads
from model.vla.play_options import PlayOptions
from recorder.errors import StoppedError
from recorder.games import game_spec, open_game, task_list
from recorder.games.base import FREE_TASK_ID, Game, Task, free_task
from recorder.store import EvaluationRow, Reader
from recorder.store.comparisons.rows import Film
from recorder.store.frames.h264 import decode_segment
from recorder.store.frames.reading import SegmentFrames
from recorder.types import Frame, Outcome, RGBImage
from trainer.evaluation.blind.camera import ClipCamera
from trainer.evaluation.players import PlayerSpec, make_policy
from trainer.evaluation.starts import JUDGED

PICTURES = 5


def until(stop: Event) -> Callable[[], None]:
    """Return what raises StoppedError once ``stop`` is set."""

    def check() -> None:
        if stop.is_set():
            raise StoppedError("Something else was asked for meanwhile, so this was not finished.")

    return check


class FilmClip:
    """Implements :class:`app.backend.blind.ports.Clip`; a stretch is decoded when it is shown."""

    def __init__(self, film: Film) -> None:
        self.frames = film.frames
        self.tick_rate_hz = film.rate_hz
        self._film = film
        self._stretch: SegmentFrames | None = None

    def frame(self, index: int) -> RGBImage:
        """Return picture ``index``; raises IndexError beyond the last."""
        if not 0 <= index < self.frames:
            raise IndexError(f"picture {index} of {self.frames}")
        kept = self._stretch
        if kept is None or not kept.start <= index < kept.stop:
            of = next(s for s in reversed(self._film.stretches) if s.start <= index)
            kept = SegmentFrames(of.start, of.frames, decode_segment(of.data, of.width, of.height))
            self._stretch = kept
        return kept.frame(index)

    def strip(self) -> tuple[RGBImage, ...]:
        """Return PICTURES pictures spread evenly over it, with the first and the last."""
        places = np.linspace(0, self.frames - 1, PICTURES).round().astype(int)
        return tuple(self.frame(int(place)) for place in places)


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """One start as each side played it, and whether each succeeded.

    ``number`` is its place among the ``starts`` of its round, the most telling first.
    """

    adapter_id: int
    sentence: str
    seed: int
    before: Film
    after: Film
    done_before: bool
    done_after: bool
    number: int = 0
    starts: int = 1

    def facts(self) -> FilmFacts:
        """Return them as the window shows them."""
        return FilmFacts(
            self.sentence,
            self.seed,
            FilmClip(self.before),
            FilmClip(self.after),
            self.done_before,
            self.done_after,
            self.number,
            self.starts,
        )


def film_of_round(
    reader: Reader,
    round_id: int,
    adapter_id: int,
    base: Path,
    options: PlayOptions | None = None,
    number: int = 0,
    check: Callable[[], None] = lambda: None,
) -> Films | None:
    """Play a start of a round's evaluation again, before and after: the ``number``-th most telling.

    ``options`` are how it plays now: a round that was played otherwise has no film.  After the last
    start comes the first.  None where nothing was evaluated, and in a game that would need the
    person's screen once more.  ``check`` is called before every tick and may raise to stop.
    Raises what the game or the model raises.
    """
    adapters = {row.id: row for row in reader.adapters()}
    parent_id = adapters[adapter_id].parent_id
    parent = None if parent_id is None else Path(adapters[parent_id].folder)
    before = PlayerSpec("before", base, parent, options=options)
    after = PlayerSpec("after", base, Path(adapters[adapter_id].folder), options=options)
    # Only what this round measured: either side may have been played elsewhere too.
    old, new = (
        reader.evaluations(policy_key=side.key, round_id=round_id) for side in (before, after)
    )
    pairs = telling_starts(old, new)
    if not pairs or game_spec(pairs[0][1].game).own_window:
        return None
    number %= len(pairs)
    rows = pairs[number]
    start = rows[0]
    task = next((each for each in task_list(start.game) if each.id == start.task_id), None)
    if start.task_id == FREE_TASK_ID:
        # The own eye judged it, and ended each attempt where it called it done.
        task = free_task(start.instruction)
    if task is None:
        return None
    (one, done_before), (other, done_after) = _filmed((before, after), rows, task, check)
    return Films(
        adapter_id,
        start.instruction or task.instruction,
        start.seed,
        one,
        other,
        done_before,
        done_after,
        number,
        len(pairs),
    )


def _filmed(
    players: tuple[PlayerSpec, PlayerSpec],
    rows: tuple[EvaluationRow, EvaluationRow],
    task: Task,
    check: Callable[[], None],
) -> tuple[tuple[Film, bool], tuple[Film, bool]]:
    """Play a start again as both players; return each one's film, and whether it succeeded."""
    start = rows[0]
    game = open_game(start.game)
    try:
        one, other = (
            film(
                player,
                game,
                task,
                start.seed,
                heard=start.instruction,
                check=check,
                ticks=None if task.judged else row.ticks,
            )
            for player, row in zip(players, rows, strict=True)
        )
    finally:
        game.close()
    if task.judged:
        return one, other
    return (one[0], rows[0].success), (other[0], rows[1].success)


def telling_starts(
    before: Sequence[EvaluationRow], after: Sequence[EvaluationRow]
) -> list[tuple[EvaluationRow, EvaluationRow]]:
    """Return each start that both sides played, as the two played it, the most telling first.

    That is what got better, then what got worse, then two successes, then two failures.  A start is
    a task, the sentence that was heard, and a seed.  What nobody judged on either side is left out.
    """
    old = {_start(row): row for row in before if row.outcome in JUDGED}
    pairs = [
        (old[_start(row)], row) for row in after if _start(row) in old and row.outcome in JUDGED
    ]
    order = [(False, True), (True, False), (True, True), (False, False)]
    return sorted(pairs, key=lambda pair: order.index((pair[0].success, pair[1].success)))


def _start(row: EvaluationRow) -> tuple[str, str, int]:
    return row.task_id, row.instruction, row.seed


def film(
    player: PlayerSpec,
    game: Game,
    task: Task,
    seed: int,
    *,
    heard: str,
    check: Callable[[], None] = lambda: None,
    ticks: int | None = None,
) -> tuple[Film, bool]:
    """Play one start as it was measured; return what it looked like, and whether it succeeded.

    It is over after ``ticks``, None: when the game says so.
    The film ends with the picture after the last action.  ``heard`` is the sentence that the player
    hears; ``check`` is called before every tick and may raise to stop.
    """

    def decide(frame: Frame, proposal: Proposal | None) -> Decision:
        check()
        return policy_drives(frame, proposal)

    camera = ClipCamera(blocky=False)
    with contextlib.ExitStack() as stack:
        if player.checkpoint is not None:
            # As many threads as the measurement had: sums in another order are other numbers.
            stack.enter_context(torch_threads(1))
        policy = make_policy(player, game, threads=1)
        loop = EpisodeLoop(
            game, LockStepRunner(policy), policy_name=policy.name, observers=(camera,)
        )
        end = run_episode(loop, task, seed, instruction=heard, decide=decide, max_ticks=ticks)
        return camera.film(loop.frame), end.outcome is Outcome.SUCCESS
