"""Steps of a GPU recorded once and replayed: what Python and the launches cost is paid once.

A large model's step is hundreds of small launches, and on a fast GPU they take longer than
the work.  A function of tensors whose shapes repeat is recorded as a CUDA graph at its second
call with them; from then on its inputs are copied into place and the recording is replayed.
The recorded kernels are those of the plain call, so the numbers are the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MAX_RECORDINGS = 48
"""Guesses have many lengths; the one that was replayed longest ago makes room."""
WARM_UPS = 2
Work = Callable[..., torch.Tensor]
Replay = Callable[[], object]


class Recorder(Protocol):
    """Records what is launched."""

    def record(self, work: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, Replay]:
        """Run ``work`` once or more; return its result's place and what fills it anew."""
        ...


class CudaRecorder:
    """Records CUDA graphs that share one pool of memory."""

    def __init__(self) -> None:
        self._pool: Any = None

    def record(self, work: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, Replay]:
        """Record ``work``, which must read and write tensors that stay where they are."""
        aside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            # Libraries choose and allocate at their first calls, which must not be recorded.
            for _ in range(WARM_UPS):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            result = work()
        self._pool = graph.pool()
        return result, graph.replay


class Captured:
    """A function of tensors, replayed where its inputs' shapes and ``key`` were seen before.

    Without a recorder it is the function itself.  What the function writes besides its result
    must be the same for the same inputs, as it is run several times while it is recorded.
    """

    def __init__(self, work: Work, recorder: Recorder | None) -> None:
        self._work = work
        self._recorder = recorder
        self._seen: set[tuple[Any, ...]] = set()
        self._recordings: OrderedDict[
            tuple[Any, ...], tuple[list[torch.Tensor], torch.Tensor, Replay]
        ] = OrderedDict()

    def __call__(self, *tensors: torch.Tensor, key: int = 0) -> torch.Tensor:
        """Return the function's result; ``key`` is its last argument."""
        if self._recorder is None:
            return self._work(*tensors, key)
        shape = (key, *((each.shape, each.dtype) for each in tensors))
        if shape in self._recordings:
            self._recordings.move_to_end(shape)
            inputs, result, replay = self._recordings[shape]
            for place, tensor in zip(inputs, tensors, strict=True):
                place.copy_(tensor)
            replay()
            # The place is overwritten by the next replay.
            return result.clone()
        if shape not in self._seen:
            self._seen.add(shape)
            return self._work(*tensors, key)
        inputs = [each.clone() for each in tensors]
        result, replay = self._recorder.record(lambda: self._work(*inputs, key))
        self._recordings[shape] = (inputs, result, replay)
        if len(self._recordings) > MAX_RECORDINGS:
            self._recordings.popitem(last=False)
        replay()
        return result.clone()


def recorder_for(model: PreTrainedModel) -> Recorder | None:
    """Return what records a model's steps, None where that brings nothing or cannot be.

    Packed layers decide on the way by what they see, so they cannot be recorded.
    """
    text = model.model.language_model
    if not next(model.parameters()).is_cuda:
        return None
    linears = [
        module
        for layer in text.layers
        for part in (layer.self_attn, layer.mlp)
        for module in part.children()
        if hasattr(module, "weight")
    ]
    return CudaRecorder() if all(type(each) is nn.Linear for each in linears) else None
