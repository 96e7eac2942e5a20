"""``playteach benchmark sentences``: telling what was never taught from what was.

Against sentences written by hand by somebody who had seen none of the yard's own: those
of "said", which were at hand when the threshold was chosen, and those of "free", which
were written after it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.backend.sentences.familiarity_hint import taught_to
from app.benchmarks.common import Say, Target, report
from model.language.familiarity import UNFAMILIAR_FROM, Repertoire, taught_sentences
from model.paths import default_checkpoint
from recorder.games.doom.tasks import ALL_TASKS, TRAINED_TASKS, task_folder
from recorder.games.doom.things import ALL_KINDS

TARGETS = {
    "auc_unrelated": Target(0.9, at_least=True),
    "auc_near_misses": Target(0.75, at_least=True),
}
SAID_FILE = "said.json"


def measure(runs: int, say: Say) -> dict[str, object]:
    """Score the lists once; there is no chance in it, so ``runs`` makes no difference."""
    lists = json.loads((task_folder() / SAID_FILE).read_text(encoding="utf-8"))
    yard = taught_to(default_checkpoint(), ALL_TASKS)
    by_hand = [each["say"] for each in lists["said"]]
    held_out = [sentence for task in TRAINED_TASKS for sentence in task.heldout_phrasings]
    familiar = scores(yard, [*held_out, *by_hand])
    written, later = scores(yard, by_hand), scores(yard, [each["say"] for each in lists["free"]])
    unrelated, near = scores(yard, lists["unrelated"]), scores(yard, lists["near_misses"])
    say(f"{len(familiar)} sentences that should be familiar, {len(unrelated)} and {len(near)} not")
    figures = {
        "auc_unrelated": area_under_curve(unrelated, familiar),
        "auc_near_misses": area_under_curve(near, familiar),
        "auc_unrelated_by_hand": area_under_curve(unrelated, written),
        "auc_near_misses_by_hand": area_under_curve(near, written),
        "called_unfamiliar_unrelated": called_unfamiliar(unrelated),
        "called_unfamiliar_near_misses": called_unfamiliar(near),
        "called_unfamiliar_held_out": called_unfamiliar(scores(yard, held_out)),
        "called_unfamiliar_by_hand": called_unfamiliar(written),
        "closest_is_meant_by_hand": closest_is_meant(yard, lists["said"]),
        "auc_unrelated_free": area_under_curve(unrelated, later),
        "auc_near_misses_free": area_under_curve(near, later),
        "called_unfamiliar_other_sorts": called_unfamiliar(scores(yard, other_sorts())),
        "called_unfamiliar_denied": called_unfamiliar(scores(yard, denied())),
        "called_unfamiliar_free": called_unfamiliar(later),
        "closest_is_meant_free": closest_is_meant(yard, lists["free"]),
    }
    return report("sentences", [figures] * runs, TARGETS)


def other_sorts() -> list[str]:
    """Return known verbs with known things that they cannot be done to: "open the medkit"."""
    nouns = [kind.phrase for kind in ALL_KINDS]
    about = [task for task in ALL_TASKS if task.thing in nouns]
    forms = dict.fromkeys(task.instruction.replace(task.thing, "{}") for task in about)
    known = {task.instruction for task in ALL_TASKS}
    asked = [form.format(noun) for form in forms for noun in nouns]
    # Whatever stands there can be gone to and looked at.
    return [said for said in asked if said not in known and said.split()[0] not in ("go", "face")]


def denied() -> list[str]:
    """Return what was taught of things as something that is not to be done."""
    return [
        f"{never} {task.instruction}"
        for task in TRAINED_TASKS
        if task.thing and "+" not in task.id
        for never in ("do not", "don't", "never")
    ]


def scores(repertoire: Repertoire, sentences: Sequence[str]) -> NDArray[np.float64]:
    """Return how unfamiliar each sentence is."""
    return np.array([repertoire.score(sentence) for sentence in sentences])


def called_unfamiliar(scored: NDArray[np.float64]) -> float:
    """Return the share of scores that the window would tell of."""
    return float((scored >= UNFAMILIAR_FROM).mean())


def area_under_curve(higher: NDArray[np.float64], lower: NDArray[np.float64]) -> float:
    """Return the chance that one of ``higher`` lies above one of ``lower``, ties as half."""
    above = (higher[:, None] > lower[None, :]) + 0.5 * (higher[:, None] == lower[None, :])
    return float(above.mean())


def closest_is_meant(repertoire: Repertoire, said: Sequence[dict[str, str]]) -> float:
    """Return for which share of sentences the closest taught one is of the task meant."""
    owners: dict[str, set[str]] = {}
    for task in ALL_TASKS:
        for sentence in taught_sentences([task]):
            owners.setdefault(sentence, set()).add(task.id)
    right = [each["task"] in owners.get(repertoire.closest(each["say"]), ()) for each in said]
    return sum(right) / len(right)
