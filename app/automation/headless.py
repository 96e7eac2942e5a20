"""Sessions without a window: the same loop and the same input path, ticked by the caller."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.session.api import Snapshot
from app.session.control_loop import LiveSession
from app.session.wiring import BUG_SENTENCE
from model.adapters.in_use import BASE_PLAYS, adapter_in_use, lost_sentence
from model.paths import default_checkpoint
from recorder.errors import DataError, GameEndedError, KnownError, ModelError, StoppedError
from recorder.store import Reader, Store, database_path
from recorder.types import Outcome
from trainer.evaluation.players import PlayerSpec, player_spec

TRIES = 5
"""How often one attempt is played whose game ends by itself."""
FREE_TICKS = 350
"""Length of an attempt that nobody judges: twenty seconds of the practice yard."""

LOOK_S = 0.1
"""How often a paused attempt looks whether the panic key was pressed."""
PANIC = (
    "The attempt was stopped by the panic key, so nothing more is played; what was recorded is "
    "kept, and the same command begins anew."
)


@dataclass(frozen=True, slots=True)
class Attempted:
    """How one attempt went.  ``latencies_ms`` has one entry for every tick with a plan."""

    seed: int
    outcome: Outcome
    ticks: int
    seconds: float
    missed_ticks: int
    lost_ticks: int
    episode_id: int | None
    latencies_ms: tuple[float, ...]
    invalid_outputs: int = 0


def chosen_player(
    name: str, folder: Path, game: str = "doom", *, tell: Callable[[str], None] | None = None
) -> tuple[PlayerSpec, int | None]:
    """Resolve ``--policy`` for a game: who plays, and the database's number of the adapter.

    If the adapter in use is lost, ``tell`` gets a sentence and the base plays; without
    ``tell``, as where somebody is measured, that raises ModelError.  Raises UsageError for a
    name that is nothing.
    """
    adapters: dict[str, Path] = {}
    numbers: dict[Path, int] = {}
    active: Path | None = None
    if database_path(folder).exists():
        with Reader.open(folder) as reader:
            for row in reader.adapters():
                adapters[str(row.id)] = Path(row.folder)
                numbers[Path(row.folder)] = row.id
            # What is in use for another game's model is no adapter of this one.
            in_use = adapter_in_use(reader, default_checkpoint(game))
            if name == "default" and in_use is not None:
                meaning = "nothing was measured" if tell is None else BASE_PLAYS
                if lost := lost_sentence(in_use, meaning):
                    if tell is None:
                        raise ModelError(lost)
                    tell(lost)
                    in_use = None
            active = None if in_use is None else Path(in_use.folder)
    spec = player_spec(name, active_adapter=active, adapters=adapters, game=game)
    return spec, None if spec.adapter is None else numbers.get(spec.adapter)


def attempt(
    session: LiveSession,
    begin: Callable[[], None],
    *,
    seed: int,
    max_free_ticks: int = FREE_TICKS,
    on_tick: Callable[[Snapshot], None] = lambda snapshot: None,
    on_pause: Callable[[], None] = lambda: None,
) -> Attempted:
    """Play one attempt of an unthreaded session from ``begin`` to its outcome.

    An attempt that the game does not judge ends after ``max_free_ticks`` as unknown.  A pause
    of the person's is waited for, after ``on_pause``.  Raises StoppedError once the panic key
    was pressed, another KnownError if the attempt was ended by a problem, or kept by one from
    beginning.
    """
    _wait_for_the_person(session, on_pause)
    session.reset(seed)
    begin()
    # What the snapshot says is of the newest attempt that began, which may be one of before.
    before = session.snapshot().attempts
    started = time.perf_counter()
    latencies: list[float] = []
    ticks = 0
    while True:
        ticked = session.step()
        if session.panicked:
            # Where nobody listens to the person it is no pause either.
            raise StoppedError(PANIC)
        snapshot = session.snapshot()
        if snapshot.attempts == before or snapshot.outcome is Outcome.INTERRUPTED:
            _fail(snapshot)
        if snapshot.outcome is not None:
            break
        if not ticked:
            if session.suspended:
                raise KnownError(session.suspended)
            if not session.paused:
                _fail(snapshot)
            _wait_for_the_person(session, on_pause)
            continue
        ticks += 1
        if snapshot.latency_ms is not None:
            latencies.append(snapshot.latency_ms)
        on_tick(snapshot)
        judged = snapshot.task is not None and snapshot.task.judged
        if not judged and ticks >= max_free_ticks:
            session.stop(Outcome.UNKNOWN)
    return Attempted(
        seed=seed,
        outcome=snapshot.outcome,
        ticks=snapshot.tick,
        seconds=time.perf_counter() - started,
        missed_ticks=snapshot.missed_ticks,
        lost_ticks=snapshot.lost_ticks,
        episode_id=snapshot.episode_id,
        latencies_ms=tuple(latencies),
        invalid_outputs=snapshot.invalid_outputs,
    )


def _wait_for_the_person(session: LiveSession, on_pause: Callable[[], None]) -> None:
    """Return once nothing is paused; raises StoppedError after the panic key."""
    told = False
    while not session.panicked:
        if not session.paused:
            return
        if not told:
            told = True
            on_pause()
        if session.asked or session.wait_until_asked(LOOK_S):
            session.step()
    raise StoppedError(PANIC)


def played_anew(
    session: LiveSession, play: Callable[[], Attempted], tell: Callable[[str], None]
) -> Attempted:
    """Return what ``play`` returns, which plays an attempt by :func:`attempt`.

    If the game's program ended meanwhile, ``tell`` hears why and the attempt is played anew, from
    the same start and in a new program, at most :data:`TRIES` times in all.
    """
    tries_left = TRIES
    while True:
        try:
            return play()
        except GameEndedError as error:
            session.forget_requests()
            tries_left -= 1
            if not tries_left:
                raise
            tell(error.sentence)


def require_kept(store: Store) -> None:
    """Wait until everything recorded is on the disk.

    Raises DataError where some of it could not be stored.
    """
    store.wait()
    health = store.health()
    if health.lost_ticks or not health.ok:
        raise DataError(
            health.sentence
            or f"{health.lost_ticks} ticks could not be stored, so the recording has gaps; check "
            "the disk and record again."
        )


def _fail(snapshot: Snapshot) -> None:
    if snapshot.problem is not None:
        raise snapshot.problem
    if snapshot.message in ("", BUG_SENTENCE):
        raise RuntimeError(f"the attempt ended by itself ({snapshot.phase})")
    raise KnownError(snapshot.message)
