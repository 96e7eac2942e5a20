"""Whether a tokenizer belongs to its model, and the repair of one that lost its action tokens.

The released JARVIS-VLA appends 251 tokens to Qwen2-VL's 151,657, number N at the id
151657 + N.  Copies of it exist with the base's tokenizer beside the trained weights; there
the tokens are put back where they were.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model.actions.tokens import token_string
from model.language.prompts import IMAGE_PAD
from recorder.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

QWEN_TOKENS = 151_657
ADDED_TOKENS = 251
_QWEN_IDS = {
    "<|endoftext|>": 151_643,
    "<|im_start|>": 151_644,
    "<|im_end|>": 151_645,
    "<|vision_start|>": 151_652,
    "<|vision_end|>": 151_653,
    IMAGE_PAD: 151_655,
}
_ACTION_NUMBERS = range(176, 251)


def added_tokens() -> tuple[str, ...]:
    """Return the 251 tokens in their order; the place is the token's number."""
    return (
        "<|point_start|>",
        "<|point_end|>",
        *(f"<|visual_{n}|>" for n in range(10)),
        "<think>",
        "</think>",
        "<grounding>",
        "</grounding>",
        "<motion>",
        "</motion>",
        *(token_string(n) for n in range(18, ADDED_TOKENS)),
    )


def repair_tokenizer(tokenizer: PreTrainedTokenizerBase, rows: int) -> bool:
    """Put the action tokens back into Qwen2-VL's own tokenizer; return whether that was done.

    Only where it is exactly that tokenizer and the model has ``rows`` enough for the ids;
    any other tokenizer is left as it is.
    """
    if len(tokenizer) != QWEN_TOKENS or rows < QWEN_TOKENS + ADDED_TOKENS:
        return False
    names = list(_QWEN_IDS)
    if tokenizer.convert_tokens_to_ids(names) != list(_QWEN_IDS.values()):
        return False
    tokenizer.add_tokens(list(added_tokens()), special_tokens=True)
    return True


def check_tokenizer(
    folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Raise ModelError where the tokenizer cannot say what the model must hear and answer."""
    wanted = [token_string(n) for n in _ACTION_NUMBERS] + [IMAGE_PAD]
    ids = tokenizer.convert_tokens_to_ids(wanted)
    rows = model.get_input_embeddings().weight.shape[0]
    known = all(i is not None and i != tokenizer.unk_token_id and i < rows for i in ids)
    if known and ids[-1] == _QWEN_IDS[IMAGE_PAD]:
        # A vocabulary of Qwen's: the tokens mean something at their own places only.
        known = ids[:-1] == [QWEN_TOKENS + n for n in _ACTION_NUMBERS]
    if not known or len(set(ids)) != len(wanted) or ids[-1] != model.config.image_token_id:
        raise ModelError(
            f"The tokenizer of {folder.name!r} lacks the action tokens or belongs to another "
            "model, so its answers would mean nothing; use a checkpoint that was trained to play."
        )
