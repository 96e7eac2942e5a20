"""Contractor recordings: VPT's own conversion, round trips, and what malformed files say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vpt_writer import write_vpt

from recorder.errors import DataError
from recorder.exchange import Step, store_episodes
from recorder.exchange.minestudio import read_minestudio
from recorder.exchange.vpt import DEGREES_PER_COUNT, draw_cursor, read_lines, read_vpt
from recorder.store import Reader, Store
from recorder.types import NO_ACTION, Action, Outcome, SegmentKind

COUNT = DEGREES_PER_COUNT
DONE = [
    NO_ACTION,
    Action(forward=True, camera=(0.0, 19 * COUNT)),
    Action(forward=True, attack=True, sprint=True, camera=(-7 * COUNT, 0.0)),
    Action(attack=True, jump=True),
    Action(hotbar=4, use=True),
    Action(back=True, left=True, sneak=True, drop=True),
    Action(inventory=True),
]


def steps(actions: list[Action] = DONE) -> list[Step]:
    rows = np.arange(360, dtype=np.uint8)[:, None, None]
    found = []
    for number, action in enumerate(actions):
        rgb = np.empty((360, 640, 3), np.uint8)
        rgb[:] = rows // 2 + 16 * number
        found.append(Step(rgb, action))
    return found


def test_a_recording_comes_back(tmp_path: Path) -> None:
    video = tmp_path / "player.mp4"
    write_vpt(video, steps())
    found = list(read_vpt(video, instruction="Mine the oak log.").steps)
    assert [step.action for step in found] == DONE
    for step, wanted in zip(found, steps(), strict=True):
        assert np.abs(step.rgb.astype(int) - wanted.rgb.astype(int)).mean() < 4


def test_a_recording_becomes_a_demonstration(tmp_path: Path) -> None:
    video = tmp_path / "player.mp4"
    write_vpt(video, steps())
    with Store.open(tmp_path) as store:
        done = store_episodes(store, [read_vpt(video, instruction="Mine the oak log.")])
    assert done == [("player.mp4", len(DONE))]
    with Reader.open(tmp_path) as reader:
        (episode,) = reader.episodes()
        assert episode.instruction == "Mine the oak log."
        assert [tick.executed for tick in reader.ticks(episode.id)] == DONE
        assert [s.kind for s in reader.segments(episode.id)] == [SegmentKind.DEMONSTRATION]


def line(**changes: Any) -> dict[str, Any]:
    mouse = {"x": 640, "y": 360, "dx": 0, "dy": 0, "dwheel": 0, "buttons": [], "newButtons": []}
    return {
        "mouse": mouse, "keyboard": {"keys": []}, "isGuiOpen": False, "hotbar": 0, **changes,
    }  # fmt: skip


def written(folder: Path, *lines: object) -> Path:
    path = folder / "player.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path


def test_an_attack_that_is_stuck_from_the_start_is_left_out(tmp_path: Path) -> None:
    down = {**line()["mouse"], "buttons": [0]}
    first = line(mouse={**down, "newButtons": [0]})
    found = read_lines(
        written(tmp_path, first, line(mouse=down), line(mouse={**down, "newButtons": [0]}))
    )
    assert [each.action.attack for each in found] == [False, False, True]


def test_the_wheel_is_told_as_the_new_slot_s_key(tmp_path: Path) -> None:
    found = read_lines(written(tmp_path, line(), line(hotbar=3), line(hotbar=3), line(hotbar=8)))
    assert [each.action.hotbar for each in found] == [0, 4, 0, 9]


def test_escape_in_an_open_window_closes_it_and_the_cursor_is_drawn(tmp_path: Path) -> None:
    keys = {"keys": ["key.keyboard.escape"]}
    found = read_lines(written(tmp_path, line(keyboard=keys), line(keyboard=keys, isGuiOpen=True)))
    assert [each.action.inventory for each in found] == [False, True]
    assert [each.cursor for each in found] == [None, (640.0, 360.0)]
    grey = np.full((360, 640, 3), 100, np.uint8)
    drawn = draw_cursor(grey, 640, 360)
    assert (grey == 100).all()
    assert drawn[180, 320].tolist() == [0, 0, 0]
    changed = np.argwhere((drawn != grey).any(axis=2))
    assert changed.min(axis=0).tolist() == [180, 320]
    assert (draw_cursor(grey, 1279, 719)[359, 639] == 0).all()


def spoil(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(line()))
    change(made)
    return made


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("rubbish", "line 2.* not a table|in line 2 the field 'line' is not a table"),
        (spoil(lambda t: t.pop("mouse")), "in line 2 the field 'mouse' is not a table"),
        (spoil(lambda t: t["mouse"].pop("dx")), "line 2 the field 'mouse.dx' is not a number"),
        (spoil(lambda t: t["mouse"].update(dy="x")), "'mouse.dy' is not a number"),
        (spoil(lambda t: t["mouse"].update(buttons=1)), "'mouse.buttons' is not a list"),
        (spoil(lambda t: t.update(hotbar=9)), "'hotbar' is not a whole number from 0 to 8"),
        (spoil(lambda t: t.update(isGuiOpen=1)), "'isGuiOpen' is not true or false"),
        (spoil(lambda t: t["keyboard"].update(keys=[1])), "'keyboard.keys' is not a list of words"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, bad: object, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_lines(written(tmp_path, line(), bad))
    assert "player.jsonl" in caught.value.sentence


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_vpt(tmp_path / "none.mp4", instruction="go")
    with pytest.raises(DataError, match="holds no ticks"):
        read_lines(written(tmp_path))
    (tmp_path / "player.mp4").write_bytes(b"no video")
    written(tmp_path, line())
    with pytest.raises(DataError, match="picture 1 cannot be read"):
        list(read_vpt(tmp_path / "player.mp4", instruction="go").steps)


def test_a_video_that_ends_much_too_soon_is_refused(tmp_path: Path) -> None:
    video = tmp_path / "player.mp4"
    write_vpt(video, steps(DONE[:2]))
    written(tmp_path, *[line()] * 40)
    with pytest.raises(DataError, match="2 pictures and 40 lines"):
        list(read_vpt(video, instruction="go").steps)


def test_what_was_read_of_a_broken_file_is_an_interrupted_episode(tmp_path: Path) -> None:
    video = tmp_path / "player.mp4"
    write_vpt(video, steps(DONE[:2]))
    written(tmp_path, *[line()] * 40)
    with Store.open(tmp_path) as store, Reader.open(tmp_path) as reader:
        with pytest.raises(DataError, match="2 pictures and 40 lines"):
            store_episodes(store, [read_vpt(video, instruction="go")])
        (episode,) = reader.episodes()
        assert (episode.ticks, episode.outcome) == (2, Outcome.INTERRUPTED)


def minestudio(folder: Path, actions: list[object]) -> Path:
    video = folder / "episode_1.mp4"
    write_vpt(video, steps())
    (folder / "episode_1_action.json").write_text(json.dumps(actions))
    return video


def test_minestudio_s_actions_belong_to_the_picture_before(tmp_path: Path) -> None:
    moved = {"camera": [1.5, -2.0], "attack": [1], "hotbar.3": 1, "chat": "hi"}
    video = minestudio(tmp_path, [{}, moved, {"forward": 1}])
    found = list(read_minestudio(video, instruction="Mine the dirt.").steps)
    assert [step.action for step in found] == [
        Action(attack=True, hotbar=3, camera=(1.5, -2.0)),
        Action(forward=True),
    ]
    assert np.abs(found[0].rgb.astype(int) - steps()[0].rgb.astype(int)).mean() < 4


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ({}, "no list of actions"),
        ([{}, 3], "in entry 1 the field 'entry' is no table"),
        ([{}, {"jump": "x"}], "entry 1 the field 'jump' is neither 0 nor 1"),
        ([{}, {"camera": [1]}], "entry 1 the field 'camera' is no pair"),
        ([{}, *[{}] * 40], "it has 7 pictures for 40 actions"),
    ],
)
def test_a_malformed_minestudio_recording_names_entry_and_field(
    tmp_path: Path, actions: Any, words: str
) -> None:
    video = minestudio(tmp_path, actions)
    with pytest.raises(DataError, match=words):
        list(read_minestudio(video, instruction="go").steps)
