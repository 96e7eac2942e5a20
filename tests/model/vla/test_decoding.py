"""Our own run of the language model is transformers' own, token for token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.actions.tokens import ACTION_BEGIN, encode_ids, legal_next, token_string
from model.language.prompts import prompt_ids
from model.play.policy import Observation
from model.vla.decoding import ActionDecoder, Sampling
from model.vla.language_model import CachedLanguageModel
from model.vla.preprocess import CheckpointSpec, load_spec, patches, resize
from model.vla.tiny import build_model, build_tokenizer
from model.vla.vla import VlaPolicy, load_weights
from recorder.types import Frame

INSTRUCTION = "go to the red torch"
NUMBERS = range(176, 251)


class Reference:
    """transformers' own forward over the whole sequence, again for every token."""

    def __init__(self, model: Any, tokenizer: Any, spec: CheckpointSpec) -> None:
        self.model, self.tokenizer, self.spec = model, tokenizer, spec
        self.ids = {n: tokenizer.convert_tokens_to_ids(token_string(n)) for n in NUMBERS}

    def logits(self, frame: Frame, answer: list[int], instruction: str) -> torch.Tensor:
        spec = self.spec
        prompt, _ = prompt_ids(self.tokenizer, spec.prompt, instruction, spec.image_tokens)
        ids = torch.tensor([[*prompt, *(self.ids[n] for n in answer)]])
        pixels = torch.from_numpy(patches(resize(frame.rgb, spec)[None], spec))[0]
        with torch.no_grad():
            output = self.model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                mm_token_type_ids=(ids == self.model.config.image_token_id).int(),
                pixel_values=pixels,
                image_grid_thw=torch.tensor([[1, *spec.grid]]),
            )
        logits: torch.Tensor = output.logits[0, -1]
        return logits

    def greedy(
        self, frame: Frame, instruction: str = INSTRUCTION, chunk: int = 1
    ) -> tuple[list[int], float]:
        numbers: list[int] = []
        confidence = 1.0
        for index in range(chunk):
            answer: list[int] = []
            while legal := legal_next(answer):
                logits = self.logits(frame, numbers + answer, instruction)
                legal_logits = logits[[self.ids[n] for n in legal]]
                answer.append(legal[int(legal_logits.argmax())])
                if index == 0:
                    confidence *= float(torch.softmax(legal_logits, 0).max())
            numbers += answer
        return numbers, confidence


@pytest.fixture(scope="module")
def reference(checkpoint: Path) -> Reference:
    model, tokenizer = load_weights(checkpoint, torch.float32, "cpu")
    return Reference(model, tokenizer, load_spec(checkpoint))


@pytest.fixture(scope="module")
def policy(checkpoint: Path) -> VlaPolicy:
    return VlaPolicy.load(checkpoint, device="cpu", threads=1)


def test_every_token_is_the_one_that_transformers_would_choose(
    policy: VlaPolicy, reference: Reference, frames: list[Frame]
) -> None:
    answers = set()
    for instruction in (INSTRUCTION, "shoot the imp", "x"):
        policy.reset(instruction)
        for frame in frames:
            chunk = policy.propose(Observation(frame, instruction))
            numbers, confidence = reference.greedy(frame, instruction)
            assert encode_ids(chunk.actions[0]) == tuple(numbers)
            assert chunk.confidence == pytest.approx(confidence, rel=1e-3)
            answers.add(tuple(numbers))
    # The pictures and sentences count: else equal answers would prove nothing.
    assert len(answers) > 3


def test_a_chunk_goes_on_where_transformers_would(
    policy: VlaPolicy, reference: Reference, frames: list[Frame]
) -> None:
    policy.reset(INSTRUCTION)
    with torch.inference_mode():
        seen = policy.reader.see(frames[0].rgb)
        hidden, position, _ = policy.reader.read([seen])
        decoded = policy.decoder.decode(hidden, position, Sampling(), None, 3)
    numbers, confidence = reference.greedy(frames[0], chunk=3)
    assert decoded.numbers == tuple(numbers)
    assert len(decoded.actions) == 3
    assert decoded.confidence == pytest.approx(confidence, rel=1e-3)


def test_logits_and_positions_are_those_of_transformers(
    policy: VlaPolicy, reference: Reference, frames: list[Frame]
) -> None:
    policy.reset(INSTRUCTION)
    with torch.inference_mode():
        # Twice: the second time the sentence is in the cache already.
        for frame in frames[:2]:
            hidden, position, _ = policy.reader.read([policy.reader.see(frame.rgb)])
            ours = policy.reader.language.logits(hidden[-1])
            wanted = reference.logits(frame, [ACTION_BEGIN], INSTRUCTION)
            torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-4)
    spec = reference.spec
    prompt, _ = prompt_ids(reference.tokenizer, spec.prompt, INSTRUCTION, spec.image_tokens)
    ids = torch.tensor([[*prompt, reference.ids[ACTION_BEGIN]]])
    places, _ = reference.model.model.get_rope_index(
        ids,
        mm_token_type_ids=(ids == reference.model.config.image_token_id).int(),
        image_grid_thw=torch.tensor([[1, *spec.grid]]),
    )
    assert places[:, 0, -1].tolist() == [position] * 3


def grouped_model() -> tuple[Any, Any]:
    """A model with fewer key heads than query heads and a head of its own, like the 7B."""
    from transformers import Qwen2VLForConditionalGeneration

    tokenizer = build_tokenizer(["go"] * 2, 600)
    config = build_model(tokenizer, seed=1).config
    config.text_config.num_key_value_heads = 2
    config.text_config.tie_word_embeddings = config.tie_word_embeddings = False
    torch.manual_seed(2)
    return Qwen2VLForConditionalGeneration(config).eval(), tokenizer


@torch.no_grad()
def test_grouped_heads_and_steps_of_any_length_give_the_same_states() -> None:
    model, _ = grouped_model()
    ids = torch.randint(0, 500, (24,), generator=torch.Generator().manual_seed(0))
    places = torch.arange(24).expand(3, -1)
    wanted = model(input_ids=ids[None]).logits[0]
    for cuts in ([24], [1] * 24, [7, 1, 9, 7]):
        language = CachedLanguageModel(model, 24)
        at = 0
        for count in cuts:
            here = slice(at, at + count)
            hidden = language.extend(language.embed(ids[here]), places[:, here])
            at += count
            torch.testing.assert_close(
                language.logits(hidden), wanted[at - 1], rtol=1e-4, atol=1e-4
            )
    language.truncate(10)
    hidden = language.extend(language.embed(ids[10:]), places[:, 10:])
    torch.testing.assert_close(language.logits(hidden), wanted[-1], rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="do not fit"):
        language.extend(language.embed(ids[:1]), places[:, :1])


class Chooser:
    """Stands for a language model whose logits are given: one row for every choice."""

    device = torch.device("cpu")

    def __init__(self, *rows: dict[int, float]) -> None:
        self.rows = rows
        self.at = 0
        self.length = 0
        self.ran: list[list[int]] = []

    def truncate(self, length: int) -> None:
        self.length = length

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return ids

    def extend_all(self, embedded: torch.Tensor, positions: int, states: int) -> torch.Tensor:
        self.ran.append(embedded.tolist())
        self.length += len(embedded)
        return torch.zeros(states, 1)

    def logits(self, hidden: torch.Tensor, ids: slice) -> torch.Tensor:
        row = self.rows[min(self.at, len(self.rows) - 1)]
        self.at += 1
        return torch.tensor([[row.get(i, -50.0) for i in range(ids.start, ids.stop)]])


def decoder(chooser: Chooser) -> ActionDecoder:
    return ActionDecoder(chooser, {n: n for n in NUMBERS})  # type: ignore[arg-type]


def test_forced_tokens_are_never_waited_for() -> None:
    chooser = Chooser({177: 1.0})
    decoded = decoder(chooser).decode(torch.zeros(1), 9, Sampling(), None, 2)
    assert decoded.numbers == (178, 177, 219, 240, 179) * 2
    assert [action.inventory for action in decoded.actions] == [True, True]
    # One run for both actions: all between the two choices was forced.
    assert chooser.ran == [[177, 219, 240, 179, 178]]


def test_confidence_is_the_probability_among_the_legal_tokens() -> None:
    rows = ({191: 0.0, 219: np.log(3.0)}, {240: 0.0, 241: 0.0})
    decoded = decoder(Chooser(*rows)).decode(torch.zeros(1), 0, Sampling(), None)
    assert decoded.numbers == (178, 219, 240, 179)
    assert decoded.confidence == pytest.approx(0.75 * 0.5, rel=1e-6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_do_nothing_and_are_counted(bad: float) -> None:
    decoded = decoder(Chooser({219: bad})).decode(torch.zeros(1), 0, Sampling(), None)
    assert decoded.invalid == 1
    assert [action.is_noop for action in decoded.actions] == [True]
    assert decoded.confidence == 0.0


def test_what_was_decoded_before_numbers_went_wrong_is_kept() -> None:
    rows: tuple[dict[int, float], ...] = ({219: 1.0}, {240: 1.0}, {219: float("nan")})
    decoded = decoder(Chooser(*rows)).decode(torch.zeros(1), 0, Sampling(), None, 4)
    assert (len(decoded.actions), decoded.invalid) == (1, 1)
    assert decoded.confidence > 0.9


def draws(sampling: Sampling, seed: int, count: int = 400) -> list[int]:
    rows = ({219: 0.0, 191: np.log(0.5), 204: np.log(0.25)}, {240: 0.0})
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        chooser = Chooser(rows[0], {219: 0.0}, rows[1])
        if sampling.temperature == 0:
            chooser = Chooser(*rows)
        found.append(decoder(chooser).decode(torch.zeros(1), 0, sampling, generator).numbers[1])
    return found


def test_sampling_follows_the_probabilities_and_the_seed() -> None:
    drawn = draws(Sampling(1.0), 1)
    assert drawn == draws(Sampling(1.0), 1)
    assert drawn != draws(Sampling(1.0), 2)
    for number, share in ((219, 4 / 7), (191, 2 / 7), (204, 1 / 7)):
        assert drawn.count(number) / len(drawn) == pytest.approx(share, abs=0.08)


def test_top_p_leaves_out_the_tail_and_temperature_sharpens() -> None:
    assert set(draws(Sampling(1.0, top_p=0.8), 1)) == {219, 191}
    assert set(draws(Sampling(1.0, top_p=0.5), 1)) == {219}
    assert set(draws(Sampling(), 1, 3)) == {219}
    cold = draws(Sampling(0.3), 1)
    assert cold.count(219) / len(cold) > 0.85


@pytest.mark.parametrize("wrong", [{"temperature": -0.1}, {"top_p": 0.0}, {"top_p": 1.1}])
def test_sampling_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="temperature must be"):
        Sampling(**wrong)


def test_a_small_model_decodes_on_one_thread_and_gives_the_others_back() -> None:
    used: list[int] = []

    class Watching(Chooser):
        def logits(self, hidden: torch.Tensor, ids: slice) -> torch.Tensor:
            used.append(torch.get_num_threads())
            if len(used) > 3:
                raise RuntimeError("broken")
            return super().logits(hidden, ids)

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        for one_thread, wanted in ((True, 1), (False, 2)):
            chooser = Watching({177: 1.0})
            ids = {n: n for n in NUMBERS}
            each = ActionDecoder(chooser, ids, one_thread=one_thread)  # type: ignore[arg-type]
            each.decode(torch.zeros(1), 0, Sampling(), None)
            assert used[-1] == wanted
            assert torch.get_num_threads() == 2
        chooser = Watching({219: 1.0}, {240: 1.0})
        used += [0, 0]
        each = ActionDecoder(chooser, ids, one_thread=True)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="broken"):
            each.decode(torch.zeros(1), 0, Sampling(), None)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def test_a_change_of_the_weights_counts_wherever_they_are_read() -> None:
    model, _ = grouped_model()
    ids, places = torch.arange(5), 0
    readers = [CachedLanguageModel(model, 5), CachedLanguageModel(model, 5)]
    for name in ("q_proj", "k_proj", "v_proj"):
        weight = getattr(model.model.language_model.layers[0].self_attn, name).weight
        weight.copy_(-1.5 * weight)
        model.model.language_model.layers[1].mlp.up_proj.weight.mul_(3)
        wanted = model(input_ids=ids[None]).logits[0, -1]
        for reader in readers:
            reader.truncate(0)
            found = reader.logits(reader.extend(reader.embed(ids), places))
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
