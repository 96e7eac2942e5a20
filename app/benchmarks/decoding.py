"""``playteach benchmark decoding``: our decoding beside transformers' ``generate``.

"Decoding alone" is the time from the end of the prompt's own pass to the action.  In play
the guess rides along in the prompt's pass; here it gets a pass of its own, so that nothing
of it hides in the prompt.  "Whole action" is from picture to action, as in play.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from app.benchmarks.common import Say, Target, cores, percentile, report
from app.benchmarks.decoding_cases.baseline import GenerateBaseline
from app.benchmarks.decoding_cases.large import (
    CUDA_TARGETS,
    PROMPT_TOKENS,
    measure_cuda,
    measure_large,
)
from app.benchmarks.decoding_cases.shapes import QWEN_2B, Shape
from app.benchmarks.decoding_cases.takeover import takeover_ticks
from model.actions.tokens import split_actions
from model.paths import default_checkpoint
from model.play.policy import Observation
from model.vla.decoding import Sampling
from recorder.games import find_task, open_game
from recorder.types import Frame

if TYPE_CHECKING:
    from model.vla.vla import VlaPolicy

SENTENCE = "go to the red torch"
FRAMES = 60
WARM = 3
MAX_THREADS = 2
TARGETS = {
    "default_decoding_x": Target(3.0, at_least=True),
    "default_whole_x": Target(1.8, at_least=True),
    "large_decoding_x": Target(1.5, at_least=True),
    "takeover_ticks": Target(1.0),
    "greedy_agreement": Target(1.0, at_least=True),
}


def measure(
    runs: int,
    say: Say,
    *,
    count: int = FRAMES,
    shape: Shape = QWEN_2B,
    prompt: int = PROMPT_TOKENS,
    threads: int | None = None,
) -> dict[str, object]:
    """Measure ``runs`` times; where there is no CUDA device the document says so.

    ``count`` pictures, the ``shape`` of the large model and the tokens of its ``prompt``
    are smaller in tests.  ``threads`` by default as many as this process may use cores, two
    at most.
    """
    from model.torch_state import torch_threads

    threads = threads or min(MAX_THREADS, cores())
    # What is compared with the default model's play thinks with as many.
    with torch_threads(threads):
        return _measure(runs, say, count, shape, prompt, threads)


def _measure(
    runs: int, say: Say, count: int, shape: Shape, prompt: int, threads: int
) -> dict[str, object]:
    import torch

    from model.vla.vla import VlaPolicy

    policy = VlaPolicy.load(default_checkpoint(), device="cpu", threads=threads)
    each: list[dict[str, float | None]] = []
    frames: list[Frame] = []
    for run in range(runs):
        say(f"run {run + 1} of {runs}: the default model on {count} pictures of its own play")
        frames = _played(policy, run, count)
        each.append(_beside(policy, frames))
    large = measure_large(runs, each, say, shape, prompt)
    for figures, more in zip(each, large.each, strict=True):
        figures.update(more)
        figures["takeover_ticks"] = takeover_ticks()
    extra: dict[str, object] = {"threads": threads, "large": large.facts}
    targets = dict(TARGETS)
    if torch.cuda.is_available():
        say("the 7B shape on the GPU")
        cuda = measure_cuda(runs)
        for figures, more in zip(each, cuda.each, strict=True):
            figures.update(more)
        extra["cuda"] = cuda.facts
        targets |= CUDA_TARGETS
    else:
        extra["cuda"] = sentence = (
            "There is no CUDA GPU here, so the 7B-shaped figures were not measured."
        )
        say(sentence)
    return report("decoding", each, targets, extra=extra)


def _played(policy: VlaPolicy, seed: int, count: int) -> list[Frame]:
    """Return the frames of the policy's own play, in order."""
    game = open_game("doom")
    try:
        frames = [game.reset(find_task(game, SENTENCE), seed)]
        policy.reset(SENTENCE, seed=seed)
        while len(frames) < count + WARM and game.outcome() is None:
            chunk = policy.propose(Observation(frames[-1], SENTENCE))
            frames.append(game.step(chunk.actions[0]))
    finally:
        game.close()
    return frames


def _beside(policy: VlaPolicy, frames: list[Frame]) -> dict[str, float | None]:
    """Answer every frame by both, one after the other, and compare."""
    baseline = GenerateBaseline(policy.model, policy.tokenizer, policy.spec)
    whole: list[tuple[float, float]] = []
    decoding: list[tuple[float, float]] = []
    equal = guessed = kept = right = 0
    reader = policy.reader
    policy.reset(SENTENCE)
    before: tuple[int, ...] = ()
    seen, same = reader.pictures_read, 0
    for number, frame in enumerate(frames):
        began_s = time.perf_counter()
        policy.propose(Observation(frame, SENTENCE))
        ours_s = time.perf_counter() - began_s
        answer = policy.answer
        assert answer is not None
        alone_s = _decoding_alone(policy, frame, before)
        theirs = baseline.answer(frame.rgb, SENTENCE)
        if number >= WARM:
            whole.append((theirs.whole_s, ours_s))
            decoding.append((theirs.decoding_s, alone_s))
            equal += answer.numbers == theirs.numbers
            guessed += answer.guessed
            kept += answer.kept
            right += answer.kept == answer.guessed > 0
        before = answer.numbers
    same = len(frames) - (reader.pictures_read - seen)
    count = len(whole)
    return {
        "default_decoding_x": _ratio(decoding),
        "default_whole_x": _ratio(whole),
        "default_whole_ms": _median_ms([ours for _, ours in whole]),
        "default_whole_baseline_ms": _median_ms([theirs for theirs, _ in whole]),
        "default_decoding_ms": _median_ms([ours for _, ours in decoding]),
        "default_decoding_baseline_ms": _median_ms([theirs for theirs, _ in decoding]),
        "greedy_agreement": equal / count,
        "guesses_kept": kept / guessed if guessed else None,
        "guess_all_right": right / count,
        "pictures_unchanged": same / len(frames),
    }


def _decoding_alone(policy: VlaPolicy, frame: Frame, before: tuple[int, ...]) -> float:
    """Return seconds from the end of the prompt's pass to the action.

    The prompt of ``frame`` is in the cache from the call before; only what follows runs.
    """
    import torch

    with torch.inference_mode():
        states, position, _ = policy.reader.read([policy.reader.see(frame.rgb)])
        began_s = time.perf_counter()
        policy.decoder.decode(states, position, Sampling(), None, before=split_actions(before))
    return time.perf_counter() - began_s


def _ratio(pairs: list[tuple[float, float]]) -> float:
    """Return how many times faster ours is, over all pairs together."""
    return sum(theirs for theirs, _ in pairs) / sum(ours for _, ours in pairs)


def _median_ms(seconds: list[float]) -> float | None:
    middle = percentile(seconds, 0.5)
    return None if middle is None else middle * 1e3
