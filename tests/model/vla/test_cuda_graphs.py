"""Recorded steps: the static path that a GPU replays gives the plain path's numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch  # the tests of what needs torch

from model.play.policy import Observation
from model.vla import vla
from model.vla.cuda_graphs import MAX_RECORDINGS, Captured, CudaRecorder, Recorder, recorder_for
from model.vla.decoding import Sampling
from model.vla.language_model import CachedLanguageModel
from model.vla.tiny import build_model, build_tokenizer
from model.vla.vla import VlaPolicy
from recorder.types import Frame


class Tape:
    """Records nothing: a replay runs the work again on the inputs' places, as a graph does."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def record(self, work: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, Callable[[], object]]:
        self.recorded += 1
        place = work().clone()

        def replay() -> None:
            self.replayed += 1
            place.copy_(work())

        return place, replay


def test_a_shape_is_recorded_when_it_comes_again_and_replayed_from_then_on() -> None:
    tape, calls = Tape(), []

    def work(x: torch.Tensor, key: int) -> torch.Tensor:
        calls.append(tuple(x.shape))
        return x * key

    twice = Captured(work, tape)
    results = [twice(torch.full((2,), float(n)), key=2) for n in range(4)]
    assert [r.tolist() for r in results] == [[2.0 * n] * 2 for n in range(4)]
    assert (tape.recorded, tape.replayed) == (1, 3)
    # Another shape or key is another recording.
    for _ in range(2):
        assert twice(torch.ones(3), key=2).tolist() == [2.0] * 3
        assert twice(torch.ones(2), key=3).tolist() == [3.0] * 2
    assert tape.recorded == 3
    for size in range(4, 4 + MAX_RECORDINGS):
        for _ in range(2):
            twice(torch.ones(size), key=2)
    assert len(twice._recordings) == MAX_RECORDINGS
    assert Captured(work, None)(torch.ones(2), key=5).tolist() == [5.0] * 2


@torch.no_grad()
def test_static_steps_give_the_states_of_the_plain_ones() -> None:
    model = build_model(build_tokenizer(["go"] * 2, 600), seed=1).eval()
    ids = torch.randint(0, 500, (40,), generator=torch.Generator().manual_seed(0))
    tape = Tape()
    plain, static = CachedLanguageModel(model, 48), CachedLanguageModel(model, 48, tape)
    for count, states in ((9, 1), (4, 4), (1, 1), (1, 1), (4, 2), (4, 2), (1, 1), (4, 2)):
        for language in (plain, static):
            if language.length > 20:
                language.truncate(14)
        at = plain.length
        assert static.length == at
        embedded = plain.embed(ids[at : at + count])
        ours = static.extend_all(embedded, at, states)
        torch.testing.assert_close(
            ours, plain.extend_all(embedded, at, states), rtol=1e-4, atol=1e-5
        )
    assert tape.recorded == 2
    assert tape.replayed >= 4
    with pytest.raises(ValueError, match="do not fit"):
        static.extend_all(plain.embed(ids), static.length, 1)


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_play_answers_the_same_with_recorded_steps(
    checkpoint: Path, frames: list[Frame], monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    def answers(recorder: Recorder | None) -> list[tuple[int, ...]]:
        monkeypatch.setattr(vla, "recorder_for", lambda _model: recorder)
        policy = VlaPolicy.load(checkpoint, device="cpu", threads=1, sampling=Sampling(temperature))
        policy.reset("shoot the imp", seed=3)
        found = []
        for frame in frames * 3:
            policy.propose(Observation(frame, "shoot the imp"))
            assert policy.answer is not None
            found.append(policy.answer.numbers)
        return found

    tape = Tape()
    assert answers(tape) == answers(None)
    assert tape.replayed > tape.recorded > 1


def test_nothing_is_recorded_on_a_cpu() -> None:
    assert recorder_for(build_model(build_tokenizer(["go"] * 2, 600))) is None


@pytest.mark.gpu
@torch.no_grad()
def test_a_gpu_replays_the_same_numbers() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    model = build_model(build_tokenizer(["go"] * 2, 600), seed=1).eval().cuda()
    assert isinstance(recorder_for(model), CudaRecorder)
    ids = torch.randint(0, 500, (40,), device="cuda")
    plain, static = CachedLanguageModel(model, 48), CachedLanguageModel(model, 48, CudaRecorder())
    for count in (9, 1, 1, 1, 4, 4, 4):
        at = plain.length
        embedded = plain.embed(ids[at : at + count])
        ours = static.extend_all(embedded, at, count)
        torch.testing.assert_close(
            ours, plain.extend_all(embedded, at, count), rtol=1e-3, atol=1e-4
        )
