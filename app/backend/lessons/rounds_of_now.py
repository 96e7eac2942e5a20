"""Which past rounds used the model and the game that are open; only their results are shown."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from app.backend.ports import VerdictFacts
from model.adapters.in_use import belongs
from recorder.errors import UsageError
from recorder.store import AdapterRow, Reader, RoundRow, parse_query
from trainer.rounds.times import read_took

log = logging.getLogger(__name__)


def is_of_now(row: RoundRow, adapters: Mapping[int, AdapterRow], base: Path, game: str) -> bool:
    """Return whether a round made one of ``adapters`` for a checkpoint, in a game.

    Of a round that says neither what it took nor what it was about, any game is taken to be it.
    """
    adapter = adapters.get(row.adapter_id or 0)
    if adapter is None or not belongs(adapter, base):
        return False
    took = read_took(row.metrics)
    if took is not None:
        return took.game == game
    try:
        games = parse_query(row.query).games
    except UsageError as error:
        log.warning("round %s: %s", row.id, error.sentence)
        return False
    return not games or game in games


def made_now(reader: Reader, verdict: VerdictFacts, base: Path, game: str) -> bool:
    """Return whether the round of a card is one for a checkpoint, in a game."""
    adapters = {row.id: row for row in reader.adapters()}
    rows = (row for row in reader.rounds() if row.id == verdict.round_id)
    return any(is_of_now(row, adapters, base, game) for row in rows)
