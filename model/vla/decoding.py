"""Decoding of action tokens: constrained by the grammar, with a static cache.

Only legal tokens are scored, and tokens that the grammar forces are never waited for.  The
language model itself is in :mod:`model.vla.language_model`.

The answer before is a guess at the next one: its tokens are run together with the prompt,
and each is kept only where the model itself chooses it.  Every choice is one draw from the
model's own distribution over the legal tokens, made before it is compared with the guess;
so guessing changes how many passes an answer takes, and never its distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from model.actions.tokens import (
    ACTION_BEGIN,
    ACTION_END,
    PITCH_0,
    YAW_0,
    continuation,
    decode_ids,
    legal_next,
)
from model.play.sampling import Sampling
from model.torch_state import torch_threads
from model.vla.language_model import CachedLanguageModel
from recorder.types import NO_ACTION, Action

__all__ = ["ActionDecoder", "CachedLanguageModel", "Decoded", "Sampling", "worth_running"]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Actions of one answer, their token numbers, and the first one's probability.

    ``invalid`` is 1 where the model's numbers were not finite: the answer ends there, and
    an answer without a whole action is one that does nothing.  ``passes`` is the number of
    forward passes after the prompt's, ``guessed`` and ``kept`` the tokens that the answer
    before suggested and those of them that the model chose.
    """

    actions: tuple[Action, ...]
    numbers: tuple[int, ...]
    confidence: float
    invalid: int = 0
    passes: int = 0
    guessed: int = 0
    kept: int = 0


def worth_running(numbers: Sequence[int]) -> tuple[int, ...]:
    """Return a guess without its last yaw and end, after which nothing is left to choose."""
    pitches = [at for at, n in enumerate(numbers) if PITCH_0 <= n < YAW_0]
    return tuple(numbers[: pitches[-1] + 1]) if pitches else ()


class ActionDecoder:
    """Decodes chunks of actions after a prompt that is in the cache already.

    ``legal`` is the grammar: what may follow within one action, nothing after end.
    """

    def __init__(
        self,
        language: CachedLanguageModel,
        vocabulary_ids: dict[int, int],
        legal: Callable[[Sequence[int]], tuple[int, ...]] = legal_next,
        *,
        persistent: bool = True,
        one_thread: bool = False,
    ) -> None:
        """``vocabulary_ids`` maps action token numbers (176..250) to the model's ids.

        ``persistent`` guesses on after a wrong guess: worth it where a pass costs about the
        same with one token and with many, and not for a large model on a CPU.
        ``one_thread`` decodes on one CPU thread, whatever the process has: a small model's
        matrices are done before a second thread is awake.
        """
        self._language = language
        self._ids = vocabulary_ids
        self._grammar = legal
        self._persistent = persistent
        self._one_thread = one_thread
        numbers = sorted(vocabulary_ids)
        ids = [vocabulary_ids[number] for number in numbers]
        self._place = {number: place for place, number in enumerate(numbers)}
        # One block of the vocabulary in every known tokenizer: a slice copies nothing.
        self._rows: slice | torch.Tensor = slice(ids[0], ids[-1] + 1)
        if ids != list(range(ids[0], ids[-1] + 1)):
            self._rows = torch.tensor(ids, device=language.device)

    def embed(self, numbers: Sequence[int]) -> torch.Tensor:
        """Return the embeddings of action token numbers, L x hidden."""
        ids = torch.tensor([self._ids[n] for n in numbers], dtype=torch.long)
        return self._language.embed(ids.to(self._language.device))

    def decode(
        self,
        hidden: torch.Tensor,
        position: int,
        sampling: Sampling,
        generator: torch.Generator | None,
        chunk: int = 1,
        *,
        carried: Sequence[int] = (),
        before: Sequence[Sequence[int]] = (),
    ) -> Decoded:
        """Decode ``chunk`` actions.

        ``hidden`` is the state after the first action's begin token, whose rotary
        position is ``position``.  ``carried`` are guessed numbers that are in the cache
        behind it already; then ``hidden`` has a row for begin and one for each of them.
        ``before`` are the numbers of each action of the answer before, to guess from.
        """
        with torch_threads(1 if self._one_thread else None):
            return self._decode(hidden, position, sampling, generator, chunk, carried, before)

    def _decode(
        self,
        hidden: torch.Tensor,
        position: int,
        sampling: Sampling,
        generator: torch.Generator | None,
        chunk: int,
        carried: Sequence[int],
        before: Sequence[Sequence[int]],
    ) -> Decoded:
        states = hidden if hidden.ndim == 2 else hidden[None]
        walk = _Walk(self, self._language, states, position, carried)
        numbers: list[int] = []
        confidence = 1.0
        hopeful = True
        for index in range(chunk):
            answer = [ACTION_BEGIN]
            if index:
                walk.add(ACTION_BEGIN)
            while answer[-1] != ACTION_END:
                legal = self._grammar(answer)
                number = legal[0]
                if len(legal) > 1:
                    rest = _rest(answer, before, index) if hopeful else ()
                    choice = self._choose(walk.scores(rest), legal, sampling, generator)
                    if choice is None:
                        return _cut_short(numbers, confidence if index else 0.0)
                    number, probability = choice
                    hopeful = hopeful and (self._persistent or number in rest[:1] or not rest)
                    if index == 0:
                        confidence *= probability
                answer.append(number)
                walk.add(number)
            numbers += answer
        return Decoded(
            tuple(decode_ids(numbers)),
            tuple(numbers),
            confidence,
            passes=walk.passes,
            guessed=walk.guessed,
            kept=walk.kept,
        )

    def scores(self, states: torch.Tensor) -> list[list[float]]:
        """Return every action token's logit after each state (S x hidden), in number order."""
        rows: list[list[float]] = self._language.logits(states, self._rows).tolist()
        return rows

    def _choose(
        self,
        scores: Sequence[float],
        legal: tuple[int, ...],
        sampling: Sampling,
        generator: torch.Generator | None,
    ) -> tuple[int, float] | None:
        """Return a legal token and its probability, None where no number is finite."""
        logits = [scores[self._place[number]] for number in legal]
        if not all(map(math.isfinite, logits)):
            return None
        top = max(logits)
        # A few dozen numbers: Python is done before torch has begun.
        total = sum(math.exp(logit - top) for logit in logits)
        if sampling.temperature == 0:
            chosen = logits.index(top)
        else:
            tempered = torch.softmax(torch.tensor(logits) / sampling.temperature, dim=0)
            chosen = _sample(tempered, sampling.top_p, generator)
        return legal[chosen], math.exp(logits[chosen] - top) / total


class _Walk:
    """Where an answer stands between the cache and what was chosen.

    The cache holds the prompt, what was chosen and run, and behind it guesses.  A choice
    that equals the next guess costs nothing; another one throws the guesses away.
    """

    def __init__(
        self,
        decoder: ActionDecoder,
        language: CachedLanguageModel,
        states: torch.Tensor,
        position: int,
        carried: Sequence[int],
    ) -> None:
        self._decoder = decoder
        self._language = language
        self._states: torch.Tensor | None = states
        self._scores: list[list[float]] = []
        self._position = position
        self._guesses = tuple(carried)
        self._right = 0
        self._pending: list[int] = []
        self.passes = 0
        self.guessed = len(carried)
        self.kept = 0

    def add(self, number: int) -> None:
        """Take a chosen or forced number."""
        if not self._pending and self._right < len(self._guesses):
            if self._guesses[self._right] == number:
                self._right += 1
                self.kept += 1
                return
            wrong = len(self._guesses) - self._right
            self._language.truncate(self._language.length - wrong)
            self._guesses = self._guesses[: self._right]
        self._pending.append(number)

    def scores(self, rest: Sequence[int]) -> list[float]:
        """Return the logits after everything added; ``rest`` is what may well follow."""
        if self._pending:
            run = (*self._pending, *rest)
            start = self._position + self._right + 1
            self._states = self._language.extend_all(self._decoder.embed(run), start, len(rest) + 1)
            self._position = start + len(self._pending) - 1
            self._guesses, self._right, self._pending = tuple(rest), 0, []
            self.passes += 1
            self.guessed += len(rest)
        if self._states is not None:
            # The guesses' states at once: what a choice costs is the call.
            self._scores, self._states = self._decoder.scores(self._states), None
        return self._scores[self._right]


def _rest(answer: Sequence[int], before: Sequence[Sequence[int]], index: int) -> tuple[int, ...]:
    """Return what would follow if the rest of the answer were that of the one before."""
    if index >= len(before):
        return ()
    later = [number for action in before[index + 1 :] for number in action]
    return worth_running((*continuation(answer, before[index]), *later))


def _cut_short(numbers: list[int], confidence: float) -> Decoded:
    """Return what was decoded before the model's numbers went wrong, or a no-op."""
    actions = tuple(decode_ids(numbers)) or (NO_ACTION,)
    return Decoded(actions, tuple(numbers), confidence, invalid=1)


def _sample(probabilities: torch.Tensor, top_p: float, generator: torch.Generator | None) -> int:
    """Draw an index from the smallest set of likeliest ones that holds ``top_p``."""
    ordered, order = probabilities.sort(descending=True)
    kept = ordered * ((ordered.cumsum(0) - ordered) < top_p)
    return int(order[torch.multinomial(kept, 1, generator=generator)])
