"""``playteach rounds``: what every round came to, and which wait to be judged blind."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from app.cli.common import data_folder, emit, has_database, table
from recorder.errors import DataError, ExitCode
from recorder.store import Reader, RoundRow, RoundStatus

NOT_MEASURED = "not measured yet"
JUDGE_HINT = "Open the window to judge it: clips of before and after come mixed and unnamed."


def list_(options: argparse.Namespace) -> int:
    """List the rounds, oldest first."""
    folder = data_folder(options)
    documents: list[Mapping[str, object]] = []
    if has_database(folder):
        with Reader.open(folder) as reader:
            documents = [_document(reader, row) for row in reader.rounds()]
    shown = [
        (
            each["round"],
            each["status"],
            each["adapter"] or "",
            each["verdict"] or "",
            "; ".join(_blind_words(each)),
        )
        for each in documents
    ]
    emit(
        options, documents, table(shown, ["round", "status", "adapter", "verdict", "judged blind"])
    )
    return int(ExitCode.OK)


def show(options: argparse.Namespace) -> int:
    """Show one round: what was measured of each sentence, and what waits for a person."""
    with Reader.open(data_folder(options)) as reader:
        row = next((each for each in reader.rounds() if each.id == options.id), None)
        if row is None:
            raise DataError(
                f"There is no round {options.id}, so nothing is shown; see `playteach rounds`."
            )
        document = _document(reader, row)
    lines = [f"Round {row.id}: {document['verdict'] or document['status']}."]
    if why := row.verdict.get("sentence") or row.metrics.get("why"):
        lines.append(str(why))
    lines += [f"  {line['sentence']}" for line in row.verdict.get("lines", ())]
    lines += [f"Judged blind: {words}" for words in _blind_words(document)]
    if document["verdict"] == NOT_MEASURED:
        lines.append(JUDGE_HINT)
    emit(options, document, lines)
    return int(ExitCode.OK)


def _document(reader: Reader, row: RoundRow) -> dict[str, object]:
    verdict = row.verdict.get("kind")
    if verdict is None and row.status is RoundStatus.DONE and row.adapter_id is not None:
        verdict = NOT_MEASURED
    return {
        "round": row.id,
        "status": row.status.value,
        "adapter": row.adapter_id,
        "verdict": verdict,
        "lines": list(row.verdict.get("lines", ())),
        "comparisons": [
            {
                **asdict(each),
                "marked": sum(mark.done is not None for mark in reader.clip_marks(each.id)),
                "most": len(reader.clips(each.id)),
            }
            for each in reader.comparisons(row.id)
        ],
    }


def _blind_words(document: Mapping[str, object]) -> list[str]:
    """Return how far each blind comparison of a round is, or that it is over."""
    comparisons = document["comparisons"]
    assert isinstance(comparisons, Sequence)
    return [
        f'"{each["sentence"]}" {each["marked"]} clips, done'
        if each["ended_wall_s"] is not None
        else f'"{each["sentence"]}" waits: {each["marked"]} of at most {each["most"]} clips judged'
        for each in comparisons
    ]
