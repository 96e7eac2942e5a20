from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.benchmarks.teaching_cases import showing
from app.benchmarks.teaching_cases.playing import BY_NAME
from app.benchmarks.teaching_cases.showing import show
from recorder.games.seeds import SeedRange
from recorder.store import EpisodeKind, Reader, Store
from recorder.types import Outcome


@pytest.mark.long(6, "a lesson is shown in a real yard")
def test_a_lesson_is_recorded_as_a_person_s_and_ends_with_the_person_s_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(showing, "DRIVING_S", 24.0)
    lesson = BY_NAME["jump-before-you-open-the-red-door"]
    with Store.open(tmp_path) as store:
        shown = show(store, lesson, iter(SeedRange.TEACHING.seeds(0, 40)), random.Random(2))
    assert 21.0 <= shown.driving_s <= 24.0
    with Reader.open(tmp_path) as reader:
        rows = {row.id: row for row in reader.episodes()}
    assert set(rows) == set(shown.episodes)
    assert shown.tries == len(rows) > 2
    assert {row.kind for row in rows.values()} == {EpisodeKind.DEMONSTRATION}
    assert {row.instruction for row in rows.values()} == {lesson.sentence}
    finished = [row for row in rows.values() if row.outcome is Outcome.SUCCESS]
    assert len(finished) == shown.tries - shown.broken_off == shown.right
    # A hand that begins late leaves nothing out for it.
    with Reader.open(tmp_path) as reader:
        jumped = {row.id for row in finished if any(t.executed.jump for t in reader.ticks(row.id))}
    assert jumped == {row.id for row in finished}
