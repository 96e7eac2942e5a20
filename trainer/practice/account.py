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
from trainer.practice.known_words import OWN, Tally
from trainer.practice.learner import Learner, Learnt
from trainer.rounds import protocol
from trainer.rounds.training.lora import LoraTask
from trainer.rounds.working_folder import PRACTICE_FILE


@dataclass(slots=True)
class Account:
    """What was practised; ``identity`` tells it from practice of anything else.

    ``steps`` were learnt in.  ``tallies`` has for each sentence how often it was told in which
    words, "" for its own, and how often that succeeded.  ``curve`` has an entry an iteration:
    seconds since the beginning, attempts told the sentence itself, those that succeeded, mean
    divergence from before on what it could (nats a token).
    """

    identity: str
    seconds: float = 0.0
    steps: int = 0
    tallies: dict[str, dict[str, Tally]] = field(default_factory=dict)
    curve: list[tuple[float, int, int, float]] = field(default_factory=list)

    @property
    def iterations(self) -> int:
        """How often it played and learnt."""
        return len(self.curve)

    @property
    def attempts(self) -> int:
        """All attempts."""
        return sum(tries for told in self.tallies.values() for tries, _ in told.values())

    @property
    def successes(self) -> int:
        """Those that succeeded."""
        return sum(good for told in self.tallies.values() for _, good in told.values())

    def add(self, tried: Sequence[Tried], learnt: Learnt, seconds: float) -> None:
        """Add an iteration that ended ``seconds`` after the beginning."""
        self.seconds = seconds
        self.steps += learnt.steps
        for each in tried:
            told = self.tallies.setdefault(each.made.start.heard, {})
            tries, good = told.get(each.made.told, (0, 0))
            told[each.made.told] = tries + 1, good + (each.outcome is Outcome.SUCCESS)
        # If the time was over before one of its own was played, the others tell.
        own = [each for each in tried if each.made.told == OWN] or tried
        good = sum(each.outcome is Outcome.SUCCESS for each in own)
        self.curve.append((round(seconds, 1), len(own), good, round(learnt.kl, 5)))

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
            "told": {heard: dict(told) for heard, told in self.tallies.items()},
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
    tallies = {
        heard: {said: (tries, good) for said, (tries, good) in told.items()}
        for heard, told in raw["tallies"].items()
    }
    return Account(identity, raw["seconds"], raw["steps"], tallies, curve)
