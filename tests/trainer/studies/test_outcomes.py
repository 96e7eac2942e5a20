"""The file of outcomes: kept from a data folder, put back, summed up in the docs' tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from recorder.games.doom.tasks import SUITES
from recorder.games.seeds import SeedRange
from recorder.store import EvaluationRow, Stepping, Store
from recorder.types import Outcome
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.players import player_spec
from trainer.studies.outcomes import (
    OUTCOMES,
    Outcomes,
    collect,
    main,
    pictured,
    read,
    restore,
    tables,
    write,
)

KEY = player_spec("base", active_adapter=None, adapters={}).key
ASKED = SUITES["seen"][0]
SAID = ASKED.say or ASKED.task.instruction


def row(seed: int, outcome: Outcome, **other: str) -> EvaluationRow:
    fields = {"policy_key": KEY, "variant": PLAY_VERSION, **other}
    return EvaluationRow(
        fields["policy_key"], "doom", ASKED.task.id, SAID, seed, Stepping.LOCK_STEP,
        outcome, 9, fields["variant"],
    )  # fmt: skip


def fill(folder: Path, *rows: EvaluationRow) -> Path:
    with Store.open(folder) as store:
        store.add_evaluations(rows)
    return folder


def test_what_was_played_is_kept_and_goes_on_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = fill(
        tmp_path / "here",
        row(1_000_002, Outcome.FAILURE),
        row(1_000_000, Outcome.SUCCESS),
        row(7, Outcome.SUCCESS),
        row(1_000_001, Outcome.SUCCESS, policy_key="another"),
        row(1_000_001, Outcome.SUCCESS, variant="play-1"),
    )
    file = tmp_path / "outcomes.json"
    asked = ["keep", str(file), "--data", str(here)]
    # Figures are published from the test range, and nothing was played on it.
    assert main(asked) == 2
    assert "on seeds of the test range" in capsys.readouterr().err
    assert main([*asked, "--seeds", "validation"]) == 0
    written = read(file)
    outcomes = {1_000_000: Outcome.SUCCESS, 1_000_002: Outcome.FAILURE}
    assert written.suites["seen"] == {(ASKED.task.id, SAID): outcomes}
    assert json.loads(file.read_text())["suites"]["seen"] == [[ASKED.task.id, SAID, "S.W"]]
    there = tmp_path / "there"
    assert main(["restore", str(file), "--data", str(there)]) == 0
    assert collect(there, KEY, SeedRange.VALIDATION) == written
    assert written.seeds is SeedRange.VALIDATION
    assert restore(written, there) == 0, "nothing twice"
    picture = tmp_path / "verbs.png"
    capsys.readouterr()
    asked = ["tables", str(file), "--suite", "seen", "--picture", str(picture)]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert printed == tables(written, ["seen"])
    assert "| `seen` | 1 of 2, 50.0 % (9.4 % to 90.5 %) | 50.0 % |" in printed
    assert f"| {ASKED.task.verb} | 1 of 2 |" in printed
    with Image.open(picture) as drawn:
        assert drawn.width > 100


def test_figures_for_publication_are_of_the_test_range(tmp_path: Path) -> None:
    first = SeedRange.TEST.first
    here = fill(tmp_path, row(1_000_000, Outcome.FAILURE), row(first + 1, Outcome.SUCCESS))
    file = tmp_path / "outcomes.json"
    assert main(["keep", str(file), "--data", str(here)]) == 0
    document = json.loads(file.read_text())
    assert document["first"] == first
    assert document["suites"]["seen"] == [[ASKED.task.id, SAID, ".S"]]
    assert read(file).seeds is SeedRange.TEST


def test_what_is_strictly_held_out_and_each_step_have_rows_of_their_own() -> None:
    success = {1_000_000: Outcome.SUCCESS, 1_000_001: Outcome.SUCCESS}
    missed = {1_000_000: Outcome.TIMEOUT, 1_000_001: Outcome.SUCCESS}
    played = Outcomes(
        KEY,
        PLAY_VERSION,
        {
            "heldout-combinations": {
                ("go_to:tree", "go to the tree"): success,
                ("go_to:space_suit", "go to the space suit"): missed,
            },
            "two-step": {("open:blue_door+shoot:imp", "open it, then shoot"): missed},
        },
    )
    printed = tables(played, ["heldout-combinations", "two-step"])
    assert "| `heldout-combinations` | 3 of 4, 75.0 %" in printed
    assert "| of these untouched | 1 of 2, 50.0 %" in printed
    assert "| shoot |  | 1 of 2 |" in printed
    assert "| open | 1 of 2 |  |" in printed
    drawn = pictured(played, ["heldout-combinations", "two-step"])
    assert list(drawn) == ["heldout-combinations", "two-step, first step", "two-step, second step"]
    assert drawn["two-step, first step"].keys() == {"open"}
    assert drawn["two-step, second step"]["shoot"]["success_rate"] == 0.5


def test_a_suite_of_which_a_part_was_played_in_others_has_no_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def entries(suite: str) -> dict[tuple[str, str], dict[int, Outcome]]:
        asked = {(entry.task.id, entry.say or entry.task.instruction) for entry in SUITES[suite]}
        return {each: {1_000_000: Outcome.SUCCESS} for each in asked}

    whole = entries("seen")
    part = {key: found for key, found in entries("default").items() if key in whole}
    assert 0 < len(part) < len(SUITES["default"])
    file = tmp_path / "outcomes.json"
    write(Outcomes(KEY, PLAY_VERSION, {"default": part, "seen": whole}), file)
    assert main(["tables", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "| `seen` | 60 of 60" in printed
    assert "default" not in printed


def test_every_outcome_has_a_letter_of_its_own(tmp_path: Path) -> None:
    assert set(OUTCOMES.values()) == set(Outcome)
    by_seed = dict(enumerate(Outcome, 1_000_000))
    every = Outcomes(KEY, PLAY_VERSION, {"seen": {(ASKED.task.id, SAID): by_seed}})
    write(every, tmp_path / "file.json")
    assert read(tmp_path / "file.json") == every


def test_what_cannot_be_kept_or_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "outcomes.json"
    old = fill(tmp_path / "old", row(1_000_001, Outcome.SUCCESS, variant="play-1"))
    assert main(["keep", str(file), "--data", str(old)]) == 2
    assert "no attempts of the default model's play as it is now" in capsys.readouterr().err
    assert not file.exists()
    for text in ("", "[]", '{"first": 1, "suites": {"seen": [["a", "b", "X"]]}}'):
        file.write_text(text)
        assert main(["tables", str(file)]) == 2
        assert "no file of outcomes" in capsys.readouterr().err
