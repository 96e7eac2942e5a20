"""What a round says on its way, collected: its loss curve, its gates, its times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trainer.evaluation.verdicts.verdict import Line, Part
from trainer.rounds import protocol

GATE_WORDS = {True: "passed", False: "failed", None: "not checked"}


@dataclass(slots=True)
class RoundDiary:
    """Hears every message of a round; ``tell`` gets a sentence now and then.

    ``losses`` holds (step, loss, held-out loss or None), ``practice`` (seconds, attempts so far,
    share of the newest that succeeded).  ``training_s`` is the time up
    to the end of the offline gates, ``evaluation_s`` that of the paired play after it, without the
    old tasks.
    ``material`` is what the round learnt from (:mod:`trainer.data.material`), empty before its end.
    """

    tell: Callable[[str], None] = lambda sentence: None
    losses: list[tuple[int, float, float | None]] = field(default_factory=list)
    practice: list[tuple[float, int, float]] = field(default_factory=list)
    gates: list[protocol.Gate] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    training_s: float | None = None
    evaluation_s: float | None = None
    material: dict[str, Any] = field(default_factory=dict)
    _began_s: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """Count times from now on."""
        self._began_s = time.monotonic()

    def hear(self, message: protocol.Message) -> None:
        """Take a message; fits ``RoundClient.run(say=...)``."""
        now_s = time.monotonic() - self._began_s
        match message:
            case protocol.Stage():
                self.stages[message.name] = round(now_s, 2)
                self.tell(message.sentence)
            case protocol.Step():
                self.losses.append((message.step, message.loss, message.held_out))
                if message.step % 20 == 0 or message.step == message.steps:
                    left = "" if message.eta_s is None else f", {message.eta_s:.0f} s left"
                    self.tell(f"step {message.step} of {message.steps}: {message.loss:.3f}{left}")
            case protocol.Gate():
                self.gates.append(message)
                self.tell(f"{GATE_WORDS[message.passed]}: {message.sentence}")
            case protocol.Measured():
                self.lines.append(message.line)
                self.tell(message.line.sentence)
            case protocol.Practised():
                self.practice.append(
                    (message.seconds, message.attempts, message.newest_good / message.newest)
                )
                self.tell(
                    f"{message.seconds / 60:.1f} of {message.whole_s / 60:g} min practised: "
                    f"{message.newest_good} of the newest {message.newest} attempts succeeded"
                )
            case protocol.Done() | protocol.Failed():
                self.training_s = round(now_s, 2)
                if isinstance(message, protocol.Done):
                    self.material = message.metrics.get("material", {})
            case protocol.Played():
                if self.training_s is not None and message.side != Part.OLD_TASKS:
                    self.evaluation_s = round(now_s - self.training_s, 2)
                if message.done % 10 == 0 or message.done == message.total:
                    self.tell(
                        f"{message.side}: {message.done} of {message.total} played, "
                        f"{message.successes} succeeded"
                    )

    def document(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        return {
            "training_s": self.training_s,
            "evaluation_s": self.evaluation_s,
            "material": self.material,
            "stages": self.stages,
            "steps": len(self.losses),
            "losses": [list(each) for each in self.losses],
            "practice": [list(each) for each in self.practice],
            "gates": [
                {
                    "name": gate.name,
                    "passed": gate.passed,
                    "sentence": gate.sentence,
                    "figures": gate.figures,
                }
                for gate in self.gates
            ],
        }
