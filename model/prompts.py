"""What the model is told: the sentence, cleaned, inside the checkpoint's prompt.

"jarvis" is JARVIS-VLA's normal form (text before the picture, Qwen2-VL's chat template
with its default system turn); "plain" is the same without the system turn.  Play and
training use the same function.
"""

from __future__ import annotations

import re
import unicodedata

from recorder.errors import UsageError

MAX_INSTRUCTION_CHARACTERS = 400
IMAGE_PAD = "<|image_pad|>"
_SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
_SPECIAL = re.compile(r"<\|[^|<>]{0,64}\|>|</?(?:think|grounding|motion)>")


def clean_instruction(text: str) -> str:
    """Return the sentence as the model may hear it.

    Control characters and special tokens typed by hand are taken out, white space is
    folded.  Raises UsageError where nothing is left, or more than
    MAX_INSTRUCTION_CHARACTERS are.
    """
    while (cut := _SPECIAL.sub(" ", text)) != text:
        text = cut
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    cleaned = " ".join(visible.split())
    if not cleaned:
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


def prompt_text(kind: str, instruction: str, image_tokens: int) -> str:
    """Return the prompt up to the answer, with ``image_tokens`` image pads.

    Raises ValueError for a ``kind`` that is no prompt form.
    """
    if kind not in ("jarvis", "plain"):
        raise ValueError(f"unknown prompt form {kind!r}")
    return (
        f"{_SYSTEM if kind == 'jarvis' else ''}<|im_start|>user\n{instruction}\nobservation: \n"
        f"<|vision_start|>{IMAGE_PAD * image_tokens}<|vision_end|><|im_end|>\n"
        "<|im_start|>assistant\n"
    )
