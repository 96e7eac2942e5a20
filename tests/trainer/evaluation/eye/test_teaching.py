"""An eye that was taught from marks: what it learns, and what it says of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from seen_attempts import marked, seen

from recorder.types import BUTTON_CONTROLS, Action
from trainer.evaluation.eye import teaching
from trainer.evaluation.eye.glances import Seen
from trainer.evaluation.eye.judge import Eye, Reliability, Watcher, kept_for
from trainer.evaluation.eye.teaching import Marked, believed, teach_eye


def taught(attempts: list[Marked]) -> Eye:
    eye = teach_eye("dash to the torch", "base", attempts)
    assert eye is not None
    return eye


def right(eye: Eye, attempts: list[Marked]) -> float:
    """Return its balanced accuracy on attempts."""
    calls = [(each.done, eye.score(each.seen) >= eye.threshold) for each in attempts]
    done = [said for truth, said in calls if truth]
    failed = [not said for truth, said in calls if not truth]
    return float((np.mean(done) + np.mean(failed)) / 2)


def test_it_tells_what_is_done_from_what_is_not() -> None:
    rng = np.random.default_rng(0)
    eye = taught(marked(rng, done=6, failed=6, shown=6))
    assert right(eye, marked(rng, done=40, failed=40)) >= 0.95
    assert believed(eye.reliability)
    assert eye.reliability.done == eye.reliability.failed == 6


def test_it_tells_how_it_is_done_from_how_it_is_not() -> None:
    """Those that failed came to the same picture, in another manner."""
    rng = np.random.default_rng(1)
    eye = taught(marked(rng, done=6, failed=6, shown=6, slow=6))
    assert right(eye, marked(rng, done=40, failed=40, slow=40)) >= 0.9


def test_marks_at_random_are_hardly_ever_believed() -> None:
    """Of sixteen coins thirteen come out alike once in a hundred times."""
    rng = np.random.default_rng(2)
    trials = []
    for _ in range(5):
        attempts = marked(rng, done=0, failed=16)
        said = rng.permutation([True] * 8 + [False] * 8)
        trials.append(
            taught([replace(each, done=bool(s)) for each, s in zip(attempts, said, strict=True)])
        )
    assert sum(believed(each.reliability) for each in trials) <= 1
    told = np.mean([each.reliability.balanced or 0.0 for each in trials])
    assert 0.25 < told < 0.7


def test_what_it_says_of_itself_holds_on_other_attempts() -> None:
    """On noisy pictures: the mean over lessons of what is told, against the truth of each."""
    rng = np.random.default_rng(3)
    told, true = [], []
    for _ in range(5):
        attempts = [
            Marked(seen(rng, arrives=36 if done else None, noise=2.5), done, own=True, start=n)
            for n, done in enumerate([True] * 10 + [False] * 10)
        ]
        others = [
            Marked(seen(rng, arrives=36 if done else None, noise=2.5), done, own=True, start=n)
            for n, done in enumerate([True] * 30 + [False] * 30)
        ]
        eye = taught(attempts)
        told.append(eye.reliability.balanced or 0.0)
        true.append(right(eye, others))
    assert 0.55 < np.mean(true) < 0.97
    assert abs(np.mean(told) - np.mean(true)) < 0.1


def test_when_a_clip_was_done_is_found_out() -> None:
    """A clip goes on after it was done; taken by its end it would teach the wrong picture."""
    rng = np.random.default_rng(4)

    def clip() -> Seen:
        one = seen(rng, ticks=60, arrives=20)
        one.glances[26:, 0] -= 3.0
        return one

    shown = marked(rng, done=0, failed=0, shown=4)
    failed = [Marked(seen(rng, ticks=60), False, True, 100 + n, False) for n in range(8)]
    done = [Marked(clip(), True, True, 200 + n, False) for n in range(8)]
    eye = taught([*shown, *failed, *done])
    by_its_end = taught([*shown, *failed, *(replace(each, ends_there=True) for each in done)])
    others = [Marked(clip(), True, own=True, start=n) for n in range(30)]
    others += [Marked(seen(rng, ticks=60), False, own=True, start=n) for n in range(30)]
    assert right(eye, others) >= 0.8
    assert right(by_its_end, others) < 0.75


@pytest.mark.parametrize(("done", "failed"), [(0, 8), (8, 0)])
def test_of_one_kind_alone_there_is_nothing_to_learn(done: int, failed: int) -> None:
    assert (
        teach_eye("x", "base", marked(np.random.default_rng(5), done=done, failed=failed)) is None
    )


@pytest.mark.parametrize(
    ("reliability", "is_believed"),
    [
        (Reliability(4, 4, 4, 4), True),
        (Reliability(3, 3, 20, 20), False),
        (Reliability(20, 20, 3, 3), False),
        (Reliability(10, 9, 10, 8), True),
        # Of twenty marks one is taken to be the person's own mistake.
        (Reliability(100, 82, 100, 82), True),
        (Reliability(100, 81, 100, 81), False),
        (Reliability(10, 9, 10, 7), False),
        (Reliability(0, 0, 0, 0), False),
    ],
)
def test_an_eye_is_believed_only_with_marks_of_both_kinds(
    reliability: Reliability, is_believed: bool
) -> None:
    assert believed(reliability) is is_believed


def test_few_marks_are_measured_without_a_fold_that_lacks_a_kind() -> None:
    eye = taught(marked(np.random.default_rng(6), done=1, failed=2, shown=1))
    assert 0.0 < eye.threshold < 1.0
    assert not believed(eye.reliability)


def test_tick_by_tick_it_says_what_it_says_of_the_whole() -> None:
    rng = np.random.default_rng(7)
    eye = taught(marked(rng, done=6, failed=6, slow=3))
    watcher = Watcher(eye)
    for each in marked(rng, done=10, failed=10, slow=5):
        watcher.begin()
        deeds, said = each.seen.deeds, []
        for glance, row in zip(each.seen.glances, deeds, strict=True):
            held = {name: True for name, down in zip(BUTTON_CONTROLS, row, strict=False) if down}
            action = Action(**held).with_camera(float(row[-2]), float(row[-1]))
            said.append(watcher.done(glance, action))
        assert any(said) is bool(eye.score(each.seen) >= eye.threshold)
        likely = eye.likely(each.seen)
        if any(said):
            first = said.index(True)
            assert min(likely[first + 1 - eye.hold : first + 1]) >= eye.threshold
            assert kept_for(eye.hold, likely[:first]) < eye.threshold


def test_the_threshold_lies_in_the_middle_between_the_two_kinds() -> None:
    rng = np.random.default_rng(8)
    attempts = marked(rng, done=2, failed=2)
    assert teaching._threshold(attempts, {0: 0.9, 1: 0.8, 2: 0.2, 3: 0.1}) == (
        pytest.approx(0.5), 1.0,
    )  # fmt: skip
    # One of each is on the wrong side: it stays between the others.
    assert teaching._threshold(attempts, {0: 0.9, 1: 0.8, 2: 0.7, 3: 0.1})[0] == pytest.approx(0.75)


def test_attempts_of_one_start_are_held_out_together() -> None:
    """Clips come in twos of a start, which the agents before and after may play nearly alike."""
    rng = np.random.default_rng(9)
    attempts = [
        replace(each, start=place // 2)
        for place, each in enumerate(marked(rng, done=8, failed=8, shown=4))
    ]
    held_out: list[int] = []
    for learn, out in teaching._folds(attempts):
        assert not {attempts[at].start for at in learn} & {attempts[at].start for at in out}
        assert sorted([*learn, *out]) == list(range(len(attempts)))
        held_out += out
    assert sorted(held_out) == list(range(len(attempts)))


def test_copies_of_an_attempt_do_not_make_an_eye_look_good() -> None:
    """Marks at random, each attempt twice: whoever saw the one would know the other's mark."""
    rng = np.random.default_rng(10)
    attempts = []
    for start in range(12):
        one = Marked(seen(rng), bool(rng.random() < 0.5), own=True, start=start)
        attempts += [one, replace(one)]
    eye = taught(attempts)
    assert (eye.reliability.balanced or 0.0) < 0.75


@pytest.mark.parametrize(
    ("failed", "done", "ticks"),
    [((30, 50, 70), (), 50), ((30, 50, 70), (20, 60), 60), ((), (9,), 9)],
)
def test_it_looks_no_longer_than_at_what_it_was_measured_on(
    failed: tuple[int, ...], done: tuple[int, ...], ticks: int
) -> None:
    rng = np.random.default_rng(11)
    attempts = [Marked(seen(rng, ticks=n), False, True, n) for n in failed]
    attempts += [Marked(seen(rng, ticks=n), True, True, 100 + n) for n in done]
    # How long a person takes says nothing of the agent.
    attempts.append(Marked(seen(rng, ticks=200), True, False, 300))
    assert teaching._ticks(attempts) == ticks


def test_what_was_ended_early_counts_as_the_part_that_it_lasted() -> None:
    """In play the eye looks longer, and the longer it looks, the likelier it errs."""
    rng = np.random.default_rng(13)
    done = [Marked(seen(rng, ticks=60, arrives=30), True, True, 20 + n) for n in range(9)]
    failed = [Marked(seen(rng, ticks=20), False, True, n) for n in range(9)]
    eye = taught([*done, *failed])
    assert eye.ticks == 60
    assert (eye.reliability.done, eye.reliability.failed) == (9, 3)
    assert not believed(eye.reliability)
    # What lasts longer than it looks is judged by what it sees of it.
    longer = [Marked(seen(rng, ticks=90), False, True, 40 + n) for n in range(9)]
    eye = taught([*done, *longer])
    assert (eye.ticks, eye.reliability.failed) == (90, 9)
    assert {len(each) for each in teaching._held_out(done, 40).values()} <= {40}


def test_what_is_only_passed_is_not_done_if_the_marks_allow_to_ask_for_more() -> None:
    """Shown and marked ones stay where it is done; a view that only passes by is not done."""
    rng = np.random.default_rng(12)

    def stays(n: int, own: bool) -> Marked:
        return Marked(seen(rng, ticks=50, arrives=30), True, own, n)

    attempts = [*(stays(n, False) for n in range(6)), *(stays(10 + n, True) for n in range(6))]
    attempts += [Marked(seen(rng, ticks=50), False, True, 20 + n) for n in range(6)]
    eye = taught(attempts)
    assert eye.hold == max(teaching.HOLDS)
    passes = seen(rng, ticks=50, arrives=30)
    passes.glances[34:, 0] -= 3.0
    assert eye.calls(passes) == []
    assert eye.calls(stays(40, True).seen)
    # Where it is only a moment that is done, no longer one is asked for.
    brief = [Marked(seen(rng, ticks=40, arrives=37), True, True, 50 + n) for n in range(8)]
    brief += [Marked(seen(rng, ticks=40), False, True, 60 + n) for n in range(8)]
    assert taught(brief).hold < max(teaching.HOLDS)
