"""8 and 4 bits for real, where bitsandbytes is installed (it computes on CPUs too)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch  # the tests of what needs torch

from model.actions.tokens import encode_ids
from model.play.policy import Observation
from model.vla.memory import predict
from model.vla.play_options import PlayOptions
from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import build_model, build_tokenizer, save_checkpoint
from model.vla.vla import VlaPolicy
from recorder.types import Action, Frame
from trainer.data.examples import Example
from trainer.rounds.training.lora import LoraConfig, LoraTask

pytest.importorskip("bitsandbytes", reason="8 and 4 bits need: pip install 'playteach[bits]'")

SPEC = CheckpointSpec(pixels="coordinates", width=96, height=64, patch_size=16, prompt="jarvis")
PACKED = {"8bit": "Linear8bitLt", "4bit": "Linear4bit"}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bits") / "jarvis"
    tokenizer = build_tokenizer(["Mine the oak log.", "observation:"] * 4, vocabulary=600)
    model = build_model(tokenizer, SPEC, seed=5)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                # Loud enough that answers can be told apart by the head, which is not taught.
                weights.mul_(4)
    save_checkpoint(folder, model, tokenizer, SPEC, {})
    return folder


def picture() -> Frame:
    return Frame(0, 0, np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8))


@pytest.mark.parametrize("precision", ["8bit", "4bit"])
def test_the_language_model_s_layers_are_packed_and_nothing_else(
    released: Path, precision: str
) -> None:
    options = PlayOptions(precision=precision)
    policy = VlaPolicy.load(released, device="cpu", threads=1, options=options)
    kind = PACKED[precision]
    packed = [n for n, m in policy.model.named_modules() if type(m).__name__ == kind]
    assert len(packed) == 7 * 4
    assert all("language_model.layers" in name for name in packed)
    took = sum(p.numel() * p.element_size() for p in policy.model.parameters())
    # The file's own copy of the tied head is in the forecast, and not in the memory.
    head = policy.model.lm_head.weight.numel() * 2
    need = predict(released, "bfloat16", precision).weights
    assert took == pytest.approx(need - head, rel=0.15)
    policy.reset("Mine the oak log.")
    assert policy.propose(Observation(picture(), "Mine the oak log.")).actions


def test_the_first_answers_of_8_bits_are_close_to_those_of_16(released: Path) -> None:
    def scores(precision: str) -> torch.Tensor:
        options = PlayOptions(precision=precision)
        policy = VlaPolicy.load(released, device="cpu", threads=1, options=options)
        policy.reset("Mine the oak log.")
        with torch.inference_mode():
            states, _, _ = policy.reader.read([policy.reader.see(picture().rgb)])
            return torch.tensor(policy.decoder.scores(states)[0])

    whole = scores("bf16")
    assert torch.allclose(scores("8bit"), whole, atol=0.1 * float(whole.std()) + 0.02)


def test_an_adapter_is_taught_on_four_bits(released: Path) -> None:
    options = PlayOptions(precision="4bit")
    policy = VlaPolicy.load(released, device="cpu", threads=1, options=options)
    task = LoraTask(
        policy.model, policy.tokenizer, SPEC, LoraConfig(rank=4, checkpointing=True), options
    )
    example = Example(
        picture().rgb, "Mine the oak log.", encode_ids(Action(attack=True)), "demonstration"
    )
    optimiser = torch.optim.AdamW(task.trainable.values(), lr=2e-2)
    losses = []
    for _ in range(80):
        logits, labels = task.logits([example], task.see([example]))
        loss = torch.nn.functional.cross_entropy(logits.float(), labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.4 * losses[0]
