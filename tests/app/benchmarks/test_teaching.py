from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.benchmarks import teaching
from app.benchmarks.teaching_cases.lessons import CHOOSING, JUDGING
from app.benchmarks.teaching_cases.showing import Showing
from recorder.errors import KnownError, UsageError

ONE = teaching.Taught(
    "choosing", "stare-at-your-own-feet", "a pose or view", Showing((1, 2), 58.0, 5, 1, 4),
    60.0, 20, 1, 15, (0.7, 0.5, 0.9),
)  # fmt: skip


def test_a_lesson_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "there" / "lessons.jsonl"
    teaching._keep(path, ONE)
    teaching._keep(path, replace(ONE, lesson="circle-the-statue"))
    found = teaching._kept(path)
    assert found["choosing", ONE.lesson, 20] == ONE
    assert len(found) == 2
    path.write_text(path.read_text() + '{"part": "choosing"}\n')
    with pytest.raises(KnownError, match="holds a line that is no lesson"):
        teaching._kept(path)


def test_what_is_kept_is_not_taught_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taught: list[tuple[str, int]] = []

    def teach(there: Path, part: str, number: int, lesson: object, starts: int, say: object):  # type: ignore[no-untyped-def]
        taught.append((lesson.name, number))  # type: ignore[attr-defined]
        return replace(ONE, part=part, lesson=lesson.name, starts=starts)  # type: ignore[attr-defined]

    monkeypatch.setattr(teaching, "_teach", teach)
    document = teaching.measure(20, lambda said: None, folder=tmp_path, parts=["choosing"])
    assert [name for name, _ in taught] == [each.name for each in CHOOSING]
    again = teaching.measure(20, lambda said: None, folder=tmp_path, parts=["choosing"])
    assert len(taught) == len(CHOOSING)
    assert again["lessons"] == document["lessons"]
    teaching.measure(10, lambda said: None, folder=tmp_path, parts=["choosing"])
    assert len(taught) == 2 * len(CHOOSING)
    with pytest.raises(UsageError, match="has no part 'all'"):
        teaching.measure(10, lambda said: None, folder=tmp_path, parts=["all"])


def test_figures_count_lessons_that_were_known_and_those_that_surely_got_better() -> None:
    known = replace(ONE, before=10, after=10, gain=(0.0, -0.2, 0.2))
    figures = teaching.figures_of([ONE, known])
    assert figures["known_before"] == 1
    assert figures["improved_share"] == 0.5
    assert figures["success_after"] == pytest.approx((15 + 10) / 40)


def test_no_start_is_used_for_two_things() -> None:
    ranges = [
        range(own + number * teaching.STARTS, own + (number + 1) * teaching.STARTS)
        for own, lessons in (
            (teaching.TEST_SKIP, JUDGING), (teaching.CHOOSE_SKIP, CHOOSING),
        )
        for number in range(len(lessons))
    ]  # fmt: skip
    everything = [seed for each in ranges for seed in each]
    assert len(everything) == len(set(everything))
