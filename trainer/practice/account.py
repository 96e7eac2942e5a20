"""How far practice is: what was played, what came of it, and the file that a killed one resumes.

In which folder it looks for that file is said in ``trainer/rounds/working_folder.py``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from recorder.types import Outcome
from trainer.practice.collector import Tried
from trainer.practice.config import PracticeConfig
from trainer.practice.learner import Learner, Learnt
from trainer.rounds import protocol
from trainer.rounds.training.lora import LoraTask
from trainer.rounds.working_folder import PRACTICE_FILE


@dataclass(slots=True)
class Account:
    """What was practised; ``identity`` tells it from practice of anything else.

    ``steps`` were learnt in.  ``curve`` has an entry an iteration: seconds since the beginning,
    attempts, successes, mean divergence from the start (nats a token).
    """

    identity: str
    seconds: float = 0.0
    steps: int = 0
    curve: list[tuple[float, int, int, float]] = field(default_factory=list)

    @property
    def iterations(self) -> int:
        """How often it played and learnt."""
        return len(self.curve)

    @property
    def attempts(self) -> int:
        """All attempts."""
        return sum(attempts for _, attempts, _, _ in self.curve)

    @property
    def successes(self) -> int:
        """Those that succeeded."""
        return sum(successes for _, _, successes, _ in self.curve)

    def add(self, tried: Sequence[Tried], learnt: Learnt, seconds: float) -> None:
        """Add an iteration that ended ``seconds`` after the beginning."""
        self.seconds = seconds
        self.steps += learnt.steps
        good = sum(each.outcome is Outcome.SUCCESS for each in tried)
        self.curve.append((round(seconds, 1), len(tried), good, round(learnt.kl, 5)))

    def message(self, whole_s: float) -> protocol.Practised:
        """Return what is said after an iteration; ``whole_s`` is how long it lasts in all."""
        _, attempts, successes, _ = self.curve[-1]
        return protocol.Practised(
            round(self.seconds, 1), whole_s, self.attempts, self.successes, attempts, successes
        )

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "seconds": round(self.seconds, 1),
            "attempts": self.attempts,
            "successes": self.successes,
            "curve": [list(each) for each in self.curve],
        }

    def save(self, folder: Path, task: LoraTask, learner: Learner) -> None:
        """Write all that goes on into one file, replaced at one stroke: a kill finds old or new."""
        state: dict[str, torch.Tensor] = {}
        for name, parameter in task.trainable.items():
            state[f"weights.{name}"] = parameter.detach().clone()
            for moment, tensor in learner.optimizer.state[parameter].items():
                state[f"{moment}.{name}"] = torch.as_tensor(tensor).clone()
        fresh = folder / f"{PRACTICE_FILE}.new"
        save_file(state, fresh, metadata={"account": json.dumps(asdict(self))})
        fresh.replace(folder / PRACTICE_FILE)


def identity_of(
    base: str,
    parent: Path | None,
    game: str,
    sentences: Sequence[str],
    config: PracticeConfig,
    eyes: Sequence[str] = (),
) -> str:
    """Return a hash over what is practised, on what, how, and by which ``eyes``.

    Not over how long: practice that was killed may be taken up for longer.
    """
    name = None if parent is None else str(parent)
    facts = [base, name, game, list(sentences), {**asdict(config), "seed": None}, *eyes]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def resumed(folder: Path, identity: str, task: LoraTask, learner: Learner) -> Account:
    """Return the account of a killed practice of the same, and load its weights and moments.

    A new account if there is none.
    """
    file = folder / PRACTICE_FILE
    if not file.exists():
        return Account(identity)
    with safe_open(file, framework="pt") as stored:
        raw = json.loads(stored.metadata()["account"])
        if raw["identity"] != identity:
            return Account(identity)
        names = set(stored.keys())
        with torch.no_grad():
            for name, parameter in task.trainable.items():
                parameter.copy_(stored.get_tensor(f"weights.{name}"))
                moments = {
                    moment: stored.get_tensor(f"{moment}.{name}")
                    for moment in ("step", "exp_avg", "exp_avg_sq")
                    if f"{moment}.{name}" in names
                }
                if moments:
                    learner.optimizer.state[parameter] = moments
    curve = [(at, attempts, good, kl) for at, attempts, good, kl in raw["curve"]]
    return Account(identity, raw["seconds"], raw["steps"], curve)
