"""Free text in the library's style, and recipes as the released client words them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.language.instructions import rewrite, told
from model.language.recipes import recipe_for, recipe_text
from recorder.errors import ModelError


@pytest.mark.parametrize(
    ("typed", "sentence", "key"),
    [
        ("mine oak logs", "Mine the oak logs.", "mine_block:oak_logs"),
        ("Could you please chop down a tree?", "Mine a tree.", "mine_block:tree"),
        ("please kill 3 zombies for me!", "Kill the zombies.", "kill_entity:zombies"),
        ("I want you to craft a iron sword", "Craft an iron sword.", "craft_item:iron_sword"),
        ("make some oak planks", "Craft oak planks.", "craft_item:oak_planks"),
        ("smelt iron_ingot", "Smelt an iron ingot.", "craft_item:iron_ingot"),
        ("mine_block:oak_log", "Mine the oak log.", "mine_block:oak_log"),
        ("Break the sugar cane.", "Break the sugar cane.", "mine_block:sugar_cane"),
        ("collect the wool", "Pick up the wool.", "pickup:wool"),
        ("place a torch", "Place a torch.", "use_item:torch"),
        ("walk to the village", "Walk to the village.", ""),
        ("please", "Please.", ""),
        ("...", "...", ""),
        ("mine the snow", "Mine the snow.", "mine_block:snow"),
        ("mine the stone for me, please", "Mine the stone.", "mine_block:stone"),
        ("make me a chest", "Craft a chest.", "craft_item:chest"),
        ("make yourself some planks", "Craft planks.", "craft_item:planks"),
        ("get me a sword", "Pick up a sword.", "pickup:sword"),
        ("fight off a zombie", "Kill a zombie.", "kill_entity:zombie"),
        ("pick the flower up", "Pick up the flower.", "pickup:flower"),
        ("get some more wood", "Pick up the wood.", "pickup:wood"),
        ("craft flint and steel", "Craft a flint and steel.", "craft_item:flint_and_steel"),
        # What is no verb, article and name stays as it was typed.
        ("get rid of the zombie", "Get rid of the zombie.", ""),
        ("take out the zombie", "Take out the zombie.", ""),
        ("get to the village", "Get to the village.", ""),
        ("take a look around", "Take a look around.", ""),
        ("make sure you sleep", "Make sure you sleep.", ""),
        ("kill all zombies", "Kill all zombies.", ""),
        ("kill it", "Kill it.", ""),
        ("mine stone and dirt", "Mine stone and dirt.", ""),
        ("mine iron with a stone pickaxe", "Mine iron with a stone pickaxe.", ""),
    ],
)
def test_how_sentences_are_rewritten(typed: str, sentence: str, key: str) -> None:
    found = rewrite(typed)
    assert (found.sentence, found.key) == (sentence, key)


@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_rewriting_twice_is_rewriting_once(typed: str) -> None:
    once = rewrite(typed).sentence
    assert once.strip()
    assert rewrite(once).sentence == once


def test_switched_off_the_sentence_stays() -> None:
    assert told("chop a tree", "jarvis", rewriting=False).instruction == "chop a tree"
    assert told("chop a tree", "jarvis", rewriting=True).instruction == "Mine a tree."


def test_recipes_are_worded_byte_for_byte(tmp_path: Path) -> None:
    shaped = {
        "type": "minecraft:crafting_shaped",
        "pattern": ["X", "X", "#"],
        "key": {
            "X": [{"item": "minecraft:diamond"}, {"tag": "a"}],
            "#": {"tag": "minecraft:sticks"},
        },
        "result": {"item": "minecraft:diamond_sword"},
    }
    assert recipe_text(shaped) == (
        "\nArrange the materials in the crafting grid according to the following pattern: \n"
        "\n diamond \n diamond \n sticks \n\nand get 1 diamond sword. \n"
    )
    wide = {**shaped, "pattern": ["X #"]}
    assert "\n diamond | air | sticks \n" in recipe_text(wide)
    shapeless = {
        "type": "minecraft:crafting_shapeless",
        "ingredients": [{"item": "minecraft:blaze_powder"}, {"item": "minecraft:blaze_powder"}],
        "result": {"item": "minecraft:fire_charge", "count": 3},
    }
    assert recipe_text(shapeless) == (
        "\nYou will need the following ingredients: \n2 blaze powder, \nand get 3 fire charge. \n"
    )
    assert recipe_text({"type": "minecraft:smelting"}) == ""
    (tmp_path / "diamond_sword.json").write_text(json.dumps(shaped))
    assert recipe_for("diamond_sword", tmp_path) == recipe_text(shaped)
    assert recipe_for("unheard_of", tmp_path) == ""
    assert recipe_for("crafting_table", None).endswith("\n plank | plank \n plank | plank \n")
    heard = told("craft a diamond sword", "jarvis-recipe", rewriting=True, recipes=tmp_path)
    assert heard.recipe == recipe_text(shaped)
    assert heard.thought == "craft a diamond sword."


@pytest.mark.parametrize(
    ("damage", "field"),
    [({"pattern": 3}, "pattern"), ({"key": {}}, "key"), ({"result": {}}, "result")],
)
def test_a_damaged_recipe_names_its_field(
    tmp_path: Path, damage: dict[str, object], field: str
) -> None:
    whole = {
        "type": "crafting_shaped", "pattern": ["X"], "key": {"X": {"item": "a"}},
        "result": {"item": "b"},
    }  # fmt: skip
    (tmp_path / "stick.json").write_text(json.dumps({**whole, **damage}))
    with pytest.raises(ModelError, match=field):
        recipe_for("stick", tmp_path)
