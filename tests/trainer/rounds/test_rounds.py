"""A whole round on real recordings: what it says, what it writes, what it leaves alone."""

from __future__ import annotations

import io
import json
import math
import shutil
import signal
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from lessons import begin, record_attempt
from toy_game import TASKS

from model.adapters.folders import META_FILE, fingerprint, read_meta
from model.vla.vla import VlaPolicy
from recorder.data_folder import database_path
from recorder.errors import DataError, ExitCode, ModelError
from recorder.store import NewAdapter, Reader, Split, Store
from recorder.types import Driver
from trainer.data.earlier_lessons import earlier_rows, taught_by
from trainer.data.examples import Example
from trainer.data.material import material_of
from trainer.data.sampling import MAX_VISITS, lesson_samples, shares_of
from trainer.rounds import gates, protocol
from trainer.rounds import round as rounds
from trainer.rounds.round import RoundPlan, run_round
from trainer.rounds.training import lora_loop
from trainer.rounds.training.lora_config import LoraConfig, most_visits, plan_steps

STEPS = 6
REPLAY = 40


def plan(data: Path, base: Path, name: str = "one") -> RoundPlan:
    return RoundPlan(
        data=data,
        base=base,
        out=data / "adapters" / name,
        work=data / "rounds" / "work",
        max_steps=STEPS,
        replay=REPLAY,
        threads=1,
    )


def persons(examples: Iterable[Example]) -> set[int]:
    """Return the episodes of the person's that examples are of."""
    return {each.episode_id for each in examples if each.episode_id is not None}


@dataclass(frozen=True)
class Whole:
    """A round from demonstrations to an adapter, with what it said on the way.

    ``used`` are the episodes that it learnt on, stopped by, chose its strength by, was judged by.
    """

    data: Path
    before: bytes
    heard: list[protocol.Message]
    done: protocol.Done
    used: dict[str, set[int]]


@pytest.fixture(scope="module")
def whole(lessons: Path, small_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """One round for all who only look at what came out of it."""
    data = Path(shutil.copytree(lessons, tmp_path_factory.mktemp("whole") / "data"))
    used: dict[str, set[int]] = {}
    make, train = gates.Checks.__init__, lora_loop.train

    def look_and_make(self: Any, task: Any, select: Any, gate: Any, **more: Any) -> None:
        used["strength by"], used["judged by"] = persons(select.taught), persons(gate.taught)
        make(self, task, select, gate, **more)

    def look_and_train(task: Any, examples: Any, to_stop_by: Any, *more: Any) -> Any:
        used["learnt"], used["stopped by"] = persons(examples), persons(to_stop_by)
        return train(task, examples, to_stop_by, *more)

    before = database_path(data).read_bytes()
    heard: list[protocol.Message] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gates.Checks, "__init__", look_and_make)
        patch.setattr(lora_loop, "train", look_and_train)
        done = run_round(plan(data, small_checkpoint), heard.append)
    return Whole(data, before, heard, done, used)


def test_a_round_from_demonstrations_to_an_adapter(whole: Whole, small_checkpoint: Path) -> None:
    heard, done, used = whole.heard, whole.done, whole.used
    assert database_path(whole.data).read_bytes() == whole.before
    kinds = [message.kind for message in heard]
    assert kinds.index("step") < kinds.index("gate")
    steps = [message.step for message in heard if isinstance(message, protocol.Step)]
    assert steps == list(range(1, STEPS + 1))
    metrics = done.metrics
    assert metrics["shares"]["replay"] >= 0.25
    assert metrics["most_visits"] <= MAX_VISITS
    episodes = metrics["manifest"]["episodes"]
    assert episodes["train"]
    # Five starts of one lesson: three to learn from, one to be judged on, one to choose by.
    assert [len(episodes[side]) for side in ("train", "select", "gate")] == [3, 1, 1]
    sides = {side: set(numbers) for side, numbers in episodes.items()}
    assert (used["learnt"], used["judged by"]) == (sides["train"], sides["gate"])
    # What chooses judges nothing, and what judges chooses nothing.
    assert used["stopped by"] == used["strength by"] == sides["select"]
    assert metrics["manifest"]["counts"] == metrics["material"]["ticks"]
    assert {sample[0] for sample in metrics["samples"]} <= set(episodes["train"])
    assert done.passed == all(m.passed is not False for m in heard if isinstance(m, protocol.Gate))
    meta = read_meta(Path(done.adapter))
    assert (meta.base, meta.parent) == (fingerprint(small_checkpoint), None)
    VlaPolicy.load(small_checkpoint, adapter=Path(done.adapter), device="cpu", threads=1)


def test_a_round_is_made_of_what_was_foretold(whole: Whole) -> None:
    """What the card shows before is what the round does: the same counts and the same shares."""
    with Reader.open(whole.data) as reader:
        material = material_of(reader, reader.episodes())
    config = LoraConfig(max_steps=STEPS)
    learnt = lesson_samples(material.on(Split.TRAIN))
    draws = plan_steps(learnt, config) * config.batch
    foretold = shares_of(material, draws, replays=True, most=most_visits(learnt, config))
    metrics = whole.done.metrics
    assert metrics["material"] == material.document()
    assert metrics["manifest"]["counts"] == dict(material.ticks)
    assert metrics["shares"].keys() == foretold.keys()
    for kind, share in foretold.items():
        assert metrics["shares"][kind] == pytest.approx(share, abs=1 / draws + 1e-9)
    assert material.sentence in [m.sentence for m in whole.heard if isinstance(m, protocol.Stage)]


def test_an_earlier_rounds_lesson_is_replayed_and_stays_in_the_gate(
    tmp_path: Path, knowing_checkpoint: Path
) -> None:
    data, base = tmp_path / "data", knowing_checkpoint
    with Store.open(data) as store:
        session = begin(store, "doom")
        taught = [
            [
                record_attempt(store, session, [(Driver.PERSON, 30)], seed=seed, task=task)
                for seed in range(4)
            ]
            for task in TASKS
        ]
        first = replace(plan(data, base), query="id:1-4")
        metrics = run_round(first, lambda _message: None).metrics
        assert math.isnan(metrics["offline"]["earlier_before"])
        number = store.add_round(query=first.query)
        store.add_round_samples(number, [tuple(sample) for sample in metrics["samples"]])
        store.add_adapter(NewAdapter(folder=str(first.out), base="small", round_id=number))
    second = replace(plan(data, base, "two"), query="id:5-8", parent=first.out)
    metrics = run_round(second, lambda _message: None).metrics
    seen = {sample[0] for sample in metrics["samples"]}
    # Two of each lesson's four starts are learnt from: the first lesson's are seen again.
    assert seen == {*taught[0][:2], *taught[1][:2]}
    assert math.isfinite(metrics["offline"]["earlier_before"])
    assert math.isfinite(metrics["offline"]["replay_base"])
    # Without the parent that lesson was never learnt: there is nothing of it to keep.
    with Reader.open(data) as reader:
        own = [row for row in reader.episodes() if row.id in taught[1]]
        assert taught_by(reader, None) == frozenset()
        assert earlier_rows(reader, own, frozenset()) == []
        before = earlier_rows(reader, own, taught_by(reader, first.out))
        assert {row.id for row in before} == set(taught[0])
        assert earlier_rows(reader, own, taught_by(reader, first.out), reach=0) == []


@pytest.mark.long(6, "a whole round, after the one that it goes on from")
def test_a_round_goes_on_from_its_parent(whole: Whole, data: Path, small_checkpoint: Path) -> None:
    first = Path(whole.done.adapter)
    child = replace(plan(data, small_checkpoint, "two"), parent=first)
    done = run_round(child, lambda _message: None)
    assert read_meta(Path(done.adapter)).parent == "one"


def test_an_adapter_for_another_base_is_refused(
    whole: Whole, data: Path, tmp_path: Path, small_checkpoint: Path
) -> None:
    first = Path(shutil.copytree(whole.done.adapter, tmp_path / "one"))
    meta = json.loads((first / META_FILE).read_text(encoding="utf-8"))
    (first / META_FILE).write_text(json.dumps(meta | {"base": "0" * 64}), encoding="utf-8")
    child = replace(plan(data, small_checkpoint, "two"), parent=first)
    with pytest.raises(ModelError, match="another base"):
        run_round(child, lambda _message: None)


def test_nothing_recorded_is_a_sentence(tmp_path: Path, small_checkpoint: Path) -> None:
    with pytest.raises(DataError):
        run_round(plan(tmp_path, small_checkpoint), lambda _message: None)


def speak(plan_: RoundPlan) -> tuple[int, list[protocol.Message]]:
    """Run the command's main in this process; return its code and what it said."""
    speech = io.StringIO()
    before = signal.getsignal(signal.SIGTERM)
    names = ("data", "base", "out", "work", "max_steps", "replay", "threads")
    arguments = [
        part
        for name in names
        for part in (f"--{name.replace('_', '-')}", str(getattr(plan_, name)))
    ]
    try:
        code = rounds.main(arguments, speech)
    finally:
        signal.signal(signal.SIGTERM, before)
    return code, [protocol.parse(line) for line in speech.getvalue().splitlines()]


def test_every_line_is_a_message_and_the_last_one_says_how_it_ended(
    data: Path, knowing_checkpoint: Path
) -> None:
    code, said = speak(plan(data, knowing_checkpoint))
    assert code == ExitCode.OK
    assert isinstance(said[-1], protocol.Done)
    assert all(isinstance(each, protocol.Message) for each in said)


def test_a_missing_base_fails_in_one_sentence(data: Path, tmp_path: Path) -> None:
    code, said = speak(plan(data, tmp_path / "nowhere"))
    assert code == ExitCode.MODEL_PROBLEM
    assert isinstance(said[-1], protocol.Failed)
    assert "nowhere" in said[-1].sentence
    assert not (data / "adapters").exists()
