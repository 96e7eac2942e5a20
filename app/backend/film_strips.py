"""The film strips of a verdict: the same start, played before and after the round."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.play.episode import EpisodeEnd, EpisodeLoop, EpisodeStart, run_episode
from model.play.runner import LockStepRunner
from model.torch_state import torch_threads
from model.vla.play_options import PlayOptions
from recorder.games import game_spec, open_game, task_list
from recorder.games.base import Game, Task
from recorder.store import EvaluationRow, Reader
from recorder.types import RGBImage, Tick
from trainer.evaluation.players import PlayerSpec, make_policy
from trainer.evaluation.starts import JUDGED
from trainer.rounds.books import RoundResult

PICTURES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """Pictures of one start, in order, as each side played it."""

    adapter_id: int
    seed: int
    before: tuple[RGBImage, ...]
    after: tuple[RGBImage, ...]


class Camera:
    """An observer that keeps every picture of an episode."""

    def __init__(self) -> None:
        self.frames: list[RGBImage] = []

    def on_start(self, start: EpisodeStart) -> None:
        """Forget the episode before."""
        del start
        self.frames = []

    def on_instruction(self, tick: int, text: str) -> None:
        """Nothing to see."""

    def on_tick(self, tick: Tick) -> None:
        """Keep the picture; the game may reuse its memory."""
        self.frames.append(tick.frame.rgb.copy())

    def on_end(self, end: EpisodeEnd) -> None:
        """Nothing to do."""


def film_of_round(
    reader: Reader, result: RoundResult, base: Path, options: PlayOptions | None = None
) -> Films | None:
    """Play the most telling start of a round's evaluation again, before and after.

    ``options`` are the round's.  None where it made no adapter or nothing was
    evaluated, and in a game that would need the person's screen once more.  Raises what the
    game or the model raises.
    """
    if result.adapter_id is None or result.adapter is None:
        return None
    adapters = {row.id: row for row in reader.adapters()}
    parent_id = adapters[result.adapter_id].parent_id
    parent = None if parent_id is None else Path(adapters[parent_id].folder)
    before = PlayerSpec("before", base, parent, options=options)
    after = PlayerSpec("after", base, result.adapter, options=options)
    # Only what this round measured: either side may have been played elsewhere too.
    old, new = (
        reader.evaluations(policy_key=side.key, round_id=result.round_id)
        for side in (before, after)
    )
    start = telling_start(old, new)
    if start is None or game_spec(start.game).own_window:
        return None
    task = next((each for each in task_list(start.game) if each.id == start.task_id), None)
    if task is None:
        return None
    game = open_game(start.game)
    try:
        strips = [
            film(player, game, task, start.seed, heard=start.instruction)
            for player in (before, after)
        ]
    finally:
        game.close()
    return Films(result.adapter_id, start.seed, strips[0], strips[1])


def telling_start(
    before: Sequence[EvaluationRow], after: Sequence[EvaluationRow]
) -> EvaluationRow | None:
    """Return the start where the two sides differ; one that got better is preferred.

    A start is a task, the sentence that was heard, and a seed.  What nobody judged on either side
    got neither better nor worse.
    """
    old = {_start(row): row for row in before if row.outcome in JUDGED}
    pairs = [
        (old[_start(row)], row) for row in after if _start(row) in old and row.outcome in JUDGED
    ]
    if not pairs:
        return None
    best = max(pairs, key=lambda pair: (pair[1].success - pair[0].success, pair[1].success))
    if best[1].success == best[0].success:
        # Nowhere better: then what got worse says more than two equal films.
        best = min(pairs, key=lambda pair: pair[1].success - pair[0].success)
    return best[1]


def _start(row: EvaluationRow) -> tuple[str, str, int]:
    return row.task_id, row.instruction, row.seed


def film(
    player: PlayerSpec, game: Game, task: Task, seed: int, *, heard: str
) -> tuple[RGBImage, ...]:
    """Play one start as it was measured; return pictures spread evenly over it, with the last.

    ``heard`` is the sentence that the player hears.
    """
    camera = Camera()
    with contextlib.ExitStack() as stack:
        if player.checkpoint is not None:
            # As many threads as the measurement had: sums in another order are other numbers.
            stack.enter_context(torch_threads(1))
        policy = make_policy(player, game, threads=1)
        loop = EpisodeLoop(
            game, LockStepRunner(policy), policy_name=policy.name, observers=(camera,)
        )
        run_episode(loop, task, seed, instruction=heard)
    places = np.linspace(0, len(camera.frames) - 1, PICTURES).round().astype(int)
    return tuple(camera.frames[place] for place in places)
