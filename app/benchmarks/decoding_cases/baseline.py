"""The baseline of ``playteach benchmark decoding``: transformers' own ``generate``.

The same weights, dtype, threads and preprocessing as the player; its key-value cache on,
the same grammar as a logits processor, stopping at the action's end token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.actions.tokens import ACTION_END, legal_next, token_string
from model.language.prompts import prompt_ids
from model.vla.preprocess import CheckpointSpec, patches, resize
from recorder.types import RGBImage

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Grammar = Callable[[Sequence[int]], tuple[int, ...]]
_NUMBERS = range(176, 251)


@dataclass(frozen=True, slots=True)
class Generated:
    """One answer: its action token numbers, and seconds.

    ``whole_s`` is from picture to numbers, ``decoding_s`` from the end of the prompt's
    pass to numbers.
    """

    numbers: tuple[int, ...]
    whole_s: float
    decoding_s: float


def action_ids(tokenizer: PreTrainedTokenizerBase) -> dict[int, int]:
    """Return a tokenizer's ids of the action token numbers 176 to 250."""
    return {n: tokenizer.convert_tokens_to_ids(token_string(n)) for n in _NUMBERS}


class GrammarProcessor:
    """A logits processor that leaves only what the grammar allows, and notes the time."""

    def __init__(self, ids: dict[int, int], prompt_tokens: int, legal: Grammar) -> None:
        self._ids = ids
        self._numbers = {i: n for n, i in ids.items()}
        self._start = prompt_tokens
        self._legal = legal
        self.first_s: float | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores with every illegal token at minus infinity."""
        import torch

        if self.first_s is None:
            if scores.is_cuda:
                torch.cuda.synchronize()
            self.first_s = time.perf_counter()
        answer = [self._numbers[int(i)] for i in input_ids[0, self._start :]]
        allowed = [self._ids[n] for n in self._legal(answer)]
        masked = torch.full_like(scores, float("-inf"))
        masked[:, allowed] = scores[:, allowed]
        return masked


class GenerateBaseline:
    """Answers pictures by ``model.generate``, one action each, greedily or by sampling."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        spec: CheckpointSpec,
        legal: Grammar = legal_next,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._spec = spec
        self._legal = legal
        self._ids = action_ids(tokenizer)
        self._prompts: dict[str, torch.Tensor] = {}

    def answer(self, rgb: RGBImage, instruction: str, *, temperature: float = 0.0) -> Generated:
        """Return the answer to a picture."""
        import torch

        began_s = time.perf_counter()
        ids = self._prompt(instruction)
        pixels = torch.from_numpy(patches(resize(rgb, self._spec)[None], self._spec))[0]
        device = self._model.device
        return self._generate(
            ids,
            began_s,
            temperature,
            pixel_values=pixels.to(device),
            image_grid_thw=torch.tensor([[1, *self._spec.grid]], device=device),
        )

    def answer_to_ids(self, ids: torch.Tensor) -> Generated:
        """Return the greedy answer to a prompt without a picture, 1 x L ids."""
        return self._generate(ids, time.perf_counter(), 0.0)

    def _prompt(self, instruction: str) -> torch.Tensor:
        import torch

        if instruction not in self._prompts:
            found, _ = prompt_ids(
                self._tokenizer, self._spec.prompt, instruction, self._spec.image_tokens
            )
            self._prompts[instruction] = torch.tensor([found], device=self._model.device)
        return self._prompts[instruction]

    def _generate(
        self, ids: torch.Tensor, began_s: float, temperature: float, **inputs: torch.Tensor
    ) -> Generated:
        import torch
        from transformers import LogitsProcessorList

        grammar = GrammarProcessor(self._ids, ids.shape[1], self._legal)
        chosen: dict[str, object] = {"do_sample": temperature > 0}
        if temperature > 0:
            # Spelled out: a checkpoint's hidden defaults must not take part.
            chosen |= {"temperature": temperature, "top_k": 0, "top_p": 1.0}
        with torch.inference_mode():
            found = self._model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                mm_token_type_ids=(ids == self._model.config.image_token_id).int(),
                logits_processor=LogitsProcessorList([grammar]),
                eos_token_id=self._ids[ACTION_END],
                pad_token_id=self._ids[ACTION_END],
                max_new_tokens=12,
                use_cache=True,
                **chosen,
                **inputs,
            )
        if found.is_cuda:
            torch.cuda.synchronize()
        ended_s = time.perf_counter()
        numbers = {i: n for n, i in self._ids.items()}
        answer = [numbers[i] for i in found[0, ids.shape[1] :].tolist()]
        first_s = grammar.first_s if grammar.first_s is not None else ended_s
        return Generated(tuple(answer), ended_s - began_s, ended_s - first_s)
