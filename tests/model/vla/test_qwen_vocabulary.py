"""The released model's prompts in Qwen2's real vocabulary: bytes, ids, and the repair."""

from __future__ import annotations

from typing import Any

import pytest
from qwen_vocabulary import ORDINARY, ranks, tokenizer

from model.actions.tokens import encode, encode_ids
from model.language.prompts import Told, prompt_ids, prompt_text
from model.vla.tokenizers import added_tokens, repair_tokenizer
from recorder.types import Action

SENTENCE = "Break the sugar cane."
RECIPE = Told(
    "craft a crafting table.",
    "craft a crafting table.",
    "\nArrange the materials in the crafting grid according to the following pattern: \n"
    "\n plank | plank \n plank | plank \n",
)
FORMS = [("jarvis", Told(SENTENCE)), ("jarvis-recipe", RECIPE), ("jarvis-simple", RECIPE)]
DIG = Action(attack=True, forward=True, camera=(-0.7463, -10.0))
ROWS = 152_064


@pytest.fixture(scope="module")
def qwen() -> Any:
    found = ranks()
    if found is None:
        pytest.skip("no package here carries Qwen's vocabulary (dashscope does)")
    assert len(found) == ORDINARY
    assert sorted(found.values()) == list(range(ORDINARY))
    spoken = "".join(prompt_text(form, told, 1, [encode(DIG)] * 2) for form, told in FORMS)
    made = tokenizer(found, spoken)
    assert repair_tokenizer(made, ROWS)
    return made


def test_the_added_tokens_come_to_their_published_ids(qwen: Any) -> None:
    assert len(qwen) == 151_908
    ids = qwen.convert_tokens_to_ids(list(added_tokens()))
    assert ids == list(range(151_657, 151_908))
    spoken = qwen(encode(DIG), add_special_tokens=False).input_ids
    assert spoken == [151_657 + number for number in encode_ids(DIG)]
    assert not repair_tokenizer(qwen, ROWS)


def test_the_prompt_has_the_ids_that_are_documented(qwen: Any) -> None:
    ids, cut = prompt_ids(qwen, "jarvis", SENTENCE, 299)
    assert not cut
    assert ids.count(151_655) == 299
    assert ids[0] == 151_644
    # "<|im_start|>user\n" and "<|im_start|>assistant\n"
    assert ids[ids.index(872) - 1 :][:3] == (151_644, 872, 198)
    assert ids[-3:] == (151_644, 77_091, 198)
    assert ids[-5:-3] == (151_645, 198)
    assert ids[ids.index(151_655) - 1] == 151_652
    assert 300 < len(ids) < 345


@pytest.mark.parametrize("history", [0, 2])
@pytest.mark.parametrize(("form", "told"), FORMS)
def test_ids_say_the_prompt_byte_for_byte(qwen: Any, form: str, told: Told, history: int) -> None:
    answers = [encode(DIG)] * history
    ids, _ = prompt_ids(qwen, form, told, 3, answers)
    assert qwen.decode(ids) == prompt_text(form, told, 3, answers)
    # Few tokens: with a wrong vocabulary every letter would be one.
    assert len(ids) < len(prompt_text(form, told, 3, answers)) / 3
