"""What the model is told: the sentence, cleaned, inside the checkpoint's prompt.

"jarvis" is JARVIS-VLA's normal form (text before the picture, Qwen2-VL's chat template
with its default system turn); "plain" is the same without the system turn; "picture" has
the picture first, so that what was seen of it can be asked about many sentences.  Play
and training use the same function.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from recorder.errors import UsageError

MAX_INSTRUCTION_CHARACTERS = 400
MAX_INSTRUCTION_TOKENS = 256
"""A sentence with more tokens (rare scripts, emoji) is cut at its end."""
IMAGE_PAD = "<|image_pad|>"
PROMPT_FORMS = ("jarvis", "plain", "picture")
_SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
_SPECIAL = re.compile(r"<\|[^|<>]{0,64}\|>|</?(?:think|grounding|motion)>")
_JOINERS = "\u200c\u200d"
"""Invisible, but scripts and emoji are written with them; all else invisible goes."""


def clean_instruction(text: str) -> str:
    """Return the sentence as the model may hear it.

    Control and invisible characters and special tokens typed by hand are taken out,
    white space is folded.  Raises UsageError where nothing is left, or more than
    MAX_INSTRUCTION_CHARACTERS are.
    """
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
    if len(cleaned) > MAX_INSTRUCTION_CHARACTERS:
        raise UsageError(
            f"The instruction has {len(cleaned):,} characters and the model reads at most "
            f"{MAX_INSTRUCTION_CHARACTERS}, so it was not played; say it shorter."
        )
    return cleaned


def _seen(character: str) -> str:
    """Return what is to be seen of a character: itself, a space, or nothing."""
    category = unicodedata.category(character)
    if category in ("Cc", "Cs"):
        return " "
    return "" if category == "Cf" and character not in _JOINERS else character


def prompt_text(kind: str, instruction: str, image_tokens: int) -> str:
    """Return the prompt up to the answer, with ``image_tokens`` image pads.

    Raises ValueError for a ``kind`` that is no prompt form.
    """
    if kind not in PROMPT_FORMS:
        raise ValueError(f"unknown prompt form {kind!r}")
    if kind == "picture":
        return (
            f"<|im_start|>user\n<|vision_start|>{IMAGE_PAD * image_tokens}<|vision_end|>"
            f"{instruction}<|im_end|>\n<|im_start|>assistant\n"
        )
    return (
        f"{_SYSTEM if kind == 'jarvis' else ''}<|im_start|>user\n{instruction}\nobservation: \n"
        f"<|vision_start|>{IMAGE_PAD * image_tokens}<|vision_end|><|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def heard(tokenizer: Any, instruction: str) -> tuple[str, bool]:
    """Return what of a sentence goes into the prompt, and whether its end was cut off.

    Cleaned as by :func:`clean_instruction`, without the tokenizer's own special tokens,
    and cut where it has more than MAX_INSTRUCTION_TOKENS tokens.  ``tokenizer`` is a
    transformers tokenizer.  Raises UsageError as :func:`clean_instruction` does.
    """
    text = clean_instruction(instruction)
    special = [str(t) for t in tokenizer.added_tokens_decoder.values() if t.special]
    if any(token in text for token in special):
        text = clean_instruction(_without(text, special))
    if _count(tokenizer, text) <= MAX_INSTRUCTION_TOKENS:
        return text, False
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if _count(tokenizer, text[:middle]) <= MAX_INSTRUCTION_TOKENS:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip(), True


def prompt_ids(
    tokenizer: Any, kind: str, instruction: str, image_tokens: int
) -> tuple[tuple[int, ...], bool]:
    """Return the prompt's ids for a typed sentence, and whether the sentence was cut.

    Raises UsageError for a sentence that cannot be heard, ValueError for a ``kind`` that
    is no prompt form.
    """
    text, cut = heard(tokenizer, instruction)
    encoded = tokenizer(prompt_text(kind, text, image_tokens), add_special_tokens=False)
    return tuple(encoded.input_ids), cut


def _count(tokenizer: Any, text: str) -> int:
    return len(tokenizer(text, add_special_tokens=False).input_ids)


def _without(text: str, tokens: Iterable[str]) -> str:
    """Replace tokens by a space until none is left."""
    left = sorted(tokens, key=len, reverse=True)
    while any(token in text for token in left):
        for token in left:
            text = text.replace(token, " ")
    return text
