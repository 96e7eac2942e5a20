"""What the model is told: the sentence, cleaned, inside the checkpoint's prompt.

"jarvis" is JARVIS-VLA's normal form (text before the picture, Qwen2-VL's chat template
with its default system turn); "plain" is the same without the system turn.
"jarvis-recipe" adds what to craft and how, "jarvis-simple" says the thought instead of the
instruction; "picture" is plain with the picture before the words.  Earlier frames go before
the newest as turns of their own, each answered by what the model said then; only the first
turn holds the instruction.  Play and training use the same functions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recorder.errors import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_INSTRUCTION_CHARACTERS = 400
MAX_INSTRUCTION_TOKENS = 256
"""A sentence with more tokens (rare scripts, emoji) is cut at its end."""
MAX_THOUGHT_TOKENS = 32
"""So is the thought that the recipe form says in every turn."""
IMAGE_PAD = "<|image_pad|>"
PROMPT_FORMS = ("jarvis", "jarvis-recipe", "jarvis-simple", "plain", "picture")
SYSTEM_SENTENCE = "You are a helpful assistant."
_SYSTEM = f"<|im_start|>system\n{SYSTEM_SENTENCE}<|im_end|>\n"
_SPECIAL = re.compile(r"<\|[^|<>]{0,64}\|>|</?(?:think|grounding|motion)>")
_JOINERS = "\u200c\u200d"
"""Invisible, but scripts and emoji are written with them; all else invisible goes."""


def clean_instruction(text: str) -> str:
    """Return the sentence as the model may hear it.

    Control and invisible characters and special tokens typed by hand are taken out,
    white space is folded.  Raises UsageError where nothing is left, or more than
    MAX_INSTRUCTION_CHARACTERS are.
    """
    cleaned = _cleaned(text)
    if len(cleaned) > MAX_INSTRUCTION_CHARACTERS:
        raise UsageError(
            f"The instruction has {len(cleaned):,} characters and the model reads at most "
            f"{MAX_INSTRUCTION_CHARACTERS}, so it was not played; say it shorter."
        )
    return cleaned


def _cleaned(text: str) -> str:
    # Invisible characters go first: without them a special token could come together.
    visible = "".join(map(_seen, text))
    while (cut := _SPECIAL.sub(" ", visible)) != visible:
        visible = cut
    cleaned = " ".join(visible.split())
    if not cleaned.strip(_JOINERS + " "):
        raise UsageError(
            "The instruction is empty, so there is nothing to play; type what to do, "
            'for example "go to the red torch".'
        )
    return cleaned


def _seen(character: str) -> str:
    """Return what is to be seen of a character: itself, a space, or nothing."""
    category = unicodedata.category(character)
    if category in ("Cc", "Cs"):
        return " "
    return "" if category == "Cf" and character not in _JOINERS else character


@dataclass(frozen=True, slots=True)
class Told:
    """What is said to the model besides the picture.

    ``thought`` is the task in short ("craft a crafting table."), needed by the recipe and
    simple forms; ``recipe`` the text of :func:`model.language.recipes.recipe_text`, or "".
    """

    instruction: str
    thought: str = ""
    recipe: str = ""


def prompt_text(
    kind: str,
    told: str | Told,
    image_tokens: int,
    answers: Sequence[str] = (),
) -> str:
    """Return the prompt up to the answer, with ``image_tokens`` image pads a picture.

    ``answers`` are the model's answers to the earlier frames, oldest first; each makes a
    turn with a picture before the newest one.  Raises ValueError for a ``kind`` that is no
    prompt form.
    """
    if kind not in PROMPT_FORMS:
        raise ValueError(f"unknown prompt form {kind!r}")
    told = Told(told) if isinstance(told, str) else told
    picture = f"<|vision_start|>{IMAGE_PAD * image_tokens}<|vision_end|>"
    turns = [_SYSTEM if kind.startswith("jarvis") else ""]
    said = _first_turn(kind, told)
    for answer in answers:
        # The client of the released model puts a line's end behind every answer it repeats.
        turns.append(_seen_turn(kind, said, picture) + _turn("assistant", answer + "\n"))
        said = _later_turn(kind, told)
    return "".join(turns) + _seen_turn(kind, said, picture) + "<|im_start|>assistant\n"


def spoken_turns(kind: str, told: Told, turns: int) -> tuple[str, ...]:
    """Return the words of each of the person's turns, oldest first, without their pictures."""
    return (_first_turn(kind, told), *([_later_turn(kind, told)] * (turns - 1)))


def _turn(role: str, content: str) -> str:
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"


def _seen_turn(kind: str, said: str, picture: str) -> str:
    return _turn("user", picture + said if kind == "picture" else said + picture)


def _first_turn(kind: str, told: Told) -> str:
    if kind == "jarvis-recipe":
        said = told.instruction
        if not said.endswith("."):
            said += ". \n"
        return f"{said}\n{told.recipe}{_later_turn(kind, told)}"
    if kind == "picture":
        return told.instruction
    said = (told.thought or told.instruction) if kind == "jarvis-simple" else told.instruction
    return f"{said}\nobservation: \n"


def _later_turn(kind: str, told: Told) -> str:
    if kind == "jarvis-recipe":
        # Thoughts end in a full stop and get another one: the released client does so.
        return f"\nthought: {told.thought or told.instruction}. \n\nobservation: \n"
    if kind == "picture":
        return ""
    return "\nobservation: \n"


def heard(tokenizer: PreTrainedTokenizerBase, instruction: str) -> tuple[str, bool]:
    """Return what of a sentence goes into the prompt, and whether its end was cut off.

    Cleaned as by :func:`clean_instruction`, without the tokenizer's own special tokens,
    and cut where it has more than MAX_INSTRUCTION_TOKENS tokens; in other words than were typed
    it may have more characters.  ``tokenizer`` is a transformers tokenizer.  Raises UsageError
    where nothing is left.
    """
    text = _cleaned(instruction)
    special = [str(t) for t in tokenizer.added_tokens_decoder.values() if t.special]
    if any(token in text for token in special):
        text = _cleaned(_without(text, special))
    return _within(tokenizer, text, MAX_INSTRUCTION_TOKENS)


def prompt_ids(
    tokenizer: PreTrainedTokenizerBase,
    kind: str,
    instruction: str | Told,
    image_tokens: int,
    answers: Sequence[str] = (),
) -> tuple[tuple[int, ...], bool]:
    """Return the prompt's ids for a typed sentence, and whether the sentence was cut.

    Raises UsageError for a sentence that cannot be heard, ValueError for a ``kind`` that
    is no prompt form.
    """
    told = Told(instruction) if isinstance(instruction, str) else instruction
    text, cut = heard(tokenizer, told.instruction)
    simple = kind == "jarvis-simple"
    most = MAX_INSTRUCTION_TOKENS if simple else MAX_THOUGHT_TOKENS
    thought, shorter = _within(tokenizer, told.thought, most)
    cut = cut or (simple and shorter)
    text = prompt_text(kind, Told(text, thought, told.recipe), image_tokens, answers)
    return tuple(tokenizer(text, add_special_tokens=False).input_ids), cut


def _within(tokenizer: PreTrainedTokenizerBase, text: str, most: int) -> tuple[str, bool]:
    """Return as much of a text as has ``most`` tokens, and whether its end was cut off."""
    if _count(tokenizer, text) <= most:
        return text, False
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if _count(tokenizer, text[:middle]) <= most:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip(), True


def _count(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    return len(tokenizer(text, add_special_tokens=False).input_ids)


def _without(text: str, tokens: Iterable[str]) -> str:
    """Replace tokens by a space until none is left."""
    left = sorted(tokens, key=len, reverse=True)
    while any(token in text for token in left):
        for token in left:
            text = text.replace(token, " ")
    return text
