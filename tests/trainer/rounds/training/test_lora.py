from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch  # the tests of what needs torch

from model.actions.tokens import encode_ids
from model.adapters.folders import AdapterMeta, MergedAdapter, fingerprint, write_adapter
from model.paths import default_checkpoint
from model.vla.play_options import PlayOptions
from model.vla.preprocess import CheckpointSpec, load_spec
from model.vla.tiny import build_model, build_tokenizer, save_checkpoint
from model.vla.vla import load_weights, untie_head
from recorder.errors import ModelError, UsageError
from recorder.types import Action
from trainer.data.examples import Example
from trainer.rounds.round import _samples
from trainer.rounds.training.lora import LoraConfig, LoraTask
from trainer.rounds.training.lora_config import with_settings
from trainer.rounds.training.lora_loop import train

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="plain")


def fresh_model() -> tuple[Any, Any]:
    tokenizer = build_tokenizer(["go to the red torch", "shoot the imp"] * 4, vocabulary=600)
    return build_model(tokenizer, SPEC, seed=3, layers=2).eval(), tokenizer


def examples(count: int, kind: str = "demonstration") -> list[Example]:
    rng = np.random.default_rng(0)
    return [
        Example(
            rng.integers(0, 255, (64, 64, 3), dtype=np.uint8),
            "go to the red torch",
            encode_ids(Action(forward=bool(i % 2), camera=(0.0, 5.0))),
            kind,
            i,
            i,
        )
        for i in range(count)
    ]


def silent(*_: object) -> None:
    """Hear nothing."""


def test_a_fresh_adapter_changes_nothing() -> None:
    torch.manual_seed(0)
    model, tokenizer = fresh_model()
    batch = examples(4)
    plain = LoraTask(model, tokenizer, SPEC, LoraConfig(rank=2))
    features = plain.see(batch)
    with torch.no_grad(), plain.peft.disable_adapter():
        before, _ = plain.logits(batch, features)
    with torch.no_grad():
        after, _ = plain.logits(batch, features)
    assert torch.equal(before, after)


class _CutError(Exception):
    """The run is cut off here."""


def test_a_run_that_was_cut_off_ends_where_a_straight_one_does(tmp_path: Path) -> None:
    config = LoraConfig(rank=2, batch=4, max_steps=9, save_every_s=0.0, check_every=5)
    data = examples(40)

    def run(folder: Path, stop_at: int | None) -> dict[str, torch.Tensor]:
        folder.mkdir(exist_ok=True)
        task = LoraTask(*fresh_model(), SPEC, config)

        def on_step(step: int, *_: object) -> None:
            if step == stop_at:
                raise _CutError

        train(task, data, [], folder, on_step)
        return task.tensors()

    straight = run(tmp_path / "straight", None)
    with pytest.raises(_CutError):
        run(tmp_path / "cut", 4)
    resumed = run(tmp_path / "cut", None)
    assert any(bool(t.abs().sum() > 0) for n, t in resumed.items() if "lora_B" in n)
    for name, tensor in straight.items():
        torch.testing.assert_close(tensor, resumed[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("changed", ["base", "spec", "options", "pictures"])
def test_a_run_of_another_base_or_other_options_begins_anew(tmp_path: Path, changed: str) -> None:
    config = LoraConfig(rank=2, batch=4, max_steps=4, save_every_s=0.0, warmup_steps=1)

    def run(stop_at: int | None, *, other: str = "") -> list[int]:
        model, words = fresh_model()
        spec, data = SPEC, examples(20)
        options, base = PlayOptions(), "one"
        if other == "base":
            base = "another"
            model = build_model(words, SPEC, seed=4, layers=2).eval()
            with torch.no_grad():
                model.lm_head.weight.mul_(3)
        elif other == "spec":
            spec = replace(SPEC, pixels="jpeg")
        elif other == "options":
            options = PlayOptions(prompt="jarvis")
            spec = options.applied_to(spec)
        elif other == "pictures":
            data = [replace(each, image=255 - each.image) for each in data]
        task = LoraTask(model, words, spec, config, options, base=base)
        steps: list[int] = []

        def on_step(step: int, *_: object) -> None:
            steps.append(step)
            if step == stop_at:
                raise _CutError

        train(task, data, [], tmp_path, on_step)
        return steps

    with pytest.raises(_CutError):
        run(3)
    assert run(None, other=changed) == [1, 2, 3, 4]


@pytest.mark.parametrize("head", [False, True])
def test_training_lowers_the_loss_and_the_merged_adapter_is_exact_and_removable(
    tmp_path: Path, *, head: bool
) -> None:
    model, tokenizer = fresh_model()
    base = tmp_path / "base"
    save_checkpoint(base, model, tokenizer, SPEC, {})
    config = LoraConfig(rank=4, batch=8, learning_rate=5e-3, head=head)
    task = LoraTask(model, tokenizer, SPEC, config)
    data = examples(24)
    features = task.see(data)
    before = task.loss(data, features)
    visits = train(task, data, [], tmp_path, silent)
    after = task.loss(data, features)
    assert after < before
    assert max(visits.values()) <= 8
    with torch.no_grad():
        wanted, _ = task.logits(data[:2], features[:2])

    meta = AdapterMeta("one", fingerprint(base))
    write_adapter(tmp_path / "one", task.tensors(), task.peft_config(), meta)
    other, tokenizer_2 = fresh_model()
    untie_head(other)
    kept = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    merged = MergedAdapter(other)
    merged.apply(tmp_path / "one", fingerprint(base))
    plain = LoraTask(other, tokenizer_2, SPEC, LoraConfig(rank=1))
    with torch.no_grad():
        got, _ = plain.logits(data[:2], features[:2])
    torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-4)
    third, _ = fresh_model()
    untie_head(third)
    merged = MergedAdapter(third)
    merged.apply(tmp_path / "one", fingerprint(base))
    merged.remove()
    for name, tensor in third.state_dict().items():
        assert torch.equal(tensor, kept[name]), name


def test_an_adapter_that_left_the_output_layer_alone_is_gone_on_from(tmp_path: Path) -> None:
    data = examples(8)
    before = LoraTask(*fresh_model(), SPEC, LoraConfig(rank=4, batch=8, learning_rate=5e-3))
    train(before, data, [], tmp_path, silent)
    after = LoraTask(*fresh_model(), SPEC, LoraConfig(rank=4, seed=9, head=True))
    after.start_from(before.tensors())
    with torch.no_grad():
        wanted, _ = before.logits(data, before.see(data))
        got, _ = after.logits(data, after.see(data))
    torch.testing.assert_close(got, wanted)
    with pytest.raises(ModelError, match="another shape"):
        before.start_from(after.tensors())


def test_an_adapter_for_another_base_is_refused(tmp_path: Path) -> None:
    model, tokenizer = fresh_model()
    task = LoraTask(model, tokenizer, SPEC, LoraConfig(rank=1))
    write_adapter(
        tmp_path / "one", task.tensors(), task.peft_config(), AdapterMeta("one", "another")
    )
    with pytest.raises(ModelError, match="another base"):
        MergedAdapter(fresh_model()[0]).apply(tmp_path / "one", "mine")


def test_recomputed_activations_give_the_same_gradients() -> None:
    batch = examples(3)
    found = []
    for checkpointing in (False, True):
        task = LoraTask(*fresh_model(), SPEC, LoraConfig(rank=2, checkpointing=checkpointing))
        with torch.no_grad():
            for name, parameter in task.trainable.items():
                parameter.fill_(0.02 if ".lora_B." in name else 0.01)
        logits, labels = task.logits(batch, task.see(batch))
        loss = torch.nn.functional.cross_entropy(logits, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        found.append({name: p.grad for name, p in task.trainable.items()})
    for name, gradient in found[0].items():
        assert gradient is not None
        torch.testing.assert_close(gradient, found[1][name])
    assert any(bool(gradient.any()) for gradient in found[0].values() if gradient is not None)


def test_settings_are_read_as_what_they_are() -> None:
    config = with_settings(LoraConfig(), {"mirror": "true", "visits": "8", "learning_rate": "1e-3"})
    assert (config.mirror, config.visits, config.learning_rate) == (True, 8, 1e-3)
    for wrong in ({"mirror": "yes"}, {"visits": "8.5"}, {"speed": "1"}):
        with pytest.raises(UsageError, match="is no setting of a round"):
            with_settings(LoraConfig(), wrong)


def test_a_mirror_image_is_one_sample_with_its_tick() -> None:
    own = examples(2)
    both = [*own, replace(own[0], mirror=True)]
    assert _samples(both, {0: 3, 1: 2, 2: 4}) == [(0, 0, 1.0, 7), (1, 1, 1.0, 2)]


def test_what_is_replayed_keeps_its_answers(tmp_path: Path) -> None:
    """With ``keep`` the answers to replayed pictures stay nearer to those before the round."""

    def moved(keep: float) -> float:
        model, tokenizer = fresh_model()
        config = LoraConfig(rank=4, batch=8, learning_rate=5e-3, max_steps=12, keep=keep)
        task = LoraTask(model, tokenizer, SPEC, config)
        # Other pictures and another sentence than what is taught.
        replayed = [
            replace(each, image=255 - each.image, instruction="shoot the imp")
            for each in examples(12, "replay")
        ]
        with torch.no_grad():
            before = task.logits(replayed, task.see(replayed))[0].log_softmax(-1)
        train(task, [*examples(12), *replayed], (), tmp_path / f"{keep}", silent)
        with torch.no_grad():
            now = task.logits(replayed, task.see(replayed))[0].log_softmax(-1)
        return float((before.exp() * (before - now)).sum(-1).mean())

    for keep in (0.0, 20.0):
        (tmp_path / f"{keep}").mkdir()
    assert moved(20.0) < 0.5 * moved(0.0)


def test_what_is_taught_is_not_held_to_what_was_said_of_it_before(tmp_path: Path) -> None:
    """Old examples of the very sentence show what is right; what it said there is to change."""
    model, tokenizer = fresh_model()
    config = LoraConfig(rank=4, batch=8, learning_rate=5e-3, max_steps=12, keep=20.0)
    task = LoraTask(model, tokenizer, SPEC, config)
    replayed = [replace(each, image=255 - each.image) for each in examples(12, "replay")]
    before = task.loss(replayed, task.see(replayed))
    heard: list[float] = []
    train(task, [*examples(12), *replayed], (), tmp_path, lambda *said: heard.append(said[2]))
    assert task.loss(replayed, task.see(replayed)) < before - 1
    # Twenty times a divergence of zero would be in the first loss for two fifths of it.
    assert heard[0] > 0.9 * before


def test_a_control_that_the_base_never_used_can_be_learnt(tmp_path: Path) -> None:
    """All of the default model's training has pushed the output of "sprint" down."""
    base = default_checkpoint()
    spec = load_spec(base)
    rng, picture = np.random.default_rng(0), (spec.height, spec.width, 3)
    running = encode_ids(Action(forward=True, sprint=True))
    data = [
        replace(each, image=rng.integers(0, 255, picture, np.uint8), answer=running)
        for each in examples(4)
    ]

    def learnt(*, head: bool) -> float:
        model, tokenizer = load_weights(base, torch.float32, "cpu")
        config = LoraConfig(batch=4, learning_rate=3e-3, warmup_steps=2, head=head)
        task = LoraTask(model, tokenizer, spec, config)
        (tmp_path / str(head)).mkdir()
        train(task, data, [], tmp_path / str(head), silent)
        with torch.no_grad():
            logits, labels = task.logits(data, task.see(data))
        sprint = task.sequences.action_id(197)
        return -float(logits.log_softmax(-1)[labels == sprint, sprint].mean())

    with_head, without = learnt(head=True), learnt(head=False)
    assert with_head < without - 1
