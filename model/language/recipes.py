"""Minecraft's own recipe files as the sentences of JARVIS-VLA's recipe prompt.

Byte for byte the released client's wording: a shaped recipe is drawn as its grid, a
shapeless one counts its ingredients, any other kind (smelting, stone cutting) says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from recorder import json_values
from recorder.errors import ModelError

_PATTERN = "\nArrange the materials in the crafting grid according to the following pattern: \n"
_NEED = "\nYou will need the following ingredients: \n"
CURATED = {"crafting_table": f"{_PATTERN}\n plank | plank \n plank | plank \n"}
"""Recipes that the released client words by hand; the one that is known."""


def recipe_text(recipe: Mapping[str, object]) -> str:
    """Return the sentences of one vanilla recipe file (Minecraft 1.16), "" for other kinds.

    Raises ValueError, naming the field, for a crafting recipe that is not whole.
    """
    kind = _bare(str(recipe.get("type", "")))
    if kind == "crafting_shaped":
        return f"{_PATTERN}\n{_rows(recipe)}\n{_result(recipe)}"
    if kind == "crafting_shapeless":
        listed = recipe.get("ingredients")
        if not isinstance(listed, list) or not listed:
            raise ValueError("the field 'ingredients' is no list")
        counts = Counter(_item(each, "ingredients").replace("_", " ") for each in listed)
        needed = "".join(f"{count} {name}, " for name, count in counts.items())
        return f"{_NEED}{needed}\n{_result(recipe)}"
    return ""


def recipe_for(item: str, folder: Path | None) -> str:
    """Return the recipe of ``item`` ("crafting_table"), "" where none is known.

    ``folder`` holds Minecraft's ``data/minecraft/recipes``.  Raises ModelError for a file
    that cannot be read.
    """
    if item in CURATED:
        return CURATED[item]
    if folder is None or not item.replace("_", "").isalnum():
        return ""
    path = folder / f"{item}.json"
    if not path.is_file():
        return ""
    try:
        recipe = json_values.parse(path.read_text(encoding="utf-8"))
        if not isinstance(recipe, dict):
            raise ValueError("it holds no table")
        return recipe_text(recipe)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The recipe {path.name} cannot be read ({error}), so the prompt cannot tell it; "
            "take a fresh copy of Minecraft's recipes or play without the recipe form."
        ) from error


def _rows(recipe: Mapping[str, object]) -> str:
    pattern, key = recipe.get("pattern"), recipe.get("key")
    if not isinstance(pattern, list) or not all(isinstance(row, str) for row in pattern):
        raise ValueError("the field 'pattern' is no list of rows")
    if not isinstance(key, dict):
        raise ValueError("the field 'key' is no table")
    rows = []
    for row in pattern:
        cells = []
        for letter in row:
            if letter != " " and letter not in key:
                raise ValueError(f"the field 'key' lacks {letter!r}")
            cells.append("air" if letter == " " else _item(key[letter], "key"))
        rows.append(" " + " | ".join(cells) + " \n")
    return "".join(rows)


def _item(entry: object, field: str) -> str:
    """Return an ingredient's name; of several that will do, the first."""
    if isinstance(entry, list) and entry:
        entry = entry[0]
    if isinstance(entry, dict):
        name = entry.get("item", entry.get("tag"))
        if isinstance(name, str):
            return _bare(name)
    raise ValueError(f"the field {field!r} names no item")


def _result(recipe: Mapping[str, object]) -> str:
    result = recipe.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("item"), str):
        raise ValueError("the field 'result' names no item")
    return f"and get {result.get('count', 1)} {_bare(result['item']).replace('_', ' ')}. \n"


def _bare(name: str) -> str:
    return name.removeprefix("#").removeprefix("minecraft:")
