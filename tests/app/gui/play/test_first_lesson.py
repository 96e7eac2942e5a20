"""The guided first lesson, step by step."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample import SampleSession

from app.backend.lessons.coach import ENOUGH
from app.backend.ports import VerdictFacts
from app.gui.play.first_lesson import FirstLessonGuide, GuideStep, Offered
from app.session.api import Phase
from recorder.games import game_spec, judged_task, task_list
from recorder.games.registry import FirstLesson
from recorder.types import Outcome
from trainer.evaluation.verdicts.verdict import Choice, Line, Part, VerdictKind

LESSON = FirstLesson("use your gun on the barrel", "Shoot it.")
IDLE = SampleSession().snapshot()


class Person:
    """Somebody at the window; ``step`` is the newest that they were told."""

    def __init__(self) -> None:
        self.guide = FirstLessonGuide(LESSON)
        self.now = IDLE
        self.step: GuideStep | None = self.guide.begin()

    def goes_on(self, **changes: object) -> None:
        before, self.now = self.now, replace(self.now, **changes)  # type: ignore[arg-type]
        told = self.guide.follow(before, self.now)
        self.step = told or self.step

    def attempt(
        self,
        phase: Phase,
        outcome: Outcome,
        sentence: str = LESSON.sentence,
        *,
        pauses: bool = False,
    ) -> None:
        attempts = self.now.attempts + 1
        self.goes_on(phase=phase, instruction=sentence, outcome=None, attempts=attempts)
        if pauses:
            self.goes_on(phase=Phase.PAUSED)
            self.goes_on(phase=phase)
        self.goes_on(phase=Phase.WATCHING, outcome=outcome)

    @property
    def told(self) -> str:
        return "" if self.step is None else self.step.sentence


def test_from_the_first_failure_to_the_teach_button() -> None:
    person = Person()
    assert "Watch it try once" in person.told
    person.attempt(Phase.PLAYING, Outcome.TIMEOUT)
    assert f"show it {ENOUGH} times" in person.told
    assert LESSON.how in person.told
    for number in range(1, ENOUGH):
        person.attempt(Phase.DEMONSTRATING, Outcome.SUCCESS, pauses=number == 1)
        assert f"Shown {number} of {ENOUGH} times" in person.told
    person.attempt(Phase.DEMONSTRATING, Outcome.SUCCESS)
    assert person.step is not None
    assert person.step.offers == (Offered.TEACH, Offered.LEAVE)
    assert person.guide.all_shown
    person.attempt(Phase.DEMONSTRATING, Outcome.SUCCESS)
    assert "That is enough" in person.told


def test_an_attempt_that_the_lesson_ended_is_no_step_of_it() -> None:
    person = Person()
    person.now = replace(IDLE, phase=Phase.PLAYING, instruction=LESSON.sentence, attempts=4)
    person.guide = FirstLessonGuide(LESSON, person.now.attempts)
    first = person.step
    person.goes_on(phase=Phase.WATCHING, outcome=Outcome.INTERRUPTED)
    assert person.step is first
    person.attempt(Phase.PLAYING, Outcome.TIMEOUT)
    assert f"show it {ENOUGH} times" in person.told


def test_who_watches_in_between_is_told_how_often_is_left_and_what_it_did() -> None:
    person = Person()
    person.attempt(Phase.PLAYING, Outcome.SUCCESS)
    assert person.told.startswith(f"It did it this time. Now show it {ENOUGH} times.")
    for _ in range(ENOUGH - 1):
        person.attempt(Phase.DEMONSTRATING, Outcome.SUCCESS)
    person.attempt(Phase.PLAYING, Outcome.TIMEOUT)
    assert person.told.startswith("Now show it once more.")


def test_what_failed_does_not_count_and_says_how_it_is_done() -> None:
    person = Person()
    person.attempt(Phase.DEMONSTRATING, Outcome.SUCCESS)
    person.attempt(Phase.DEMONSTRATING, Outcome.ABANDONED)
    assert f"not taught: it ended before it was done. 1 of {ENOUGH} are shown" in person.told
    assert LESSON.how in person.told


def test_other_sentences_are_none_of_its() -> None:
    person = Person()
    first = person.step
    person.attempt(Phase.PLAYING, Outcome.SUCCESS, "go to the red torch")
    assert person.step == first


def verdict(
    kind: VerdictKind | None, after: int, choice: Choice, *, before: int = 1, n: int = 12
) -> VerdictFacts:
    line = Line(
        Part.TAUGHT, LESSON.sentence, kind, before, after, n, 0.5, 0.1, 0.9, 0.1, True, "Better."
    )
    return VerdictFacts(
        kind, "Better.", before, after, n, 80.0, 10.0, 90.0, "score", "1",
        in_use=choice is Choice.USE, choice=choice, lines=(line,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "told", "offers"),
    [
        (Choice.USE, "now type a sentence of your own", (Offered.WATCH,)),
        (Choice.REFUSE, "not in use; the card", ()),
    ],
)
def test_it_ends_when_what_was_taught_helped(
    choice: Choice, told: str, offers: tuple[Offered, ...]
) -> None:
    guide = FirstLessonGuide(LESSON, shown=ENOUGH)
    assert guide.begin().offers == (Offered.TEACH, Offered.LEAVE)
    waits = guide.learnt(verdict(VerdictKind.BETTER, 10, Choice.WAIT))
    assert "until then the old agent plays" in waits.sentence
    assert not guide.over
    step = guide.learnt(verdict(VerdictKind.BETTER, 10, choice))
    assert step.sentence.startswith(f"Of 12 fresh starts it did “{LESSON.sentence}” once before")
    assert "and 10 times after it" in step.sentence
    assert told in step.sentence
    assert step.offers == offers
    assert guide.over


def test_who_teaches_what_it_can_already_is_not_asked_for_more() -> None:
    guide = FirstLessonGuide(LESSON, shown=ENOUGH)
    step = guide.learnt(verdict(VerdictKind.SAME, 12, Choice.TRY, before=12))
    assert "It can do that" in step.sentence
    assert guide.over
    guide = FirstLessonGuide(LESSON, shown=ENOUGH)
    step = guide.learnt(verdict(VerdictKind.WORSE, 3, Choice.REFUSE, before=12))
    assert "That is worse" in step.sentence
    assert not guide.over


def test_what_did_not_help_is_shown_again_from_the_beginning() -> None:
    person = Person()
    person.guide = FirstLessonGuide(LESSON, shown=ENOUGH)
    step = person.guide.learnt(verdict(VerdictKind.NOT_ENOUGH, 1, Choice.TRY))
    assert "Show it 6 more times" in step.sentence
    assert not person.guide.over
    person.attempt(Phase.DEMONSTRATING, Outcome.SUCCESS)
    assert f"Shown 1 of {ENOUGH} times" in person.told


@pytest.mark.parametrize("lesson", [LESSON, FirstLesson("hop", "Jump.")])
def test_what_was_taught_and_not_measured_is_shown_again(lesson: FirstLesson) -> None:
    guide = FirstLessonGuide(lesson, shown=ENOUGH)
    step = guide.learnt(verdict(None, 0, Choice.TRY, n=0))
    assert step.sentence.startswith("It was not measured")
    assert step.offers == (Offered.SHOW, Offered.LEAVE)
    assert not guide.all_shown


def test_a_round_that_was_cancelled_leaves_the_lesson_at_the_teach_button() -> None:
    guide = FirstLessonGuide(LESSON, shown=ENOUGH)
    guide.taught = True
    assert guide.not_taught() == guide.to_teach()
    assert not guide.taught


def test_who_has_shown_some_of_it_goes_on_there_and_is_reminded_while_showing() -> None:
    guide = FirstLessonGuide(LESSON, shown=2)
    assert "You have shown it 2 of 6 times" in guide.begin().sentence
    showing = replace(
        IDLE, phase=Phase.DEMONSTRATING, instruction=LESSON.sentence, attempts=1, outcome=None
    )
    assert guide.caption(showing) == "3 of 6. Shoot it."
    assert guide.caption(replace(showing, phase=Phase.PLAYING)) == ""
    assert guide.caption(replace(showing, instruction="go to the red torch")) == ""
    assert guide.caption(IDLE) == ""


def test_the_yards_first_lesson_is_judged_and_was_never_taught_in_these_words() -> None:
    lesson = game_spec("doom").first_lesson
    assert lesson is not None
    task = judged_task(task_list("doom"), lesson.sentence)
    assert task is not None
    assert lesson.sentence not in task.phrasings
    assert lesson.how.endswith(".")
