"""Which sentences of a round the agent's own eye judges, and what to tell if it does not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from recorder.store import Reader
from trainer.evaluation.eye.marks import enough_marks
from trainer.rounds import protocol
from trainer.rounds.eyes import TaughtEye, can_have_eyes, missing_marks, teach_eyes
from trainer.rounds.measurement import Ground

EYE = "eye"
"""The name of the stage in which eyes are taught."""


@contextmanager
def eyes_for(ground: Ground, sentences: Sequence[str]) -> Iterator[list[TaughtEye]]:
    """Teach the eyes of the sentences of which enough is marked, for as long as they are used.

    Raises what :func:`trainer.rounds.eyes.teach_eyes` raises.
    """
    with tempfile.TemporaryDirectory(prefix="playteach-eyes-") as folder:
        if not can_have_eyes(ground.game, ground.data, ground.base, slowed=ground.slowed):
            yield []
            return
        yield teach_eyes(
            ground.data, ground.base, ground.game, ground.options, sentences, Path(folder),
            tell=lambda sentence: ground.say(protocol.Stage(EYE, sentence)), check=ground.check,
        )  # fmt: skip


def may_have_eye(ground: Ground, sentence: str) -> bool:
    """Whether so much of a sentence is marked that an eye may be taught it."""
    from model.adapters.folders import fingerprint

    if not can_have_eyes(ground.game, ground.data, ground.base, slowed=ground.slowed):
        return False
    with Reader.open(ground.data) as reader:
        return enough_marks(reader, ground.game, sentence, fingerprint(ground.base))


def why_no_eye(ground: Ground, sentence: str, eyes: Sequence[TaughtEye]) -> str:
    """Return why no eye judges a sentence and what helps, "" if nothing was marked."""
    if not can_have_eyes(ground.game, ground.data, ground.base, slowed=ground.slowed):
        return ""
    for each in eyes:
        if each.sentence == sentence and not each.believed:
            return (
                f"Its own eye was {each.account}, too seldom to be believed; mark three more of "
                "its attempts as done or failed."
            )
    return missing_marks(ground.data, ground.base, ground.game, sentence)
