"""``evaluate`` and ``demonstrate``: which starts they take, and what is kept of them."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import document, run

from recorder.errors import ExitCode


def test_without_seeds_demonstrations_go_on_where_the_last_ones_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.demonstrate.SHOWN", 1)
    command = ("demonstrate", "--instruction", "turn left", "--data", tmp_path, "--json")
    seeds = [
        each["seed"] for _ in range(2) for each in document(run(capsys, *command)[1])["episodes"]
    ]
    assert seeds == [10_000_000, 10_000_001]
    made = document(run(capsys, *command, "--for-training")[1])
    assert [each["seed"] for each in made["episodes"]] == [0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("demonstrate", "--instruction", "turn left", "--seeds", "0-9"), "training range"),
        (("demonstrate", "--instruction", "turn left", "--seeds", "1000000"), "validation range"),
        (("demonstrate", "--instruction", "turn left", "--seeds", "30000000"), "verdict range"),
        (
            ("demonstrate", "--instruction", "turn left", "--seeds", "40000000", "--for-training"),
            "test range",
        ),
        (("evaluate", "--policy", "base", "--seeds", "0-49"), "training range"),
        (("evaluate", "--policy", "base", "--seeds", "10000000"), "teaching range"),
        (("evaluate", "--policy", "base", "--seeds", "20000000"), "practice range"),
        (("evaluate", "--policy", "idle", "--seeds", "999999-1000000"), "do not lie in one range"),
        (
            ("play", "--headless", "--record", "--instruction", "turn left", "--seed", "40000000"),
            "test range",
        ),
        (("play", "--instruction", "turn left", "--seed", "1000000"), "validation range"),
    ],
)
def test_seeds_that_teach_do_not_judge_and_the_other_way_round(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = run(capsys, "--data", tmp_path, *arguments)
    assert (code, out) == (ExitCode.USAGE, "")
    assert says in err
    assert err.count("\n") == 1
    assert not (tmp_path / "playteach.sqlite3").exists()


def test_a_script_is_told_and_the_document_names_the_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("evaluate", "--policy", "expert", "--instruction", "turn left", "--workers", 1,
               "--data", tmp_path, "--json")  # fmt: skip
    _, out, err = run(capsys, *command, "--seeds", "5")
    assert document(out)["range"] == "training"
    assert "of the training range" in err
    _, out, err = run(capsys, *command, "--seeds", "40000000")
    assert document(out)["range"] == "test"
    assert "range" not in err
    _, out, err = run(capsys, *command)
    assert (document(out)["range"], document(out)["n"]) == ("validation", 20)


def test_an_evaluation_resumes_and_repeats(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("evaluate", "--policy", "random", "--instruction", "turn left")
    data = ("--workers", 1, "--data", tmp_path, "--json")
    first = document(run(capsys, *command, "--seeds", "0-1", *data)[1])
    _, out, err = run(capsys, *command, "--seeds", "0-2", *data)
    assert "2 of 3 attempts are there" in err
    assert document(out)["n"] == 3
    assert "3 of 3 played" in err
    _, out, err = run(capsys, *command, "--seeds", "0-1", *data)
    assert "2 of 2 attempts are there from before; --again" in err
    kept = document(out)
    _, out, err = run(capsys, *command, "--seeds", "0-1", "--again", *data)
    assert "from before" not in err
    assert "2 of 2 played" in err
    again = document(out)
    assert kept["ticks_per_s"] == 0
    assert again["ticks_per_s"] > 0
    for each in (first, kept, again):
        assert {"policy", "n", "success", "success_rate", "interval", "by_instruction",
                "ticks_per_s"} <= each.keys()  # fmt: skip
        each.pop("ticks_per_s")
    assert first == kept == again


def test_played_once_more_the_new_outcome_is_kept_and_another_plays_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from recorder.store import Reader, Store, database_path

    command = ("evaluate", "--policy", "idle", "--instruction", "turn left", "--seeds", "0-1",
               "--workers", 1, "--data", tmp_path, "--json")  # fmt: skip
    run(capsys, *command)
    with Reader.open(tmp_path) as reader:
        played = reader.evaluations()
    assert [row.ticks > 1 for row in played] == [True, True]
    with Store.open(tmp_path) as store:
        store.add_evaluations([replace(row, ticks=1) for row in played], anew=True)
    run(capsys, *command, "--again")
    with Reader.open(tmp_path) as reader:
        assert reader.evaluations() == played
    with contextlib.closing(sqlite3.connect(database_path(tmp_path))) as connection, connection:
        connection.execute("DELETE FROM evaluation")
    with Store.open(tmp_path) as store:
        store.add_evaluations([replace(played[0], variant="play-0")])
    _, _, err = run(capsys, *command)
    assert "are there from before" not in err


def test_a_task_is_judged_whatever_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = run(
        capsys, "--data", tmp_path, "evaluate", "--policy", "expert", "--task", "turn_left",
        "--say", "swing about", "--seeds", "5-6", "--workers", "1", "--json",
    )  # fmt: skip
    assert code == ExitCode.OK
    result = document(out)
    assert result["success"] == result["n"] == 2
    assert list(result["by_instruction"]) == ["swing about"]
    assert result["by_verb"]["turn left"]["n"] == 2
    assert result["wrong_rate"] == 0.0


def test_a_suite_is_played_and_split_by_verb(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = run(
        capsys, "--data", tmp_path, "evaluate", "--policy", "expert", "--suite", "default",
        "--seeds", "5", "--workers", "1", "--json",
    )  # fmt: skip
    assert code == ExitCode.OK
    result = document(out)
    assert (result["suite"], result["n"], result["success"]) == ("default", 12, 12)
    assert {verb: part["n"] for verb, part in result["by_verb"].items()} == {
        "go to": 4,
        "pick up": 4,
        "shoot": 4,
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--suite", "best"), "no suite called 'best'"),
        (("--task", "fly"), "no task 'fly'"),
        (("--say", "fly"), "no --task was given"),
        (("--task", "turn_left", "--say", " "), "is empty"),
        (("--instruction", "dance"), "nobody can judge it and nothing was played"),
        (("--instruction", "go to the torch"), "“go to the blue torch” is meant"),
        (("--game", "minecraft"), "has nothing that it can judge"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, str], says: str
) -> None:
    code, out, err = run(
        capsys, "--data", tmp_path, "evaluate", "--policy", "idle", "--seeds", "5", *arguments
    )
    assert code == ExitCode.USAGE
    assert says in err
    assert not out
