"""The documents name what is there, and the picture of the rooms is today's."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import rooms
from places import ROOT

from app.cli.seeds import seeds_to_judge_on, seeds_to_show_on
from app.command_line import parse

DOCUMENTS = sorted(
    [
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("assets/checkpoint*/README.md"),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
    ]
)
FOLDERS = ("app", "model", "trainer", "recorder", "tests", "assets", "docs")
PLACE = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`")
MODULE = re.compile(r"python -m ((?:app|model|trainer|recorder)[\w.]*)")
WITH_SEEDS = re.compile(r"\bplayteach ((?:evaluate|demonstrate)[^`\n]*--seeds [^`\n#]*)")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def named(document: Path) -> Iterator[tuple[str, bool]]:
    """Yield every file, folder, module and link that a document names, and whether it is there."""
    text = document.read_text(encoding="utf-8")
    for name in PLACE.findall(text):
        yield name, (ROOT / name).exists()
    for name in MODULE.findall(text):
        yield name, importlib.util.find_spec(name.rstrip(".")) is not None
    for name in LINK.findall(text):
        yield name, (document.parent / name).exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: str(each.relative_to(ROOT)))
def test_a_document_names_what_is_there(document: Path) -> None:
    assert [name for name, there in named(document) if not there] == []


def test_the_tour_names_files() -> None:
    found = [name for name, _ in named(ROOT / "docs" / "architecture.md")]
    assert len(found) > 50


def test_no_document_has_the_agent_judged_on_what_it_was_shown() -> None:
    """A pair of a document once demonstrated 0-9 and evaluated 0-49."""
    commands = [
        command
        for document in DOCUMENTS
        for command in WITH_SEEDS.findall(document.read_text(encoding="utf-8"))
    ]
    assert {command.split()[0] for command in commands} == {"evaluate", "demonstrate"}
    for command in commands:
        options = parse(shlex.split(command))
        if command.startswith("demonstrate"):
            seeds_to_show_on(options.seeds, for_training=options.for_training)
        else:
            seeds_to_judge_on(options.seeds, scripted=False, say=pytest.fail)


def test_the_picture_of_the_rooms_is_today_s() -> None:
    assert rooms.PICTURE.read_text(encoding="utf-8") == rooms.draw(), (
        "run: python tests/helpers/rooms.py"
    )


def test_no_room_imports_itself_by_way_of_others() -> None:
    import grimp

    graph = grimp.build_graph(*rooms.PACKAGES)
    for names in rooms.rooms_of(graph).values():
        floors = rooms.floors_of(rooms.arrows_of(graph, names))
        assert sorted(name for floor in floors for name in floor) == sorted(names)
