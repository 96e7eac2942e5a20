"""Eyes for the sentences of a round: taught in a process of their own, or told why not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lessons import begin, record_attempt

from model.adapters.folders import fingerprint
from model.vla.play_options import PlayOptions
from recorder.errors import StoppedError
from recorder.games.base import free_task
from recorder.store import LabelSource, Store
from recorder.types import Driver, Outcome
from trainer.data.earlier_lessons import PRACTISED
from trainer.evaluation import run as running
from trainer.evaluation.eye.judge import Eye
from trainer.evaluation.eye.kept import kept_eye
from trainer.rounds import protocol
from trainer.rounds.measuring import by_eye
from trainer.rounds.measuring import eyes as rounds_eyes
from trainer.rounds.measuring.by_eye import (
    EYE,
    NOT_BY_ITS_JUDGE,
    eyes_for,
    may_have_eye,
    why_no_eye,
)
from trainer.rounds.measuring.eyes import TaughtEye
from trainer.rounds.measuring.measurement import Ground
from trainer.rounds.protocol import Message

LIGHT, DARK = 14, 10
"""A recorded picture is brighter with every tick: what lasts so long ends light, or dark."""


@pytest.fixture
def ground(tmp_path: Path, small_checkpoint: Path) -> Iterator[Ground]:
    with Store.open(tmp_path) as store:
        yield Ground(
            tmp_path, store, small_checkpoint, "doom", PlayOptions(), lambda _m: None, lambda: None
        )


def mark(ground: Ground, sentence: str, *, done: int, failed: int, alike: bool = False) -> None:
    session = begin(ground.store, "doom")
    for seed in range(done + failed):
        good = seed < done
        ticks = LIGHT if good or alike else DARK
        number = record_attempt(
            ground.store, session, [(Driver.POLICY, ticks)], seed=seed, task=free_task(sentence)
        )
        said = Outcome.SUCCESS if good else Outcome.FAILURE
        ground.store.set_label(number, said, LabelSource.PERSON)


@pytest.mark.long(8, "a process loads the model and looks at a hundred pictures")
def test_an_eye_is_taught_where_enough_is_marked(ground: Ground) -> None:
    # What failed was ended early: six such are four that last as long.
    mark(ground, "dance", done=4, failed=6)
    mark(ground, "bow", done=4, failed=2)
    said: list[Message] = []
    hearing = replace(ground, say=said.append)
    with eyes_for(hearing, ["dance", "bow", "sing"]) as eyes:
        [eye] = eyes
        assert (eye.sentence, eye.believed) == ("dance", True)
        assert Eye.load(eye.path).base == fingerprint(ground.base)
        assert eye.account == "right about 8 of 8 attempts that you marked"
    assert not eye.path.exists()
    # Live play judges by it from now on.
    kept = kept_eye(ground.data, ground.game, fingerprint(ground.base), "dance")
    assert kept is not None
    assert kept.reliability == eye.reliability
    assert [(each.name, each.sentence) for each in said if isinstance(each, protocol.Stage)] == [
        (EYE, "Learning from your marks to see when it is done.")
    ]
    assert [may_have_eye(ground, each) for each in ("dance", "bow", "sing")] == [True, False, False]
    assert why_no_eye(ground, "bow", eyes) == (
        "Mark 2 more as failed of its own attempts; then it may learn to judge by its own eye."
    )
    assert why_no_eye(ground, "sing", eyes) == ""
    ground.store.add_round(manifest={PRACTISED: ["bow"]})
    assert why_no_eye(ground, "bow", eyes) == NOT_BY_ITS_JUDGE


def test_an_eye_that_cannot_tell_is_not_believed_and_says_so(ground: Ground) -> None:
    mark(ground, "dance", done=5, failed=5, alike=True)
    with eyes_for(ground, ["dance"]) as eyes:
        assert not eyes[0].believed
        told = why_no_eye(ground, "dance", eyes)
    assert told.startswith("Its own eye was right about ")
    assert "too seldom to be believed. Mark three more of its attempts" in told


def test_nothing_is_taught_where_nothing_is_marked_or_no_eye_can_look(ground: Ground) -> None:
    with eyes_for(ground, ["dance"]) as eyes:
        assert eyes == []
    mark(ground, "dance", done=4, failed=4)
    elsewhere = replace(ground, game="luanti")
    with eyes_for(elsewhere, ["dance"]) as eyes:
        assert eyes == []
    assert why_no_eye(elsewhere, "dance", []) == ""
    assert not may_have_eye(elsewhere, "dance")


def test_the_teaching_of_an_eye_can_be_stopped(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark(ground, "dance", done=4, failed=4)
    context = running.player_context(loads=True)
    begun: list[BaseProcess] = []

    def process(*args: Any, **more: Any) -> BaseProcess:
        begun.append(context.Process(*args, **more))
        return begun[-1]

    noting = SimpleNamespace(Pipe=context.Pipe, Process=process)
    monkeypatch.setattr(rounds_eyes, "player_context", lambda loads: noting)

    def stop() -> None:
        raise StoppedError("Stopped.")

    began = time.monotonic()
    with pytest.raises(StoppedError), eyes_for(replace(ground, check=stop), ["dance"]):
        pass
    # It ends the process and does not wait for what that would have come to.
    assert [each.is_alive() for each in begun] == [False]
    assert time.monotonic() - began < 30


def test_a_teaching_that_breaks_loses_nothing(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mark(ground, "dance", done=4, failed=4)

    def broken(*_args: object, **_more: object) -> list[TaughtEye]:
        raise RuntimeError("the process that teaches eyes ended too soon")

    monkeypatch.setattr(by_eye, "teach_eyes", broken)
    with eyes_for(ground, ["dance"]) as eyes:
        assert eyes == []
    assert "no eye could be taught" in caplog.text


def test_what_was_practised_by_eye_is_not_judged_by_it(ground: Ground) -> None:
    mark(ground, "dance", done=4, failed=4)
    assert may_have_eye(ground, "dance")
    ground.store.add_round(manifest={"sentences": ["dance"]}, practises="doom")
    assert not may_have_eye(ground, "dance")
    with eyes_for(ground, ["dance"]) as eyes:
        assert eyes == []
