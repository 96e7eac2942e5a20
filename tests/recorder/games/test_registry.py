"""Every entry says what its game says."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from places import HELPERS, ROOT
from toy_game import TOY

from recorder.errors import UsageError
from recorder.games import (
    GAME_NAMES,
    all_games,
    game_spec,
    open_game,
    own_window_profiles,
    registry,
    suites_of,
    task_list,
)
from recorder.games.base import Game, OwnWindowGame
from recorder.games.desktop.game import DesktopGame
from recorder.games.luanti import launch
from recorder.games.luanti.game import LuantiGame
from recorder.games.minecraft.game import MinecraftGame
from recorder.games.minecraft.names import TITLES
from recorder.games.minecraft.process import SimulatorProcess
from recorder.games.registry import DEFAULT_SUITE, GAMES, GameSpec


def agrees(spec: GameSpec, game: Game) -> None:
    assert (game.name, game.title, game.realtime) == (spec.name, spec.title, spec.realtime)
    assert isinstance(game, OwnWindowGame) is spec.own_window
    assert tuple(game.tasks()) == tuple(spec.tasks())


def test_names_and_titles_are_unique() -> None:
    for values in ([spec.name for spec in all_games()], [spec.title for spec in all_games()]):
        assert len(set(values)) == len(values)


def test_the_yard_opens_as_its_entry_says() -> None:
    game = open_game("doom")
    try:
        agrees(game_spec("doom"), game)
    finally:
        game.close()


@pytest.mark.parametrize("name", TITLES)
def test_a_simulator_is_what_its_entry_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(python: Path, world: str) -> SimulatorProcess:
        del python, world
        return SimulatorProcess(Path(sys.executable), "fake_minecraft:MineRL", folders=[HELPERS])

    monkeypatch.setenv("PLAYTEACH_MINECRAFT_PYTHON", sys.executable)
    monkeypatch.setattr("recorder.games.minecraft.game.SimulatorProcess", fake)
    game = open_game(name)
    try:
        assert isinstance(game, MinecraftGame)
        agrees(game_spec(name), game)
    finally:
        game.close()


def test_what_is_said_of_games_in_a_window_agrees_with_profile_and_class() -> None:
    profiles = own_window_profiles()
    seen = {spec.name for spec in all_games() if spec.own_window}
    assert seen == set(profiles)
    for name in seen:
        spec, kind = game_spec(name), LuantiGame if name == "luanti" else DesktopGame
        assert spec.title == profiles[name].title
        assert spec.realtime is kind.realtime
        assert spec.described is (kind is DesktopGame)
    assert game_spec("luanti").needs == launch.HOW_TO
    assert {"luanti", "luanti_own"} == {spec.name for spec in GAMES if spec.realtime}


@pytest.mark.parametrize("spec", GAMES, ids=lambda spec: spec.name)
def test_an_entrys_suites_are_those_that_can_be_measured(spec: GameSpec) -> None:
    suites = suites_of(spec.name)
    assert tuple(suites) == spec.suites
    assert spec.suites[0] == DEFAULT_SUITE
    tasks = task_list(spec.name)
    assert tasks == tuple(spec.tasks())
    assert {asked.task.id for suite in suites.values() for asked in suite} <= {t.id for t in tasks}


@pytest.mark.parametrize("spec", GAMES, ids=lambda spec: spec.name)
def test_what_cannot_be_slowed_is_refused_before_anything_starts(spec: GameSpec) -> None:
    if not spec.can_be_slowed:
        with pytest.raises(UsageError, match=rf"{spec.title} cannot be slowed"):
            open_game(spec.name, slowed=True)
    # Only what can be slowed can lack what that needs.
    assert spec.can_be_slowed or spec.slow_missing is None
    # What may be missing is told with what to do.
    assert bool(spec.needs) is (spec.missing is not None)


def test_one_entry_makes_a_game(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no game called 'toy'"):
        open_game("toy")
    monkeypatch.setattr(registry, "GAMES", (*GAMES, TOY))
    assert all_games()[len(GAME_NAMES)] is TOY
    agrees(TOY, open_game("toy"))
    assert list(suites_of("toy")) == [DEFAULT_SUITE]
    with pytest.raises(UsageError, match="Toy cannot be slowed"):
        open_game("toy", slowed=True)


CLASSES = {"DoomGame", "LuantiGame", "MinecraftGame", "DesktopGame"}
OF_ONE_GAME = (ROOT / "app" / "benchmarks", ROOT / "app" / "setup" / "minecraft_install.py")
"""What measures or installs one game, by its name."""


def of_one_game(node: ast.AST) -> bool:
    """Whether code asks for one game by its class or its name."""
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        return called == "isinstance" and bool(names & CLASSES)
    if isinstance(node, ast.Compare):
        sides = (node.left, *node.comparators)
        texts = {e.value for s in sides for e in ast.walk(s) if isinstance(e, ast.Constant)}
    elif isinstance(node, ast.Dict):
        texts = {each.value for each in node.keys if isinstance(each, ast.Constant)}
    else:
        return False
    return bool(texts & set(GAME_NAMES))


def test_nobody_else_asks_which_game_it_is() -> None:
    found = []
    for package in ("app", "model", "trainer"):
        for path in sorted((ROOT / package).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            # To read a file as a tree takes longer than to look for the words.
            if any(path.is_relative_to(each) for each in OF_ONE_GAME) or not any(
                word in source for word in (*CLASSES, *GAME_NAMES)
            ):
                continue
            place = path.relative_to(ROOT)
            tree = ast.walk(ast.parse(source))
            found += [f"{place}:{node.lineno}" for node in tree if of_one_game(node)]
    assert found == []
