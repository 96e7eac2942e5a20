"""The whole loop without a window: the smallest one, and the one without a model."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from app.__main__ import main
from app.automation import demo
from app.automation.demo import DemoSize, _candidates
from recorder.errors import ExitCode, UsageError
from recorder.games import game_spec, registry
from recorder.games.doom.tasks import TASK_BY_ID
from trainer.rounds.measuring import known_before

SMALLEST = DemoSize(seeds=1, demonstrations=3, corrections=1, pairs=2, steps=2, replay=24)


@pytest.mark.long(45, "the whole loop: lessons, a round's process, two players' and two films")
def test_the_smallest_demo_ends_with_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "QUICK", SMALLEST)
    # Of the ten attempts by which it is known what it can already, tests/trainer/rounds knows.
    monkeypatch.setattr(known_before, "KNOWN_FROM", 2)
    yard, *others = registry.GAMES
    one = replace(yard, lessons=("go to the barrel",))
    monkeypatch.setattr(registry, "GAMES", (one, *others))
    code = main(["demo", "--quick", "--json", "--out", str(tmp_path)])
    captured = capsys.readouterr()
    assert code == ExitCode.OK
    told = json.loads(captured.out)
    assert captured.out.count("\n") == 1
    assert (told["lesson"], told["status"]) == ("go to the barrel", "done")
    assert set(told["gates"]) == {"taught", "old tasks"}
    assert told["verdict"]["n"] == 2
    # Two starts prove nothing, and what it could before was not played.
    assert not told["activated"]
    assert [line["n"] for line in told["verdict"]["lines"]] == [2, 0]
    page = Path(told["report"]).read_text(encoding="utf-8")
    assert html.escape(told["sentence"]) in page
    # Self-contained: pictures are inside, nothing is fetched.
    assert page.count("data:image/") >= 2
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page)


def test_a_game_without_an_expert_has_no_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for game, reason in (("minerl", "no expert"), ("chess", "no game called")):
        assert main(["demo", "--game", game, "--out", str(tmp_path)]) == ExitCode.USAGE
        said = capsys.readouterr().err
        assert reason in said
        assert "choose one of: doom, luanti" in said


def test_a_lesson_is_asked_in_the_words_that_were_wanted() -> None:
    (lesson,) = _candidates("doom", "use your gun on the barrel", quick=True)
    assert (lesson.id, lesson.instruction) == ("shoot:barrel", "use your gun on the barrel")
    (lesson,) = _candidates("luanti", "Chop the  tree.", quick=True)
    assert (lesson.id, lesson.instruction) == ("mine:oak_log", "Chop the tree.")
    with pytest.raises(UsageError, match="leaves open whether"):
        _candidates("doom", "go to the torch", quick=True)


def test_without_a_model_it_says_so_before_anything_plays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "default_checkpoint", lambda *_game: tmp_path / "nowhere")
    code = main(["demo", "--quick", "--out", str(tmp_path)])
    captured = capsys.readouterr()
    assert code == ExitCode.MODEL_PROBLEM
    assert captured.err.count("\n") == 1
    assert "nowhere" in captured.err


def test_a_lesson_that_no_expert_knows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for game in ("doom", "luanti"):
        code = main(["demo", "--game", game, "--lesson", "fly to the moon", "--out", str(tmp_path)])
        assert code == ExitCode.USAGE
        assert "fly to the moon" in capsys.readouterr().err


def test_the_candidates_of_a_lesson_are_tasks_of_the_game() -> None:
    for quick in (True, False):
        lessons = demo._candidates("luanti", "", quick=quick)
        assert {task.id for task in lessons} == {"go_to:white_post", "collect:diamond"}
    shown = game_spec("doom").lessons
    assert [task.instruction for task in demo._candidates("doom", "", quick=True)] == list(shown)
    full = demo._candidates("doom", "", quick=False)
    assert len({task.instruction for task in full}) == len(full)
    assert {task.instruction for task in full} > set(shown)
    (wanted,) = demo._candidates("luanti", "Kill the sheep.", quick=False)
    assert wanted.id == "kill:sheep"


def test_lessons_are_offered_that_the_model_was_never_trained_on() -> None:
    words, combination, _ = game_spec("doom").lessons
    (asked,) = demo._candidates("doom", f"{words.capitalize()}.", quick=True)
    assert asked.instruction == f"{words.capitalize()}."
    assert words in TASK_BY_ID[asked.id].heldout_phrasings
    assert words not in TASK_BY_ID[asked.id].phrasings
    (asked,) = demo._candidates("doom", combination, quick=True)
    assert asked.split == "heldout"
