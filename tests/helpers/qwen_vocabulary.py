"""Qwen2's real vocabulary, where a package that carries it is at hand.

``dashscope`` ships Qwen's byte-level ranks as ``resources/qwen.tiktoken``.  A folder with that
file may also be named in ``PLAYTEACH_TEST_QWEN``.
"""

from __future__ import annotations

import base64
import importlib.util
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

ORDINARY = 151_643
CHAT_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
    "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>",
    "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
"""What Qwen2-VL has behind its ordinary tokens, 151643 to 151656."""
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def ranks() -> dict[bytes, int] | None:
    """Return every ordinary token's bytes and id, None where no package carries them."""
    folders = (
        [Path(os.environ["PLAYTEACH_TEST_QWEN"])] if "PLAYTEACH_TEST_QWEN" in os.environ else []
    )
    spec = importlib.util.find_spec("dashscope")
    if spec is not None:
        folders += [Path(place) / "resources" for place in spec.submodule_search_locations or ()]
    for folder in folders:
        path = folder / "qwen.tiktoken"
        if path.is_file():
            lines = (line.split() for line in path.read_bytes().splitlines() if line)
            return {base64.b64decode(token): int(rank) for token, rank in lines}
    return None


def tokenizer(found: dict[bytes, int], text: str) -> Any:
    """Return Qwen2-VL's tokenizer, exact for ``text`` and its parts.

    A token can only come up in a text that holds its bytes, and so can the tokens that it is
    merged from; so the merges are worked out for those tokens alone.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = _letters()
    spoken = text.encode()
    word = {token: "".join(letters[byte] for byte in token) for token in found}
    merges = []
    for token, rank in sorted(found.items(), key=lambda pair: pair[1]):
        if len(token) > 1 and token in spoken:
            pair = _parts(found, token, rank)
            merges.append((word[pair[0]], word[pair[1]]))
    made = Tokenizer(models.BPE({word[t]: rank for t, rank in found.items()}, merges))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(
        [AddedToken(name, special=True, normalized=False) for name in CHAT_TOKENS]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )


def _parts(found: dict[bytes, int], token: bytes, rank: int) -> tuple[bytes, bytes]:
    """Return the two tokens that make ``token`` at last, merging the lowest rank first."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        pairs = [found.get(a + b, rank) for a, b in pairwise(parts)]
        at = min(range(len(pairs)), key=pairs.__getitem__)
        assert pairs[at] < rank, token
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def _letters() -> dict[int, str]:
    """Return the letter that byte-level BPE writes for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in plain}
    others = [byte for byte in range(256) if byte not in letters]
    return letters | {byte: chr(256 + place) for place, byte in enumerate(others)}
