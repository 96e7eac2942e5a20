"""The small default model: a Qwen2-VL of a few million parameters with its own tokenizer.

The tokenizer holds JARVIS-VLA's action token strings, the chat and vision tokens, and a
byte-level BPE over everyday English, so that every sentence has tokens.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from model.torch_state import seeded
from model.vla.preprocess import CheckpointSpec, save_spec

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PAD, IM_START, IM_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION_START, VISION_END = "<|vision_start|>", "<|vision_end|>"
IMAGE_PAD, VIDEO_PAD = "<|image_pad|>", "<|video_pad|>"
RESERVED_NAMES = (
    "<|point_start|>",
    "<|point_end|>",
    *(f"<|visual_{n}|>" for n in range(10)),
    "<think>",
    "</think>",
    "<grounding>",
    "</grounding>",
    "<motion>",
    "</motion>",
    *(f"<|reserved_special_token_{n}|>" for n in range(18, 251)),
)
"""The 251 tokens that JARVIS-VLA adds to Qwen2-VL, in its order."""
SPECIAL_TOKENS = (
    PAD,
    IM_START,
    IM_END,
    VISION_START,
    VISION_END,
    IMAGE_PAD,
    VIDEO_PAD,
    *RESERVED_NAMES,
)

LAYERS = 4
TINY_SPEC = CheckpointSpec(
    pixels="coordinates",
    width=320,
    height=160,
    patch_size=16,
    merge_size=2,
    prompt="picture",
    parts=True,
    steady=True,
    adapter_temperature=0.4,
)


def build_tokenizer(corpus: list[str], vocabulary: int = 1536) -> Any:
    """Train the byte-level BPE on ``corpus`` and add the special tokens.

    Returns a transformers PreTrainedTokenizerFast.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(SPECIAL_TOKENS),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=IM_END,
        extra_special_tokens=[t for t in SPECIAL_TOKENS if t not in (PAD, IM_END)],
        clean_up_tokenization_spaces=False,
    )


def build_model(
    tokenizer: PreTrainedTokenizerBase,
    spec: CheckpointSpec = TINY_SPEC,
    *,
    seed: int = 0,
    layers: int = LAYERS,
) -> Any:
    """Return an untrained Qwen2VLForConditionalGeneration for ``tokenizer``.

    ``layers`` (1 or more) is the depth of the picture's tower and of the language model.
    """
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    ids = tokenizer.convert_tokens_to_ids
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 192,
            "intermediate_size": 576,
            "num_hidden_layers": layers,
            "num_attention_heads": 6,
            "num_key_value_heads": 6,
            "max_position_embeddings": 2048,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [4, 6, 6],
            },
            "tie_word_embeddings": True,
            "bos_token_id": None,
            "eos_token_id": ids(IM_END),
            "pad_token_id": ids(PAD),
        },
        vision_config={
            "depth": layers,
            "embed_dim": 160,
            "hidden_size": 192,
            "num_heads": 5,
            "mlp_ratio": 3,
            "patch_size": spec.patch_size,
            "spatial_merge_size": spec.merge_size,
            "temporal_patch_size": 2,
        },
        image_token_id=ids(IMAGE_PAD),
        video_token_id=ids(VIDEO_PAD),
        vision_start_token_id=ids(VISION_START),
        vision_end_token_id=ids(VISION_END),
        tie_word_embeddings=True,
    )
    with seeded(seed):
        return Qwen2VLForConditionalGeneration(config)


def save_checkpoint(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    spec: CheckpointSpec,
    card: dict[str, object],
) -> None:
    """Write weights (bf16 safetensors), tokenizer, spec and card into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: tensor.detach().to(torch.bfloat16).contiguous()
        for name, tensor in model.state_dict().items()
    }
    model.save_pretrained(folder, state_dict=state, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    save_spec(folder, spec)
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
