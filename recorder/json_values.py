"""Takes values out of JSON documents, and says by name which one is missing or of another kind."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from typing import Any

_SAFE_DIGITS, _MOST_DIGITS = 19, 20
"""So many characters fit into 64 bits for sure, and at most."""


def as_dict(value: object, name: str) -> dict[str, object]:
    """Return a JSON object; raises ValueError if ``name`` is something else."""
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no table")
    return value


def as_list(value: object, name: str) -> list[object]:
    """Return a JSON array; raises ValueError if ``name`` is something else."""
    if not isinstance(value, list):
        raise ValueError(f"{name} is no list")
    return value


def parse(text: str | bytes) -> Any:
    """Parse a document that somebody else may have written; raises ValueError if it is no JSON.

    A whole number of more than 64 bits becomes a float, which is infinite from 309 digits on: no
    check of its kind or size, and no database, fails on it with another error.
    """
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Parse a TOML document as :func:`parse` does JSON; raises ValueError if it is none."""
    try:
        document: dict[str, Any] = _bounded(tomllib.loads(text))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return document


def _whole(digits: str) -> int | float:
    if len(digits) < _SAFE_DIGITS:
        return int(digits)
    # Of a text, so that it is infinite rather than an OverflowError.
    return _bounded(int(digits)) if len(digits) <= _MOST_DIGITS else float(digits)


def _bounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_bounded(part) for part in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value) if abs(value) < 10**308 else math.inf if value > 0 else -math.inf
    return value


def parse_dict(text: str | bytes, name: str) -> dict[str, object]:
    """Parse a document (:func:`parse`); raises ValueError if it is no JSON or no object."""
    return as_dict(parse(text), name)


def text(document: Mapping[str, object], name: str) -> str:
    """Return a text; raises ValueError if it is missing or something else."""
    value = document.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def number(document: Mapping[str, object], name: str, otherwise: float | None = None) -> float:
    """Return a finite number, ``otherwise`` if it is missing; raises ValueError."""
    value = document.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is no number")
    value = float(_bounded(value))
    if not math.isfinite(value):
        raise ValueError(f"{name} is no number")
    return value


def whole(document: Mapping[str, object], name: str, otherwise: int | None = None) -> int:
    """Return a whole number, ``otherwise`` if it is missing; raises ValueError."""
    value = _bounded(document.get(name, otherwise))
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} is no whole number")
    return value
