"""Random weights in the shapes of the released models, for measuring their speed.

Nothing that they answer means anything; how long it takes is what the real ones take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Shape:
    """A Qwen2-VL's measures; ``vision_depth`` 0 leaves a tower of one thin layer."""

    name: str
    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_heads: int
    vocabulary: int
    tied: bool
    vision_depth: int
    vision_width: int = 1280
    vision_heads: int = 16

    @property
    def language_parameters(self) -> int:
        """Numbers in the language model and its head."""
        head = self.hidden // self.heads
        attention = self.hidden * head * (2 * self.heads + 2 * self.key_heads)
        layer = attention + 3 * self.hidden * self.intermediate
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return self.layers * layer + embeddings


QWEN_2B = Shape("Qwen2-VL-2B", 1536, 8960, 28, 12, 2, 151936, True, 0)
QWEN_7B = Shape("Qwen2-VL-7B", 3584, 18944, 28, 28, 4, 152064, False, 32)


def random_model(
    shape: Shape, tokenizer: PreTrainedTokenizerBase, dtype: torch.dtype, device: str
) -> Any:
    """Return a Qwen2VLForConditionalGeneration of ``shape`` with weights from seed 0."""
    import torch
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    from model.torch_state import seeded

    ids = tokenizer.convert_tokens_to_ids
    head = shape.hidden // shape.heads
    thin = shape.vision_depth == 0
    width = 64 if thin else shape.vision_width
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": shape.vocabulary,
            "hidden_size": shape.hidden,
            "intermediate_size": shape.intermediate,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.key_heads,
            "max_position_embeddings": 4096,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [head // 8, head // 16 * 3, head // 16 * 3],
            },
            "tie_word_embeddings": shape.tied,
            "bos_token_id": None,
            "eos_token_id": ids("<|im_end|>"),
            "pad_token_id": ids("<|endoftext|>"),
        },
        vision_config={
            "depth": max(1, shape.vision_depth),
            "embed_dim": width,
            "hidden_size": shape.hidden,
            "num_heads": 2 if thin else shape.vision_heads,
            "mlp_ratio": 4,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
        },
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
        tie_word_embeddings=shape.tied,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with seeded(0), torch.device(device):
            model = Qwen2VLForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(before)
    return model.eval().requires_grad_(False)
