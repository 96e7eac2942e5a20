"""The prompt: byte for byte, and nothing that a person types becomes a special token."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.language.instructions import told
from model.language.prompts import (
    MAX_INSTRUCTION_CHARACTERS,
    MAX_INSTRUCTION_TOKENS,
    PROMPT_FORMS,
    Told,
    clean_instruction,
    heard,
    prompt_ids,
    prompt_text,
)
from model.language.recipes import CURATED
from model.vla.preprocess import MAX_HISTORY
from model.vla.tiny import SPECIAL_TOKENS, build_tokenizer
from model.vla.vla import MAX_TEXT_TOKENS, MAX_TURN_TOKENS
from recorder.errors import UsageError

TOKENIZER = build_tokenizer(["go to the red torch"] * 4, vocabulary=600)
PIECES = st.sampled_from(
    [*SPECIAL_TOKENS[:24], "<|", "|>", "<", "im_end", "\x00", "\u200b", "\u200d", "\n", "go", "<"]
)


def test_the_jarvis_form_is_the_published_one() -> None:
    assert prompt_text("jarvis", "Break the sugar cane.", 2) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\nBreak the sugar cane.\nobservation: \n"
        "<|vision_start|><|image_pad|><|image_pad|><|vision_end|><|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_the_plain_form_has_no_system_turn() -> None:
    assert prompt_text("plain", "go", 1) == (
        "<|im_start|>user\ngo\nobservation: \n<|vision_start|><|image_pad|><|vision_end|>"
        "<|im_end|>\n<|im_start|>assistant\n"
    )


SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
EYE = "<|vision_start|><|image_pad|><|vision_end|>"
ASSISTANT = "<|im_start|>assistant\n"
RECIPE = CURATED["crafting_table"]
TABLE = Told("Craft a crafting table", "craft a crafting table.", RECIPE)
FIRST = {
    "jarvis": "Craft a crafting table\nobservation: \n",
    "jarvis-recipe": (
        "Craft a crafting table. \n\n"
        "\nArrange the materials in the crafting grid according to the following pattern: \n"
        "\n plank | plank \n plank | plank \n"
        "\nthought: craft a crafting table.. \n\nobservation: \n"
    ),
    "jarvis-simple": "craft a crafting table.\nobservation: \n",
}
LATER = {
    "jarvis": "\nobservation: \n",
    "jarvis-recipe": "\nthought: craft a crafting table.. \n\nobservation: \n",
    "jarvis-simple": "\nobservation: \n",
}


@pytest.mark.parametrize("history", range(5))
@pytest.mark.parametrize("form", sorted(FIRST))
def test_every_form_and_history_byte_for_byte(form: str, history: int) -> None:
    answers = [f"<|reserved_special_token_{178 + n}|>" for n in range(history)]
    wanted = SYSTEM
    for number in range(history + 1):
        said = LATER[form] if number else FIRST[form]
        wanted += f"<|im_start|>user\n{said}{EYE}<|im_end|>\n{ASSISTANT}"
        if number < history:
            wanted += f"{answers[number]}\n<|im_end|>\n"
    assert prompt_text(form, TABLE, 1, answers) == wanted


def test_the_picture_form_shows_before_it_tells() -> None:
    assert prompt_text("picture", "go", 1, ["a"]) == (
        f"<|im_start|>user\n{EYE}go<|im_end|>\n{ASSISTANT}a\n<|im_end|>\n"
        f"<|im_start|>user\n{EYE}<|im_end|>\n{ASSISTANT}"
    )


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="poem"):
        prompt_text("poem", "go", 1)


@pytest.mark.parametrize(
    ("typed", "heard_as"),
    [
        ("  go \t to\n the  torch ", "go to the torch"),
        ("go\x00there", "go there"),
        ("go <|im_end|>there", "go there"),
        ("<|im_<|im_end|>end|> go", "go"),
        ("go <\u200b|im_end|\u200b> there", "go there"),
        ("go <th\u200bink> there", "go there"),
        ("\u202ego", "go"),
        ("1 < 2 | 3 > 2", "1 < 2 | 3 > 2"),
        ("\U0001f468\u200d\U0001f680", "\U0001f468\u200d\U0001f680"),
        ("\ud800go", "go"),
    ],
)
def test_what_is_heard_of_what_is_typed(typed: str, heard_as: str) -> None:
    assert clean_instruction(typed) == heard_as


@pytest.mark.parametrize("typed", ["", " \n", "\x00\x1b", "\u200b\u200d\ufeff", "<|im_end|>"])
def test_nothing_to_hear_is_one_sentence(typed: str) -> None:
    with pytest.raises(UsageError, match="instruction is empty"):
        clean_instruction(typed)


def test_a_sentence_may_be_as_long_as_said_and_no_longer() -> None:
    longest = "a" * MAX_INSTRUCTION_CHARACTERS
    assert clean_instruction(longest) == longest
    with pytest.raises(UsageError, match="10,000 characters"):
        clean_instruction("\U0001f600" * 10_000)


@given(st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join))
def test_no_typed_text_becomes_a_special_token(typed: str) -> None:
    try:
        ids, _ = prompt_ids(TOKENIZER, "plain", typed, 1)
        plain, _ = prompt_ids(TOKENIZER, "plain", "go", 1)
    except UsageError:
        return
    special = set(TOKENIZER.convert_tokens_to_ids(list(SPECIAL_TOKENS)))
    assert [i for i in ids if i in special] == [i for i in plain if i in special]


@given(st.text(max_size=60))
def test_cleaning_twice_is_cleaning_once(typed: str) -> None:
    try:
        once = clean_instruction(typed)
    except UsageError:
        return
    assert clean_instruction(once) == once


def test_a_tokenizers_own_special_tokens_are_taken_out_too() -> None:
    class Foreign:
        def __init__(self) -> None:
            self.added_tokens_decoder: dict[int, Any] = {1: Special("[SEP]"), 2: Common("torch")}

        def __call__(self, text: str, *, add_special_tokens: bool) -> Any:
            assert not add_special_tokens
            return TOKENIZER(text, add_special_tokens=False)

    class Special(str):
        special = True

    class Common(str):
        special = False

    assert heard(Foreign(), "go [S[SEP]EP] to the torch") == ("go [S EP] to the torch", False)
    assert heard(Foreign(), "[SEP]torch") == ("torch", False)


def test_many_tokens_are_cut_and_said_to_be() -> None:
    text, cut = heard(TOKENIZER, "go " + "\U0001f600" * 300)
    assert cut
    count = len(TOKENIZER(text, add_special_tokens=False).input_ids)
    assert MAX_INSTRUCTION_TOKENS - 4 <= count <= MAX_INSTRUCTION_TOKENS
    assert heard(TOKENIZER, "go to the red torch") == ("go to the red torch", False)


@pytest.mark.parametrize("form", PROMPT_FORMS)
@pytest.mark.parametrize("said", ["\U0001f600" * 400, "qz" * 200, "mine the oak log " * 23])
def test_what_may_be_typed_has_room_in_every_form(form: str, said: str) -> None:
    typed = clean_instruction(said[:400])
    spoken = told(typed, form, rewriting=True) if form.startswith("jarvis") else Told(typed)
    ids, _cut = prompt_ids(TOKENIZER, form, spoken, 1, ["no"] * MAX_HISTORY)
    assert len(ids) <= MAX_TEXT_TOKENS + MAX_HISTORY * MAX_TURN_TOKENS


def test_a_prompt_has_the_asked_number_of_image_tokens() -> None:
    image = TOKENIZER.convert_tokens_to_ids("<|image_pad|>")
    ids, cut = prompt_ids(TOKENIZER, "jarvis", "go", 7)
    assert ids.count(image) == 7
    assert not cut
    assert TOKENIZER.decode(ids) == prompt_text("jarvis", "go", 7)
