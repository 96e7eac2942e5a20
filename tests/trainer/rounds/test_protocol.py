from __future__ import annotations

import pytest

from trainer.rounds import protocol

MESSAGES = [
    protocol.Stage("training", "Learning."),
    protocol.Step(3, 10, 0.5, held_out=0.4, eta_s=7.0),
    protocol.Gate("legal", passed=True, sentence="Fine.", figures={"legality": 1.0}),
    protocol.Done("folder", passed=False, metrics={"a": [1, 2]}),
    protocol.Failed("It did not work."),
    protocol.Played(1, 2, 1, "before"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.kind)
def test_every_message_survives_the_line(message: protocol.Message) -> None:
    line = protocol.to_json(message)
    assert "\n" not in line
    assert protocol.parse(line) == message


@pytest.mark.parametrize(
    "line",
    ["", "{}", "[]", '{"kind": "step"}', '{"kind": "nonsense"}', '{"kind": []}', "Loading weights"],
)
def test_anything_else_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        protocol.parse(line)
