"""The large shapes: 2B on the CPU, 7B on a CUDA device, random weights both."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.benchmarks.common import Say, Target, percentile
from app.benchmarks.decoding_cases.baseline import GenerateBaseline, action_ids
from app.benchmarks.decoding_cases.shapes import QWEN_2B, QWEN_7B, Shape, random_model
from model.actions.tokens import ACTION_BEGIN, GROUPS, PITCH_0, legal_next
from model.play.policy import Observation
from model.vla.decoding import ActionDecoder, Sampling
from model.vla.device import DeviceChoice, cpu_has_fast_bf16
from model.vla.language_model import CachedLanguageModel
from model.vla.preprocess import JARVIS_SPEC, CheckpointSpec
from recorder.types import Frame

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from model.vla.vla import VlaPolicy

PROMPT_TOKENS = 340
"""Text and picture of one frame in the released model's prompt."""
ANSWER_TOKENS = 8
_OPTIONAL = ANSWER_TOKENS - 4
MEMORY_SHARE = 0.85
WARM_FRAMES, MEASURED_FRAMES = 24, 40
"""On a GPU every length of a guess is recorded when it comes up the second time."""
CUDA_TARGETS = {
    "cuda_actions_per_s": Target(20.0, at_least=True),
    "cuda_action_ms_p95": Target(60.0),
    "cuda_whole_x": Target(2.5, at_least=True),
}


@dataclass(frozen=True, slots=True)
class Large:
    """Figures of every run, and what was measured."""

    each: list[dict[str, float | None]]
    facts: dict[str, object]


def eight_tokens(prefix: Sequence[int]) -> tuple[int, ...]:
    """Return the grammar's choices that lead to an action of eight tokens."""
    legal = legal_next(prefix)
    if len(legal) == 1:
        return legal
    groups = [first for first, _ in GROUPS]
    written = len(prefix) - 1
    if prefix[-1] >= PITCH_0:
        return legal
    if written == _OPTIONAL:
        return tuple(n for n in legal if n >= PITCH_0)
    # Enough groups must be left for the tokens that are still to come.
    last = len(groups) - (_OPTIONAL - written)
    end = groups[last + 1] if last + 1 < len(groups) else PITCH_0
    return tuple(n for n in legal if groups[0] <= n < end)


def measure_large(
    runs: int,
    default: Sequence[dict[str, float | None]],
    say: Say,
    shape: Shape = QWEN_2B,
    prompt: int = PROMPT_TOKENS,
) -> Large:
    """Measure decoding alone of the 2B shape on the CPU, side by side with generate.

    The time that counts mixes answers whose guess is right with answers whose every guess
    is wrong, in the share in which all guessed tokens were right in the default model's own
    play (``default``).
    """
    import psutil
    import torch

    from model.vla.tiny import build_tokenizer

    bf16 = cpu_has_fast_bf16()
    dtype = torch.bfloat16 if bf16 else torch.float32
    need = shape.language_parameters * (2 if bf16 else 4)
    free = int(psutil.virtual_memory().available)
    facts: dict[str, object] = {
        "shape": shape.name,
        "dtype": str(dtype).removeprefix("torch."),
        "why": "this CPU multiplies bfloat16 in hardware"
        if bf16
        else "this CPU has no bfloat16 instructions, so float32 is the quicker of the two",
        "prompt_tokens": prompt,
        "answer_tokens": ANSWER_TOKENS,
        "weights_gb": round(need / 1e9, 2),
    }
    if need > MEMORY_SHARE * free:
        facts["skipped"] = f"it needs {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free"
        say(f"the {shape.name} shape was left out: {facts['skipped']}")
        return Large([{"large_decoding_x": None} for _ in range(runs)], facts)
    say(f"the {shape.name} shape, {facts['dtype']}: making {need / 1e9:.1f} GB of weights")
    tokenizer = build_tokenizer([shape.name] * 4, 600)
    model = random_model(shape, tokenizer, dtype, "cpu")
    each = []
    for run in range(runs):
        say(f"run {run + 1} of {runs}: the {shape.name} shape")
        share = default[run]["guess_all_right"] or 0.0
        each.append(_large_run(model, tokenizer, run, share, prompt))
    return Large(each, facts)


def _large_run(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, seed: int, share: float, prompt: int
) -> dict[str, float | None]:
    import torch

    generator = torch.Generator().manual_seed(seed)
    # Below every special token's neighbours: plain text pieces only.
    ids = torch.randint(300, 560, (1, prompt), generator=generator)
    theirs = GenerateBaseline(model, tokenizer, JARVIS_SPEC, eight_tokens).answer_to_ids(ids)
    language = CachedLanguageModel(model, prompt + 4 * ANSWER_TOKENS)
    numbers = action_ids(tokenizer)
    decoder = ActionDecoder(language, numbers, eight_tokens, persistent=False)
    with torch.inference_mode():
        told = torch.cat([ids[0], torch.tensor([numbers[ACTION_BEGIN]])])
        began_s = time.perf_counter()
        state = language.extend(language.embed(told), 0)
        prompt_s = time.perf_counter() - began_s

        def answer(before: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], float]:
            language.truncate(len(told))
            began_s = time.perf_counter()
            done = decoder.decode(state, len(told) - 1, Sampling(), None, before=before)
            return done.numbers, time.perf_counter() - began_s

        ours, plain_s = answer(())
        _, right_s = answer([ours])
        again, wrong_s = answer([_all_wrong(ours)])
    mixed_s = share * right_s + (1 - share) * wrong_s
    return {
        "large_decoding_x": theirs.decoding_s / mixed_s,
        "large_decoding_x_guess_right": theirs.decoding_s / right_s,
        "large_decoding_x_guess_wrong": theirs.decoding_s / wrong_s,
        "large_decoding_x_no_guess": theirs.decoding_s / plain_s,
        "large_decoding_s": mixed_s,
        "large_decoding_baseline_s": theirs.decoding_s,
        "large_prompt_s": prompt_s,
        "large_agreement": float(ours == theirs.numbers == again),
    }


def _all_wrong(answer: tuple[int, ...]) -> tuple[int, ...]:
    """Return a legal action of eight tokens none of whose choices is ``answer``'s."""
    found = [ACTION_BEGIN]
    while legal := eight_tokens(found):
        others = [n for n in legal if n not in answer]
        found.append(others[-1] if others else legal[0])
    return tuple(found)


def measure_cuda(
    runs: int, shape: Shape = QWEN_7B, spec: CheckpointSpec = JARVIS_SPEC, device: str = "cuda"
) -> Large:
    """Measure whole actions of the 7B shape on the GPU (``device`` for tests).

    The bandwidth bound is the time in which the weights that an action needs could be read:
    the vision tower's once, the language model's once a pass (the prompt's and those behind
    it), over the copying speed that was measured here.  Embeddings are looked up and of the
    head only the action tokens' rows are read; neither counts.
    """
    import torch

    from model.vla.tiny import build_tokenizer
    from model.vla.vla import VlaPolicy

    dtype = "bfloat16" if device == "cuda" else "float32"
    facts: dict[str, object] = {"shape": shape.name, "dtype": dtype}
    problem = _no_room(shape, device)
    if problem:
        return Large([dict.fromkeys(CUDA_TARGETS) for _ in range(runs)], {**facts, **problem})
    tokenizer = build_tokenizer([shape.name] * 4, 600)
    model = random_model(shape, tokenizer, getattr(torch, dtype), device)
    choice = DeviceChoice(device, dtype, "measured")
    policy = VlaPolicy(Path(shape.name), model, tokenizer, spec, choice, check="")
    baseline = GenerateBaseline(model, tokenizer, spec)
    language = _bytes(model.model.language_model) - _bytes(model.model.language_model.embed_tokens)
    tower = _bytes(model.model.visual)
    speed = copy_speed(device)
    each = []
    for run in range(runs):
        frames = _noise(run, WARM_FRAMES + MEASURED_FRAMES)
        policy.reset("Mine the oak log.")
        _forget_peak(device)
        ours, theirs, equal, passes = _beside_baseline(policy, baseline, frames)
        each_passes = passes / len(ours)
        bound_s = (tower + each_passes * language) / speed
        memory_gb = _peak_gb(device)
        _forget_peak(device)
        lora_s = lora_step_s(model, device, spec)
        p95 = percentile(ours, 0.95) or 0.0
        each.append(
            {
                "cuda_actions_per_s": len(ours) / sum(ours),
                "cuda_action_ms_p95": p95 * 1e3,
                "cuda_whole_x": sum(theirs) / sum(ours),
                "cuda_agreement": equal / len(ours),
                "cuda_bandwidth_share": bound_s / (sum(ours) / len(ours)),
                "cuda_passes_an_action": each_passes,
                "cuda_memory_gb": memory_gb,
                "cuda_lora_step_s": lora_s,
                "cuda_lora_memory_gb": _peak_gb(device),
            }
        )
    facts["bound"] = (
        f"({tower / 1e9:.2f} GB of vision weights + {each_passes:.2f} passes x "
        f"{language / 1e9:.2f} GB of language weights) / {speed / 1e9:.0f} GB/s copied here = "
        f"{bound_s * 1e3:.2f} ms at least for an action"
    )
    return Large(each, facts)


def _beside_baseline(
    policy: VlaPolicy, baseline: GenerateBaseline, frames: Sequence[Frame]
) -> tuple[list[float], list[float], int, int]:
    """Return both players' seconds an action, how often they agree, and our passes."""
    ours, theirs, equal, passes = [], [], 0, 0
    for number, frame in enumerate(frames):
        began_s = time.perf_counter()
        policy.propose(Observation(frame, "Mine the oak log."))
        took_s = time.perf_counter() - began_s
        made = baseline.answer(frame.rgb, "Mine the oak log.")
        if number >= WARM_FRAMES:
            ours.append(took_s)
            theirs.append(made.whole_s)
            answer = policy.answer
            assert answer is not None
            equal += made.numbers == answer.numbers
            passes += 1 + answer.passes
    return ours, theirs, equal, passes


def _no_room(shape: Shape, device: str) -> dict[str, object]:
    """Return why the shape is left out on a GPU that is too small for it, {} where it fits."""
    import torch

    if device != "cuda":
        return {}
    # Half as much again for the tower, the cache, the recordings and the step of a round.
    need = round(1.5 * shape.language_parameters * 2)
    free = int(torch.cuda.mem_get_info()[0])
    if need <= free:
        return {}
    return {"skipped": f"it needs {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free"}


def _bytes(module: Any) -> int:
    return sum(p.numel() * p.element_size() for p in module.parameters())


def _forget_peak(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak_gb(device: str) -> float | None:
    """Return the most memory that tensors took since the peak was forgotten."""
    import torch

    return torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else None


def copy_speed(device: str, size: int = 1 << 28) -> float:
    """Return bytes a second of a plain copy on the device, read and write counted."""
    import torch

    source = torch.empty(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(5):
        _wait(device)
        began_s = time.perf_counter()
        target.copy_(source)
        _wait(device)
        best = min(best, time.perf_counter() - began_s)
    return 2 * size / best


def lora_step_s(model: PreTrainedModel, device: str, spec: CheckpointSpec) -> float | None:
    """Return seconds of one optimiser step of a LoRA on the language model.

    None where that does not fit into a GPU's memory besides what plays.

    Eight samples of one frame's length, rank 16, gradient checkpointing, vision frozen and
    its tokens given, as rounds train.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    pattern = rf".*language_model.*\.({'|'.join(names)})"
    tuned = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=pattern))
    try:
        tuned.train()
        tuned.base_model.model.activation_checkpointing_enable()
        tuned.enable_input_require_grads()
        parameters = [p for p in tuned.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(parameters, lr=1e-4)
        length = spec.image_tokens + 40
        ids = torch.randint(300, 560, (8, length), device=device)
        times = []
        for _ in range(2):
            _wait(device)
            began_s = time.perf_counter()
            loss = tuned(input_ids=ids, labels=ids, attention_mask=torch.ones_like(ids)).loss
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            _wait(device)
            times.append(time.perf_counter() - began_s)
        return times[-1]
    except torch.cuda.OutOfMemoryError:
        return None
    finally:
        tuned.base_model.model.activation_checkpointing_disable()
        tuned.base_model.model.disable_input_require_grads()
        tuned.unload()
        model.eval()


def _wait(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def _noise(seed: int, count: int) -> list[Frame]:
    """Return pictures of which each changes a third of the one before."""
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (360, 640, 3), dtype=np.uint8)
    frames = []
    for number in range(count):
        rgb = rgb.copy()
        rgb[:, (number * 213) % 640 :][:, :213] = rng.integers(0, 256, 3, dtype=np.uint8)
        frames.append(Frame(number, number, rgb))
    return frames
