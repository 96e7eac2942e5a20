"""The real rounds of ``benchmark rounds``: what is kept, what is counted, what is shuffled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.automation.demonstrations import record_demonstrations
from app.benchmarks.played_rounds import (
    GAINING,
    NO_EFFECT,
    KeptRounds,
    PlayedRound,
    gaining_figures,
    no_effect_figures,
    shuffle_answers,
)
from recorder.errors import KnownError
from recorder.store import Reader, Store
from trainer.evaluation.verdicts.lines import old_tasks_line, sentence_line, verdict_of
from trainer.evaluation.verdicts.sequential import Pairs, Plan
from trainer.evaluation.verdicts.verdict import Choice, Part


def a_round(
    *,
    part: str = GAINING,
    number: int = 0,
    used: bool = True,
    gain: float = 0.5,
    lost: float = 0.0,
    kept: int = 280,
) -> PlayedRound:
    taught = sentence_line(Part.TAUGHT, "go there", Plan(0.01), Pairs(1, 9, 0, 0))
    old = old_tasks_line(Pairs(kept, 300 - kept - 10, 5, 5), "base")
    verdict = verdict_of([taught, old], Choice.USE, "It is better.")
    assert verdict is not None
    return PlayedRound(
        part, number, "go there", verdict, used, 70.0, 20.0, 200.0, 1.5,
        lesson=(gain, gain - 0.05, gain + 0.05),
        old_tasks=(-lost, -lost - 0.03, -lost + 0.03),
    )  # fmt: skip


def test_a_round_is_kept_whole_and_a_broken_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows" / "rounds.jsonl"
    rounds = [a_round(), replace(a_round(part=NO_EFFECT), verdict=None, old_tasks_s=None)]
    kept = KeptRounds(path)
    for each in rounds:
        kept.keep(each)
    whole = path.read_text()
    path.write_text(whole + whole[:40])

    again = KeptRounds(path)

    assert again.of(GAINING) == {0: rounds[0]}
    assert again.of(NO_EFFECT) == {0: rounds[1]}
    assert path.read_text() == whole


@pytest.mark.parametrize("line", ["{}", "[1]", "no json", json.dumps({"part": "gaining"})])
def test_a_file_that_is_no_list_of_rounds_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rounds.jsonl"
    path.write_text(line + "\n")

    with pytest.raises(KnownError, match="move it away"):
        KeptRounds(path)
    assert path.read_text() == line + "\n"


def test_what_gained_without_forgetting_and_was_not_used_is_counted() -> None:
    found = gaining_figures(
        [
            a_round(),
            a_round(used=False),
            # It forgot, so it was right not to use it.
            a_round(used=False, lost=0.06),
            a_round(used=False, gain=0.25),
            a_round(used=False, gain=0.1),
        ]
    )

    assert (found["gained"], found["gained_not_used"]) == (2, 1)
    assert (found["gained_some"], found["gained_some_not_used"]) == (1, 1)
    assert found["lesson_s"] == 20
    assert found["training_s"] == 70


@pytest.mark.parametrize(("lost", "agrees"), [(0.0, True), (0.02, True), (0.15, False)])
def test_forgetting_is_held_against_the_interval_told(lost: float, *, agrees: bool) -> None:
    played = a_round(lost=lost)

    assert played.told is not None
    assert played.told.n == 300
    assert played.forgetting_as_told is agrees
    assert gaining_figures([played])["forgetting_as_told"] == agrees


def test_old_tasks_that_were_not_played_say_nothing_of_forgetting() -> None:
    unplayed = replace(a_round(), old_tasks=None)

    assert unplayed.forgetting_as_told is None
    assert gaining_figures([unplayed])["forgetting_as_told_share"] is None
    assert gaining_figures([unplayed])["gained"] == 0


def test_shuffled_rounds_that_were_used_are_counted() -> None:
    found = no_effect_figures([a_round(), a_round(used=False)])

    assert found == {"put_in_use": 1, "called_better": 2, "called_worse": 0}


def test_shuffled_answers_are_the_same_answers_at_other_pictures(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        shown = record_demonstrations(
            store, "doom", "go to the red torch", range(10_000_000, 10_000_002)
        )
        store.wait()
    episodes = [each.episode_id or 0 for each in shown]

    def ticks() -> list[tuple[int, int, object]]:
        with Reader.open(tmp_path) as reader:
            return [
                (each.episode_id, each.frame_id, each.executed)
                for episode in episodes
                for each in reader.ticks(episode)
            ]

    before = ticks()
    shuffle_answers(tmp_path, episodes, seed=1)
    after = ticks()

    assert [each[:2] for each in after] == [each[:2] for each in before]
    assert sorted(map(str, (each[2] for each in after))) == sorted(
        map(str, (each[2] for each in before))
    )
    assert sum(one[2] != other[2] for one, other in zip(before, after, strict=True)) > 10
