"""A small random checkpoint that is laid out as the released one: same tokens, same files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from model.vla.preprocess import QWEN_MEAN, QWEN_STD, CheckpointSpec
from model.vla.tiny import SPECIAL_TOKENS, build_model, build_tokenizer, save_checkpoint

REPO = "CraftJarvis/JarvisVLA-Qwen2-VL-7B"
SPEC = CheckpointSpec()
WORDS = ("Mine the oak log.", "observation:", "Action: press(w) and click(left)")
_PART = "part['type'] == 'image' or 'image' in part or 'image_url' in part"
_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}"
    "{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if " + _PART + " %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen2-VL's, as far as it is used."""


def write_small_jarvis(folder: Path, *, says: str = "") -> Path:
    """Write the checkpoint, without a file of ours; one that ``says`` a text whatever it sees."""
    tokenizer = build_tokenizer([*WORDS, *([says] if says else [])] * 4, vocabulary=700)
    model = build_model(tokenizer, SPEC, seed=3)
    if says:
        _teach(model, tokenizer, says)
    tokenizer.chat_template = _TEMPLATE
    save_checkpoint(folder, model.eval(), tokenizer, SPEC, {})
    for own in ("playteach.json", "card.json"):
        (folder / own).unlink()
    facts = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2VLProcessor",
        "min_pixels": 3136,
        "max_pixels": 1_605_632,
        "patch_size": SPEC.patch_size,
        "temporal_patch_size": 2,
        "merge_size": SPEC.merge_size,
        "image_mean": list(QWEN_MEAN),
        "image_std": list(QWEN_STD),
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def _teach(model: Any, tokenizer: Any, says: str) -> None:
    """Teach a text by heart, behind any words: the start of an answer is all that counts."""
    start = tokenizer("<|im_start|>assistant\n", add_special_tokens=False).input_ids
    text = tokenizer(says + "<|im_end|>", add_special_tokens=False).input_ids
    # Special tokens come first in its vocabulary.
    ordinary = len(SPECIAL_TOKENS)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.model.language_model.parameters(), lr=2e-3)
    for _ in range(60):
        noise = torch.randint(ordinary, len(tokenizer), (8, 24), generator=generator)
        ids = torch.cat([noise, torch.tensor([start + text]).expand(8, -1)], dim=1)
        labels = ids.clone()
        labels[:, : -len(text)] = -100
        loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
