"""Adds the adapter of a round that was started by hand to the database, as of any other round.

Such a round (``accelerate launch -m trainer.rounds``, or on another machine) has no parent
that keeps the books.  It leaves its account in the adapter's folder; who may write to the
database takes it from there: the round itself, the window while it is open, or
``playteach adapters add``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from model.adapters.folders import fingerprint, read_meta
from recorder import json_values
from recorder.errors import DataBusyError, DataError, KnownError
from recorder.store import AdapterRow, NewAdapter, Reader, RoundStatus, Store, adapters_path
from trainer.rounds import protocol

ACCOUNT_FILE = "round.json"
log = logging.getLogger(__name__)


def write_account(
    adapter: Path,
    base: str,
    query: str,
    gates: Sequence[protocol.Gate],
    metrics: dict[str, Any],
    parent: Path | None = None,
) -> None:
    """Leave in an adapter's folder what the database will want to know of its round.

    ``base`` is the base folder's name, ``parent`` the folder of the adapter that it began from.
    Raises DataError where it cannot be written.
    """
    account = {
        "base": base,
        "parent_sha256": "" if parent is None else fingerprint(parent),
        "query": query,
        "gates": [asdict(gate) for gate in gates],
        "metrics": protocol.finite(metrics),
    }
    fresh = adapter / f".{ACCOUNT_FILE}.new"
    try:
        fresh.write_text(json.dumps(account) + "\n", encoding="utf-8")
        fresh.replace(adapter / ACCOUNT_FILE)
    except OSError as error:
        raise DataError(
            f"The account of the adapter {adapter.name!r} could not be written "
            f"({error.strerror}), so it is not listed; make room and add it with `playteach "
            "adapters add`."
        ) from error


def list_adapter(store: Store, reader: Reader, folder: Path) -> int:
    """List an adapter with its round; return its id.  It is not put in use.

    A folder without an account (of another machine's Playteach, say) has none of its samples
    listed.  Raises ModelError for a folder that is no adapter, DataError for one that is
    listed already or whose account is damaged.
    """
    folder = folder.resolve()
    meta = read_meta(folder)
    account = _account(folder)
    metrics = dict(account.get("metrics", meta.metrics))
    gates = account.get("gates", [])
    judged = [gate["passed"] for gate in gates] or list(metrics.get("gates", {}).values())
    samples, manifest = metrics.pop("samples", []), metrics.pop("manifest", {})
    parent = _parent(reader, meta.parent, account.get("parent_sha256", ""))
    if folder in _listed(reader):
        raise DataError(
            f"The adapter {folder.name!r} is listed already; see `playteach adapters list`."
        )
    round_id = store.add_round(
        parent_adapter_id=None if parent is None else parent.id,
        query=account.get("query", ""),
        config=metrics.pop("config", {}),
    )
    try:
        store.add_round_samples(round_id, [tuple(sample) for sample in samples])
        adapter_id = store.add_adapter(
            NewAdapter(
                folder=str(folder),
                base=account.get("base", ""),
                parent_id=None if parent is None else parent.id,
                round_id=round_id,
                title=folder.name,
                sha256=fingerprint(folder),
                passed_gates=bool(judged) and all(passed is not False for passed in judged),
            )
        )
    except BaseException:
        store.update_round(round_id, status=RoundStatus.FAILED)
        raise
    store.update_round(
        round_id,
        status=RoundStatus.DONE,
        adapter_id=adapter_id,
        manifest=manifest,
        metrics={**metrics, "gates": gates},
    )
    return adapter_id


def adopt(store: Store, reader: Reader, data: Path) -> list[int]:
    """List every adapter of a data folder that a round by hand has left; return their ids."""
    folder = adapters_path(data)
    if not folder.is_dir():
        return []
    known = _listed(reader)
    found = []
    for path in sorted(folder.iterdir()):
        if (path / ACCOUNT_FILE).is_file() and path.resolve() not in known:
            try:
                found.append(list_adapter(store, reader, path))
            except KnownError as error:
                log.warning("%s", error.sentence)
    return found


def list_by_hand(data: Path, adapter: Path) -> str:
    """List a round's adapter where nobody else writes to the data; return what became of it."""
    try:
        with Store.open(data) as store, Reader.open(data) as reader:
            number = list_adapter(store, reader, adapter)
    except DataBusyError:
        where = "The window that is open lists it"
        if adapter.resolve().parent != adapters_path(data).resolve():
            where = f"Close the window that is open, then: playteach adapters add {adapter}"
        return f"{adapter.name!r} is not listed yet. {where}."
    return f"Listed as adapter {number}; `playteach adapters use {number}` puts it in use."


def _account(folder: Path) -> dict[str, Any]:
    path = folder / ACCOUNT_FILE
    if not path.exists():
        return {}
    try:
        account = json_values.parse(path.read_text(encoding="utf-8"))
        if not (
            isinstance(account, dict)
            and isinstance(account["metrics"], dict)
            and all(gate["passed"] in (True, False, None) for gate in account["gates"])
            and all(_is_sample(each) for each in account["metrics"].get("samples", []))
            and all(isinstance(account[name], str) for name in ("base", "query"))
            and isinstance(account.get("parent_sha256", ""), str)
        ):
            raise ValueError("a field is of another kind")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{ACCOUNT_FILE} of the adapter {folder.name!r} cannot be read ({error}), so it is "
            "not listed; take a fresh copy of the folder."
        ) from error
    return account


def _is_sample(sample: Any) -> bool:
    """Whether it is [episode, tick, weight, visits], in numbers that a database holds."""
    episode, tick, weight, visits = sample
    whole = all(isinstance(number, int) for number in (episode, tick, visits))
    return whole and isinstance(weight, int | float)


def _listed(reader: Reader) -> set[Path]:
    return {Path(row.folder).resolve() for row in reader.adapters()}


def _parent(reader: Reader, name: str | None, sha256: str) -> AdapterRow | None:
    """Return the listed adapter that a round began from, None if it is not listed.

    It is known by its weights.  An account without them (an earlier version's) has its folder's
    name only, which counts if no other adapter is called so.
    """
    rows = reader.adapters()
    if sha256:
        return next((row for row in rows if row.sha256 == sha256), None)
    named = [row for row in rows if Path(row.folder).name == name]
    return named[0] if len(named) == 1 else None
