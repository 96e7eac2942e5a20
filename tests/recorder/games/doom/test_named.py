"""What a typed sentence names, and the rooms that are laid out for it."""

import pytest

from recorder.games.doom.named import chosen_kinds, missing_thing, named_things
from recorder.games.doom.scene import build_scene
from recorder.games.doom.tasks import ALL_TASKS, goal_of


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("kill that monster", ["monster"]),
        ("get me some health", ["health"]),
        ("\U0001f525\U0001f52b go to the red torch", ["red torch"]),
        ("shoot the imp behind the pillar", ["imp", "pillar"]),
        ("pick up the red skull then go to the blue torch", ["red skull", "blue torch"]),
        ("Run away from the ZOMBIES!", ["zombies"]),
        ("use your gun on the explosive barrel", ["explosive barrel"]),
        ("switch to the shotgun, then press the switch", ["shotgun", "switch"]),
        ("zigzag", []),
        ("go left", []),
    ],
)
def test_things_are_found_by_every_name_and_by_words_for_all_of_a_kind(
    sentence: str, words: list[str]
) -> None:
    assert [each.word for each in named_things(sentence)] == words


@pytest.mark.parametrize(
    "sentence",
    [
        "kill that monster",
        "shoot the imp behind the pillar",
        "press the blue button and open the red door, then grab the medkit",
        "dance around the tree, the barrel and the statue",
    ],
)
def test_a_free_sentences_room_holds_what_it_names(sentence: str) -> None:
    for seed in range(10_000_000, 10_000_012):
        named = chosen_kinds(sentence, seed)
        scene = build_scene(None, "free", seed, named)
        there = [placed.kind.key for placed in scene.things]
        there += [fixture.key for fixture in scene.plan.fixtures]
        assert missing_thing(sentence, there) == ""
        assert scene == build_scene(None, "free", seed, chosen_kinds(sentence, seed))


def test_the_first_thing_that_is_not_there_is_told() -> None:
    assert missing_thing("kill that monster", ["barrel", "red_torch"]) == "monster"
    assert missing_thing("kill that monster", ["barrel", "imp"]) == ""
    assert missing_thing("go to the torch and open the green door", ["red_torch"]) == "green door"
    assert missing_thing("zigzag", []) == ""


def test_no_task_names_what_its_own_room_lacks() -> None:
    for task in ALL_TASKS[::7]:
        scene = build_scene(goal_of(task), task.id, 10_000_000)
        there = [placed.kind.key for placed in scene.things]
        there += [fixture.key for fixture in scene.plan.fixtures]
        if task.verb != "switch to":
            assert missing_thing(task.instruction, there) == "", task.instruction


def test_many_things_still_fit() -> None:
    sentence = "the imp, the tree, the barrel, the statue, the baron, the red door, the blue door, "
    named = chosen_kinds(sentence + "the green door and the red switch", 5)
    assert len(named) == 5
    build_scene(None, "free", 10_000_005, named)
