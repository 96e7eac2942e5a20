"""The player: any checkpoint folder of the Qwen2-VL class behind the policy protocol.

The small default model and the released JARVIS-VLA go through the same code; what
differs is in the folder's spec (:mod:`model.preprocess`).
"""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import torch

from model.adapters import AdapterMeta, MergedAdapter, fingerprint, first_line
from model.decoding import ActionDecoder, CachedLanguageModel, Sampling
from model.device import DeviceChoice, choose_device, default_threads
from model.policy import ActionChunk, Observation
from model.preprocess import SPEC_FILE, CheckpointSpec, load_spec, patches, resize
from model.prompts import IMAGE_PAD, MAX_INSTRUCTION_TOKENS, prompt_ids
from model.tokens import ACTION_BEGIN, token_string
from model.vision import encode_images, rotary_tables
from recorder.errors import ModelError

MAX_TEXT_TOKENS = 512
"""The longest instruction and the prompt around it."""
MAX_ACTION_TOKENS = 12
SMALL_HIDDEN = 1024
"""Models with a narrower language model are small: quick in float32 on any device."""
_log = logging.getLogger(__name__)
_ACTION_NUMBERS = range(176, 251)


def check_checkpoint(folder: Path) -> dict[str, Any]:
    """Return a checkpoint folder's configuration.

    Raises ModelError where the folder is missing, not of the Qwen2-VL class, holds its
    weights in anything but safetensors, or cuts pictures up otherwise than its spec.
    """
    if not folder.is_dir():
        raise ModelError(
            f"There is no checkpoint folder {folder.name!r}, so no model was loaded; check the "
            "path or use the default model."
        )
    try:
        config: object = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("it holds no table")
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The folder {folder.name!r} has no readable config.json, so it is no checkpoint; "
            "choose another folder."
        ) from error
    if config.get("model_type") != "qwen2_vl":
        raise ModelError(
            f"The checkpoint {folder.name!r} is of the kind {config.get('model_type')!r} and "
            "Playteach plays the kind 'qwen2_vl'; choose another checkpoint."
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"The checkpoint {folder.name!r} holds no safetensors weights, and other formats "
            "can run code when they are opened; convert it or choose another one."
        )
    spec = load_spec(folder)
    vision = config.get("vision_config")
    # A table that is missing or rubbish is told of when the weights are loaded; a size
    # that is missing in it is what transformers takes then.
    if isinstance(vision, dict) and (spec.patch_size, spec.merge_size) != (
        vision.get("patch_size", 14),
        vision.get("spatial_merge_size", 2),
    ):
        raise ModelError(
            f"The checkpoint {folder.name!r} sees pictures in another form than its "
            f"{SPEC_FILE} says (or it has lost that file), so it was not loaded; take a fresh "
            "copy of the checkpoint."
        )
    return config


def check_memory(folder: Path, choice: DeviceChoice) -> None:
    """Raise ModelError where the weights would not fit into the device's free memory."""
    import psutil

    # Weights are stored with two bytes a number, or with the four that they are played in.
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    growth = 2 if choice.dtype == "float32" and _stored_in_half(folder) else 1
    free = (
        torch.cuda.mem_get_info()[0]
        if choice.device == "cuda"
        else int(psutil.virtual_memory().available)
    )
    if stored * growth > free:
        raise ModelError(
            f"The checkpoint {folder.name!r} needs {stored * growth / 1e9:.1f} GB and "
            f"{free / 1e9:.1f} GB are free, so it was not loaded; close other programs or "
            "choose a smaller model."
        )


def _stored_in_half(folder: Path) -> bool:
    """Return whether most weights of a checkpoint have two bytes a number."""
    from safetensors import SafetensorError, safe_open

    first = min(folder.glob("*.safetensors"))
    try:
        with safe_open(first, framework="pt") as file:
            kinds = [file.get_slice(name).get_dtype() for name in file.keys()]  # noqa: SIM118
    except (OSError, SafetensorError):
        return False  # Loading it says what is wrong with it.
    return sum(kind in ("BF16", "F16") for kind in kinds) * 2 > len(kinds)


def load_weights(folder: Path, dtype: torch.dtype, device: str) -> tuple[Any, Any]:
    """Load (model, tokenizer) of a checked folder; nothing is fetched or executed.

    Raises ModelError for damaged or incomplete weights, a tokenizer without action
    tokens, or a device without room.
    """
    from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration
    from transformers.utils import logging as transformers_logging

    check_checkpoint(folder)
    transformers_logging.disable_progress_bar()
    try:
        model, report = Qwen2VLForConditionalGeneration.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
        # Without this, weights that are not in the file would be made up at random.
        if absent := sorted(report["missing_keys"]):
            raise ValueError(f"{len(absent)} weights are missing, such as {absent[0]}")
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        model.eval().requires_grad_(False)
        model = model.to(device)
    except Exception as error:
        # A foreign file can make the libraries raise anything, errors of their own too.
        raise ModelError(
            f"The checkpoint {folder.name!r} could not be loaded ({first_line(error)}), so "
            "nothing plays; take a fresh copy or use the default model."
        ) from error
    check_tokenizer(folder, model, tokenizer)
    return model, tokenizer


def check_tokenizer(folder: Path, model: Any, tokenizer: Any) -> None:
    """Raise ModelError where the tokenizer cannot say what the model must hear and answer."""
    wanted = [token_string(n) for n in _ACTION_NUMBERS] + [IMAGE_PAD]
    ids = tokenizer.convert_tokens_to_ids(wanted)
    rows = model.get_input_embeddings().weight.shape[0]
    known = all(i is not None and i != tokenizer.unk_token_id and i < rows for i in ids)
    if not known or len(set(ids)) != len(wanted) or ids[-1] != model.config.image_token_id:
        raise ModelError(
            f"The tokenizer of {folder.name!r} lacks the action tokens or belongs to another "
            "model, so its answers would mean nothing; use a checkpoint that was trained to play."
        )


class VlaPolicy:
    """A Qwen2-VL-class model that plays.

    Attributes:
        name: the folder's name, with the adapter's behind a plus sign.
        spec: what the checkpoint wants to see and to be told.
        choice: device and dtype, and why.
        fingerprint: of the base's weights.
        notice: a sentence for the person about the instruction, or "".

    """

    history_frames = 0

    def __init__(
        self, folder: Path, model: Any, tokenizer: Any, spec: CheckpointSpec, choice: DeviceChoice
    ) -> None:
        self.folder = folder
        self.spec = spec
        self.choice = choice
        self.fingerprint = fingerprint(folder)
        self.adapter: AdapterMeta | None = None
        self.sampling = Sampling()
        self.notice = ""
        self._model = model
        self._tokenizer = tokenizer
        self._merged = MergedAdapter(model)
        self._tower = model.model.visual
        self._tables = rotary_tables(self._tower, *spec.grid)
        capacity = MAX_TEXT_TOKENS + spec.image_tokens + MAX_ACTION_TOKENS * spec.chunk
        self._language = CachedLanguageModel(model, capacity)
        ids = {n: tokenizer.convert_tokens_to_ids(token_string(n)) for n in _ACTION_NUMBERS}
        self._decoder = ActionDecoder(self._language, ids)
        self._begin = ids[ACTION_BEGIN]
        self._image = tokenizer.convert_tokens_to_ids(IMAGE_PAD)
        self._generator: torch.Generator | None = None
        self._instruction = ""
        self._before = self._after = torch.zeros(0, dtype=torch.long)
        self._prefix_ready = False

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        adapter: Path | None = None,
        device: str | None = None,
        threads: int | None = None,
        sampling: Sampling | None = None,
    ) -> VlaPolicy:
        """Load a checkpoint folder.

        ``device`` overrides :func:`model.device.choose_device`; ``threads`` is the number
        of CPU threads of the whole process, by default half of the cores.  Raises
        ModelError (see :func:`load_weights`), UsageError for an unknown device.
        """
        config = check_checkpoint(folder)
        spec = load_spec(folder)
        if spec.history:
            raise ModelError(
                f"The checkpoint {folder.name!r} wants earlier frames in its prompt, which "
                "this version does not send; set its history to 0 or choose another one."
            )
        text = config.get("text_config", config)
        hidden = text.get("hidden_size") if isinstance(text, dict) else None
        small = isinstance(hidden, int) and hidden < SMALL_HIDDEN
        choice = choose_device(device, small=small)
        check_memory(folder, choice)
        torch.set_num_threads(threads or default_threads())
        dtype: torch.dtype = getattr(torch, choice.dtype)
        model, tokenizer = load_weights(folder, dtype, choice.device)
        policy = cls(folder, model, tokenizer, spec, choice)
        if sampling is not None:
            policy.sampling = sampling
        policy.set_adapter(adapter)
        return policy

    @property
    def name(self) -> str:
        """Base and adapter."""
        return self.folder.name + (f"+{self.adapter.name}" if self.adapter else "")

    def set_adapter(self, folder: Path | None) -> None:
        """Play with another adapter, or with none; between episodes only.

        Raises ModelError for an adapter that does not fit; then none is active.
        """
        self.adapter = None
        self._prefix_ready = False
        if folder is None:
            self._merged.remove()
        else:
            self.adapter = self._merged.apply(folder, self.fingerprint)

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode; raises UsageError for a sentence that cannot be heard."""
        self._hear(instruction)
        self._generator = None
        if seed is not None:
            self._generator = torch.Generator().manual_seed(seed % (1 << 63))

    def _hear(self, instruction: str) -> None:
        spec = self.spec
        prompt, cut = prompt_ids(self._tokenizer, spec.prompt, instruction, 1)
        ids = list(prompt)
        self.notice = (
            f"The instruction has more than the {MAX_INSTRUCTION_TOKENS} tokens that the model "
            "reads, so its end is not heard; say it shorter."
            if cut
            else ""
        )
        if self.notice:
            _log.warning(self.notice)
        self._instruction = instruction
        at = ids.index(self._image)
        self._before = torch.tensor(ids[:at])
        self._after = torch.tensor([*ids[at + 1 :], self._begin])
        self._prefix_ready = False

    @torch.inference_mode()
    def propose(self, observation: Observation) -> ActionChunk:
        """Return the actions for what is seen."""
        started = time.perf_counter()
        if observation.instruction != self._instruction:
            self._hear(observation.instruction)
        hidden, position = self._read(observation)
        decoded = self._decoder.decode(
            hidden, position, self.sampling, self._generator, self.spec.chunk
        )
        return ActionChunk(
            actions=decoded.actions,
            frame_id=observation.frame.id,
            latency_ms=(time.perf_counter() - started) * 1e3,
            confidence=decoded.confidence,
            invalid=decoded.invalid,
        )

    def _read(self, observation: Observation) -> tuple[torch.Tensor, int]:
        """Run the prompt; return the state after begin and begin's rotary position."""
        spec, language, device = self.spec, self._language, self.choice.device
        image = resize(observation.frame.rgb, spec)[None]
        pixels = torch.from_numpy(patches(image, spec)).to(device)
        vision = encode_images(self._tower, pixels, self._tables)[0]
        first = len(self._before)
        if self._prefix_ready:
            # The sentence stands before the picture, so it stays in the cache.
            language.truncate(first)
        else:
            language.truncate(0)
            places = torch.arange(first).expand(3, -1)
            language.extend(language.embed(self._before.to(device)), places)
            self._prefix_ready = True
        rows, columns = spec.token_grid
        count = rows * columns
        index = torch.arange(count)
        behind = first + max(rows, columns) + torch.arange(len(self._after))
        places = torch.stack(
            [
                torch.cat([torch.full((count,), first), behind]),
                torch.cat([first + index // columns, behind]),
                torch.cat([first + index % columns, behind]),
            ]
        )
        embedded = torch.cat([vision, language.embed(self._after.to(device))])
        hidden = language.extend(embedded.to(vision.dtype), places)
        return hidden, int(behind[-1])
