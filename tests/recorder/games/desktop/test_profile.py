import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from fake_layouts import CZ, FR
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT

from recorder.errors import DataError, GameError, UsageError
from recorder.games import task_list
from recorder.games.base import Bindings
from recorder.games.desktop.hands import ProfileKeys
from recorder.games.desktop.profile import (
    CONTROLS,
    Profile,
    confirm_launch,
    find_profiles,
    load_profile,
    parse_profile,
    profile_toml,
    profiles_folder,
    save_profile,
    unreadable_profiles,
)
from recorder.input.hearing import DEFAULT_HOTKEYS, Hotkey
from recorder.input.keys import CODES
from recorder.input.layout import US, Layout

SHIPPED = ROOT / "assets" / "games"
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


def document(**changes: object) -> dict[str, object]:
    return {
        "schema": 1, "name": "mine", "window_title": "Mine", "keys": {"forward": "W"}, **changes
    }  # fmt: skip


@pytest.mark.parametrize("name", ["luanti", "luanti_own", "minecraft"])
def test_shipped_profiles_hold_every_control_and_forbid_what_leaves_the_game(name: str) -> None:
    profile = find_profiles(SHIPPED, None)[name]
    assert profile.shipped
    assert {"forward", "attack", "use", "inventory", "hotbar.1"} <= set(profile.bindings.keys)
    assert {"Esc", "T", "F12"} <= profile.forbidden
    assert profile.chat == {"T", "/"}
    assert not profile.forbidden & set(profile.bindings.keys.values())


def test_a_luanti_in_the_persons_own_world_is_played_as_ours_is_and_judged_by_nobody() -> None:
    profiles = find_profiles(SHIPPED, None)
    ours, theirs = profiles["luanti"], profiles["luanti_own"]
    assert replace(theirs, name=ours.name, title=ours.title) == ours
    # Nothing of ours is started, and so no mod is put anywhere.
    assert theirs.launch == ()
    assert task_list("luanti_own") == ()


def test_luantis_window_is_known_by_title_and_program() -> None:
    profile = load_profile(SHIPPED / "luanti.toml", shipped=True)
    assert profile.matches("Minetest 5.6.1 [Singleplayer]", "minetest")
    assert not profile.matches("Minetest - Wikipedia", "firefox")
    assert not profile.matches("About Minetest", "minetest")
    # A window without a process can only be known by its title.
    assert profile.matches("Minetest 5.6.1", "")


@settings(max_examples=30)
@given(
    title=TEXT,
    launch=st.lists(TEXT.filter(bool), max_size=3),
    keys=st.dictionaries(
        st.sampled_from(sorted(CONTROLS)), st.sampled_from(["W", "Space", "LeftButton", "Ä", "'"]),
        min_size=1,
    ),
    turn=st.floats(0.01, 9),
    pause=st.sampled_from(["", "P"]),
    letters=st.booleans(),
    offset=st.none() | st.floats(0, 400),
)  # fmt: skip
def test_a_profile_comes_back_from_its_file(
    title: str,
    launch: list[str],
    keys: dict[str, str],
    turn: float,
    pause: str,
    letters: bool,
    offset: float | None,
) -> None:
    profile = Profile(
        name="mine", title=title, bindings=Bindings(keys, turn, letters),
        window_title="x", launch=tuple(launch), unaccelerated=True, chat=frozenset({"T"}),
        forbidden=frozenset({"Esc", *DEFAULT_HOTKEYS.values()}), pause_key=pause,
        input_to_frame_ms=offset,
    )  # fmt: skip
    assert parse_profile(tomllib.loads(profile_toml(profile)), shipped=False) == profile


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"schema": 2}, "schema"),
        ({"name": "../x"}, "name"),
        ({"keys": {}}, "keys"),
        ({"keys": {"fly": "W"}}, "no control"),
        ({"keys": {"forward": "Banana"}}, "no key"),
        ({"window_title": ""}, "window"),
        ({"window_title": "("}, "regular expression"),
        ({"tick_rate_hz": 500}, "tick_rate_hz"),
        ({"degrees_per_count": True}, "number"),
        ({"mouse": "eyes"}, "mouse"),
        ({"forbidden": ["W"]}, "bound and forbidden"),
        ({"launch": "rm -rf"}, "list"),
        ({"hotkeys": {"dance": "F1"}}, "no hotkey"),
        ({"hotkeys": {"panic": ""}}, "panic"),
        ({"hotkeys": {"panic": "W"}}, "control at once"),
        ({"hotkeys": {"panic": "F9"}}, "share"),
        ({"colour": 1}, "unknown"),
        ({"key_names": "letter"}, "key_names"),
        ({"chat": ["Banana"]}, "no key"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_fault(changes: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_profile(document(**changes), shipped=False)


def test_an_older_profile_goes_on_naming_keys_by_what_the_layout_types() -> None:
    """The wizard wrote so, and so it was played: a French "Z" is where a US keyboard has its W."""
    older = parse_profile(document(keys={"forward": "Z", "hotbar.2": "É"}), shipped=False)
    assert older.bindings.letters
    keys = ProfileKeys(older, FR)
    assert keys.map.code("Z") == CODES["W"]
    assert keys.map.code("É") == CODES["2"]
    newer = parse_profile(document(key_names="places", keys={"forward": "Z"}), shipped=False)
    assert ProfileKeys(newer, FR).map.code("Z") == CODES["Z"]


@pytest.mark.parametrize(
    ("name", "letters"), [("luanti", True), ("luanti_own", True), ("minecraft_java", False)]
)
def test_a_shipped_profile_says_how_its_game_knows_keys(name: str, letters: bool) -> None:
    text = (SHIPPED / f"{name}.toml").read_text(encoding="utf-8")
    assert "key_names" in tomllib.loads(text)
    assert load_profile(SHIPPED / f"{name}.toml", shipped=True).bindings.letters is letters


@pytest.mark.parametrize("layout", [US, FR, CZ])
@pytest.mark.parametrize("name", ["luanti", "luanti_own", "minecraft_java"])
def test_every_key_of_a_shipped_profile_is_on_these_keyboards(name: str, layout: Layout) -> None:
    profile = load_profile(SHIPPED / f"{name}.toml", shipped=True)
    keys = ProfileKeys(profile, layout)
    bound = profile.bindings.keys
    assert len(keys.map.codes(list(bound.values()))) == len(bound)
    assert [keys.map.code(bound[f"hotbar.{n}"]) for n in range(1, 9)] == list(range(2, 10))
    assert keys.forbidden(CODES["Esc"])
    assert keys.forbidden(keys.panic)
    assert not any(keys.forbidden(code) for code in keys.map.codes(list(bound.values())))


def test_a_panic_key_that_is_not_there_is_told_of_and_nothing_is_opened() -> None:
    profile = parse_profile(document(hotkeys={"panic": "É"}), shipped=False)
    assert ProfileKeys(profile, FR).panic == CODES["2"]
    with pytest.raises(GameError, match="panic key"):
        _ = ProfileKeys(profile, US).panic


def test_hotkeys_are_never_sent_by_the_agent() -> None:
    profile = parse_profile(document(hotkeys={"panic": "F1"}), shipped=False)
    assert profile.hotkeys[Hotkey.PANIC] == "F1"
    assert set(profile.hotkeys.values()) <= profile.forbidden


def test_an_own_profile_wins_and_a_broken_one_is_told_of(tmp_path: Path) -> None:
    own = profiles_folder(tmp_path)
    shipped = find_profiles(SHIPPED, None)["luanti"]
    save_profile(shipped, own)
    assert not find_profiles(SHIPPED, own)["luanti"].shipped
    (own / "broken.toml").write_text("schema = ", encoding="utf-8")
    # It keeps no other game from being played.
    assert "luanti" in find_profiles(SHIPPED, own)
    assert list(unreadable_profiles(own)) == ["broken"]
    assert "broken.toml" in unreadable_profiles(own)["broken"]
    with pytest.raises(DataError, match=r"broken\.toml"):
        find_profiles(own, None)


def test_a_foreign_command_runs_only_when_this_very_one_was_agreed_to() -> None:
    profile = parse_profile(document(launch=["game", "--fast"]), shipped=False)
    with pytest.raises(UsageError, match="game"):
        confirm_launch(profile, None)
    with pytest.raises(UsageError):
        confirm_launch(profile, ("game",))
    confirm_launch(profile, ("game", "--fast"))
    confirm_launch(parse_profile(document(launch=["game"]), shipped=True), None)
    confirm_launch(parse_profile(document(), shipped=False), None)
