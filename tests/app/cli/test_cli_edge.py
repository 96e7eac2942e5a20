"""What comes in by the command line and goes out by its two streams: paths, names, signs."""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lessons import record_lessons

from app.__main__ import main
from app.cli.model_flags import is_checkpoint
from app.command_line import build_parser, parse, place
from recorder.errors import ExitCode
from recorder.store import database_path


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from actions(below)
        else:
            yield action


def test_no_path_of_the_command_line_counts_from_where_a_command_stands_later() -> None:
    """``type=Path`` would: every name of a file or folder is read by ``place``."""
    named = [each for each in actions(build_parser()) if each.metavar in ("DIR", "FILE")]
    assert len(named) > 10
    assert {each.type for each in named} == {place}
    assert Path not in {each.type for each in actions(build_parser())}


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["play"], "default"),
        (["play", "--policy", "default"], "default"),
        (["evaluate", "--seeds", "1", "--policy", "7"], "7"),
        (["play", "--policy", "mine"], "HERE/mine"),
        (["play", "--policy", "owner/model"], "HERE/owner/model"),
        (["round", "--policy", "./mine"], "HERE/mine"),
        (["play", "--policy", "owner/other"], "owner/other"),
        # A name on the server, not a folder here.
        (["play", "--policy", "mine", "--server", "http://127.0.0.1:1"], "mine"),
    ],
)
def test_a_policy_is_a_word_a_folder_or_a_name_elsewhere(
    arguments: list[str], wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("default", "7", "mine", "owner/model"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    policy = parse(arguments).policy
    assert policy == wanted.replace("HERE", str(tmp_path))
    local = not parse(arguments).__dict__.get("server") and is_checkpoint(policy)
    assert local is (wanted.startswith("HERE") or wanted == "owner/other")


def test_what_a_terminal_cannot_show_is_a_question_mark(tmp_path: Path) -> None:
    record_lessons(tmp_path, episodes=1, ticks=3)
    with contextlib.closing(sqlite3.connect(database_path(tmp_path))) as database, database:
        database.execute("UPDATE instruction SET text = 'go \N{OWL} on'")
    for command, code in ((["list"], 0), (["show", "\N{OWL}"], 2)):
        done = subprocess.run(
            [sys.executable, "-m", "app", "episodes", *command, "--data", str(tmp_path)],
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        )
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr
        assert b"?" in (done.stderr if code else done.stdout)


def test_a_bin_of_which_something_is_left_in_the_log_is_not_said_to_be_erased(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long another program is waited for.
    monkeypatch.setattr("recorder.store.connect.BUSY_MS", 10)
    data = ("--data", str(tmp_path))
    record_lessons(tmp_path, episodes=1, ticks=3)
    assert main([*data, "episodes", "delete", "1"]) == ExitCode.OK
    reading = sqlite3.connect(database_path(tmp_path))
    with contextlib.closing(reading):
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM episode").fetchone()
        assert main([*data, "data", "purge", "--yes"]) == ExitCode.DATA_BUSY
    assert "still in its log" in capsys.readouterr().err
