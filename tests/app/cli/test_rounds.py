"""``playteach rounds``: what is measured, what waits, how far a blind comparison is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from command_line import document

from app.__main__ import main
from recorder.errors import ExitCode
from recorder.store import ClipMark, NewAdapter, NewComparison, RoundStatus, Side, Store
from trainer.evaluation.verdicts.verdict import Part
from trainer.rounds.measuring.measurement import unjudged_line

SENTENCE = "dance around the barrel"
CLIPS = ((Side.BEFORE, 30_000_000, None), (Side.AFTER, 30_000_001, None))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder with a round that failed, one that waits, and one that was judged."""
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        failed = store.add_round()
        store.update_round(failed, status=RoundStatus.FAILED, metrics={"why": "No room."})
        for name in ("waits", "judged"):
            number = store.add_round()
            adapter = store.add_adapter(NewAdapter(f"{folder}/{name}", "base", round_id=number))
            lines = {"lines": [asdict(unjudged_line(Part.TAUGHT, SENTENCE))]}
            judged = {**lines, "kind": "better", "sentence": "It got better."}
            store.update_round(
                number,
                status=RoundStatus.DONE,
                adapter_id=adapter,
                verdict=judged if name == "judged" else lines,
            )
            comparison = store.add_comparison(
                NewComparison(number, "doom", "free", SENTENCE, 80, CLIPS)
            )
            store.add_clip_mark(comparison, ClipMark(0, done=True))
            if name == "judged":
                store.end_comparison(comparison)
    return folder


def test_the_list_tells_what_is_not_measured_yet(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(data), "rounds"]) == 0
    head, failed, waits, judged = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["round", "status", "adapter", "verdict"]
    assert failed.split() == ["1", "failed"]
    assert "not measured yet" in waits
    assert f'"{SENTENCE}" waits: 1 of at most 2 clips judged' in waits
    assert "better" in judged
    assert judged.endswith(f'"{SENTENCE}" 1 clips, done')


def test_one_round_is_shown_with_what_waits(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(data), "rounds", "show", "2"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Round 2: not measured yet.")
    assert "nobody can judge it" in told
    assert "Open the window to judge it" in told
    assert main(["--data", str(data), "rounds", "show", "1"]) == 0
    assert "No room." in capsys.readouterr().out
    assert main(["--data", str(data), "rounds", "show", "9"]) == ExitCode.DATA_PROBLEM


def test_the_document_names_no_side(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(data), "rounds", "show", "2", "--json"]) == 0
    found = document(capsys.readouterr().out)
    (comparison,) = found["comparisons"]
    assert (comparison["marked"], comparison["most"], comparison["sentence"]) == (1, 2, SENTENCE)
    assert "side" not in str(comparison)


def test_a_new_folder_has_no_rounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "rounds"]) == 0
    assert capsys.readouterr().out == "Nothing yet.\n"
