from __future__ import annotations

import pytest

from trainer import progress

MESSAGES = [
    progress.Stage("training", "Learning."),
    progress.Step(3, 10, 0.5, held_out=0.4, eta_s=7.0),
    progress.Metric("loss", 0.1),
    progress.Gate("legal", passed=True, sentence="Fine.", figures={"legality": 1.0}),
    progress.Done("folder", passed=False, metrics={"a": [1, 2]}),
    progress.Failed("It did not work."),
    progress.Played(1, 2, 1, "before"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.kind)
def test_every_message_survives_the_line(message: progress.Message) -> None:
    line = progress.to_json(message)
    assert "\n" not in line
    assert progress.parse(line) == message


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", '{"kind": "step"}', '{"kind": "nonsense"}', "Loading weights"]
)
def test_anything_else_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        progress.parse(line)
