"""The little language that chooses episodes: ``playteach round --episodes QUERY``.

Terms stand side by side, separated by spaces, each ``name:value``; a value with spaces
goes in double quotes.  Different names narrow the choice, the same name twice widens it.

=================  ==========================================================
``id:7`` ``id:3-9``     these episodes (both ends count)
``game:doom``           this game; ``*`` stands for anything
``task:go_to:*``        the task's id; ``*`` stands for anything
``text:"red torch"``    words that the instruction contains, any case
``kind:demonstration``  demonstration or rollout
``outcome:success``     success, failure, timeout, abandoned, interrupted, unknown
``policy:base``         who played; ``*`` stands for anything
``adapter:4``           the adapter that played; ``adapter:none`` for the bare base
``split:train``         train, select or gate
``corrected:yes``       whether the person took over in it: yes or no
``since:last-round``    recorded after the newest finished round began (or ``since:round-3``);
                        with ``game:``, after that game's newest round
=================  ==========================================================

An empty query means every episode.  What is in the bin is never chosen.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

from recorder.errors import UsageError
from recorder.store.rows import EpisodeKind, Split
from recorder.types import Outcome

SINCE_LAST_ROUND = 0
"""Value of ``since_round`` for the newest round that is done."""


@dataclass(frozen=True, slots=True)
class EpisodeQuery:
    """Which episodes are meant; an empty field does not narrow.

    ``ids`` are inclusive ranges.  ``games``, ``tasks`` and ``policies`` may hold ``*``.
    ``adapters`` holds ids, None for the bare base.  ``since_round`` is a round's id, or
    :data:`SINCE_LAST_ROUND`.
    """

    ids: tuple[tuple[int, int], ...] = ()
    games: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    kinds: tuple[EpisodeKind, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    policies: tuple[str, ...] = ()
    adapters: tuple[int | None, ...] = ()
    splits: tuple[Split, ...] = ()
    corrected: bool | None = None
    since_round: int | None = None


EVERY_EPISODE = EpisodeQuery()


def parse_query(text: str) -> EpisodeQuery:
    """Read a query; raises UsageError with a sentence that names the bad term."""
    try:
        terms = shlex.split(text)
    except ValueError as error:
        raise UsageError(
            f"The choice of episodes {text!r} has a quotation mark without its partner, so "
            "nothing was chosen; put a second one behind the words."
        ) from error
    query = EVERY_EPISODE
    for term in terms:
        name, colon, value = term.partition(":")
        read = _READERS.get(name)
        if read is None or not colon or not value:
            raise UsageError(
                f"{term!r} is no way to choose episodes, so nothing was chosen; use terms like "
                f"id:3-9 or outcome:success (known: {', '.join(sorted(_READERS))})."
            )
        query = read(query, value)
    return query


def games_named(text: str) -> tuple[str, ...]:
    """Return the games that a stored query names, whatever else is in it; () for none.

    An earlier version's query may hold terms that are none any more.
    """
    try:
        terms = [term.partition(":") for term in shlex.split(text)]
    except ValueError:
        return ()
    return tuple(value for name, _, value in terms if name == "game" and value)


def of_game(text: str, game: str) -> str:
    """Return a query narrowed to one game, or as it is where it names games itself.

    Raises UsageError for a query that cannot be read.
    """
    return text if parse_query(text).games else f"{text} game:{shlex.quote(game)}".strip()


def _bad(name: str, value: str, wanted: str) -> UsageError:
    return UsageError(
        f"{name}:{value} is no way to choose episodes, so nothing was chosen; "
        f"after {name}: comes {wanted}."
    )


def _read_id(query: EpisodeQuery, value: str) -> EpisodeQuery:
    match = re.fullmatch(r"(\d{1,18})(?:-(\d{1,18}))?", value, re.ASCII)
    if match is None:
        raise _bad("id", value, "a number or a range like 3-9")
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    if last < first:
        raise _bad("id", value, "a range whose first number is the smaller one")
    return replace(query, ids=(*query.ids, (first, last)))


def _read_kind(query: EpisodeQuery, value: str) -> EpisodeQuery:
    if value not in list(EpisodeKind):
        raise _bad("kind", value, " or ".join(EpisodeKind))
    return replace(query, kinds=(*query.kinds, EpisodeKind(value)))


def _read_outcome(query: EpisodeQuery, value: str) -> EpisodeQuery:
    if value not in list(Outcome):
        raise _bad("outcome", value, "one of " + ", ".join(Outcome))
    return replace(query, outcomes=(*query.outcomes, Outcome(value)))


def _read_split(query: EpisodeQuery, value: str) -> EpisodeQuery:
    if value not in list(Split):
        raise _bad("split", value, " or ".join(Split))
    return replace(query, splits=(*query.splits, Split(value)))


def _read_adapter(query: EpisodeQuery, value: str) -> EpisodeQuery:
    if value != "none" and not re.fullmatch(r"\d{1,18}", value, re.ASCII):
        raise _bad("adapter", value, "an adapter's number or none")
    return replace(query, adapters=(*query.adapters, None if value == "none" else int(value)))


def _read_corrected(query: EpisodeQuery, value: str) -> EpisodeQuery:
    if value not in ("yes", "no"):
        raise _bad("corrected", value, "yes or no")
    return replace(query, corrected=value == "yes")


def _read_since(query: EpisodeQuery, value: str) -> EpisodeQuery:
    if value == "last-round":
        return replace(query, since_round=SINCE_LAST_ROUND)
    match = re.fullmatch(r"round-([1-9]\d{0,17})", value, re.ASCII)
    if match is None:
        raise _bad("since", value, "last-round, or a round like round-3")
    return replace(query, since_round=int(match[1]))


_READERS: dict[str, Callable[[EpisodeQuery, str], EpisodeQuery]] = {
    "id": _read_id,
    "game": lambda query, value: replace(query, games=(*query.games, value)),
    "task": lambda query, value: replace(query, tasks=(*query.tasks, value)),
    "text": lambda query, value: replace(query, texts=(*query.texts, value)),
    "kind": _read_kind,
    "outcome": _read_outcome,
    "policy": lambda query, value: replace(query, policies=(*query.policies, value)),
    "adapter": _read_adapter,
    "split": _read_split,
    "corrected": _read_corrected,
    "since": _read_since,
}
