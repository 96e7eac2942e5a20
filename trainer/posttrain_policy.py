"""The model under training as a policy, for the states that it reaches itself.

Plain and uncached: it shares the training's own forward pass, so the two cannot differ.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from model.policy import ActionChunk, Observation
from model.preprocess import load_spec, patches, resize
from model.tokens import ACTION_BEGIN, ACTION_END, decode_ids, legal_next
from trainer.posttrain_forward import Sequences, load_checkpoint


class GreedyPolicy:
    """Greedy, grammar-constrained decoding by full forward passes."""

    name = "in training"
    history_frames = 0

    def __init__(self, folder: Path) -> None:
        self._spec = load_spec(folder)
        model, tokenizer = load_checkpoint(folder)
        self._sequences = Sequences(model, tokenizer, self._spec)

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Nothing is remembered between pictures."""
        del instruction, seed

    @torch.no_grad()
    def propose(self, observation: Observation) -> ActionChunk:
        """Return the most likely legal action."""
        started = time.perf_counter()
        sequences = self._sequences
        image = resize(observation.frame.rgb, self._spec)[None]
        vision = sequences.see(torch.from_numpy(patches(image, self._spec)))
        answer = [ACTION_BEGIN]
        while answer[-1] != ACTION_END:
            legal = legal_next(answer)
            if len(legal) == 1:
                answer.append(legal[0])
                continue
            logits = sequences.next_logits(vision, observation.instruction, answer)
            ids = torch.tensor([sequences.action_id(n) for n in legal])
            answer.append(legal[int(logits[ids].argmax())])
        return ActionChunk(
            actions=(decode_ids(answer)[0],),
            frame_id=observation.frame.id,
            latency_ms=(time.perf_counter() - started) * 1e3,
        )


class SnapshotLearner:
    """Hands out the newest checkpoint in ``folder`` as a policy; None before there is one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp = 0.0
        self._policy: Any = None

    def __call__(self) -> GreedyPolicy | None:
        """Return the policy, loaded anew where the checkpoint changed."""
        ready = self._folder / "ready"
        if ready.exists():
            stamp = ready.stat().st_mtime
            if stamp != self._stamp:
                self._policy = GreedyPolicy(self._folder)
                self._stamp = stamp
        policy: GreedyPolicy | None = self._policy
        return policy
