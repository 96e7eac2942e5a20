"""The player on a checkpoint folder: what it refuses, and what an adapter leaves behind."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from model.actions.tokens import encode
from model.adapters.folders import META_FILE, AdapterMeta, fingerprint, read_meta, write_adapter
from model.language.action_memory import with_memory
from model.language.prompts import prompt_ids
from model.language.subgoals import Plan, done_question
from model.play.policy import ActionChunk, Observation, Policy
from model.vla import vla
from model.vla.decoding import Sampling
from model.vla.play_options import PlayOptions
from model.vla.preprocess import SPEC_FILE, load_spec, save_spec
from model.vla.tiny import build_tokenizer
from model.vla.vla import VlaPolicy
from recorder.errors import ModelError, UsageError
from recorder.types import Frame, RGBImage

GO = "go to the red torch"
WEIGHTS = "model.safetensors"


def load(folder: Path, adapter: Path | None = None, sampling: Sampling | None = None) -> VlaPolicy:
    return VlaPolicy.load(folder, adapter=adapter, device="cpu", threads=1, sampling=sampling)


def play(policy: VlaPolicy, frames: list[Frame], seed: int = 0) -> list[tuple[str, float | None]]:
    policy.reset(GO, seed=seed)
    chunks: list[ActionChunk] = [policy.propose(Observation(frame, GO)) for frame in frames]
    return [("".join(map(encode, chunk.actions)), chunk.confidence) for chunk in chunks]


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


@pytest.fixture
def adapter(checkpoint: Path, tmp_path: Path) -> Path:
    """A LoRA on two weights, large enough to change what is played."""
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for name, into in (("self_attn.q_proj", 192), ("mlp.down_proj", 576)):
        stem = f"base_model.model.model.language_model.layers.2.{name}"
        tensors[f"{stem}.lora_A.weight"] = torch.randn(4, into, generator=generator)
        tensors[f"{stem}.lora_B.weight"] = torch.randn(192, 4, generator=generator)
    meta = AdapterMeta("lesson", fingerprint(checkpoint))
    write_adapter(tmp_path / "lesson", tensors, {"r": 4, "lora_alpha": 8}, meta)
    return tmp_path / "lesson"


def test_it_is_a_policy_and_proposes_for_the_frame_it_saw(
    checkpoint: Path, frames: list[Frame]
) -> None:
    policy = load(checkpoint)
    assert isinstance(policy, Policy)
    assert policy.name == "small"
    policy.reset(GO)
    chunk = policy.propose(Observation(frames[2], GO))
    assert chunk.frame_id == frames[2].id
    assert len(chunk.actions) == 1
    assert chunk.latency_ms > 0
    assert chunk.confidence is not None
    assert 0 < chunk.confidence <= 1
    # What it tells of the picture is what it says when it is asked to look only.
    assert chunk.glance is not None
    assert (chunk.glance == load(checkpoint).glance(frames[2].rgb)).all()


def test_a_checkpoint_may_ask_for_chunks(copy: Path, frames: list[Frame]) -> None:
    save_spec(copy, replace(load_spec(copy), chunk=3))
    assert len(load(copy).propose(Observation(frames[0], GO)).actions) == 3


def test_a_folder_without_a_spec_plays_as_jarvis(copy: Path) -> None:
    (copy / "playteach.json").unlink()
    config = json.loads((copy / "config.json").read_text())
    config["vision_config"]["patch_size"] = 14
    (copy / "config.json").write_text(json.dumps(config))
    weights = load_file(copy / WEIGHTS)
    name = next(n for n in weights if n.endswith("patch_embed.proj.weight"))
    weights[name] = weights[name][..., :14, :14].contiguous()
    save_file(weights, copy / WEIGHTS, metadata={"format": "pt"})
    policy = load(copy)
    assert policy.spec.image_tokens == 299
    frame = Frame(0, 0, np.zeros((360, 640, 3), np.uint8))
    policy.reset(GO)
    assert len(policy.propose(Observation(frame, GO)).actions) == 1


def test_a_seed_fixes_what_is_sampled(checkpoint: Path, frames: list[Frame]) -> None:
    policy = load(checkpoint, sampling=Sampling(temperature=3.0))
    first = play(policy, frames * 3, seed=1)
    assert first == play(policy, frames * 3, seed=1)
    assert first != play(policy, frames * 3, seed=2)


def test_a_sentence_that_changes_in_mid_episode_is_heard_at_once(
    checkpoint: Path, frames: list[Frame]
) -> None:
    policy, other = load(checkpoint), load(checkpoint)
    policy.reset(GO)
    other.reset("shoot the imp")
    for frame in frames:
        policy.propose(Observation(frame, GO))
        changed = policy.propose(Observation(frame, "shoot the imp"))
        wanted = other.propose(Observation(frame, "shoot the imp"))
        assert changed.actions == wanted.actions
        # The picture was read for the other sentence already: the sums are taken in parts.
        assert changed.confidence == pytest.approx(wanted.confidence, rel=1e-4)


@pytest.fixture
def hears_parts(copy: Path) -> VlaPolicy:
    save_spec(copy, replace(load_spec(copy), parts=True, prompt="picture"))
    return load(copy)


def test_the_parts_of_a_sentence_are_heard_one_after_the_other(
    hears_parts: VlaPolicy, frames: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "first shoot the imp, then go to the red torch"
    plain = load(hears_parts.folder)
    answers = iter([0.1, 0.9, 0.9])
    monkeypatch.setattr(hears_parts, "_just_done", lambda: next(answers))
    monkeypatch.setattr("model.language.subgoals.SHOTS", 1)
    hears_parts.reset(said)
    assert "1 of 2: \u201cshoot the imp\u201d" in hears_parts.notice
    heard = ["shoot the imp", "shoot the imp", "shoot the imp", GO]
    for frame, part in zip(frames, heard, strict=True):
        plain.reset(part)
        wanted = plain.propose(Observation(frame, part))
        assert hears_parts.propose(Observation(frame, said)).actions == wanted.actions
    assert "2 of 2: \u201cgo to the red torch\u201d" in hears_parts.notice
    hears_parts.reset(said)
    assert "1 of 2" in hears_parts.notice
    hears_parts.reset(GO)
    assert hears_parts.notice == ""


@pytest.mark.parametrize("part", ["go to the red torch", "shoot the imp"])
def test_what_was_done_is_told_where_the_adapter_was_taught_so(
    hears_parts: VlaPolicy, adapter: Path, frames: list[Frame], part: str
) -> None:
    folder = adapter.with_name("remembering")
    shutil.copytree(adapter, folder)
    meta = replace(read_meta(adapter), base=hears_parts.fingerprint, remembers={GO: ["jump"]})
    (folder / META_FILE).write_text(json.dumps(asdict(meta)))
    policy, plain = hears_parts, load(hears_parts.folder, folder)
    policy.set_adapter(folder)
    policy.sampling = plain.sampling = Sampling(0.0)
    policy.guessing = plain.guessing = False
    done = ("jump", "use")
    policy.reset(part)
    policy.propose(Observation(frames[0], part))
    policy.propose(Observation(frames[1], part, done))
    assert policy.acts == done
    # What is recorded as heard is the sentence alone.
    assert policy.heard == part
    told = with_memory(part, ("jump",)) if part == GO else part
    plain.reset(part)
    alone = plain.propose(Observation(frames[2], part))
    plain.reset(told)
    wanted = plain.propose(Observation(frames[2], told))
    found = policy.propose(Observation(frames[2], part, done))
    assert found.confidence == pytest.approx(wanted.confidence, rel=1e-5)
    assert (found.confidence == pytest.approx(alone.confidence, rel=1e-5)) == (part != GO)
    # Told anew, it has done nothing yet.
    policy.reset(part)
    plain.reset(part)
    wanted, found = (each.propose(Observation(frames[3], part)) for each in (plain, policy))
    assert found.confidence == pytest.approx(wanted.confidence, rel=1e-5)


def test_whether_a_part_is_done_is_read_from_the_picture_that_was_answered(
    hears_parts: VlaPolicy, frames: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "shoot the imp, then go to the red torch"
    asked: list[float] = []
    monkeypatch.setattr(Plan, "follow", lambda _plan, done, _action: bool(asked.append(done)))
    hears_parts.reset(said)
    wanted = []
    for frame in frames:
        hears_parts.propose(Observation(frame, said))
        # The question alone, read anew from its first token.
        words = done_question("shoot the imp")
        prompt, _ = prompt_ids(hears_parts.tokenizer, hears_parts.spec.prompt, words, 1)
        alone = load(hears_parts.folder)
        alone.reader.tell(prompt)
        states, _, _ = alone.reader.read([alone.reader.see(frame.rgb)])
        logits = alone.reader.language.logits(states[-1], alone._yes_no)
        wanted.append(float(logits.softmax(-1)[0]))
    assert asked == pytest.approx(wanted, rel=1e-3)
    assert len(set(asked)) > 1


def test_a_checkpoint_that_was_not_taught_it_hears_the_sentence_whole(
    checkpoint: Path, frames: list[Frame]
) -> None:
    policy = load(checkpoint)
    said = "shoot the imp, then go to the red torch"
    policy.reset(said)
    policy.propose(Observation(frames[0], said))
    assert policy._plan.now == said
    assert policy.notice == ""


@pytest.mark.parametrize("option", [{"chunk": 2}, {"history": 1}])
def test_with_several_actions_or_pictures_a_sentence_is_told_whole(
    hears_parts: VlaPolicy, option: dict[str, int]
) -> None:
    """As rounds teach it then; nobody asks between two answers whether a part is done."""
    policy = VlaPolicy.load(
        hears_parts.folder, device="cpu", threads=1, options=PlayOptions(**option)
    )
    said = "shoot the imp, then go to the red torch"
    policy.reset(said)
    assert policy.spec.parts
    assert policy._plan.parts == (said,)
    assert policy.notice == ""


def test_the_spec_says_what_actions_are_drawn_with(copy: Path) -> None:
    save_spec(copy, replace(load_spec(copy), temperature=0.5))
    assert load(copy).sampling == Sampling(0.5)
    assert load(copy, sampling=Sampling()).sampling == Sampling(0.0)
    names = ("temperature", "adapter_temperature")
    for name, wrong in product(names, (-1.0, 9.0, "hot", "")):
        save_spec(copy, replace(load_spec(copy), temperature=0.0))
        text = json.loads((copy / SPEC_FILE).read_text())
        (copy / SPEC_FILE).write_text(json.dumps({**text, name: wrong}))
        with pytest.raises(ModelError, match=r"cannot make|cannot be read"):
            load(copy)
        (copy / SPEC_FILE).write_text(json.dumps(text))


def test_a_long_sentence_is_played_cut_and_the_person_is_told(
    checkpoint: Path, frames: list[Frame], caplog: pytest.LogCaptureFixture
) -> None:
    policy = load(checkpoint)
    with caplog.at_level(logging.WARNING):
        policy.reset("\U0001f600" * 400)
    assert "its end is not heard" in policy.notice
    assert policy.notice in caplog.text
    chunk = policy.propose(Observation(frames[0], "\U0001f600" * 400))
    assert len(chunk.actions) == 1
    policy.reset(GO)
    assert policy.notice == ""


def test_an_empty_sentence_is_refused_and_the_one_before_stays(
    checkpoint: Path, frames: list[Frame]
) -> None:
    policy = load(checkpoint)
    wanted = play(policy, frames)
    with pytest.raises(UsageError, match="instruction is empty"):
        policy.reset(" ")
    assert play(policy, frames) == wanted


def test_an_adapter_changes_play_and_taking_it_out_leaves_no_bit(
    checkpoint: Path, adapter: Path, frames: list[Frame]
) -> None:
    policy = load(checkpoint)
    before = play(policy, frames)
    weights = {name: p.clone() for name, p in policy.model.state_dict().items()}
    policy.set_adapter(adapter)
    assert policy.name == "small+lesson"
    taught = play(policy, frames)
    assert taught != before
    policy.set_adapter(adapter)
    assert play(policy, frames) == taught
    policy.set_adapter(None)
    assert policy.name == "small"
    assert play(policy, frames) == before
    for name, tensor in policy.model.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
    assert play(load(checkpoint, adapter), frames) == taught


def test_merged_play_is_what_peft_plays(
    checkpoint: Path, adapter: Path, frames: list[Frame]
) -> None:
    from peft import LoraConfig, get_peft_model

    policy = load(checkpoint, adapter)
    plain = load(checkpoint)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"])
    wrapped = get_peft_model(plain.model, config).eval()
    state = load_file(adapter / "adapter_model.safetensors")
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_" in name:
                given = state.get(name.replace(".default", ""))
                parameter.copy_(torch.zeros_like(parameter) if given is None else given)
    for (numbers, sure), (wanted, wanted_sure) in zip(
        play(policy, frames), play(plain, frames), strict=True
    ):
        assert numbers == wanted
        assert sure == pytest.approx(wanted_sure, rel=1e-2)


def test_an_adapter_is_drawn_with_a_temperature_of_its_own(copy: Path, adapter: Path) -> None:
    assert load(copy, adapter).sampling == Sampling(0.0)
    save_spec(copy, replace(load_spec(copy), adapter_temperature=0.4))
    assert load_spec(copy).adapter_temperature == 0.4
    policy = load(copy)
    assert policy.sampling == Sampling(0.0)
    policy.set_adapter(adapter)
    assert policy.sampling == Sampling(0.4)
    policy.set_adapter(None)
    assert policy.sampling == Sampling(0.0)
    # What is asked for goes before.
    assert load(copy, adapter, Sampling(0.8)).sampling == Sampling(0.8)
    policy.set_adapter(adapter)
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError):
        policy.set_adapter(adapter)
    assert policy.sampling == Sampling(0.0)


def test_a_refused_adapter_leaves_the_base(
    checkpoint: Path, adapter: Path, frames: list[Frame]
) -> None:
    policy = load(checkpoint)
    before = play(policy, frames)
    policy.set_adapter(adapter)
    meta = json.loads((adapter / "adapter.json").read_text())
    (adapter / "adapter.json").write_text(json.dumps({**meta, "base": "another"}))
    with pytest.raises(ModelError, match="another base"):
        policy.set_adapter(adapter)
    assert policy.adapter is None
    assert play(policy, frames) == before


def test_weights_that_went_wrong_play_a_counted_nothing(copy: Path, frames: list[Frame]) -> None:
    weights = load_file(copy / WEIGHTS)
    last = next(n for n in weights if n.endswith("norm.weight") and "layers" not in n)
    weights[last].fill_(float("nan"))
    save_file(weights, copy / WEIGHTS, metadata={"format": "pt"})
    policy = load(copy)
    policy.reset(GO)
    chunk = policy.propose(Observation(frames[0], GO))
    assert chunk.invalid == 1
    assert chunk.actions[0].is_noop


def truncated(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def no_header(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(b"")


def a_weight_missing(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    weights.pop(next(n for n in weights if n.endswith("q_proj.weight")))
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def a_weight_of_another_shape(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    name = next(n for n in weights if n.endswith("q_proj.weight"))
    weights[name] = weights[name][:-1].contiguous()
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def only_a_pickle(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")


def another_kind(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert"}')


def another_tokenizer(folder: Path) -> None:
    tokenizer = build_tokenizer(["go"] * 4, vocabulary=600)
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace("reserved_special_token", "other_token"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')


def no_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


def tokenizer_of_rubbish(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def tokenizer_with_code_of_its_own(folder: Path) -> None:
    (folder / "own.py").write_text("raise SystemExit('ran')\n")
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", "own.Own"]}}'
    )
    (folder / "tokenizer.json").unlink()


def config_is_a_list(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


def config_of_rubbish(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "qwen2_vl", "text_config": {"hidden_si')


def config_of_strange_values(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_attention_heads"] = "six"
    (folder / "config.json").write_text(json.dumps(config))


def config_without_tables(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "qwen2_vl", "text_config": "none"}')


def no_spec(folder: Path) -> None:
    # What remains is taken for a released checkpoint, which sees other patches.
    (folder / SPEC_FILE).unlink()


def wants_history(folder: Path) -> None:
    save_spec(folder, replace(load_spec(folder), history=9))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (truncated, "could not be loaded"),
        (no_header, "could not be loaded"),
        (a_weight_missing, "1 weights are missing"),
        (a_weight_of_another_shape, "could not be loaded"),
        (only_a_pickle, "no safetensors"),
        (another_kind, "of the kind 'bert'"),
        (another_tokenizer, "tokenizer"),
        (no_tokenizer, "copy"),
        (tokenizer_of_rubbish, "could not be loaded"),
        (tokenizer_with_code_of_its_own, "copy"),
        (no_spec, "another form"),
        (config_is_a_list, "no readable config"),
        (config_of_rubbish, "no readable config"),
        (config_of_strange_values, "could not be loaded"),
        (config_without_tables, "could not be loaded"),
        (wants_history, "cannot make"),
        (shutil.rmtree, "no checkpoint folder"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_folder_that_is_no_good_is_one_sentence(
    copy: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(copy)
    with pytest.raises(ModelError, match=words) as caught:
        load(copy)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "'copy'" in sentence
    assert str(copy.parent) not in sentence


def test_an_unset_number_of_threads_leaves_cores_to_the_game(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vla, "default_threads", lambda: 5)
    assert VlaPolicy.load(checkpoint, device="cpu").threads == 5
    assert VlaPolicy.load(checkpoint, device="cpu", threads=2).threads == 2


def test_a_second_player_leaves_the_first_ones_threads_alone(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    used: list[int] = []

    def counted(see: Callable[[RGBImage], torch.Tensor], rgb: RGBImage) -> torch.Tensor:
        used.append(torch.get_num_threads())
        return see(rgb)

    first = VlaPolicy.load(checkpoint, device="cpu", threads=before + 2)
    second = VlaPolicy.load(checkpoint, device="cpu", threads=before + 1)
    assert torch.get_num_threads() == before
    for policy in (first, second):
        monkeypatch.setattr(policy.reader, "see", partial(counted, policy.reader.see))
        policy.reset("go to the red torch", seed=1)
    seen = Observation(Frame(1, 1, np.zeros((360, 640, 3), np.uint8)), "go to the red torch")
    for policy in (first, second, first):
        policy.propose(seen)
    assert used == [before + 2, before + 1, before + 2]
    assert torch.get_num_threads() == before
