"""What a round is judged by before play, and stops by."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from model.actions.tokens import encode_ids
from model.adapters.folders import AdapterMeta, fingerprint, write_adapter
from model.language.action_memory import with_memory
from model.language.paraphrase import write_sayings
from model.vla import memory
from model.vla.device import DeviceChoice
from model.vla.preprocess import CheckpointSpec, load_spec, save_spec
from model.vla.vla import load_weights
from recorder.errors import UsageError
from recorder.types import Action
from trainer.data.examples import Example, Sides
from trainer.data.material import Material
from trainer.data.memory import LEAST_AFTER
from trainer.data.other_sentences import sentences_shown
from trainer.rounds.lessons import PRACTISED_EXAMPLES, Lesson, Read, heard_in_all, prepare
from trainer.rounds.round import RoundPlan
from trainer.rounds.training.lora import LoraTask
from trainer.rounds.training.lora_config import LoraConfig


def said(sentence: str, count: int, kind: str = "replay") -> tuple[Example, ...]:
    picture = np.zeros((64, 64, 3), np.uint8)
    return tuple(Example(picture, sentence, (1,), kind, i, i) for i in range(count))


def test_training_stops_by_every_sentence_of_what_is_to_be_kept() -> None:
    """The first ones of a replay are of a few sentences only."""
    known = said("walk", 60) + said("hop", 60) + said("turn", 5)
    earlier = said("dig", 60) + said("look", 65)
    taught = said("swim", 30, "correction")
    task = cast(LoraTask, SimpleNamespace(config=LoraConfig(seed=5)))
    lesson = Lesson(task, *(Sides(select=side) for side in (taught, known, earlier)))
    by = lesson.to_stop_by
    chosen = Counter(each.instruction for each in by)
    assert sum(chosen.values()) == 30 + 40
    assert (chosen["swim"], chosen["dig"], chosen["look"], chosen["turn"]) == (30, 10, 10, 5)
    assert {chosen["walk"], chosen["hop"]} == {7, 8}
    # A round that goes on after a kill stops by the same ones.
    assert [id(each) for each in by] == [id(each) for each in lesson.to_stop_by]
    assert not Lesson(task, Sides(), Sides(select=known), Sides()).to_stop_by


def test_other_sentences_are_learnt_only_where_answers_are_held_to_those_of_before() -> None:
    """Their answers are the lesson's, which must not be learnt for another sentence."""

    def learnt(*practised: str, keeps: bool) -> Counter[tuple[str, str]]:
        task = cast(LoraTask, SimpleNamespace(config=LoraConfig(others=0.5), keeps=keeps))
        taught, known = said("swim", 30, "demonstration"), said("walk", 60)
        lesson = Lesson(task, Sides(train=taught), Sides(train=known), Sides(), practised)
        return Counter((each.kind, each.instruction) for each in lesson.to_learn)

    whole = {("demonstration", "swim"): 30, ("replay", "walk"): 60}
    assert learnt(keeps=False) == whole
    held = {**whole, ("replay", "walk"): 90}
    assert learnt(keeps=True) == held
    # Nothing shows what was practised: old pictures and the lesson's stand for it.
    assert learnt("hop", keeps=True) == {**held, ("replay", "hop"): PRACTISED_EXAMPLES}
    assert learnt("hop", keeps=False) == whole
    # What is taught now is to change, in front of every picture.
    assert learnt("swim", keeps=True) == held


def test_no_sentence_that_is_taught_now_is_held_in_front_of_anothers_pictures() -> None:
    task = cast(LoraTask, SimpleNamespace(config=LoraConfig(others=2.0), keeps=True))
    taught = said("swim", 30, "demonstration") + said("walk", 30, "demonstration")
    lesson = Lesson(
        task, Sides(train=taught), Sides(train=said("walk", 9) + said("hop", 9)), Sides()
    )
    made = [each for each in lesson.to_learn if each.kind == "replay"]
    assert Counter(each.instruction for each in made) == {"walk": 9, "hop": 9 + 36}


def test_the_output_layer_of_a_large_base_is_not_taught(
    small_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such an adapter could not be played: that layer has no weights of its own."""
    monkeypatch.setattr(memory, "is_small", lambda _folder: False)
    plan = RoundPlan(
        tmp_path, small_checkpoint, tmp_path / "out", tmp_path / "work", settings={"head": "true"}
    )
    read = Read(cast(Material, None), Sides(), Sides(), Sides())
    choice = DeviceChoice("cpu", "float32", "")
    with pytest.raises(UsageError, match="head=true is for small models"):
        prepare(plan, load_spec(small_checkpoint), choice, read, released=False, say=lambda _: None)


def test_what_is_taught_now_is_not_what_it_could_before(
    small_checkpoint: Path, tmp_path: Path
) -> None:
    """A person's own words may mean a sentence that the base was taught: "retreat at a run"."""
    folder = tmp_path / "base"
    shutil.copytree(small_checkpoint, folder)
    write_sayings(folder, {"walk back": ["retreat at a run"], "turn left": []})
    plan = RoundPlan(tmp_path, folder, tmp_path / "out", tmp_path / "work")
    known = said("walk back", 2) + said("turn left", 3)
    watched = said("turn left", 4, "rollout")
    taught = Sides(train=said("retreat at a run", 4, "demonstration") + watched)
    old = Sides(known, known, known)
    read = Read(cast(Material, None), taught, old, old)
    lesson = prepare(
        plan,
        load_spec(folder),
        DeviceChoice("cpu", "float32", ""),
        read,
        released=False,
        say=lambda _: None,
    )
    assert {each.instruction for each in lesson.taught.train} == {"walk back", "turn left"}
    # It may be learnt from, but nothing is chosen by it or judged on it; what was only watched is
    # no lesson.
    assert lesson.known == Sides(known, known[2:], known[2:])
    # An earlier lesson of the same words may have been done in another manner.
    earlier = (*lesson.earlier.select, *lesson.earlier.gate)
    assert {each.instruction for each in earlier} == {"turn left"}
    assert {each.instruction for each in lesson.earlier.train} == {"walk back", "turn left"}


def test_a_sentence_is_told_with_what_was_done_if_it_is_new_to_the_base(
    small_checkpoint: Path, tmp_path: Path
) -> None:
    folder, parent = tmp_path / "base", tmp_path / "parent"
    shutil.copytree(small_checkpoint, folder)
    save_spec(folder, replace(load_spec(folder), parts=True, prompt="picture"))
    new, old, earlier = "hop", "shoot the imp", "zigzag"
    taught_before = LoraTask(
        *load_weights(folder, torch.float32, "cpu"), load_spec(folder), LoraConfig()
    )
    meta = AdapterMeta("parent", fingerprint(folder), remembers={earlier: ["use"]})
    write_adapter(parent, taught_before.tensors(), taught_before.peft_config(), meta)

    def done(sentence: str, kind: str = "demonstration") -> tuple[Example, ...]:
        some = said(sentence, LEAST_AFTER, kind)
        walk = encode_ids(Action(forward=True))
        return tuple(replace(each, acts=("jump", "use"), answer=walk) for each in some)

    taught = Sides(train=done(new) + done(old))
    before = Sides(train=done(earlier, "replay") + done("swim", "replay"))
    read = Read(cast(Material, None), taught, before, before, games=frozenset({"doom", "gone"}))
    plan = RoundPlan(tmp_path, folder, tmp_path / "out", tmp_path / "work", parent=parent)

    def told(plan: RoundPlan, spec: CheckpointSpec) -> dict[str, tuple[str, ...]]:
        lesson = prepare(
            plan, spec, DeviceChoice("cpu", "float32", ""), read, released=False,
            say=lambda _: None,
        )  # fmt: skip
        found = [*lesson.taught.train, *lesson.earlier.train]
        told = {each.instruction: each.acts for each in found if each.acts}
        prompts = {lesson.task.prompt_of(each) for each in found if each.instruction == new}
        said = with_memory(new, told.get(new, ()))
        assert prompts == {lesson.task.sequences.prompt_ids(said)}
        assert lesson.task.remembers == {each: list(acts) for each, acts in told.items()}
        return told

    spec, without = load_spec(folder), replace(plan, settings={"memory": "false"})
    assert told(plan, spec) == {new: ("jump", "use"), earlier: ("use",)}
    assert told(without, spec) == {earlier: ("use",)}


@pytest.mark.parametrize(
    ("form", "served"),
    [({"history": 2}, False), ({"prompt": "jarvis"}, False), ({}, True)],
    ids=["earlier pictures", "another form of prompt", "a server"],
)
def test_nothing_is_told_in_a_round_that_is_not_told_in_play(
    small_checkpoint: Path, tmp_path: Path, form: dict[str, Any], served: bool
) -> None:
    spec = replace(load_spec(small_checkpoint), **{"prompt": "picture", "history": 0, **form})
    walk = encode_ids(Action(forward=True))
    some = tuple(
        replace(each, acts=("jump",), answer=walk)
        for each in said("hop", LEAST_AFTER, "demonstration")
    )
    read = Read(
        cast(Material, None), Sides(train=some), Sides(), Sides(), games=frozenset({"doom"})
    )
    plan = RoundPlan(tmp_path, small_checkpoint, tmp_path / "out", tmp_path / "work", served=served)
    lesson = prepare(
        plan, spec, DeviceChoice("cpu", "float32", ""), read, released=False, say=lambda _: None
    )
    assert lesson.task.remembers == {}
    assert {each.acts for each in lesson.taught.train} == {()}


def test_all_that_is_heard_of_a_sentence_in_play_is_known(
    small_checkpoint: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "base"
    shutil.copytree(small_checkpoint, folder)
    write_sayings(folder, {"walk back": ["retreat at a run"], "turn left": []})
    apart = replace(load_spec(folder), parts=True, prompt="picture", history=0, chunk=1)
    asked = ["turn left, then retreat at a run"]
    assert heard_in_all(asked, apart, folder) == {"turn left", "walk back"}
    assert heard_in_all(asked, replace(apart, parts=False), None) == set(asked)


def test_what_was_only_watched_is_held_and_judged_as_before() -> None:
    """The agent's own successes are no lesson: those sentences are not to change."""
    shown, watched = said("swim", 30, "demonstration"), said("walk", 30, "rollout")
    assert sentences_shown([*shown, *watched, *said("hop", 3)]) == {"swim"}
    task = cast(LoraTask, SimpleNamespace(config=LoraConfig(others=2.0), keeps=True))
    lesson = Lesson(task, Sides(train=shown + watched), Sides(train=said("walk", 9)), Sides())
    made = Counter(each.instruction for each in lesson.to_learn if each.kind == "replay")
    assert set(made) == {"walk"}
    assert made["walk"] > 9
