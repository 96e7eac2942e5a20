"""Sentences put into words that the model was taught: never another thing, never another deed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.language.paraphrase import TAUGHT_FILE, Sayings
from model.paths import own_checkpoint
from recorder.errors import ModelError
from recorder.games.doom.tasks import ALL_TASKS, TRAINED_TASKS, task_folder
from trainer.pretraining.curriculum import taught_ways, write_taught


@pytest.fixture(scope="module")
def yard() -> Sayings:
    ways = taught_ways(json.loads((task_folder() / "templates.json").read_text(encoding="utf-8")))
    return Sayings(
        ways["frames"], ways["names"], ways["understood"], ways["relations"], ways["takes"]
    )


def test_what_was_taught_stays_letter_for_letter(yard: Sayings) -> None:
    for task in TRAINED_TASKS[::3]:
        if "+" not in task.id:
            for said in task.phrasings:
                assert yard.restate(said) == said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Could you please grab that medkit", "grab the medkit"),
        ("walk over to the red torch", "go to the red torch"),
        ("get rid of the imp", "shoot the imp"),
        ("kil the zombi", "shoot the zombie"),
        ("pikc up teh medkit", "pick up the medkit"),
        ("take the blue key card", "take the blue keycard"),
        ("take the medkit on your left", "pick up the left medkit"),
        ("shoot the imp thats furthest away", "shoot the farthest imp"),
        ("turn to your left", "turn left"),
        ("stay far from the demon", "keep away from the demon"),
        ("do not go near the demon", "keep away from the demon"),
    ],
)
def test_other_words_for_what_was_taught(yard: Sayings, said: str, told: str) -> None:
    assert yard.restate(said) == told


@pytest.mark.parametrize(
    "said",
    [
        "dance around the barrel",
        "go around the barrel",
        "pick up the sandwich",
        "gehe zur roten Fackel",
        "paint the imp green",
        # Other verbs are no mistyped ones.
        "paint the barrel",
        "lead the imp",
        "clean the demon",
        "rub the barrel",
        "close the red door",
        # Not to go there is not to stand there.
        "do not go to the barrel",
        "don't pick up the medkit",
        "\U0001f600",
        "...",
        "3",
    ],
)
def test_what_was_not_taught_stays_as_it_was_typed(yard: Sayings, said: str) -> None:
    assert yard.restate(said) == said


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("turn your view to the {}", ("left", "right")),
        ("make a slow turn to the {}", ("left", "right")),
        ("go a little to the {}", ("left", "right")),
    ],
)
def test_left_never_becomes_right(yard: Sayings, one: str, other: tuple[str, str]) -> None:
    for side, wrong in (other, other[::-1]):
        assert wrong not in yard.restate(one.format(side)).split()


def test_a_held_out_sentence_is_told_as_a_taught_one_or_stays(yard: Sayings) -> None:
    own: dict[str, set[str]] = {}
    for task in ALL_TASKS:
        for said in task.phrasings:
            own.setdefault(said.lower(), set()).add(task.id)
    right = wrong = whole = 0
    for task in ALL_TASKS[::3]:
        for said in task.heldout_phrasings if "+" not in task.id else ():
            told = yard.restate(said).lower()
            whole += 1
            right += task.id in own.get(told, ())
            wrong += told != said.lower() and task.id not in own.get(told, ())
    # Over all of them: 84 %.
    assert right > 0.7 * whole
    assert wrong == 0


@pytest.mark.parametrize(
    "said", ["use your gun on the imp", "please use your shotgun on the demon behind you"]
)
def test_nothing_is_said_of_what_it_cannot_be_done_to(yard: Sayings, said: str) -> None:
    told = yard.restate(said)
    assert not told.startswith(("switch to", "open", "press"))
    assert "demon behind you" in told or told == "use your gun on the imp"


def test_a_held_out_combination_may_be_said_in_other_words(yard: Sayings) -> None:
    held = [task for task in ALL_TASKS if task.split == "heldout" and task.id.count(":") == 1]
    verbs = {"pick up": "get me the {}", "shoot": "get rid of the {}"}
    asked = [task for task in held if task.verb in verbs and "+" not in task.id]
    assert len(asked) > 3
    for task in asked:
        said = verbs[task.verb].format(task.thing)
        assert yard.restate(said) == f"{task.verb} the {task.thing}"


@given(st.text(max_size=60))
def test_no_text_is_too_strange(text: str) -> None:
    sayings = Sayings({"go to the {thing}": ["walk to the {thing}"]}, ["barrel", "red torch"])
    told = sayings.restate(text)
    assert told == text or "go to the" in told or "walk to the" in told


def test_a_checkpoint_brings_its_own(tmp_path: Path) -> None:
    assert Sayings.load(tmp_path) is None
    write_taught(tmp_path)
    sayings = Sayings.load(tmp_path)
    assert sayings is not None
    assert sayings.restate("walk over to the barrel") == "go to the barrel"
    held = {said for task in ALL_TASKS for said in task.heldout_phrasings}
    raw = json.loads((tmp_path / TAUGHT_FILE).read_text(encoding="utf-8"))
    ways = [
        way for table in ("frames", "understood") for ways in raw[table].values() for way in ways
    ]
    assert not {way.replace("{thing}", "barrel") for way in ways} & held
    for wrong in ("[]", "{", '{"frames": {"go": 3}, "names": []}', '{"names": []}'):
        (tmp_path / TAUGHT_FILE).write_text(wrong)
        with pytest.raises(ModelError, match="fresh copy"):
            Sayings.load(tmp_path)


@pytest.mark.parametrize("said", [
    "take all medkits", "take all the medkits", "take the medkits", "take two medkits",
    "shoot the imps", "avoid all demons", "pick up every medkit", "shoot the imp twice",
    "pick up the medkit and the shotgun", "pick up the medkit and shotgun",
    "pick up the medkit and shoot the imp", "go to the red and the green torch",
    "shoot the imp or the demon", "shoot the imp with the shotgun", "go to the barrel and back",
    "turn left and go forward",
])  # fmt: skip
def test_several_things_are_never_told_as_one(yard: Sayings, said: str) -> None:
    assert yard.restate(said) == said
    assert yard.of_several(said) or "every" in said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("walk over and take the medkit", "pick up the medkit"),
        ("turn and look at the imp", "face the imp"),
        ("take one medkit", "take one medkit"),
        ("turn all the way around", "turn around"),
        ("get the ammo crate, the right one of the two", "pick up the right ammo crate"),
        ("get away from the soldier and stay away", "keep away from the soldier"),
    ],
)
def test_one_thing_in_many_words_is_told_as_one(yard: Sayings, said: str, told: str) -> None:
    if said != told:
        assert yard.restate(said) == told
    assert not yard.of_several(yard.restate(said))


def test_the_parts_of_a_sentence_are_looked_at_one_by_one(yard: Sayings) -> None:
    assert not yard.of_several("pick up the medkit, afterwards shoot the imp")
    assert not yard.of_several("go to the red switch and push it")


@pytest.mark.parametrize("said", [
    "go to the post", "place a block", "mine the ore", "kill all pigs", "collect two apples",
    "kill the pig and the sheep", "kill the pig or the sheep", "mine stone and dirt",
    "chop the trees",
])  # fmt: skip
def test_luanti_is_told_neither_one_of_several_nor_one_of_two(said: str) -> None:
    sayings = Sayings.load(own_checkpoint("luanti"))
    assert sayings is not None
    assert sayings.restate(said) == said
