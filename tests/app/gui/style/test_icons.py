"""Our signs come from assets/icons: an emoji is a box where no colour font is installed."""

import ast
import re
from pathlib import Path

import app

EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff]")


def test_the_window_shows_no_emoji() -> None:
    found = []
    for path in Path(app.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and EMOJI.search(text):
                found.append(f"{path.name}: {text[:60]}")
    assert found == []
    assert EMOJI.search("\U0001f525 go to the torch")
