"""Decides which sentences of a round the agent's own eye may judge; says why it may not."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from recorder.store import Reader
from trainer.data.earlier_lessons import ever_practised
from trainer.evaluation.eye.kept import keep_eye
from trainer.evaluation.eye.marks import enough_marks
from trainer.rounds import protocol
from trainer.rounds.measuring.eyes import (
    TaughtEye,
    can_have_eyes,
    missing_marks,
    not_believed,
    teach_eyes,
)
from trainer.rounds.measuring.measurement import Ground

log = logging.getLogger(__name__)

NOT_BY_ITS_JUDGE = (
    "Its own eye said what was good in practice, so it must not judge it too: judge it blind."
)
EYE = "eye"
"""The name of the stage in which eyes are taught."""


@contextmanager
def eyes_for(ground: Ground, sentences: Sequence[str]) -> Iterator[list[TaughtEye]]:
    """Teach the eyes of the sentences of which enough is marked, for as long as they are used.

    What was practised by its eye has none: who learns to please a judge pleases its errors too.
    Raises what ``ground.check`` raises.
    """
    with tempfile.TemporaryDirectory(prefix="playteach-eyes-") as folder:
        if not can_have_eyes(ground.game, ground.data, ground.base, slowed=ground.slowed):
            yield []
            return
        yield _taught(ground, sentences, Path(folder))


def _taught(ground: Ground, sentences: Sequence[str], folder: Path) -> list[TaughtEye]:
    """Teach the eyes; if that fails, none judges: what was learnt must not be lost for it."""
    stopped: list[BaseException] = []

    def check() -> None:
        try:
            ground.check()
        except BaseException as error:
            stopped.append(error)
            raise

    try:
        eyes = teach_eyes(
            ground.data, ground.base, ground.game, ground.options,
            [each for each in sentences if may_have_eye(ground, each)], folder,
            tell=lambda sentence: ground.say(protocol.Stage(EYE, sentence)), check=check,
        )  # fmt: skip
        _keep(ground, eyes)
        return eyes
    except Exception:
        if stopped:
            raise
        log.exception("no eye could be taught")
        return []


def _keep(ground: Ground, eyes: Sequence[TaughtEye]) -> None:
    """Keep the eyes for live play; a full disk costs that alone."""
    for each in eyes:
        try:
            keep_eye(ground.data, ground.game, each.path)
        except OSError:
            log.exception("an eye could not be kept")


def may_have_eye(ground: Ground, sentence: str) -> bool:
    """Whether so much of a sentence is marked that an eye may be taught it."""
    from model.adapters.folders import fingerprint

    if not can_have_eyes(ground.game, ground.data, ground.base, slowed=ground.slowed):
        return False
    with Reader.open(ground.data) as reader:
        if ever_practised(reader, sentence):
            return False
        return enough_marks(reader, ground.game, sentence, fingerprint(ground.base))


def why_no_eye(ground: Ground, sentence: str, eyes: Sequence[TaughtEye]) -> str:
    """Return why no eye judges a sentence and what helps, "" if nothing was marked."""
    if not can_have_eyes(ground.game, ground.data, ground.base, slowed=ground.slowed):
        return ""
    with Reader.open(ground.data) as reader:
        # More marks would not help.
        if ever_practised(reader, sentence):
            return NOT_BY_ITS_JUDGE
    for each in eyes:
        if each.sentence == sentence and not each.believed:
            return not_believed(each)
    return missing_marks(ground.data, ground.base, ground.game, sentence)
