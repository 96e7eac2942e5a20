"""What can be said, and where the figures beside it come from."""

import json
from pathlib import Path

import pytest
from toy_game import SIZE, TASKS, ToyGame, WalkPolicy

from app.backend.sentences.sentence_figures import SHIPPED, sentence_facts, shipped, watched
from app.session.control_loop import LiveSession
from app.session.wiring import Player, store_recording
from model.play.runner import LockStepRunner
from recorder.clock import ManualClock
from recorder.games import task_list
from recorder.store import Reader, Store
from recorder.types import Outcome
from trainer.evaluation.players import player_spec


def test_figures_of_one_sentence_are_added_up_and_others_have_none() -> None:
    facts = sentence_facts(
        TASKS,
        lambda sentence: "red" in sentence,
        [{"reach the red dot": (3, 4)}, {"reach the red dot": (1, 6), "jump": (1, 1)}],
    )
    assert [(each.sentence, each.good, each.tries, each.taught) for each in facts] == [
        ("reach the red dot", 4, 10, True),
        ("reach the green dot", 0, 0, False),
    ]


def test_shipped_figures_count_for_the_shipped_weights_only(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.json"
    rows = [["a:b", "do it", "SSW.t"], ["a:c", "do that", "..."]]
    file.write_text(json.dumps({"player": "w1:own", "suites": {"seen": rows}}), encoding="utf-8")
    assert shipped("w1:other", file) == {"do it": (2, 4), "do that": (0, 0)}
    assert shipped("w2:own", file) == {}
    assert shipped("w1:own", tmp_path / "none.json") == {}
    file.write_text("{", encoding="utf-8")
    assert shipped("w1:own", file) == {}


def test_the_default_model_has_figures_of_its_own() -> None:
    key = player_spec("base", active_adapter=None, adapters={}).key
    counts = shipped(key, SHIPPED)
    known = [task for task in task_list("doom") if task.instruction in counts]
    assert len(known) > 100
    good, tries = counts["go to the red torch"]
    assert 0.9 * tries < good <= tries


def test_attempts_that_were_watched_count_without_those_of_the_persons(tmp_path: Path) -> None:
    game = ToyGame()
    with Store.open(tmp_path) as store:
        _, record = store_recording(store, game, wait_when_full=True, width=SIZE, height=SIZE)
        session = LiveSession(
            game, player=Player(WalkPolicy()), make_runner=LockStepRunner, clock=ManualClock(),
            threaded=False, make_recording=record,
        ).start()  # fmt: skip
        for take_over in (False, True, False):
            session.play("reach the red dot")
            session.step()
            if take_over:
                session.key("D", True, 0)
            while session.snapshot().outcome is None:
                session.step()
            assert session.snapshot().outcome is Outcome.SUCCESS
        session.close()
    with Reader.open(tmp_path) as reader:
        assert watched(reader, "toy", None, "walk right") == {"reach the red dot": (2, 2)}
        assert watched(reader, "toy", None, "another") == {}
        assert watched(reader, "toy", 4, "walk right") == {}


@pytest.mark.parametrize("text", ['{"player": 3}', '{"player": "w1", "suites": []}'])
def test_a_strange_file_gives_no_figures(tmp_path: Path, text: str) -> None:
    file = tmp_path / "outcomes.json"
    file.write_text(text, encoding="utf-8")
    assert shipped("w1:own", file) == {}
