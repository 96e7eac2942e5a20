"""The result document of ``playteach evaluate``: rates with intervals, by verb and sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recorder.types import Outcome
from trainer.evaluation.starts import Attempt
from trainer.evaluation.verdicts.verdict import wilson


def summarise(
    policy: str,
    results: Sequence[Attempt],
    *,
    stepping: str,
    verbs: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the result document of ``playteach evaluate``.

    Rates are 0..1 of the judged attempts ``n``, with Wilson's 95 % interval; None where nothing
    was judged.  ``unjudged`` counts the attempts that nobody judged, which are no failures.
    ``ticks_per_s`` is the mean speed of one game in the attempts whose time is known.
    ``verbs`` maps a task's id to its verb, for a table by verb.  ``wrong_rate`` is the part that
    the game called a failure: done, but to another thing than asked or the wrong way.
    """
    by_verb: dict[str, list[Attempt]] = {}
    for result in results:
        verb = (verbs or {}).get(result.task_id)
        if verb:
            by_verb.setdefault(verb, []).append(result)
    groups: dict[str, list[Attempt]] = {}
    for result in results:
        groups.setdefault(result.heard, []).append(result)
    rates = rates_of(results)
    wrong = sum(result.outcome is Outcome.FAILURE for result in results)
    timed = [result for result in results if result.seconds]
    seconds = sum(result.seconds or 0.0 for result in timed)
    return {
        "policy": policy,
        **rates,
        "wrong_rate": round(wrong / rates["n"], 4) if rates["n"] else None,
        "by_verb": {verb: rates_of(group) for verb, group in by_verb.items()},
        "by_instruction": {heard: rates_of(group) for heard, group in groups.items()},
        "ticks_per_s": round(sum(r.ticks for r in timed) / seconds, 1) if seconds else 0.0,
        "stepping": stepping,
    }


def rates_of(results: Sequence[Attempt]) -> dict[str, Any]:
    """Return counts, rate and interval of attempts; what nobody judged is counted apart."""
    judged = [result for result in results if result.judged]
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
