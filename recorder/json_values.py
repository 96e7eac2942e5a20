"""Takes values out of JSON documents, and says by name which one is missing or of another kind."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping


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


def parse_dict(text: str | bytes, name: str) -> dict[str, object]:
    """Parse a document; raises ValueError if it is no JSON or no object."""
    return as_dict(json.loads(text), name)


def text(document: Mapping[str, object], name: str) -> str:
    """Return a text; raises ValueError if it is missing or something else."""
    value = document.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def number(document: Mapping[str, object], name: str, otherwise: float | None = None) -> float:
    """Return a finite number, ``otherwise`` if it is missing; raises ValueError."""
    value = document.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is no number")
    return float(value)


def whole(document: Mapping[str, object], name: str, otherwise: int | None = None) -> int:
    """Return a whole number, ``otherwise`` if it is missing; raises ValueError."""
    value = document.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} is no whole number")
    return value
