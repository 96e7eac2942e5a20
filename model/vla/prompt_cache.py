"""Reads a prompt with its pictures into the language model's cache, as little as it must.

What stays from tick to tick is not read again: the text before the first picture, the
vision tokens of a picture that did not change or that has become history, and the whole
prompt where nothing in it changed.  The vision tower lets every patch see every other, so
a picture that changed anywhere is read anew: reuse never changes the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from model.vla.cuda_graphs import Captured, Recorder
from model.vla.language_model import CachedLanguageModel
from model.vla.preprocess import CheckpointSpec, patches, resize
from model.vla.vision import encode_images, rotary_tables
from recorder.types import RGBImage

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class PromptReader:
    """The vision tower and the language model over one prompt at a time.

    Attributes:
        language: the language model and its cache.
        pictures_read: vision passes made, for benchmarks.

    """

    def __init__(
        self,
        model: PreTrainedModel,
        spec: CheckpointSpec,
        image_id: int,
        capacity: int,
        recorder: Recorder | None = None,
    ) -> None:
        """``recorder`` records and replays what a GPU does (:mod:`model.vla.cuda_graphs`)."""
        self.language = CachedLanguageModel(model, capacity, recorder)
        self._encoded = Captured(self._encode, recorder)
        self.pictures_read = 0
        self._spec = spec
        self._tower = model.model.visual
        self._tables = rotary_tables(self._tower, *spec.grid)
        self._image_id = image_id
        self._seen: RGBImage | None = None
        self._vision: torch.Tensor | None = None
        self._texts: list[torch.Tensor] = []
        self._prefix_ready = False
        self._prompt: tuple[torch.Tensor, ...] | None = None
        self._begin_state = torch.zeros(0)
        self._length = self._position = 0

    def forget(self) -> None:
        """Forget everything read: the weights have changed."""
        self._seen = self._vision = self._prompt = None
        self._prefix_ready = False

    def tell(self, ids: Sequence[int]) -> None:
        """Take the ids of a prompt with one image id for every picture."""
        cuts = [at for at, number in enumerate(ids) if number == self._image_id]
        ends = [-1, *cuts, len(ids)]
        texts = [torch.tensor(ids[a + 1 : b], dtype=torch.long) for a, b in pairwise(ends)]
        kept = bool(self._texts) and torch.equal(self._texts[0], texts[0])
        self._prefix_ready = self._prefix_ready and kept
        self._texts = texts
        self._prompt = None

    def see(self, rgb: RGBImage) -> torch.Tensor:
        """Return a frame's vision tokens, N x hidden."""
        if self._vision is None or self._seen is None or not np.array_equal(self._seen, rgb):
            image = resize(rgb, self._spec)[None]
            pixels = torch.from_numpy(patches(image, self._spec)).to(self.language.device)
            self._vision = self._encoded(pixels)
            self._seen = rgb
            self.pictures_read += 1
        return self._vision

    def _encode(self, pixels: torch.Tensor, _key: int) -> torch.Tensor:
        return encode_images(self._tower, pixels, self._tables)[0]

    def keeps(self, visions: Sequence[torch.Tensor]) -> bool:
        """Return whether the cache holds this very prompt."""
        prompt = (*visions, *self._texts)
        return self._prompt is not None and all(
            a is b for a, b in zip(prompt, self._prompt, strict=True)
        )

    def read(
        self, visions: Sequence[torch.Tensor], guess: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, int, bool]:
        """Run the prompt; return its states, the last token's rotary position, and "kept".

        ``visions`` are the pictures, oldest first, as many as the prompt has.  ``guess``
        (G x hidden) is run behind the prompt; the states are those of the prompt's last
        token and of each guess, (1 + G) x hidden.  "kept" tells that nothing of the prompt
        had changed since the last call.
        """
        if self.keeps(visions):
            self.language.truncate(self._length)
            return self._with_guess(guess), self._position, True
        first = len(self._texts[0])
        self._keep_prefix(first)
        embedded, places = [], []
        at = first
        for vision, text in zip(visions, self._texts[1:], strict=True):
            embedded += [vision, self.language.embed(text.to(vision.device)).to(vision.dtype)]
            places.append(self._picture_places(at))
            at += max(self._spec.token_grid)
            places.append(torch.arange(at, at + len(text)).expand(3, -1))
            at += len(text)
        self._position = at - 1
        guesses = 0
        if guess is not None and len(guess):
            guesses = len(guess)
            embedded.append(guess.to(visions[0].dtype))
            places.append(torch.arange(at, at + guesses).expand(3, -1))
        states = self.language.extend_all(
            torch.cat(embedded), torch.cat(places, dim=1), 1 + guesses
        )
        self._prompt = (*visions, *self._texts)
        self._begin_state = states[:1]
        self._length = self.language.length - guesses
        return states, self._position, False

    def ask(self, ids: Sequence[int]) -> torch.Tensor:
        """Read another text behind the newest picture that was read; return its last state.

        ``ids`` are those of a prompt with one image id, whose text before the picture is that
        of the prompt read last, which had no other picture.
        """
        cut = ids.index(self._image_id)
        first = len(self._texts[0])
        if cut != first or len(self._texts) != 2:
            raise ValueError("the prompt read last has other words before its picture")
        rows, columns = self._spec.token_grid
        self.language.truncate(first + rows * columns)
        self._prompt = None
        text = torch.tensor(ids[cut + 1 :], device=self.language.device)
        return self.language.extend(self.language.embed(text), first + max(rows, columns))

    def _keep_prefix(self, first: int) -> None:
        """Leave the text before the first picture in the cache, or put it there."""
        if self._prefix_ready:
            self.language.truncate(first)
            return
        self.language.truncate(0)
        ids = self._texts[0].to(self.language.device)
        self.language.extend(self.language.embed(ids), 0)
        self._prefix_ready = True

    def _with_guess(self, guess: torch.Tensor | None) -> torch.Tensor:
        if guess is None or not len(guess):
            return self._begin_state
        more = self.language.extend_all(
            guess.to(self._begin_state.dtype), self._position + 1, len(guess)
        )
        return torch.cat([self._begin_state, more])

    def _picture_places(self, at: int) -> torch.Tensor:
        """Return Qwen2-VL's rotary places of a picture whose text comes to ``at``, 3 x N."""
        rows, columns = self._spec.token_grid
        index = torch.arange(rows * columns)
        return torch.stack(
            [torch.full_like(index, at), at + index // columns, at + index % columns]
        )
