"""What a process needs that plays a checkpoint, loaded once: such processes are copies of it.

Nothing here may start a thread that computes or ask a GPU: what is copied must not have begun.
"""

from __future__ import annotations

import gc
import importlib


def load() -> None:
    """Import the libraries that load and play a checkpoint, and the game's loop.

    Without garbage collections meanwhile, which find nothing in what stays for good; what stays
    is left out of those of the copies, so that its memory remains shared.
    """
    gc.disable()
    try:
        importlib.import_module("model.vla.vla")
        importlib.import_module("trainer.evaluation.worker")
        transformers = importlib.import_module("transformers")
        for name in ("AutoTokenizer", "Qwen2VLForConditionalGeneration"):
            # It imports a class when it is asked for.
            getattr(transformers, name)
        gc.freeze()
    finally:
        gc.enable()


load()
