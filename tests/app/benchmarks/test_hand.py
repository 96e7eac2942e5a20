"""The benchmark of a lesson given by hand: what it counts, and that it goes on where it ended."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from app.benchmarks import hand
from recorder.data_folder import database_path
from recorder.errors import KnownError
from recorder.games.seeds import SeedRange
from recorder.store import Reader, RoundStatus
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import Start


class Rounds:
    """Stands for the client of rounds: each makes an adapter's folder and nothing else."""

    asked: ClassVar[list[str]] = []

    def __init__(self, data: Path, store: object, base: Path) -> None:
        self._data = data

    def run(self, query: str, *, settings: dict[str, str], **_: object) -> SimpleNamespace:
        with Reader.open(self._data) as reader:
            assert len(reader.episodes()) == 9
        assert query == "kind:demonstration"
        self.asked.append(settings["seed"])
        adapter = self._data.absolute() / "adapters" / "one"
        adapter.mkdir(parents=True)
        return SimpleNamespace(status=RoundStatus.DONE, adapter=adapter, sentence="")


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> type[Rounds]:
    def played(player: PlayerSpec, starts: list[Start], rows: object) -> list[bool]:
        assert {start.heard for start in starts} == {hand.SENTENCE}
        assert all(start.seed in SeedRange.TEST for start in starts)
        run = None if player.adapter is None else player.adapter.parents[1].name
        good = {None: 2, "run-0": 80, "run-1": 60, "run-2": 90}[run]
        return [number < good for number in range(len(starts))]

    Rounds.asked = []
    monkeypatch.setattr(hand, "_played", played)
    monkeypatch.setattr(hand, "RoundClient", Rounds)
    return Rounds


def test_every_run_teaches_the_lesson_anew_and_all_are_pooled(
    tmp_path: Path, rounds: type[Rounds]
) -> None:
    document: dict[str, Any] = hand.measure(None, lambda said: None, folder=tmp_path, parts=())
    assert rounds.asked == ["0", "1", "2"]
    assert document["median"]["success_after_pooled"] == pytest.approx(230 / 300, abs=1e-4)
    assert document["targets"]["success_after_pooled"]["met"]
    assert [run["success_after"] for run in document["each"]] == [0.8, 0.6, 0.9]
    # What was taught is not taught again.
    hand.measure(None, lambda said: None, folder=tmp_path, parts=())
    assert rounds.asked == ["0", "1", "2"]
    # The lesson in the tree is not the one that was opened.
    assert database_path(tmp_path / hand.FOLDER / "run-0").is_file()


def test_the_mean_of_all_runs_is_held_against_the_target_and_not_their_median(
    tmp_path: Path, rounds: type[Rounds], monkeypatch: pytest.MonkeyPatch
) -> None:
    after = iter([2, 95, 90, 20])
    monkeypatch.setattr(
        hand,
        "_played",
        lambda player, starts, rows: [
            n < good for good in [next(after)] for n in range(len(starts))
        ],
    )
    document: dict[str, Any] = hand.measure(3, lambda said: None, folder=tmp_path, parts=())
    assert document["median"]["success_after"] == 0.9
    assert not document["targets"]["success_after_pooled"]["met"]


def test_a_broken_list_of_rounds_is_told(tmp_path: Path, rounds: type[Rounds]) -> None:
    there = tmp_path / hand.FOLDER
    there.mkdir()
    (there / hand.ROUNDS_FILE).write_text('{"run": 0}\n')
    with pytest.raises(KnownError, match="holds a line that is no round"):
        hand.measure(1, lambda said: None, folder=tmp_path, parts=())


def test_without_the_source_tree_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hand, "LESSON", tmp_path / "hand-barrel" / "playteach.sqlite3")
    with pytest.raises(KnownError, match="clone of the repository"):
        hand.measure(1, lambda said: None, folder=tmp_path, parts=())
