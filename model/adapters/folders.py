"""LoRA adapters on disk: a folder of safetensors with its metadata, never edited.

A folder holds peft's ``adapter_model.safetensors`` and ``adapter_config.json``, and our
``adapter.json``.  It is written beside its place and renamed into it, so it is there
whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from model.actions.tokens import CODEC_VERSION
from model.language.action_memory import ACTS
from recorder import json_values
from recorder.errors import AdapterError, DataError, ModelError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

META_FILE = "adapter.json"
WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"
_PREFIX = "base_model.model."


@dataclass(frozen=True, slots=True)
class AdapterMeta:
    """What is known of an adapter.

    ``base`` is the fingerprint of the base checkpoint's weights; ``parent`` the name of
    the adapter that the round started from.  ``metrics`` is the round's own account.  ``remembers``
    maps a sentence's words to the acts that are told with it
    (:data:`model.language.action_memory.Remembers`).
    """

    name: str
    base: str
    parent: str | None = None
    round_id: int | None = None
    codec_version: int = 1
    created: str = ""
    metrics: dict[str, object] = field(default_factory=dict)
    remembers: dict[str, list[str]] = field(default_factory=dict)


def fingerprint(checkpoint: Path) -> str:
    """Return the SHA-256 over a checkpoint's weight files, in the order of their names.

    A large checkpoint is read once, not once a call, while its files stay as they are.
    Raises ModelError where there are none.
    """
    files = sorted(checkpoint.glob("*.safetensors"))
    if not files:
        raise ModelError(
            f"The folder {checkpoint.name!r} holds no safetensors weights, so it is no "
            "checkpoint that Playteach can load; choose another folder."
        )
    stats = [path.stat() for path in files]
    return _digest(
        tuple(
            (str(path.resolve()), stat.st_size, stat.st_mtime_ns)
            for path, stat in zip(files, stats, strict=True)
        )
    )


@lru_cache(maxsize=16)
def _digest(files: tuple[tuple[str, int, int], ...]) -> str:
    """Return the digest of files given by path, size and time of change."""
    digest = hashlib.sha256()
    for path, _, _ in files:
        with Path(path).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def read_meta(folder: Path) -> AdapterMeta:
    """Read an adapter's metadata.  Raises AdapterError for a folder that is no adapter."""
    if not folder.is_dir():
        raise AdapterError(
            f"The adapter's folder {folder} is not there any more, so the model stays as it is; "
            "put the folder back, or choose another adapter."
        )
    try:
        raw = json_values.parse((folder / META_FILE).read_text(encoding="utf-8"))
        meta = AdapterMeta(**raw)
        texts = all(isinstance(text, str) for text in (meta.name, meta.base, meta.parent or ""))
        numbers = isinstance(meta.codec_version, int)
        remembers = all(
            isinstance(acts, list) and set(acts) <= set(ACTS) for acts in meta.remembers.values()
        )
        if not (texts and numbers and remembers and isinstance(meta.metrics, dict)):
            raise TypeError("a field is of another kind")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise AdapterError(
            f"The folder {folder.name!r} is no adapter of Playteach's (its {META_FILE} cannot "
            "be read), so the model stays as it is; choose another adapter."
        ) from error
    if not (folder / WEIGHTS_FILE).is_file():
        raise AdapterError(
            f"The adapter {folder.name!r} has lost its weights, so the model stays as it is; "
            "choose another adapter or teach again."
        )
    return meta


def unfinished(folder: Path) -> Path:
    """Return where an adapter folder lies while it is being written."""
    return folder.with_name(f".{folder.name}.new")


def write_adapter(
    folder: Path, tensors: dict[str, torch.Tensor], config: dict[str, object], meta: AdapterMeta
) -> None:
    """Write a new adapter folder, whole or not at all.

    Raises ModelError where the folder exists already, DataError where it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    if folder.exists():
        raise ModelError(
            f"An adapter called {folder.name!r} exists already and adapters are never "
            "overwritten; give the new one another name."
        )
    fresh = unfinished(folder)
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        save_file(tensors, fresh / WEIGHTS_FILE)
        for name, content in ((CONFIG_FILE, config), (META_FILE, asdict(meta))):
            (fresh / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        fresh.rename(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        why = (isinstance(error, OSError) and error.strerror) or first_line(error)
        raise DataError(
            f"The adapter {folder.name!r} could not be written ({why}), so what was taught is "
            "not kept; make room or choose another data folder, and teach again."
        ) from error


def refuse_few_bits(folder: Path, precision: str | None) -> None:
    """Raise ModelError for an adapter that would have to play on weights of 8 or 4 bits.

    Its product is added to the weights, and what lies packed in a few bits cannot take it
    without losing both; teaching on such weights works, as the adapter stays beside them.
    """
    if precision in ("8bit", "4bit"):
        raise ModelError(
            f"The adapter {folder.name!r} plays on weights of 16 bits and cannot be merged into "
            f"those of {precision[0]}, so the model was not loaded; play with 16 bits (bf16), or "
            "put the base without an adapter in use and play that with fewer bits."
        )


class MergedAdapter:
    """Adds an adapter's product to a model's weights, and takes it out again exactly.

    Playing with merged weights costs nothing; the untouched weights are kept aside (in
    main memory, also for a model on a GPU), so :meth:`remove` restores them bit for bit.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._kept: dict[str, torch.Tensor] = {}

    def apply(self, folder: Path, base: str) -> AdapterMeta:
        """Replace whatever is merged by the adapter in ``folder``.

        Raises ModelError for an adapter of another base, of a newer Playteach or with foreign
        shapes, AdapterError for one that is gone or damaged; the model is left without an
        adapter then.
        """
        import torch

        self.remove()
        meta = read_meta(folder)
        if meta.base != base:
            raise ModelError(
                f"The adapter {meta.name!r} was taught to another base model, so it was not "
                "used; choose one of this model's adapters."
            )
        if meta.codec_version > CODEC_VERSION:
            raise ModelError(
                f"The adapter {meta.name!r} speaks action tokens of a newer Playteach, so it "
                "was not used; update Playteach or choose another adapter."
            )
        weights = dict(self._model.named_parameters())
        merged: dict[str, torch.Tensor] = {}
        for name, delta in _products(folder, meta.name).items():
            target = weights.get(name)
            if target is not None and not target.is_floating_point():
                raise ModelError(
                    f"The adapter {meta.name!r} cannot be merged into weights of 8 or 4 bits, so "
                    "it was not used; play with bf16 to use adapters."
                )
            if target is None or target.shape != delta.shape:
                raise ModelError(
                    f"The adapter {meta.name!r} does not fit this model ({name}), so it was "
                    "not used; choose another adapter."
                )
            merged[name] = (target.detach().float().cpu() + delta).to(target.dtype)
        with torch.no_grad():
            for name, tensor in merged.items():
                self._kept[name] = weights[name].detach().to("cpu", copy=True)
                weights[name].copy_(tensor)
        return meta

    def remove(self) -> None:
        """Restore the base's own weights."""
        import torch

        weights = dict(self._model.named_parameters())
        with torch.no_grad():
            for name, tensor in self._kept.items():
                weights[name].copy_(tensor)
        self._kept = {}


def _products(folder: Path, name: str) -> dict[str, torch.Tensor]:
    """Return the float32 change of every weight that an adapter folder names.

    Raises AdapterError if the folder does not hold whole pairs of finite numbers.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        config = json_values.parse((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS_FILE)
        scale = float(config["lora_alpha"]) / float(config["r"])
        products: dict[str, torch.Tensor] = {}
        for key, tensor in tensors.items():
            match = re.fullmatch(r"(.+)\.lora_([AB])\.weight", key.removeprefix(_PREFIX))
            if match is None:
                raise ValueError(f"{key} is no part of a LoRA adapter")
            if match[2] == "A":
                up = tensors[key.replace(".lora_A.", ".lora_B.")]
                products[match[1] + ".weight"] = scale * (up.float() @ tensor.float())
        if 2 * len(products) != len(tensors) or not products:
            raise ValueError("a part is missing")
        if not all(bool(product.isfinite().all()) for product in products.values()):
            raise ValueError("some numbers are not finite")
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        RuntimeError,
        ZeroDivisionError,
        SafetensorError,
    ) as error:
        raise AdapterError(
            f"The adapter {name!r} is damaged ({first_line(error)}), so it was not used; choose "
            "another adapter or go back."
        ) from error
    return products


def first_line(error: BaseException) -> str:
    """Return an error's first line, or its kind where it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0]
