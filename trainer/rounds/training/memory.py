"""Predicts how much memory a round needs, before it begins.  No torch."""

from __future__ import annotations

from pathlib import Path

from model.vla.device import SMALL_HIDDEN, DeviceChoice
from model.vla.memory import PRECISIONS, Need, free_bytes, measures, predict
from model.vla.preprocess import CheckpointSpec
from recorder.errors import ModelError

RANK = 16
BATCH = 24
COPIES = 7
"""Of the adapter, in float32: itself, gradient, two moments, best, start and full strength."""
WORDS = 160
"""Tokens around a picture: the sentence, the turns' marks and the answer."""
PICTURES_AT_ONCE = 16


def predict_round(
    folder: Path,
    choice: DeviceChoice,
    precision: str | None,
    spec: CheckpointSpec,
    examples: int,
) -> Need:
    """Return what a round of ``examples`` pictures on a checkpoint will need, in bytes.

    Raises ModelError for a file whose header is none, UsageError for an unknown precision.
    """
    size = 4 if choice.dtype == "float32" else 2
    play = predict(folder, choice.dtype, precision, choice.device)
    sizes = measures(folder)
    weights = play.weights
    if precision in ("8bit", "4bit"):
        # peft puts all that is not packed into float32.
        weights += (4 - size) * sizes.outside_layers
    hidden, wide, keys = sizes.hidden, sizes.intermediate, sizes.key_width
    # Of query and output, key and value, gate and up and down.
    ends = 4 * hidden + 2 * (hidden + keys) + 3 * (hidden + wide)
    adapter = RANK * ends * sizes.layers * 4 * COPIES
    tokens = BATCH * (spec.image_tokens + WORDS) * (1 + spec.history)
    inside = tokens * (8 * hidden + 4 * wide) * size
    kept = (
        tokens * hidden * sizes.layers * size + inside
        if hidden >= SMALL_HIDDEN
        else inside * sizes.layers
    )
    seen = examples * spec.image_tokens * hidden * size
    if choice.device == "cpu":
        seen += examples * spec.width * spec.height * 3
    looking = PICTURES_AT_ONCE * play.work
    return Need(weights, seen, adapter + max(kept, looking), play.context)


def check_round_memory(
    folder: Path,
    choice: DeviceChoice,
    precision: str | None,
    spec: CheckpointSpec,
    examples: int,
) -> None:
    """Raise ModelError where a round would not fit into the device's free memory."""
    need = predict_round(folder, choice, precision, spec, examples).total
    free = free_bytes(choice.device)
    if need <= free:
        return
    fewer = PRECISIONS[1:] if choice.device.startswith("cuda") else ()
    smaller = [
        f"{name} ({amount / 1e9:.1f} GB)"
        for name in fewer
        if (amount := predict_round(folder, choice, name, spec, examples).total) <= free
    ]
    instead = (
        f"close other programs or teach it with {' or '.join(smaller)}"
        if smaller
        else "close other programs, teach fewer episodes at once or teach on another machine"
    )
    raise ModelError(
        f"A round on {folder.name!r} needs about {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are "
        f"free, so none was started; {instead}."
    )
