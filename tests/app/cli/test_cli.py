"""The command line: arguments, the two output channels, exit codes."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import document, run
from hypothesis import given
from hypothesis import strategies as st
from toy_game import TOY, ToyGame

from app.command_line import build_parser, seed_range
from model.play.policy import ActionChunk, Observation
from model.play.scripted_policies import IdlePolicy
from recorder.errors import ExitCode, KnownError
from recorder.games import registry

HEAVY = ("torch", "transformers", "peft", "PySide6", "numpy", "vizdoom", "av")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from app.__main__ import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit:\n"
        f"    loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    sys.exit(' '.join(loaded) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@given(st.integers(0, 10**6), st.integers(0, 50))
def test_a_range_of_seeds_has_both_ends(first: int, more: int) -> None:
    assert list(seed_range(f"{first}-{first + more}")) == list(range(first, first + more + 1))


@pytest.mark.parametrize("text", ["", "-", "3-", "-3", "5-4", "a-b", "1-2-3", "1.5", "٣",
                                  "0-1000000", "0-9999999999"])  # fmt: skip
def test_no_range_of_seeds(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        seed_range(text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["episodes", "--data", "D", "list"],
        ["episodes", "list", "--data", "D"],
        ["adapters", "--data", "D", "rollback"],
        ["--data", "D", "games"],
    ],
)
def test_data_counts_wherever_it_stands(arguments: list[str]) -> None:
    assert build_parser().parse_args(arguments).data == Path("D").absolute()


@pytest.mark.parametrize(
    ("arguments", "slowed"),
    [
        ([], False),
        (["--game", "luanti", "--slowed"], True),
        (["play"], False),
        (["play", "--game", "luanti", "--slowed"], True),
        (["--slowed", "play"], True),
    ],
)
def test_a_window_may_be_asked_for_in_slowed_time(arguments: list[str], slowed: bool) -> None:
    assert build_parser().parse_args(arguments).slowed is slowed


@pytest.mark.parametrize("before", [True, False])
def test_an_empty_folder_name_is_not_the_current_folder(
    before: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", " "]
    with pytest.raises(SystemExit) as stopped:
        build_parser().parse_args([*data, "episodes", "list"] if before else ["tasks", *data])
    assert stopped.value.code == ExitCode.USAGE
    assert "name a folder" in capsys.readouterr().err


def test_a_verb_does_not_undo_the_query_before_it() -> None:
    assert build_parser().parse_args(["episodes", "--query", "id:3", "list"]).query == "id:3"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["games", "show", "chess"], ExitCode.USAGE),
        (["play", "--headless", "--instruction", "   "], ExitCode.USAGE),
        (["play", "--headless", "--instruction", "😀" * 10_000], ExitCode.USAGE),
        (["play", "--headless", "--instruction", "x", "--policy", "nobody"], ExitCode.USAGE),
        (["evaluate", "--seeds", "0-0", "--game", "chess", "--policy", "idle"], ExitCode.USAGE),
        (["demonstrate", "--instruction", "fly away"], ExitCode.USAGE),
        (["play", "--instruction", "x"], ExitCode.NO_DISPLAY),
        (["play"], ExitCode.NO_DISPLAY),
        (["play", "--headless"], ExitCode.USAGE),
        (["play", "--policy", "expert"], ExitCode.USAGE),
        (["play", "--adapter", "1"], ExitCode.USAGE),
        (["play", "--headless", "--instruction", "x", "--adapter", "3"], ExitCode.USAGE),
        (["play", "--headless", "--instruction", "x", "--actions", "text"], ExitCode.USAGE),
        (
            [
                "play",
                "--headless",
                "--instruction",
                "x",
                "--server",
                "http://127.0.0.1:1",
                "--precision",
                "4bit",
            ],
            ExitCode.USAGE,
        ),
        (
            [
                "play",
                "--headless",
                "--instruction",
                "x",
                "--server",
                "http://127.0.0.1:1",
                "--adapter",
                "4",
            ],
            ExitCode.MODEL_PROBLEM,
        ),
        (["play", "--headless", "--instruction", "x", "--slowed"], ExitCode.USAGE),
        (["round", "--game", "chess"], ExitCode.USAGE),
        (["round", "--policy", "nobody"], ExitCode.USAGE),
        (["round", "--base", "expert"], ExitCode.USAGE),
        (["episodes", "--query", "colour:red"], ExitCode.USAGE),
        (["episodes", "show", "1"], ExitCode.DATA_PROBLEM),
        (["data", "verify"], ExitCode.DATA_PROBLEM),
        (["adapters", "use", "seven"], ExitCode.USAGE),
        (["adapters", "use", "7"], ExitCode.DATA_PROBLEM),
        (["benchmark", "nothing"], ExitCode.USAGE),
        (["benchmark", "play", "--workers", "2"], ExitCode.USAGE),
    ],
)
def test_a_known_problem_is_one_sentence(
    arguments: list[str],
    code: ExitCode,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM")
    found, out, err = run(capsys, *arguments, "--data", tmp_path / "data")
    assert (found, out) == (code, "")
    assert err.count("\n") == 1
    assert "Traceback" not in err


class BreakingToy(ToyGame):
    """A toy that breaks after two ticks."""

    def __init__(self) -> None:
        super().__init__()
        self.break_at = 2


def as_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the log of the test's own: without any, Python writes warnings to stderr."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])


def test_a_sentence_is_said_once_and_its_warning_goes_to_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_on_a_terminal(monkeypatch)
    toy = replace(TOY, opens=lambda _opening: BreakingToy())
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, toy))
    code, _, err = run(
        capsys, "play", "--headless", "--game", "toy", "--policy", "idle",
        "--instruction", "reach the red dot", "--data", tmp_path,
    )  # fmt: skip
    assert code == ExitCode.KNOWN_PROBLEM
    assert err.count("The toy broke") == 1
    log = (tmp_path / "logs" / "playteach.log").read_text(encoding="utf-8")
    assert "the attempt was ended: The toy broke" in log


def test_a_command_without_a_warning_makes_no_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_on_a_terminal(monkeypatch)
    assert run(capsys, "games", "--data", tmp_path / "new")[0] == ExitCode.OK
    assert not (tmp_path / "new").exists()


class QuickToy(ToyGame):
    """Is played at its pace, which is ten times that of the toy."""

    tick_rate_hz = 200.0


class ForgetfulPolicy(IdlePolicy):
    """Has a notice on the sentence in every second answer."""

    def __init__(self) -> None:
        self.notice = ""
        self.answers = 0

    def propose(self, observation: Observation) -> ActionChunk:
        self.answers += 1
        self.notice = "It hears the end only." if self.answers % 2 else ""
        return super().propose(observation)


def test_a_notice_that_comes_and_goes_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = replace(TOY, opens=lambda _opening: QuickToy())
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, toy))
    monkeypatch.setattr(
        "trainer.evaluation.players.make_policy", lambda *_a, **_k: ForgetfulPolicy()
    )
    code, _, err = run(
        capsys, "play", "--headless", "--game", "toy", "--policy", "idle", "--episodes", "2",
        "--instruction", "reach the red dot", "--data", tmp_path,
    )  # fmt: skip
    assert code == ExitCode.OK, err
    assert err.count("It hears the end only.") == 1


def test_a_mistake_of_ours_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(options: argparse.Namespace) -> int:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("app.cli.games.list_", fail)
    code, out, err = run(capsys, "games", "--data", tmp_path)
    log = tmp_path / "logs" / "playteach.log"
    assert (code, out) == (ExitCode.BUG, "")
    assert str(log) in err
    assert "ZeroDivisionError: ours" in log.read_text(encoding="utf-8")


def test_ctrl_c_has_its_own_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(options: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.games.list_", stop)
    assert run(capsys, "games")[0] == ExitCode.CANCELLED


def test_a_polite_kill_ends_what_was_begun_as_ctrl_c_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    def be_killed(options: argparse.Namespace) -> int:
        with contextlib.ExitStack() as stack:
            stack.callback(ended.append, "first begun")
            # A second one while everything is being ended changes nothing.
            stack.callback(os.kill, os.getpid(), signal.SIGTERM)
            stack.callback(ended.append, "last begun")
            os.kill(os.getpid(), signal.SIGTERM)
            signal.sigtimedwait([], 10)
        return 0

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("app.cli.games.list_", be_killed)
    assert run(capsys, "games")[0] == ExitCode.CANCELLED
    assert ended == ["last begun", "first begun"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_every_exit_code_is_explained() -> None:
    text = build_parser().format_help()
    for code in ExitCode:
        assert f" {int(code)}  " in text


def test_a_demonstration_can_be_listed_deleted_and_brought_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", tmp_path, "--json")
    code, out, _ = run(
        capsys,
        "demonstrate",
        "--instruction",
        "Go to the red torch.",
        "--seeds",
        "10000000-10000001",
        *data,
    )
    shown = document(out)
    assert (code, shown["n"], shown["success"]) == (ExitCode.OK, 2, 2)
    listed = document(run(capsys, "episodes", *data)[1])
    assert [row["id"] for row in listed] == [2, 1]
    assert {row["kind"] for row in listed} == {"demonstration"}
    # Every tick was driven through the input path of a person.
    assert all(driver == "person" for row in listed for driver, _ in row["driver_strip"])
    run(capsys, "episodes", "teach", 2, "no", "--pauses", *data)
    said = document(run(capsys, "episodes", "show", 2, *data)[1])
    assert said["wish"] == {"use": False, "pauses": True}
    run(capsys, "episodes", "delete", 2, *data)
    assert [row["id"] for row in document(run(capsys, "episodes", *data)[1])] == [1]
    run(capsys, "episodes", "undo", *data)
    assert len(document(run(capsys, "episodes", *data)[1])) == 2
    report = document(run(capsys, "data", "verify", *data)[1])
    assert (report["ok"], report["episodes"]) == (True, 2)
    run(capsys, "episodes", "delete", 1, *data)
    assert run(capsys, "data", "purge", *data)[0] == ExitCode.USAGE
    counts = document(run(capsys, "data", "purge", "--yes", *data)[1])
    assert counts["episodes"] == 1


def test_other_words_for_a_task_are_judged_as_that_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("evaluate", "--policy", "idle", "--instruction", "Make a left turn.")
    code, out, _ = run(
        capsys, *command, "--seeds", "3500001-3500001", "--workers", 1, "--data", tmp_path, "--json"
    )
    assert code == ExitCode.OK
    told = document(out)
    assert told["outcomes"] == {"timeout": 1}
    assert (told["n"], told["unjudged"]) == (1, 0)
    assert list(told["by_verb"]) == ["turn left"]
    assert list(told["by_instruction"]) == ["Make a left turn."]


def test_a_locked_data_folder_does_not_stop_an_evaluation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from recorder.store import Store

    command = ("evaluate", "--policy", "idle", "--instruction", "go to the barrel")
    with Store.open(tmp_path):
        code, out, err = run(
            capsys, *command, "--seeds", "0-0", "--workers", 1, "--data", tmp_path, "--json"
        )
        with pytest.raises(KnownError):
            Store.open(tmp_path)
    assert (code, document(out)["n"]) == (ExitCode.OK, 1)
    assert "not kept" in err


def test_tasks_are_listed_with_what_may_be_trained_on(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "tasks", "--game", "doom", "--json")
    assert code == ExitCode.OK
    rows = {row["id"]: row for row in document(out)}
    assert len(rows) >= 240
    row = rows["go_to:red_torch"]
    assert (row["verb"], row["thing"], row["split"]) == ("go to", "red torch", "train")
    assert row["phrasings"][0] == "go to the red torch"
    assert len(row["phrasings"]) >= 4
    assert not set(row["phrasings"]) & set(row["heldout_phrasings"])
    code, out, _ = run(capsys, "tasks")
    assert "pick up the left backpack" in out


def test_the_tasks_of_luanti_are_listed_without_starting_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(capsys, "tasks", "--game", "luanti", "--json")
    assert code == ExitCode.OK
    rows = document(out)
    assert len(rows) >= 20
    assert {"mine", "craft", "smelt", "cook", "kill"} <= {row["verb"] for row in rows}
    assert all(row["instruction"] and row["max_ticks"] > 0 for row in rows)
