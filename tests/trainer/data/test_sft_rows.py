"""Rows of minecraft-vla-sft: out, in again, and what malformed ones say."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model.actions.tokens import decode, encode
from recorder.errors import DataError
from recorder.exchange import ForeignEpisode, Step, store_episodes
from recorder.store import Reader, Store
from recorder.types import Action
from trainer.data.sft_rows import (
    episodes_of,
    exported_rows,
    read_row,
    read_rows,
    row_of,
    write_rows,
)

ACTIONS = [
    Action(forward=True, camera=(0.0, 1.7913)),
    Action(attack=True),
    Action(inventory=True),
    Action(hotbar=2, use=True),
]
# What the camera's bins make of them.
QUANTISED = [decode(encode(action))[0] for action in ACTIONS]


def picture(shade: int) -> np.ndarray[Any, Any]:
    return np.full((360, 640, 3), 30 * shade, np.uint8)


def row(number: int = 0) -> dict[str, Any]:
    return row_of(
        "a-player-20220105-1603-1615",
        number,
        "mine_block:oak_log",
        "Mine the oak log.",
        picture(number),
        ACTIONS[number],
    )


def test_a_row_is_the_published_one() -> None:
    made = row(1)
    assert made["id"] == "a-player-20220105-1603-1615_1"
    assert made["label"] == ["trajectory", "RT2", "mine_block:oak_log", "h=0", "c=1"]
    user, assistant = made["conversations"]
    assert user["content"] == [
        {"type": "text", "text": "Mine the oak log.\nobservation: \n"},
        {"type": "image", "text": "<image>"},
    ]
    assert assistant["content"][0]["text"].startswith("<|reserved_special_token_178|>")
    assert made["image_bytes"][0][:2] == b"\xff\xd8"


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_rows_go_into_the_store_and_out_again(tmp_path: Path, ending: str) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow", reason="parquet needs the extra of that name")
    path = tmp_path / f"rows.{ending}"
    assert write_rows(path, [row(n) for n in range(4)]) == 4
    with Store.open(tmp_path) as store:
        done = store_episodes(store, episodes_of(read_rows(path)))
        assert done == [("a-player-20220105-1603-1615", 4)]
        with Reader.open(tmp_path) as reader:
            (episode,) = reader.episodes()
            assert episode.task_id == "mine_block:oak_log"
            again = tmp_path / f"again.{ending}"
            assert write_rows(again, exported_rows(reader, [episode.id])) == 4
    found = list(read_rows(again))
    assert [each.action for each in found] == QUANTISED
    assert {each.instruction for each in found} == {"Mine the oak log."}
    assert [each.frame for each in found] == [0, 1, 2, 3]
    assert len(list(episodes_of(found))) == 1
    for number, each in enumerate(found):
        assert np.abs(each.rgb.astype(int) - picture(number)).mean() < 4


def test_an_export_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_rows(path, [row(0), row(1)])
    before = path.read_bytes()

    def broken() -> Iterator[dict[str, Any]]:
        yield row(2)
        raise DataError("This episode is damaged, so it cannot be read; leave it out.")

    with pytest.raises(DataError, match="is damaged"):
        write_rows(path, broken())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["rows.jsonl"]
    with pytest.raises(DataError, match="could not be written"):
        write_rows(tmp_path / "missing" / "rows.jsonl", [row(0)])


def test_a_gap_or_another_sentence_begins_another_episode() -> None:
    rows = [read_row(row(n), "here") for n in (0, 1, 3)]
    assert [len(list(e.steps)) for e in episodes_of(rows)] == [2, 1]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"id": 7}, "'id' is no clip and frame"),
        ({"id": "clip"}, "'id' is no clip and frame"),
        ({"label": ["x"]}, "'label' is no list of words"),
        ({"conversations": []}, "'conversations' is not one question"),
        ({"conversations": None}, "'conversations' is not one question"),
        ({"image_bytes": ["!"]}, "'image_bytes' holds no picture"),
        ({"image_bytes": []}, "'image_bytes' holds no picture"),
    ],
)
def test_a_malformed_row_names_row_and_field(
    tmp_path: Path, damage: dict[str, Any], words: str
) -> None:
    path = tmp_path / "rows.jsonl"
    write_rows(path, [row(0), row(1)])
    lines = path.read_text().splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), **damage})
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=f"Row 2 of rows.jsonl: the field {words}"):
        list(read_rows(path))


@pytest.mark.parametrize("way", ["broken", "huge"])
def test_a_picture_that_cannot_be_decoded_is_named(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    png = buffer.getvalue()
    if way == "broken":
        # The name of its second part of pixels.
        at = png.index(b"IDAT", png.index(b"IDAT") + 4)
        png = png[:at] + b"\xff\xff\xff\xff" + png[at + 4 :]
    else:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match="'image_bytes' holds no picture"):
        read_row({**row(), "image_bytes": [png]}, "Row 1")


def test_an_answer_without_an_action_is_named() -> None:
    bad = row()
    bad["conversations"][1]["content"][0]["text"] = "jump"
    with pytest.raises(DataError, match="holds no action"):
        read_row(bad, "Row 1 of x")


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ends neither"):
        list(read_rows(tmp_path / "rows.csv"))
    with pytest.raises(DataError, match="no file"):
        list(read_rows(tmp_path / "rows.jsonl"))
    (tmp_path / "rows.jsonl").write_text("{\n")
    with pytest.raises(DataError, match=r"Row 1 of rows\.jsonl is no JSON"):
        list(read_rows(tmp_path / "rows.jsonl"))


def test_an_episode_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    def steps() -> Any:
        yield Step(picture(1), ACTIONS[0])
        raise DataError("It broke.")

    with Store.open(tmp_path) as store, pytest.raises(DataError, match="It broke"):
        store_episodes(store, [ForeignEpisode("x", "go", steps())])
    with Reader.open(tmp_path) as reader:
        (episode,) = reader.episodes()
        assert len(reader.ticks(episode.id)) == 1


def test_a_parquet_file_that_is_none_is_told(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="parquet needs the extra of that name")
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"rows\.parquet"):
        list(read_rows(path))
