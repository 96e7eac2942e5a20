"""Guessing that the last action repeats changes the passes, never the answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from joint_actions import from_joint_index

from app.benchmarks.decoding_cases.baseline import GenerateBaseline
from model.actions.tokens import continuation, decode_ids, encode_ids, legal_next, split_actions
from model.play.policy import Observation
from model.vla.decoding import ActionDecoder, Sampling, worth_running
from model.vla.language_model import CachedLanguageModel
from model.vla.play_options import PlayOptions
from model.vla.preprocess import load_spec
from model.vla.vla import VlaPolicy, load_weights
from recorder.errors import UsageError
from recorder.types import Frame

GO = "go to the red torch"
ACTIONS = st.builds(from_joint_index, st.integers(0, 8640), st.integers(0, 440)).map(encode_ids)


def load(folder: Path, sampling: Sampling | None = None, **options: int) -> VlaPolicy:
    return VlaPolicy.load(
        folder, device="cpu", threads=1, sampling=sampling, options=PlayOptions(**options)
    )


def played(policy: VlaPolicy, frames: list[Frame], seed: int = 0) -> list[tuple[int, ...]]:
    policy.reset(GO, seed=seed)
    found = []
    for frame in frames:
        policy.propose(Observation(frame, GO))
        assert policy.answer is not None
        found.append(policy.answer.numbers)
    return found


@pytest.fixture(scope="module")
def walk(frames: list[Frame]) -> list[Frame]:
    """Pictures that change little, much, and not at all."""
    rng = np.random.default_rng(8)
    shown = [frames[0]]
    for index in range(1, 12):
        rgb = shown[-1].rgb.copy()
        if index % 4 == 1:
            rgb[: 60 * index % 360] = rng.integers(0, 256, 3, dtype=np.uint8)
        elif index % 4 == 2:
            rgb = frames[index % len(frames)].rgb
        shown.append(Frame(index, index, rgb))
    return shown


@pytest.mark.parametrize("chunk", [1, 3])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_answers_are_the_same_with_and_without_guessing(
    checkpoint: Path, walk: list[Frame], chunk: int, temperature: float
) -> None:
    policy = load(checkpoint, Sampling(temperature), chunk=chunk)
    policy.guessing = False
    plain = [played(policy, walk, seed) for seed in range(2)]
    policy.guessing = True
    guessed = [played(policy, walk, seed) for seed in range(2)]
    assert guessed == plain
    assert len({answer for answers in plain for answer in answers}) > 2


def test_greedy_answers_are_those_of_transformers_generate(
    checkpoint: Path, walk: list[Frame]
) -> None:
    policy = load(checkpoint)
    model, tokenizer = load_weights(checkpoint, torch.float32, "cpu")
    baseline = GenerateBaseline(model, tokenizer, load_spec(checkpoint))
    assert played(policy, walk) == [baseline.answer(frame.rgb, GO).numbers for frame in walk]


@pytest.mark.long(6, "four hundred answers, a hundred of them by transformers' own generate")
def test_sampled_answers_have_the_distribution_of_generate(
    shallow_checkpoint: Path, frames: list[Frame]
) -> None:
    """The first choice of 300 draws, compared by chi-square at one in ten thousand."""
    from scipy.stats import chi2_contingency

    policy = load(shallow_checkpoint, Sampling(1.5))
    model, tokenizer = load_weights(shallow_checkpoint, torch.float32, "cpu")
    baseline = GenerateBaseline(model, tokenizer, load_spec(shallow_checkpoint))
    policy.reset(GO, seed=4)
    torch.manual_seed(4)
    ours: list[int] = []
    theirs: list[int] = []
    for _ in range(300):
        policy.propose(Observation(frames[0], GO))
        assert policy.answer is not None
        ours.append(policy.answer.numbers[1])
    for _ in range(100):
        theirs.append(baseline.answer(frames[0].rgb, GO, temperature=1.5).numbers[1])
    seen = sorted({n for n in ours if ours.count(n) + theirs.count(n) >= 20})
    assert len(seen) >= 2
    table = [[found.count(n) for n in seen] for found in (ours, theirs)]
    assert chi2_contingency(table).pvalue > 1e-4


def test_a_right_guess_costs_no_pass_and_a_wrong_one_is_thrown_away(
    checkpoint: Path, frames: list[Frame]
) -> None:
    policy = load(checkpoint)
    policy.reset(GO)
    kept = wrong = 0
    answers = []
    for number in range(8):
        rgb = frames[number // 2 % len(frames)].rgb.copy()
        # A speck that no answer hangs on; the picture is read anew for it.
        rgb[0, 0, 0] ^= number % 2
        policy.propose(Observation(Frame(number, number, rgb), GO))
        answer = policy.answer
        assert answer is not None
        if number % 2:
            assert (answer.numbers, answer.passes) == (answers[-1], 0)
            kept += answer.kept == answer.guessed > 0
        elif number and answer.numbers != answers[-1] and 177 not in answer.numbers:
            assert answer.passes >= 1
            wrong += 1
        answers.append(answer.numbers)
    assert policy.reader.pictures_read == 8
    assert kept
    assert wrong


def test_an_unchanged_picture_is_read_once(checkpoint: Path, frames: list[Frame]) -> None:
    policy = load(checkpoint)
    policy.reset(GO)
    first = policy.propose(Observation(frames[0], GO))
    again = policy.propose(Observation(Frame(9, 9, frames[0].rgb.copy()), GO))
    assert again.actions == first.actions
    assert (again.frame_id, policy.reader.pictures_read) == (9, 1)
    other = policy.propose(Observation(frames[0], "shoot the imp"))
    assert policy.reader.pictures_read == 1
    fresh = load(checkpoint)
    fresh.reset("shoot the imp")
    assert fresh.propose(Observation(frames[0], "shoot the imp")).actions == other.actions


@given(ACTIONS, ACTIONS, st.data())
def test_a_continuation_is_always_legal(
    one: tuple[int, ...], other: tuple[int, ...], data: st.DataObject
) -> None:
    prefix = one[: data.draw(st.integers(1, len(one) - 1))]
    rest = continuation(prefix, other)
    if 177 in prefix:
        return  # All behind it is forced, so nothing is ever guessed there.
    answer = list(prefix)
    for number in rest:
        assert number in legal_next(answer)
        answer.append(number)
    assert answer[-1] == 179


@given(ACTIONS)
def test_the_continuation_of_an_action_is_its_rest(action: tuple[int, ...]) -> None:
    for at in range(1, len(action)):
        assert continuation(action[:at], action) == action[at:]
    assert split_actions(action * 3) == (action,) * 3
    assert split_actions(action + action[:2]) == (action,)
    assert len(decode_ids(action * 2)) == 2
    assert worth_running(action)[-1] == action[-3]


class Script:
    """A language model that chooses a given answer and counts what it is asked to run."""

    device = torch.device("cpu")

    def __init__(self, answer: tuple[int, ...], prompt: int) -> None:
        self.cache = [0] * prompt
        self.answer = answer
        self.prompt = prompt

    @property
    def length(self) -> int:
        return len(self.cache)

    def truncate(self, length: int) -> None:
        del self.cache[length:]

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return ids

    def extend_all(self, embedded: torch.Tensor, positions: int, states: int) -> torch.Tensor:
        assert positions == len(self.cache)
        self.cache += embedded.tolist()
        found = []
        for at in range(len(self.cache) - states, len(self.cache)):
            behind = self.cache[self.prompt : at + 1]
            right = behind == list(self.answer[1 : at + 2 - self.prompt])
            found.append(at if right else -1)
        return torch.tensor(found)[:, None]

    def logits(self, hidden: torch.Tensor, ids: slice) -> torch.Tensor:
        return torch.tensor([self.row(int(state), ids) for state in hidden.flatten()])

    def row(self, state: int, ids: slice) -> list[float]:
        at = state - self.prompt + 1
        if at < 0:
            # Behind a wrong guess: a choice from here would cut the answer short.
            return [float("nan")] * (ids.stop - ids.start)
        return [float(i == self.answer[1 + at]) for i in range(ids.start, ids.stop)]


@given(st.lists(st.tuples(ACTIONS, ACTIONS), min_size=1, max_size=3), st.booleans())
def test_every_guess_ends_in_the_model_s_own_answer(
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]], persistent: bool
) -> None:
    right = [pair[0] for pair in pairs]
    before = [pair[1] for pair in pairs]
    answer = tuple(n for action in right for n in action)
    language = Script(answer, 5)
    ids = {n: n for n in range(176, 251)}
    decoder = ActionDecoder(language, ids, persistent=persistent)  # type: ignore[arg-type]
    carried = worth_running([n for action in before for n in action][1:])
    behind = language.extend_all(decoder.embed(carried), 5, len(carried))
    states = torch.cat([torch.tensor([[4]]), behind])
    found = decoder.decode(states, 4, Sampling(), None, len(pairs), carried=carried, before=before)
    assert found.numbers == answer
    if right == before and 177 not in answer:
        assert found.passes == 0


def test_states_of_many_tokens_are_those_of_one_by_one(checkpoint: Path) -> None:
    model, _ = load_weights(checkpoint, torch.float32, "cpu")
    language = CachedLanguageModel(model, 20)
    ids = torch.arange(20, 40)
    places = torch.arange(20).expand(3, -1)
    with torch.inference_mode():
        one = torch.stack(
            [
                language.extend(language.embed(ids[i : i + 1]), places[:, i : i + 1])
                for i in range(20)
            ]
        )
        language.truncate(8)
        many = language.extend_all(language.embed(ids[8:]), places[:, 8:], 7)
        torch.testing.assert_close(many, one[13:], rtol=1e-4, atol=1e-4)
        language.truncate(0)
        torch.testing.assert_close(
            language.extend_all(language.embed(ids), places, 20), one, rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("history", [1, 4])
def test_earlier_frames_give_the_states_that_transformers_gives(
    checkpoint: Path, frames: list[Frame], history: int
) -> None:
    from model.language.prompts import prompt_ids
    from model.vla.preprocess import patches, resize

    policy = load(checkpoint, history=history)
    spec, tokenizer = policy.spec, policy.tokenizer
    shown = (frames * 2)[: history + 2]
    numbers = played(policy, shown)
    said = ["".join(f"<|reserved_special_token_{n}|>" for n in a) for a in numbers]
    prompt, _ = prompt_ids(tokenizer, "plain", GO, spec.image_tokens, said[-history - 1 : -1])
    begin = tokenizer.convert_tokens_to_ids("<|reserved_special_token_178|>")
    ids = torch.tensor([[*prompt, begin]])
    seen = np.stack([resize(frame.rgb, spec) for frame in shown[-history - 1 :]])
    pixels = torch.from_numpy(patches(seen, spec)).flatten(0, 1)
    model, _ = load_weights(checkpoint, torch.float32, "cpu")
    with torch.inference_mode():
        wanted = model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=(ids == model.config.image_token_id).int(),
            pixel_values=pixels,
            image_grid_thw=torch.tensor([[1, *spec.grid]] * (history + 1)),
        ).logits[0, -1]
        ours = policy.reader.language.logits(policy.reader._begin_state[0])
    torch.testing.assert_close(ours, wanted, rtol=1e-3, atol=1e-3)
    # Each picture went through the tower once, however often it was in a prompt.
    assert policy.reader.pictures_read == len(shown)


def test_an_episode_begins_with_copies_of_its_first_frame(
    checkpoint: Path, frames: list[Frame]
) -> None:
    policy = load(checkpoint, history=2)
    played(policy, frames[:1])
    null = "".join(f"<|reserved_special_token_{n}|>" for n in (178, 219, 240, 179))
    assert policy._history[0][1] == null
    assert policy._history[0][0] is policy._history[1][0]


@pytest.mark.parametrize("wrong", [{"history": 5}, {"chunk": 0}, {"prompt": "poem"}])
def test_options_out_of_range_are_refused(checkpoint: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="no model was loaded"):
        replace(PlayOptions(), **wrong).applied_to(load_spec(checkpoint))  # type: ignore[arg-type]
