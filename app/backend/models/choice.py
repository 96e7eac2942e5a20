"""The sources that a model can come from (``SOURCES``), and which one a person chose.

No Qt, no torch; a server's key is never in it.  Loading is in ``catalogue.py``, the dialog in
``app/gui/dialogs/model_dialog.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.actions.codecs import CODECS
from model.language.prompts import PROMPT_FORMS
from model.vla.memory import PRECISIONS

RELEASED = "CraftJarvis/JarvisVLA-Qwen2-VL-7B"
SOURCES = ("practice", "folder", "hub", "server")
MAX_HISTORY = 4
MAX_CHUNK = 8
HOTTEST = 2.0


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Where the model comes from and how it is played.

    ``source`` is one of SOURCES; ``folder``, ``hub`` and ``server`` (with ``server_model``,
    "" for the first that it lists) are kept for the others too, so that going back and forth
    loses nothing.  ``precision`` "" leaves the number format to Playteach.  ``temperature``
    0 takes the likeliest token.  ``prompt`` "", ``history`` None and ``chunk`` None
    leave it to the checkpoint.  ``actions`` is how a server's model writes them, one of
    :data:`model.actions.codecs.CODECS`.  All but ``source`` count for other models than the
    practice model only.
    """

    source: str = "practice"
    folder: Path | None = None
    hub: str = RELEASED
    server: str = ""
    server_model: str = ""
    precision: str = ""
    temperature: float = 0.7
    prompt: str = ""
    history: int | None = None
    chunk: int | None = None
    rewrite: bool = True
    actions: str = "tokens"

    @property
    def own_temperature(self) -> float | None:
        """The temperature that the person has set, None for what the model's spec says."""
        return None if self.source == "practice" else self.temperature

    def to_table(self) -> dict[str, str | float | int | bool]:
        """Return what is set, for the settings' file."""
        table: dict[str, str | float | int | bool] = {
            "source": self.source,
            "hub": self.hub,
            "temperature": self.temperature,
            "rewrite": self.rewrite,
        }
        if self.folder is not None:
            table["folder"] = str(self.folder)
        for name in ("history", "chunk"):
            if (count := getattr(self, name)) is not None:
                table[name] = count
        if self.actions != "tokens":
            table["actions"] = self.actions
        for name in ("server", "server_model", "precision", "prompt"):
            if text := getattr(self, name):
                table[name] = text
        return table


def model_choice(raw: object) -> ModelChoice:
    """Return the choice of a settings' table; raises ValueError for one that is wrong."""
    if not isinstance(raw, dict):
        raise ValueError(raw)
    table: Mapping[str, Any] = raw
    texts = {
        name: _text(table[name]) for name in ("hub", "server", "server_model") if name in table
    }
    folder = table.get("folder")
    if folder is not None and not Path(_text(folder)).is_absolute():
        raise ValueError(folder)
    heat = table.get("temperature", ModelChoice().temperature)
    if isinstance(heat, bool) or not isinstance(heat, int | float):
        raise ValueError(heat)
    if not (math.isfinite(heat) and 0 <= heat <= HOTTEST):
        raise ValueError(heat)
    rewrite = table.get("rewrite", True)
    if not isinstance(rewrite, bool):
        raise ValueError(rewrite)
    return ModelChoice(
        source=_one_of(table.get("source", "practice"), SOURCES),
        folder=None if folder is None else Path(folder),
        precision=_one_of(table.get("precision", ""), ("", *PRECISIONS)),
        temperature=float(heat),
        prompt=_one_of(table.get("prompt", ""), ("", *PROMPT_FORMS)),
        history=_count(table.get("history"), 0, MAX_HISTORY),
        chunk=_count(table.get("chunk"), 1, MAX_CHUNK),
        rewrite=rewrite,
        actions=_one_of(table.get("actions", "tokens"), tuple(CODECS)),
        **texts,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _count(value: object, least: int, most: int) -> int | None:
    """Return a whole number within bounds, or None where it is not set."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(value)
    return value


def _one_of(value: object, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(value)
    return str(value)
