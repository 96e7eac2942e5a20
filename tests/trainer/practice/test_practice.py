"""The loop of practice, with a real player and learner and a toy for a game."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lora_tasks import lora_task
from toy_game import TASKS, ToyGame

from model.actions.tokens import decode_ids
from model.adapters.folders import fingerprint
from model.language.action_memory import ActionMemory
from model.play.sampling import Sampling
from model.vla.vla import VlaPolicy
from recorder.errors import ExitCode, KnownError, UsageError
from recorder.games.base import free_task
from recorder.games.seeds import SeedRange
from recorder.store import Store
from recorder.types import Outcome
from trainer.evaluation.eye.judge import Eye, Reliability
from trainer.evaluation.eye.probe import Probe
from trainer.evaluation.starts import Start
from trainer.practice import practice
from trainer.practice.account import Account
from trainer.practice.collector import Hall, Moment, Tried, Try
from trainer.practice.config import PracticeConfig
from trainer.practice.known_words import OWN
from trainer.practice.learner import Learner, Learnt
from trainer.practice.practice import PracticePlan, iterate, main, practise
from trainer.practice.strips import Strip, Strips
from trainer.rounds import protocol
from trainer.rounds.measuring.eyes import TaughtEye

CONFIG = PracticeConfig(attempts=6, own=0.5, moments=4, batch=8, steps=2)
TASK = replace(TASKS[0], max_ticks=8)


class HereCollector:
    """Plays in this process, and notes with which adapter."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.asked: list[tuple[Path | None, tuple[Try, ...]]] = []

    def collect(self, adapter: Path | None, tries: Sequence[Try]) -> Iterator[Tried]:
        self.asked.append((adapter, tuple(tries)))
        for each in tries:
            yield self.hall.play(adapter, each)

    def close(self) -> None:
        self.hall.close()


@pytest.fixture
def hall(small_checkpoint: Path) -> Hall:
    policy = VlaPolicy.load(small_checkpoint, threads=1, sampling=Sampling(0.8))
    return Hall(ToyGame(distance=2), policy, most=4)


def plan(data: Path, base: Path, **changes: object) -> PracticePlan:
    fields: dict[str, object] = {
        "data": data, "base": base, "out": data / "out", "work": data / "work", "game": "toy",
        "sentences": (TASK.instruction,), "minutes": 1.0,
    }  # fmt: skip
    return PracticePlan(**{**fields, **changes})  # type: ignore[arg-type]


def made(number: int, seed: int = 20_000_000) -> Try:
    return Try(Start(TASK, TASK.instruction, seed), number)


def test_an_attempt_is_made_the_same_again_and_another_number_is_another(hall: Hall) -> None:
    one, again, other = hall.play(None, made(0)), hall.play(None, made(0)), hall.play(None, made(1))
    assert one.outcome is again.outcome
    assert [each.answer for each in one.moments] == [each.answer for each in again.moments]
    assert [each.answer for each in one.moments] != [each.answer for each in other.moments]


def test_moments_are_few_in_order_and_what_was_answered_to_their_pictures(hall: Hall) -> None:
    tried = hall.play(None, made(0))
    assert 0 < len(tried.moments) <= 4
    assert tried.ticks == 8
    assert all(each.heard for each in tried.moments)
    game = hall.game
    assert isinstance(game, ToyGame)
    done = iter(game.actions)
    for each in tried.moments:
        (action,) = decode_ids(each.answer)
        assert any(action == executed for executed in done)


def test_what_the_game_does_not_judge_ends_where_the_eye_calls_it_done(
    small_checkpoint: Path, tmp_path: Path
) -> None:
    policy = VlaPolicy.load(small_checkpoint, threads=1, sampling=Sampling(0.8))
    width = len(policy.glance(ToyGame()._frame().rgb))
    start = Start(free_task("dance"), "dance", 20_000_000)
    for bias, ended in ((9.0, (Outcome.SUCCESS, 2)), (-9.0, (Outcome.TIMEOUT, 12))):
        look = Probe(*(np.zeros(width, np.float32) + one for one in (0, 1, 0)), bias)
        path = tmp_path / f"{bias}.safetensors"
        told = Reliability(9, 9, 9, 9)
        Eye("dance", policy.fingerprint, look, None, 0.5, 2, 12, told).save(path)
        hall = Hall(ToyGame(), policy, most=4, eyes={"dance": path})
        tried = hall.play(None, Try(start, 0))
        assert (tried.outcome, tried.ticks) == ended
        assert tried.moments


def test_it_plays_and_learns_in_turn_until_the_time_is_over(
    hall: Hall, small_checkpoint: Path, tmp_path: Path
) -> None:
    learner = Learner(lora_task(small_checkpoint), (), CONFIG)
    collector, account = HereCollector(hall), Account("toy")
    said: list[protocol.Message] = []
    ticking = iter(np.arange(0.0, 10_000.0, 3.0).tolist())
    own = plan(tmp_path, small_checkpoint, number=3)
    # A killed practice of something else left an adapter of the same name.
    (own.work / "adapter-0001").mkdir(parents=True)
    met: list[Tried] = []
    words = {TASK.instruction: ["go to the green dot"]}
    iterate(
        own, [(TASK, TASK.instruction)], words, collector, learner, account, said.append, CONFIG,
        fingerprint(small_checkpoint), clock=lambda: next(ticking), met=met.extend,
    )  # fmt: skip
    assert len(met) == account.attempts
    # What a success looked like at its end can be shown.
    assert {each.last is None for each in met if each.outcome is Outcome.SUCCESS} <= {False}
    assert {each.last is None for each in met if each.outcome is not Outcome.SUCCESS} == {True}
    assert account.iterations >= 2
    assert account.seconds >= 60
    adapters = [adapter for adapter, _ in collector.asked]
    assert adapters[0] is None
    # Each iteration is played by what the one before has made, and nothing of it is left.
    assert adapters[1:] == [own.work / f"adapter-{n:04d}" for n in range(1, len(adapters))]
    assert not [path for path in own.work.iterdir() if path.is_dir()]
    starts = [{each.start.key for each in tries} for _, tries in collector.asked]
    assert all(len(each) == CONFIG.attempts for each in starts)
    assert len(set().union(*starts)) == CONFIG.attempts * len(starts)
    # Every other one is told the sentence itself, whatever else is tried.
    for _, tries in collector.asked:
        assert [each.told for each in tries[::2]] == [OWN] * 3
    told_of = account.tallies[TASK.instruction]
    assert set(told_of) <= {OWN, "go to the green dot"}
    assert sum(tries for tries, _ in told_of.values()) == account.attempts == len(met)
    assert all(key.seed in SeedRange.PRACTICE for each in starts for key in each)
    told = [each for each in said if isinstance(each, protocol.Practised)]
    assert [each.attempts for each in told] == sorted(each.attempts for each in told)
    assert told[-1].attempts == account.attempts


def test_what_was_told_otherwise_is_learnt_as_the_sentence_itself(hall: Hall) -> None:
    said = hall.play(None, made(0))
    other = hall.play(None, replace(made(0), told="go to the green dot"))
    heard = {each.heard for each in said.moments}
    assert {each.heard for each in other.moments} == heard
    # It was really told something else.
    assert hall.policy.heard not in heard
    assert other.made.start.heard == TASK.instruction


def test_moments_know_what_was_done_before_them(hall: Hall) -> None:
    every = Hall(ToyGame(distance=20), hall.policy, most=8)
    before: list[tuple[str, ...]] = []
    for number in range(6):
        tried = every.play(None, made(number))
        memory = ActionMemory()
        assert len(tried.moments) == tried.ticks
        for moment in tried.moments:
            assert moment.acts == memory.acts
            before.append(moment.acts)
            memory.see(decode_ids(moment.answer)[0])
    assert any(before)


def success(seed: int, told: str = OWN, outcome: Outcome = Outcome.SUCCESS) -> Tried:
    moment = Moment(np.zeros((64, 64, 3), np.uint8), TASK.instruction, (seed % 100,))
    return Tried(Try(Start(TASK, TASK.instruction, seed), 0, told), outcome, 10, (moment,))


def test_what_a_known_sentence_led_to_is_learnt_and_its_own_only_without_one() -> None:
    account = Account("toy")
    own = [success(3), success(1), success(2, outcome=Outcome.TIMEOUT)]
    assert [each.answer for each in practice._to_learn(own, account)] == [(1,), (3,)]
    tried = [*own, success(5, "go"), success(4, "go", Outcome.FAILURE)]
    assert [each.answer for each in practice._to_learn(tried, account)] == [(5,)]
    # What helped once is gone on with, in an iteration in which it did not.
    account.add(tried, Learnt(0, 0.0), 3.0)
    assert practice._to_learn(own, account) == []


def test_an_iteration_that_was_cut_short_is_told_of_all_the_same() -> None:
    account = Account("toy")
    moment = Moment(np.zeros((64, 64, 3), np.uint8), TASK.instruction, (1,))
    other = replace(made(0), told="go to the green dot")
    account.add([Tried(other, Outcome.SUCCESS, 10, (moment,))], Learnt(0, 0.0), 3.0)
    message = account.message(60.0)
    assert (message.attempts, message.newest, message.newest_good) == (1, 1, 1)
    account.add(
        [Tried(made(1), Outcome.TIMEOUT, 10, ()), Tried(other, Outcome.SUCCESS, 10, (moment,))],
        Learnt(0, 0.0),
        6.0,
    )
    # How well it does the sentence is told by what was told the sentence.
    message = account.message(60.0)
    assert (message.attempts, message.successes) == (3, 2)
    assert (message.newest, message.newest_good) == (1, 0)


def test_what_cannot_be_practised_is_said(tmp_path: Path, small_checkpoint: Path) -> None:
    with pytest.raises(UsageError, match="Nobody can judge “dance wildly”"):
        practise(plan(tmp_path, small_checkpoint, game="doom", sentences=("dance wildly",)), hear)
    with pytest.raises(UsageError, match="Practice needs a game that waits"):
        practise(plan(tmp_path, small_checkpoint, game="luanti"), hear)


def test_an_eye_that_cannot_be_taught_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> list[TaughtEye]:
        raise RuntimeError("the process that teaches eyes ended too soon")

    monkeypatch.setattr(practice, "teach_eyes", broken)
    with pytest.raises(KnownError, match="its process ended too soon"):
        practice._eyes(plan(tmp_path, tmp_path), ["dance"], lambda _message: None)


def test_a_disk_that_takes_no_pictures_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    strips = Strips(0)
    strips.kept = [Strip("dance", 1, True, np.zeros((1, 4, 4, 3), np.uint8))]
    practice._save(strips, tmp_path / "no such folder")
    assert "could not be written" in caplog.text


def hear(message: protocol.Message) -> None:
    raise AssertionError(f"nothing was to be begun: {message}")


def test_practice_from_which_nothing_can_be_learnt_leaves_no_adapter(
    tmp_path: Path,
    knowing_checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process from its arguments to its last word; only the games are not real."""

    class NoGames:
        def __init__(self, *_given: object) -> None: ...

        def collect(self, adapter: Path | None, tries: Sequence[Try]) -> Iterator[Tried]:
            for each in tries:
                yield Tried(each, Outcome.TIMEOUT, 60, ())

        def close(self) -> None: ...

    monkeypatch.setattr("trainer.practice.collector.LocalCollector", NoGames)
    Store.open(tmp_path).close()
    speech = io.StringIO()
    code = main(
        [
            "--data", str(tmp_path), "--base", str(knowing_checkpoint),
            "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work"), "--minutes", "0.001",
            "--sentence", "open the blue door",
        ],
        speech,
    )  # fmt: skip
    *_, last = map(json.loads, speech.getvalue().splitlines())
    assert code == ExitCode.KNOWN_PROBLEM
    assert last["kind"] == "failed"
    assert last["sentence"].startswith("None of")
    assert "nothing to learn from and the agent plays as before" in last["sentence"]
    assert not (tmp_path / "out").exists()
