"""Runs a command of ``playteach`` in this process and reads what it printed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.__main__ import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def document(out: str) -> Any:
    assert out.endswith("\n")
    assert out.count("\n") == 1
    return json.loads(out)
