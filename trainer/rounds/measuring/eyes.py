"""Trains the eyes of a round's sentences from the person's marks, just before they judge.

It takes a look at every picture of every marked attempt, so a process of its own does it.  No torch
here, no Qt.
"""

from __future__ import annotations

import hashlib
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from model.vla.memory import is_small
from model.vla.play_options import PlayOptions
from recorder.data_folder import database_path
from recorder.games import game_spec
from recorder.store import Reader
from trainer.evaluation.eye.judge import Reliability
from trainer.evaluation.eye.marks import enough_marks, marked_attempts, own_marks
from trainer.evaluation.eye.teaching import LEAST_OWN, believed, teach_eye
from trainer.evaluation.run import begin_player_process, player_context

CHECK_S = 0.5
"""So often it is looked whether the teaching is to be stopped."""


@dataclass(frozen=True, slots=True)
class TaughtEye:
    """The eye of a sentence: where it lies, and how it did on marks that it did not learn from."""

    sentence: str
    path: Path
    reliability: Reliability

    @property
    def believed(self) -> bool:
        """Whether it may judge for the person."""
        return believed(self.reliability)

    @property
    def account(self) -> str:
        """How good it is, in a few words: "right about 11 of 12 attempts that you marked"."""
        return self.reliability.account

    @property
    def digest(self) -> str:
        """Eight hex digits that tell it from an eye that was taught otherwise."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class _Work:
    """What the process that teaches eyes is told; fields as in :func:`teach_eyes`."""

    data: Path
    base: Path
    game: str
    options: PlayOptions
    sentences: Sequence[str]
    folder: Path


def paths_of(eyes: Sequence[TaughtEye]) -> dict[str, Path]:
    """Return where the eye of each sentence lies, as play is told."""
    return {each.sentence: each.path for each in eyes}


def can_have_eyes(game: str, data: Path, base: Path, *, slowed: bool = False) -> bool:
    """Whether play of a model in a game can be judged by eye: both wait while it looks."""
    spec = game_spec(game, data)
    return is_small(base) and (slowed or not (spec.realtime or spec.own_window))


def teach_eyes(
    data: Path,
    base: Path,
    game: str,
    options: PlayOptions,
    sentences: Sequence[str],
    folder: Path,
    *,
    tell: Callable[[str], None] = lambda sentence: None,
    check: Callable[[], None] = lambda: None,
) -> list[TaughtEye]:
    """Teach an eye for each of the sentences of which enough is marked, into ``folder``.

    ``tell`` hears what is being done, if anything is; ``check`` is called meanwhile and may raise
    to stop.  Blocks.  Raises RuntimeError if it could not be done.
    """
    from model.adapters.folders import fingerprint

    if not sentences:
        return []
    of = fingerprint(base)
    with Reader.open(data) as reader:
        enough = [each for each in sentences if enough_marks(reader, game, each, of)]
    if not enough:
        return []
    tell("Learning from your marks to see when it is done.")
    context = player_context(loads=True)
    ours, theirs = context.Pipe(duplex=False)
    work = _Work(data, base, game, options, enough, folder)
    arguments = (theirs, dict(os.environ), work)
    process = context.Process(target=_teach_there, args=arguments, name="eyes")
    process.start()
    theirs.close()
    try:
        while (told := _heard(ours)) is None:
            check()
    finally:
        ours.close()
        process.terminate()
        process.join()
    if isinstance(told, str):
        raise RuntimeError(told)
    return told


def _heard(ours: Connection) -> list[TaughtEye] | str | None:
    """Return what the process that teaches eyes says, None if it says nothing yet.

    Raises RuntimeError if it ended without a word, as one does that was killed.
    """
    try:
        return ours.recv() if ours.poll(CHECK_S) else None
    except (EOFError, OSError) as error:
        raise RuntimeError("the process that teaches eyes ended too soon") from error


def not_believed(eye: TaughtEye) -> str:
    """Return the sentence about an eye that may not judge."""
    if eye.reliability.failed < LEAST_OWN:
        return (
            "What failed ended too early to know what its own eye says of longer attempts. Mark "
            "three more of its attempts as failed, and let them run on before."
        )
    return (
        f"Its own eye was {eye.account}, too seldom to be believed. Mark three more of its "
        "attempts as done or failed."
    )


def missing_marks(data: Path, base: Path, game: str, sentence: str) -> str:
    """Return what a person may mark so that play of a sentence can be judged by eye, "" if enough.

    A sentence for them, if they marked something already.
    """
    from model.adapters.folders import fingerprint

    # Without marks, or weights that could look, there is nothing to add to.
    if not database_path(data).is_file() or not any(base.glob("*.safetensors")):
        return ""
    with Reader.open(data) as reader:
        done, failed = own_marks(reader, game, sentence, fingerprint(base))
    wanted = {"done": max(0, LEAST_OWN - done), "failed": max(0, LEAST_OWN - failed)}
    if not any(wanted.values()) or not done + failed:
        return ""
    named = " and ".join(f"{count} more as {kind}" for kind, count in wanted.items() if count)
    return f"Mark {named} of its own attempts; then it may learn to judge by its own eye."


def _teach_there(told: Connection, environment: dict[str, str], work: _Work) -> None:
    """Teach eyes in a process of its own, and tell of them, or in a text what went wrong."""
    begin_player_process(environment)
    try:
        told.send(_teach(work))
    except Exception:  # noqa: BLE001  # whatever it is, the other process tells it
        told.send(traceback.format_exc())


def _teach(work: _Work) -> list[TaughtEye]:
    from model.vla.vla import VlaPolicy

    player = VlaPolicy.load(work.base, options=work.options)
    taught = []
    with Reader.open(work.data) as reader:
        for number, sentence in enumerate(work.sentences):
            marked = marked_attempts(work.data, reader, work.game, sentence, player)
            eye = teach_eye(sentence, player.fingerprint, marked)
            if eye is not None:
                path = work.folder / f"eye-{number}.safetensors"
                eye.save(path)
                taught.append(TaughtEye(sentence, path, eye.reliability))
    return taught
