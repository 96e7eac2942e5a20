"""Eyes kept in the data folder, and whether one may judge in live play.

From which accuracy on an eye is believed is said in ``teaching.py``.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from recorder.data_folder import eyes_path
from recorder.store import Reader
from trainer.data.earlier_lessons import ever_practised
from trainer.evaluation.eye.judge import Eye, Watcher
from trainer.evaluation.eye.marks import enough_marks
from trainer.evaluation.eye.teaching import believed

log = logging.getLogger(__name__)


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


def judges(data: Path, reader: Reader, game: str, base: str) -> Callable[[str], Watcher | None]:
    """Return what gives the judge of a new attempt at a sentence, None if none may judge it.

    One of which too few marks are left does not, and none does of what was ever practised.
    """

    def judge_of(sentence: str) -> Watcher | None:
        eye = kept_eye(data, game, base, sentence)
        if eye is None or not believed(eye.reliability):
            return None
        if ever_practised(reader, sentence) or not enough_marks(reader, game, sentence, base):
            return None
        return Watcher(eye)

    return judge_of
