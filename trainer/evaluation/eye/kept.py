"""Eyes kept in the data folder: what a round taught to judge, judges in live play as well."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from recorder.data_folder import eyes_path
from recorder.store import Reader
from recorder.types import Action
from trainer.evaluation.eye.glances import Array
from trainer.evaluation.eye.judge import Eye, Watcher
from trainer.evaluation.eye.marks import enough_marks
from trainer.evaluation.eye.teaching import believed

log = logging.getLogger(__name__)


class EyeJudge:
    """Follows one attempt with an eye."""

    def __init__(self, eye: Eye) -> None:
        self._watcher = Watcher(eye)
        self.account = eye.reliability.account
        """How good it is, in a few words."""
        self.ticks = eye.ticks
        """The longest attempt that it may judge."""

    def done(self, glance: Array, action: Action) -> bool:
        """Return whether it is done, now that ``action`` has led to what ``glance`` tells of."""
        return self._watcher.done(glance, action)


def _place(data: Path, game: str, base: str, sentence: str) -> Path:
    """Return the file of the eye for a sentence; ``base`` is the checkpoint's fingerprint."""
    name = hashlib.sha256("\n".join((game, base, sentence)).encode()).hexdigest()[:20]
    return eyes_path(data) / f"{name}.safetensors"


def keep_eye(data: Path, game: str, path: Path) -> None:
    """Keep the eye of a file, in place of the one before; raises ValueError for no eye, OSError."""
    eye = Eye.load(path)
    place = _place(data, game, eye.base, eye.sentence)
    place.parent.mkdir(exist_ok=True)
    fresh = place.with_suffix(".new")
    shutil.copyfile(path, fresh)
    fresh.replace(place)


def kept_eye(data: Path, game: str, base: str, sentence: str) -> Eye | None:
    """Return the eye that was kept for a sentence, None without one; a damaged one is none."""
    place = _place(data, game, base, sentence)
    if not place.exists():
        return None
    try:
        eye = Eye.load(place)
    except ValueError as error:
        log.warning("an eye cannot be read, so it judges nothing: %s", error)
        return None
    return eye if (eye.base, eye.sentence) == (base, sentence) else None


def judges(data: Path, reader: Reader, game: str, base: str) -> Callable[[str], EyeJudge | None]:
    """Return what gives the judge of a new attempt at a sentence, None if none may judge it.

    One whose marks were taken back since does not.
    """

    def judge_of(sentence: str) -> EyeJudge | None:
        eye = kept_eye(data, game, base, sentence)
        if eye is None or not believed(eye.reliability):
            return None
        return EyeJudge(eye) if enough_marks(reader, game, sentence, base) else None

    return judge_of
