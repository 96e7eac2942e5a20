"""Eyes that a round taught and live play uses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from seen_attempts import SPRINT, marked, seen

from recorder.data_folder import eyes_path
from recorder.store import Reader, Store
from recorder.types import Action
from trainer.data.earlier_lessons import PRACTISED
from trainer.evaluation.eye import kept
from trainer.evaluation.eye.judge import Eye, Reliability
from trainer.evaluation.eye.kept import judges, keep_eye, kept_eye
from trainer.evaluation.eye.teaching import teach_eye

GOOD, POOR = Reliability(12, 12, 12, 11), Reliability(12, 7, 12, 7)


@pytest.fixture
def eye(tmp_path: Path) -> Eye:
    taught = teach_eye("dance", "base", marked(np.random.default_rng(3), done=12, failed=12))
    assert taught is not None
    return replace(taught, reliability=GOOD)


def keep(tmp_path: Path, eye: Eye) -> None:
    eye.save(tmp_path / "taught.safetensors")
    keep_eye(tmp_path, "toy", tmp_path / "taught.safetensors")


def test_a_kept_eye_is_that_of_its_game_model_and_sentence(tmp_path: Path, eye: Eye) -> None:
    assert kept_eye(tmp_path, "toy", "base", "dance") is None
    keep(tmp_path, eye)
    found = kept_eye(tmp_path, "toy", "base", "dance")
    assert found is not None
    assert (found.threshold, found.hold, found.reliability) == (eye.threshold, eye.hold, GOOD)
    for other in (("doom", "base", "dance"), ("toy", "b", "dance"), ("toy", "base", "sing")):
        assert kept_eye(tmp_path, *other) is None


def test_a_newer_one_takes_its_place_and_a_damaged_one_is_none(tmp_path: Path, eye: Eye) -> None:
    keep(tmp_path, replace(eye, hold=2))
    keep(tmp_path, replace(eye, hold=8))
    found = kept_eye(tmp_path, "toy", "base", "dance")
    assert found is not None
    assert found.hold == 8
    (file,) = eyes_path(tmp_path).iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert kept_eye(tmp_path, "toy", "base", "dance") is None


@pytest.mark.parametrize(
    ("reliability", "enough", "practised", "judged"),
    [
        (GOOD, True, False, True),
        (POOR, True, False, False),
        (GOOD, False, False, False),
        (GOOD, True, True, False),
    ],
)
def test_only_one_that_is_believed_and_whose_marks_are_there_judges(
    tmp_path: Path,
    eye: Eye,
    monkeypatch: pytest.MonkeyPatch,
    reliability: Reliability,
    enough: bool,
    practised: bool,
    judged: bool,
) -> None:
    monkeypatch.setattr(kept, "enough_marks", lambda *_: enough)
    keep(tmp_path, replace(eye, reliability=reliability))
    with Store.open(tmp_path) as store:
        if practised:
            store.add_round(manifest={PRACTISED: ["dance"]})
    with Reader.open(tmp_path) as reader:
        judge_of = judges(tmp_path, reader, "toy", "base")
        assert (judge_of("dance") is not None) == judged
        assert judge_of("sing") is None


def test_it_follows_an_attempt_as_the_eye_judges_the_whole(tmp_path: Path, eye: Eye) -> None:
    keep(tmp_path, eye)
    Store.open(tmp_path).close()
    attempt = next(
        each
        for number in range(50)
        if eye.calls(each := seen(np.random.default_rng(number), arrives=30))
    )
    with Reader.open(tmp_path) as reader, pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "enough_marks", lambda *_: True)
        judge = judges(tmp_path, reader, "toy", "base")("dance")
    assert judge is not None
    assert (judge.account, judge.ticks) == ("right about 23 of 24 attempts that you marked", 40)
    told = [
        judge.done(
            glance,
            Action(forward=True, sprint=bool(deed[SPRINT]), camera=(0.0, float(deed[-1]))),
        )
        for glance, deed in zip(attempt.glances, attempt.deeds, strict=True)
    ]
    assert told.index(True) + 1 == eye.calls(attempt)[0]
