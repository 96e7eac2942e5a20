"""Answers of several actions: how they are cut, and that a model learns them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch  # the tests of what needs torch
from hypothesis import given
from hypothesis import strategies as st

from model.actions.tokens import decode_ids, encode_ids, legal_next
from model.play.policy import Observation
from model.vla.device import DeviceChoice
from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import build_model, build_tokenizer
from model.vla.vla import VlaPolicy
from recorder.errors import UsageError
from recorder.store import SegmentRow, TickRow
from recorder.types import Action, Driver, Frame, SegmentKind
from trainer.data.examples import Example, chunk_answers, taught_actions
from trainer.rounds.training.lora import LoraConfig, LoraTask, of_this_action
from trainer.rounds.training.lora_loop import shared_loss, train
from trainer.rounds.training.parallel import Alone, workers

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="plain")
ACTIONS = (
    Action(forward=True),
    Action(attack=True, camera=(0.0, 5.0)),
    Action(jump=True, camera=(-2.0, 0.0)),
    Action(),
)


def test_one_more_action_is_taught_than_played_where_several_are() -> None:
    assert [taught_actions(chunk) for chunk in (1, 2, 3)] == [1, 3, 4]


@st.composite
def episodes(
    draw: st.DrawFn,
) -> tuple[list[TickRow], list[SegmentRow], set[int]]:
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    segments, start = [], 0
    for length in lengths:
        segments.append(
            SegmentRow(
                1, start, start + length, Driver.PERSON, SegmentKind.DEMONSTRATION, "auto", 1
            )
        )
        start += length
    changes = draw(st.sets(st.integers(0, start - 1)))
    ticks = [
        tick_row(index, draw(st.sampled_from(ACTIONS)), sum(c <= index for c in changes))
        for index in range(start)
    ]
    return ticks, segments, draw(st.sets(st.integers(0, start - 1)))


def tick_row(index: int, action: Action, instruction: int) -> TickRow:
    return TickRow(
        1, index, index, index, index, Driver.PERSON, action, None, None, None, instruction
    )


@given(episodes(), st.integers(1, 4))
def test_an_answer_holds_the_ticks_that_follow_and_never_leaves_its_segment(
    episode: tuple[list[TickRow], list[SegmentRow], set[int]], most: int
) -> None:
    ticks, segments, usable = episode
    answers = chunk_answers(ticks, segments, usable, most)
    assert set(answers) == usable
    for first, answer in answers.items():
        actions = decode_ids(answer)
        assert 1 <= len(actions) <= most
        reach = range(first, first + len(actions))
        assert [encode_ids(a) for a in actions] == [encode_ids(ticks[i].executed) for i in reach]
        segment = next(s for s in segments if s.start <= first < s.stop)
        assert all(i in usable and segment.start <= i < segment.stop for i in reach)
        assert len({ticks[i].instruction_id for i in reach}) == 1
        # It ends early only where it must.
        after = first + len(actions)
        if len(actions) < most and after in usable:
            other = ticks[after].instruction_id != ticks[first].instruction_id
            assert after >= segment.stop or other


def chunked(count: int, actions: int) -> list[Example]:
    rng = np.random.default_rng(0)
    # A dark one and a bright one: to a tower that was never taught all noise is the same.
    pictures = [rng.integers(k, k + 60, (64, 64, 3), dtype=np.uint8) for k in (0, 190)]
    return [
        Example(
            pictures[i % 2],
            "go to the red torch",
            tuple(n for k in range(actions) for n in encode_ids(ACTIONS[(i + k) % 2])),
            "demonstration",
            i,
            i,
        )
        for i in range(count)
    ]


@pytest.fixture
def task() -> LoraTask:
    tokenizer = build_tokenizer(["go to the red torch"] * 4, vocabulary=600)
    model = build_model(tokenizer, SPEC, seed=3).eval()
    with torch.no_grad():
        # The head is the embedding and is not taught: as it is born, no state of the model's
        # could raise one token of five hundred above a probability of a tenth.
        model.get_input_embeddings().weight.mul_(4)
    return LoraTask(model, tokenizer, SPEC, LoraConfig(rank=16, batch=8, learning_rate=5e-3))


@pytest.mark.long(10, "a model that knew nothing learns from pictures")
def test_three_actions_are_learnt_and_come_out_greedily(task: LoraTask, tmp_path: Path) -> None:
    """Of a model that knew nothing: two pictures, each with three actions of its own."""
    data = chunked(64, 3)
    assert all(len(decode_ids(example.answer)) == 3 for example in data)
    before = task.loss(data[:2], task.see(data[:2]))
    train(task, data, [], tmp_path, lambda *_: None)
    features = task.see(data[:2])
    assert task.loss(data[:2], features) < 0.02 * before
    assert task.legality(data[:2], features) == 1
    # As in play: one answer, greedily, with nothing recorded before its tokens.
    policy = VlaPolicy(
        tmp_path, task.peft.merge_and_unload(), task.sequences._tokenizer,
        replace(SPEC, chunk=3), DeviceChoice("cpu", "float32", ""), check="",
    )  # fmt: skip
    for example in data[:2]:
        policy.reset(example.instruction)
        seen = Observation(Frame(0, 0, example.image), example.instruction)
        said = policy.propose(seen).actions
        assert said == tuple(decode_ids(example.answer))


def test_what_is_legal_starts_anew_with_every_action() -> None:
    answer = (*encode_ids(ACTIONS[1]), *encode_ids(ACTIONS[0]))
    for at, number in enumerate(answer):
        assert number in legal_next(of_this_action(answer[:at]))


class Share(Alone):
    """One of several processes, without the others."""

    def __init__(self, rank: int, world: int) -> None:
        self.rank, self.world = rank, world

    def share(self, items: list[int]) -> list[int]:  # type: ignore[override]
        return items[self.rank :: self.world]


@pytest.mark.parametrize("world", [2, 3])
def test_shares_of_a_batch_add_up_to_the_gradient_of_one_process(
    task: LoraTask, world: int
) -> None:
    data = chunked(7, 2)
    features = task.see(data)
    chosen = np.arange(7)

    def gradients(crew: Alone) -> tuple[float, list[torch.Tensor]]:
        for parameter in task.trainable.values():
            parameter.grad = None
        loss = shared_loss(task, data, features, chosen, crew)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach()), [
            p.grad.clone() for p in task.trainable.values() if p.grad is not None
        ]

    whole, wanted = gradients(Alone())
    parts = [gradients(Share(rank, world)) for rank in range(world)]
    assert sum(loss for loss, _ in parts) == pytest.approx(whole, rel=1e-5)
    for at, tensor in enumerate(wanted):
        torch.testing.assert_close(
            torch.stack([grads[at] for _, grads in parts]).sum(0), tensor, rtol=1e-3, atol=1e-6
        )
    with pytest.raises(UsageError, match="launch fewer"):
        shared_loss(task, data, features, chosen, Share(0, 8))


def test_without_a_launcher_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOCAL_RANK", "ACCELERATE_MIXED_PRECISION"):
        monkeypatch.delenv(name, raising=False)
    crew = workers()
    assert isinstance(crew, Alone)
    assert crew.first
    assert crew.share([1, 2]) == [1, 2]


def test_a_base_of_few_bits_is_made_ready_by_peft() -> None:
    tokenizer = build_tokenizer(["go"] * 4, vocabulary=600)
    model = build_model(tokenizer, SPEC, seed=3).to(torch.bfloat16).eval()
    model.is_loaded_in_4bit = True
    task = LoraTask(model, tokenizer, SPEC, LoraConfig(rank=2, checkpointing=True))
    frozen = {n: p for n, p in task.peft.named_parameters() if n not in task.trainable}
    assert {p.dtype for p in frozen.values()} == {torch.float32}
    assert not any(p.requires_grad for p in frozen.values())
    assert all("language_model" in name and "lora_" in name for name in task.trainable)
    data = chunked(2, 1)
    loss = shared_loss(task, data, task.see(data), np.arange(2), Alone())
    loss.backward()  # type: ignore[no-untyped-call]
    assert any(p.grad is not None and bool(p.grad.any()) for p in task.trainable.values())
