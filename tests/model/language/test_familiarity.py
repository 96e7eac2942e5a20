"""Which sentences are called unfamiliar, measured against lists written by hand."""

import json
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import ROOT

from model.language.familiarity import UNFAMILIAR_FROM, Repertoire, likely_typo, taught_sentences
from model.language.paraphrase import TAUGHT_FILE, Sayings
from model.paths import default_checkpoint
from recorder.games.base import Task
from recorder.games.doom.tasks import ALL_TASKS, TRAINED_TASKS

SAID = ROOT / "assets" / "tasks" / "said.json"
YARD = Repertoire(taught_sentences(ALL_TASKS))
SMALL = Repertoire(["go to the red torch", "pick up the medkit", "shoot the imp"])


@cache
def told() -> Repertoire:
    """What the default model was taught, as the window asks it."""
    sayings = Sayings.load(default_checkpoint())
    assert sayings is not None
    return Repertoire(
        taught_sentences(ALL_TASKS),
        sayings.restate,
        sayings.outside,
        sayings.of_several,
        ALL_TASKS,
    )


def area_under_curve(higher: Sequence[str], lower: Sequence[str]) -> float:
    """Return the chance that a sentence of ``higher`` scores above one of ``lower``."""
    pairs = [(YARD.score(a), YARD.score(b)) for a in higher for b in lower]
    return sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs)


@pytest.fixture(scope="module")
def familiar() -> dict[str, list[str]]:
    combined = [task for task in ALL_TASKS if task.split == "heldout"]
    return {
        "taught": taught_sentences(TRAINED_TASKS)[::60],
        "other words": [s for task in TRAINED_TASKS for s in task.heldout_phrasings][::12],
        "other things": [task.instruction for task in combined],
        "by hand": [each["say"] for each in json.loads(SAID.read_text("utf-8"))["said"]],
    }


@pytest.mark.parametrize(("kind", "least"), [("unrelated", 0.9), ("near_misses", 0.75)])
def test_what_cannot_be_done_stands_out(
    familiar: dict[str, list[str]], kind: str, least: float
) -> None:
    strange = json.loads(SAID.read_text("utf-8"))[kind]
    assert len(strange) == 200
    for name, sentences in familiar.items():
        assert len(sentences) >= 80, name
        assert area_under_curve(strange, sentences) >= least, name


def test_what_was_taught_is_never_called_unfamiliar() -> None:
    taught = taught_sentences(TRAINED_TASKS)
    assert [s for s in taught if YARD.check(s) or YARD.score(s)] == []


def test_a_thing_that_is_only_named_asks_for_nothing() -> None:
    taught = json.loads((default_checkpoint() / TAUGHT_FILE).read_text(encoding="utf-8"))
    as_told = told()
    assert len(taught["names"]) > 100
    for name in taught["names"]:
        for named in (name, f"the {name}", f"a {name}"):
            assert YARD.score(named) >= UNFAMILIAR_FROM, named
            assert as_told.score(named) >= UNFAMILIAR_FROM, named
    unfamiliar = as_told.check("the demon and the imp")
    assert unfamiliar is not None
    assert unfamiliar.closest in taught_sentences(TRAINED_TASKS)


@pytest.mark.parametrize(
    ("typed", "meant", "typo"),
    [
        ("shoto", "shoot", True),
        ("shot", "shoot", True),
        ("shooot", "shoot", True),
        ("shoor", "shoot", True),
        ("teh", "the", True),
        ("barrels", "barrel", True),
        ("kil", "kill", True),
        ("paint", "point", False),
        ("close", "closer", False),
        ("burn", "turn", False),
        ("rub", "run", False),
        ("hoot", "shoot", False),
        ("shoot", "shoot", True),
        ("sprint", "shoot", False),
    ],
)
def test_a_word_of_its_own_is_no_typing_mistake(typed: str, meant: str, typo: bool) -> None:
    assert likely_typo(typed, meant) is typo


@pytest.mark.parametrize(
    "said",
    [
        "shoot the imp, then walk the dog",
        "shoot the imp, then the demon",
        "open the red door, then eat",
    ],
)
def test_a_sentence_with_a_strange_part_is_strange(said: str) -> None:
    assert told().check(said) is not None


def test_the_closest_sentence_is_named() -> None:
    unfamiliar = SMALL.check("photograph that red torch")
    assert unfamiliar is not None
    assert unfamiliar.closest == "go to the red torch"
    strange = SMALL.check("quelle heure est-il")
    assert strange is not None
    assert strange.closest == ""


@pytest.mark.parametrize("typo", ["tirch", "torh", "toorch", "tocrh"])
def test_one_wrong_letter_is_forgiven(typo: str) -> None:
    assert 0 < SMALL.score(f"go to the red {typo}") < UNFAMILIAR_FROM
    assert SMALL.score("go to the red xyzzy") >= UNFAMILIAR_FROM


def test_nothing_is_unfamiliar_where_nothing_is_known() -> None:
    assert Repertoire([]).check("anything") is None
    assert Repertoire(["", "!?"]).check("anything") is None


def test_what_is_held_out_does_not_count_as_taught() -> None:
    tasks = [
        Task("a", "press the bell", phrasings=("ring the bell",), split="train"),
        Task("b", "press the horn", split="heldout"),
        Task("c", "wave", heldout_phrasings=("waggle",)),
    ]
    assert taught_sentences(tasks) == ["press the bell", "ring the bell", "wave"]


@given(st.text(max_size=300))
def test_any_text_has_a_score(text: str) -> None:
    score = SMALL.score(text)
    assert 0 <= score <= 1.5
    unfamiliar = SMALL.check(text)
    assert (unfamiliar is not None) == (score >= UNFAMILIAR_FROM)


@pytest.mark.parametrize("said", [
    "hebe die blaue Schlüsselkarte auf", "ramasse la carte bleue", "подними синюю карту",
    "拿起蓝色钥匙卡", "青いカードキーを取って", "ارفع البطاقة الزرقاء",
])  # fmt: skip
def test_another_language_is_unfamiliar(said: str) -> None:
    assert told().check(said) is not None


def test_ten_thousand_characters_are_scored_like_a_few() -> None:
    assert SMALL.score("🔥" * 10_000) == 1.0
    assert SMALL.score("blah " * 10_000) == SMALL.score("blah " * 64)


def test_a_sentence_of_known_parts_is_known() -> None:
    taught = Repertoire(["go to the red torch", "shoot the imp", "pick up the medkit"])
    said = "shoot the imp, and after that pick up the medkit"
    assert taught.score(said) >= UNFAMILIAR_FROM
    assert taught.check(said) is None
    strange = taught.check("shoot the imp, then juggle three pineapples near the red torch")
    assert strange is not None
    assert strange.closest == "go to the red torch"


def test_a_sentence_is_as_familiar_as_what_the_model_is_told_for_it() -> None:
    sayings = Sayings(
        {"shoot the {thing}": []}, ["imp"], {"shoot the {thing}": ["get rid of the {thing}"]}
    )
    taught = ["shoot the imp", "go to the red torch"]
    plain, told = Repertoire(taught), Repertoire(taught, sayings.restate)
    assert plain.check("get rid of that imp") is not None
    assert told.check("get rid of that imp") is None
    # What cannot be put into taught words is no more familiar than before.
    assert told.score("shoot the moon") == plain.score("shoot the moon") > 0


@pytest.mark.parametrize("asked", [
    "pick up the red torch", "shoot the medkit", "press the medkit", "open the imp",
    "switch to the blue keycard", "pick up the medkit, then open the imp",
    "do not shoot the imp", "don't press the red switch", "never pick up the medkit",
    "do not go to the barrel",
])  # fmt: skip
def test_known_words_for_what_was_never_asked_are_unfamiliar(asked: str) -> None:
    assert told().check(asked) is not None


@pytest.mark.parametrize(("asked", "closest"), [
    ("pick up the red torch", "pick up the red"),
    ("do not shoot the imp", ""),
    ("pick up the red torch, then juggle", "pick up the red"),
])  # fmt: skip
def test_the_closest_is_of_one_part_and_never_the_opposite(asked: str, closest: str) -> None:
    unfamiliar = told().check(asked)
    assert unfamiliar is not None
    assert " then " not in unfamiliar.closest
    assert unfamiliar.closest.startswith(closest)
    assert (unfamiliar.closest == "") == (closest == "")


@pytest.mark.parametrize("asked", [
    "don't go near the imp", "do not go to the demon", "don't let the imp reach you",
    "stop next to the red torch and don't move", "stand at the red torch and do not move",
])  # fmt: skip
def test_not_every_not_is_unfamiliar(asked: str) -> None:
    assert told().check(asked) is None


def test_what_can_be_asked_is_no_less_familiar_for_it() -> None:
    sayings = Sayings.load(default_checkpoint())
    assert sayings is not None
    ways = {way for task in ALL_TASKS for way in (*task.phrasings, *task.heldout_phrasings)}
    # The parts are what is asked about.
    assert [w for w in ways if " then " not in w and sayings.outside(sayings.restate(w))] == []


@pytest.mark.parametrize(("asked", "things"), [
    ("go to the torch", ["red torch", "green torch", "blue torch"]),
    ("please walk over to the torch", ["red torch", "green torch", "blue torch"]),
    ("open the door", ["red door", "green door", "blue door", "yellow door"]),
    ("turn left, then open the door", ["red door", "green door", "blue door", "yellow door"]),
    ("shoot the monster", ["imp", "zombie", "demon", "cacodemon", "lost soul", "baron", "spider",
                           "soldier"]),
])  # fmt: skip
def test_a_sentence_that_leaves_out_which_one_names_all_of_them(
    asked: str, things: list[str]
) -> None:
    unfamiliar = told().check(asked)
    assert unfamiliar is not None
    assert sorted(task.thing for task in unfamiliar.meanings) == sorted(things)


def test_a_taught_sentence_is_clear_however_short() -> None:
    taught = [*taught_sentences(ALL_TASKS), "go to the torch"]
    assert Repertoire(taught, tasks=ALL_TASKS).check("Go to the torch.") is None
    for known in ("go to the barrel", "grab the medkit", "turn left"):
        assert told().check(known) is None, known


@pytest.mark.parametrize("asked", [
    "take all medkits", "take the medkits", "pick up the medkit and the shotgun",
    "shoot the imp and the demon", "go to the red and the green torch",
    "go to the barrel, pick up the medkit", "turn left and right",
])  # fmt: skip
def test_several_things_at_once_are_unfamiliar(asked: str) -> None:
    unfamiliar = told().check(asked)
    assert unfamiliar is not None
    assert unfamiliar.meanings == ()
