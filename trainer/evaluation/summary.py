"""The result document of ``playteach evaluate``: rates with intervals, by verb and sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recorder.types import Outcome
from trainer.evaluation.run import Played
from trainer.evaluation.verdict import wilson

JUDGED = frozenset({Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMEOUT})
"""How an attempt ends that says whether the player can do what was asked."""


def summarise(
    policy: str,
    results: Sequence[Played],
    *,
    stepping: str,
    verbs: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the result document of ``playteach evaluate``.

    Rates are 0..1 with Wilson's 95 % interval, over the attempts that the game judged; without
    any a rate is None.  ``unjudged`` counts the others, which are neither success nor failure.
    ``ticks_per_s`` is the mean speed of one game while it played.  ``verbs`` maps a task's id to
    its verb, for a table by verb.
    ``wrong_rate`` is the part that the game called a failure: done, but to another thing
    than asked or the wrong way.
    """
    by_verb: dict[str, list[Played]] = {}
    for result in results:
        verb = (verbs or {}).get(result.task_id)
        if verb:
            by_verb.setdefault(verb, []).append(result)
    rates = _rates(results)
    wrong = sum(result.outcome is Outcome.FAILURE for result in results)
    groups: dict[str, list[Played]] = {}
    for result in results:
        groups.setdefault(result.heard, []).append(result)
    seconds = sum(result.seconds for result in results)
    return {
        "policy": policy,
        **rates,
        "wrong_rate": round(wrong / rates["n"], 4) if rates["n"] else None,
        "by_verb": {verb: _rates(group) for verb, group in by_verb.items()},
        "by_instruction": {heard: _rates(group) for heard, group in groups.items()},
        "ticks_per_s": round(sum(r.ticks for r in results) / seconds, 1) if seconds else 0.0,
        "stepping": stepping,
    }


def _rates(results: Sequence[Played]) -> dict[str, Any]:
    judged = [result for result in results if result.outcome in JUDGED]
    n, success = len(judged), sum(result.success for result in judged)
    low, high = wilson(success, n)
    outcomes = [str(result.outcome) for result in results]
    return {
        "n": n,
        "success": success,
        "unjudged": len(results) - n,
        "success_rate": round(success / n, 4) if n else None,
        "interval": [round(low, 4), round(high, 4)],
        "outcomes": {name: outcomes.count(name) for name in sorted(set(outcomes))},
    }
