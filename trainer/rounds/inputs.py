"""What a round begins with: the episodes that were chosen, and the adapter that it goes on from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from recorder.errors import ModelError, UsageError

if TYPE_CHECKING:
    from model.adapters.folders import AdapterMeta
    from recorder.store import EpisodeRow, Reader, RoundRow


def chosen_episodes(reader: Reader, text: str, round_id: int | None = None) -> list[EpisodeRow]:
    """Return the episodes that a round learns from, newest first.

    Those that were fixed when the round ``round_id`` began, without what has been put into the
    bin since; without a round, as it is started by hand, those of the query ``text``.

    Raises UsageError if they are of several games and the query names none: one game's keys
    and sentences would be taught in another's pictures.
    """
    from recorder.store import parse_query

    query = parse_query(text)
    rows = reader.episodes(query) if round_id is None else _fixed(reader, round_id)
    games = sorted({row.game for row in rows if row.ticks})
    if len(games) > 1 and not query.games:
        raise UsageError(
            f"The chosen episodes are of several games ({', '.join(games)}), so no round was "
            f"started; add game:{games[0]} to the choice, or game:* to teach all of them at once."
        )
    return rows


def reach_of(reader: Reader, round_id: int | None) -> int | None:
    """Return the newest episode that a round may look at, None for one by hand: any."""
    if round_id is None:
        return None
    return _round(reader, round_id).through_episode_id


def _fixed(reader: Reader, round_id: int) -> list[EpisodeRow]:
    from recorder.store import EpisodeQuery

    chosen = frozenset(_round(reader, round_id).chosen or ())
    if not chosen:
        return []
    span = EpisodeQuery(ids=((min(chosen), max(chosen)),))
    return [row for row in reader.episodes(span) if row.id in chosen]


def _round(reader: Reader, round_id: int) -> RoundRow:
    """Return a round's row; raises ValueError for a number that is no round's."""
    for row in reader.rounds():
        if row.id == round_id:
            return row
    raise ValueError(f"there is no round {round_id}")


def parent_of(parent_folder: Path | None, base: str) -> AdapterMeta | None:
    """Return the adapter to start from; raises ModelError for one of another base."""
    from model.adapters.folders import read_meta

    if parent_folder is None:
        return None
    parent = read_meta(parent_folder)
    if parent.base != base:
        raise ModelError(
            f"The adapter {parent_folder.name!r} was taught to another base model, so no round "
            "was started; go back to the base or to one of its adapters."
        )
    return parent


def parent_tensors(folder: Path) -> dict[str, Any]:
    """Read an adapter's weights; raises ModelError where they are damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from model.adapters.folders import WEIGHTS_FILE

    try:
        tensors: dict[str, Any] = load_file(folder / WEIGHTS_FILE)
        return tensors
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"The adapter {folder.name!r} is damaged ({error}), so no round was started; go "
            "back to the base or to another adapter."
        ) from error


def remembered_by(parent: Path | None) -> dict[str, list[str]]:
    """Return the sentences that an adapter is told with what was done, each with the acts told."""
    from model.adapters.folders import read_meta

    return {} if parent is None else dict(read_meta(parent).remembers)
