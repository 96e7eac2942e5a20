"""The player: any checkpoint folder of the Qwen2-VL class behind the policy protocol.

The small default model and the released JARVIS-VLA go through the same code; what
differs is in the folder's spec (:mod:`model.vla.preprocess`).
"""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from model.actions.tokens import ACTION_BEGIN, encode, split_actions, token_string
from model.adapters.folders import (
    AdapterMeta,
    MergedAdapter,
    fingerprint,
    first_line,
    refuse_few_bits,
)
from model.language.action_memory import told_acts, with_memory
from model.language.paraphrase import Sayings
from model.language.prompts import (
    IMAGE_PAD,
    MAX_INSTRUCTION_TOKENS,
    Told,
    clean_instruction,
    prompt_ids,
)
from model.language.subgoals import Plan, done_question, plan_of, yes_no_ids
from model.play.damping import Swings
from model.play.policy import ActionChunk, Observation
from model.torch_state import torch_threads
from model.vla.cuda_graphs import recorder_for
from model.vla.decoding import ActionDecoder, Decoded, Sampling, worth_running
from model.vla.device import SMALL_HIDDEN, DeviceChoice, choose_device, default_threads
from model.vla.memory import check_memory, check_precision, is_small, quantisation
from model.vla.own_files import disagreement
from model.vla.play_options import PlayOptions, told_notice
from model.vla.preprocess import SPEC_FILE, CheckpointSpec, load_spec
from model.vla.prompt_cache import PromptReader
from model.vla.tokenizers import check_tokenizer, repair_tokenizer
from recorder import json_values
from recorder.errors import ModelError
from recorder.types import NO_ACTION, RGBImage

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MAX_TEXT_TOKENS = 512
"""The longest instruction and the prompt around it."""
MAX_ACTION_TOKENS = 12
MAX_TURN_TOKENS = 64
"""Text around an earlier frame, the recipe form's thought included."""
_log = logging.getLogger(__name__)
_ACTION_NUMBERS = range(176, 251)


def check_checkpoint(folder: Path) -> dict[str, object]:
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
        config: object = json_values.parse((folder / "config.json").read_text(encoding="utf-8"))
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


def load_weights(
    folder: Path, dtype: torch.dtype, device: str, precision: str | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load (model, tokenizer) of a checked folder; nothing is fetched or executed.

    ``precision`` as in :class:`PlayOptions`.

    Raises ModelError for damaged or incomplete weights, a tokenizer without action
    tokens, or a device without room.
    """
    from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration
    from transformers.utils import logging as transformers_logging

    check_checkpoint(folder)
    transformers_logging.disable_progress_bar()
    fewer_bits = quantisation(precision, dtype, device)
    try:
        model, report = Qwen2VLForConditionalGeneration.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            **fewer_bits,
        )
        # Without this, weights that are not in the file would be made up at random.
        if absent := sorted(report["missing_keys"]):
            raise ValueError(f"{len(absent)} weights are missing, such as {absent[0]}")
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        model.eval().requires_grad_(False)
        model = model if fewer_bits else model.to(device)
        if is_small(folder):
            untie_head(model)
        repair_tokenizer(tokenizer, model.get_input_embeddings().weight.shape[0])
    except Exception as error:
        # A foreign file can make the libraries raise anything, errors of their own too.
        raise ModelError(
            f"The checkpoint {folder.name!r} could not be loaded ({first_line(error)}), so "
            "nothing plays; take a fresh copy or use the default model."
        ) from error
    check_tokenizer(folder, model, tokenizer)
    return model, tokenizer


def untie_head(model: PreTrainedModel) -> None:
    """Give the output layer weights of its own if it shares them with the embeddings.

    They are equal, so nothing changes until an adapter changes one of the two alone.
    """
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    if head is not None and head.weight is embedding.weight:
        head.weight = torch.nn.Parameter(embedding.weight.detach().clone(), requires_grad=False)
        model.config.tie_word_embeddings = False


class VlaPolicy:
    """A Qwen2-VL-class model that plays.

    Attributes:
        name: the folder's name, with the adapter's behind a plus sign.
        spec: what the checkpoint wants to see and to be told.
        choice: device and dtype, and why.
        fingerprint: of the base's weights.
        options: how instructions are told; set before an episode.
        notice: a sentence for the person about the instruction, or "".
        disagreement: a sentence where the folder's own files say otherwise, or "".
        guessing: whether the answer before is taken as a guess at the next.
        answer: the newest answer, token for token; None before the first of an episode.
        acts: what had been done when it last answered (:class:`Observation`).
        reader, decoder: what reads the prompt and what writes the answer.

    """

    def __init__(
        self,
        folder: Path,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        spec: CheckpointSpec,
        choice: DeviceChoice,
        check: str | None = None,
    ) -> None:
        """``check`` is the fingerprint where the weights lie in no folder."""
        self.folder = folder
        self.spec = spec
        self.choice = choice
        self.fingerprint = fingerprint(folder) if check is None else check
        self.adapter: AdapterMeta | None = None
        self.sampling = Sampling(spec.temperature)
        # None: what the spec says, of the base or of an adapter.
        self._asked_sampling: Sampling | None = None
        self.options = PlayOptions()
        self.threads: int | None = None
        self.notice = ""
        self.disagreement = ""
        self.guessing = True
        self.model = model
        self.tokenizer = tokenizer
        self._merged = MergedAdapter(model)
        answer = MAX_ACTION_TOKENS * spec.chunk
        turn = spec.image_tokens + MAX_TURN_TOKENS + answer
        capacity = MAX_TEXT_TOKENS + spec.image_tokens + 2 * answer + turn * spec.history
        ids = {n: tokenizer.convert_tokens_to_ids(token_string(n)) for n in _ACTION_NUMBERS}
        self._begin = ids[ACTION_BEGIN]
        image = tokenizer.convert_tokens_to_ids(IMAGE_PAD)
        self.reader = PromptReader(model, spec, image, capacity, recorder_for(model))
        small = self._small = model.config.text_config.hidden_size < SMALL_HIDDEN
        self.decoder = ActionDecoder(
            self.reader.language,
            ids,
            persistent=small or choice.device != "cpu",
            one_thread=small and choice.device == "cpu",
        )
        self._yes_no = torch.tensor(yes_no_ids(tokenizer))
        self._generator: torch.Generator | None = None
        self._instruction = ""
        self._sentence = self._heard = ""
        self._sayings = Sayings.load(folder) if folder.is_dir() else None
        self._plan = Plan(("",))
        self.acts: tuple[str, ...] = ()
        self._remembered: tuple[str, ...] = ()
        self._swings = Swings() if spec.steady else None
        self._history: deque[tuple[torch.Tensor, str]] = deque(maxlen=spec.history)
        self.answer: Decoded | None = None

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        adapter: Path | None = None,
        device: str | None = None,
        threads: int | None = None,
        sampling: Sampling | None = None,
        options: PlayOptions | None = None,
    ) -> VlaPolicy:
        """Load a checkpoint folder.

        ``device`` overrides :func:`model.vla.device.choose_device`; ``threads`` is the number
        of CPU threads that it thinks with, by default half of the cores; ``options``
        override what the folder's spec says.  Raises ModelError (see
        :func:`load_weights`), UsageError for an unknown device or prompt form.
        """
        check_checkpoint(folder)
        options = options or PlayOptions()
        if adapter is not None:
            # Before sixteen gigabytes are read in vain.
            refuse_few_bits(adapter, options.precision)
        spec = options.applied_to(load_spec(folder))
        choice = choose_device(device, small=is_small(folder))
        choice = check_precision(options.precision, choice)
        check_memory(folder, choice, options.precision)
        threads = threads or default_threads()
        dtype: torch.dtype = getattr(torch, choice.dtype)
        with torch_threads(threads):
            model, tokenizer = load_weights(folder, dtype, choice.device, options.precision)
            policy = cls(folder, model, tokenizer, spec, choice)
            policy.threads = threads
            policy.options = options
            policy.disagreement = disagreement(folder, spec)
            if policy.disagreement:
                _log.warning("%s", policy.disagreement)
            policy._asked_sampling = sampling
            policy.set_adapter(adapter)
        return policy

    @property
    def name(self) -> str:
        """Base and adapter."""
        return self.folder.name + (f"+{self.adapter.name}" if self.adapter else "")

    @property
    def heard(self) -> str:
        """What the model is told now: the sentence, or the part of it that it is at, as worded."""
        return self._heard

    def set_adapter(self, folder: Path | None) -> None:
        """Play with another adapter, or with none; between episodes only.

        Raises ModelError for an adapter that does not fit; then none is active.
        """
        self.adapter = None
        self._draw_as(adapted=False)
        self.reader.forget()
        self.answer = None
        if folder is None:
            self._merged.remove()
        else:
            self.adapter = self._merged.apply(folder, self.fingerprint)
            self._draw_as(adapted=True)

    def _draw_as(self, *, adapted: bool) -> None:
        """Draw actions as was asked for, else as the spec says of the base or of an adapter."""
        warmth = self.spec.temperature_of(adapted=adapted)
        self.sampling = self._asked_sampling or Sampling(warmth)

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode; raises UsageError for a sentence that cannot be heard."""
        self._history.clear()
        if self._swings is not None:
            self._swings.forget()
        self.answer = None
        self._listen(instruction)
        self._generator = None
        if seed is not None:
            self._generator = torch.Generator().manual_seed(seed % (1 << 63))

    def _listen(self, sentence: str) -> None:
        """Take a new sentence: hear it, or the first of its parts."""
        self._sentence = sentence
        apart = self.spec.told_in_parts
        self._plan = plan_of(clean_instruction(sentence)) if apart else Plan((sentence,))
        self._hear_part()

    def _hear_part(self) -> None:
        self._hear(self._plan.now)
        if len(self._plan.parts) > 1:
            self.notice = (
                f"The model is told one part after the other, now {self._plan.place}: "
                f"\u201c{self._heard}\u201d."
            )

    def _hear(self, instruction: str) -> None:
        """Put the sentence, and what was answered to earlier frames, into the prompt."""
        said = self._told(instruction)
        prompt, cut = prompt_ids(
            self.tokenizer, self.spec.prompt, said, 1, [answer for _, answer in self._history]
        )
        rewritten = told_notice(said, instruction)
        if rewritten or instruction != self._instruction or not cut:
            self.notice = rewritten
        if cut and not self.notice:
            self.notice = (
                f"The instruction has more than the {MAX_INSTRUCTION_TOKENS} tokens that the "
                "model reads, so its end is not heard; say it shorter."
            )
            _log.warning(self.notice)
        self._instruction = instruction
        self._heard = said.instruction
        self._remembered = ()
        self.reader.tell([*prompt, self._begin])

    def _tell_acts(self, acts: tuple[str, ...]) -> None:
        """Tell which acts were done, if the adapter was taught this sentence with them."""
        # Nobody says in which part of a sentence an act was done.
        self.acts = () if len(self._plan.parts) > 1 else acts
        if self.adapter is None:
            return
        told = told_acts(self.adapter.remembers, self._heard, self.acts)
        if told != self._remembered:
            self._remembered = told
            said = self._told(self._instruction)
            said = replace(said, instruction=with_memory(said.instruction, told))
            prompt, _ = prompt_ids(self.tokenizer, self.spec.prompt, said, 1)
            self.reader.tell([*prompt, self._begin])

    def _told(self, instruction: str) -> Told:
        """Return what the prompt says for a sentence, in other words where that is wanted."""
        said = self.options.told(self.spec.prompt, instruction)
        if self._sayings is None or not self.options.rewrite:
            return said
        return replace(said, instruction=self._sayings.restate(said.instruction))

    @torch.inference_mode()
    def glance(self, rgb: RGBImage) -> NDArray[np.float32]:
        """Return what a picture (H x W x 3, uint8) looks like in short, 2 x hidden.

        The mean, then the greatest value, of each channel over its vision tokens.  A picture that
        was just answered is not read again.  Not while another thread thinks.
        """
        with torch_threads(self.threads):
            return _short(self.reader.see(rgb))

    @torch.inference_mode()
    def propose(self, observation: Observation) -> ActionChunk:
        """Return the actions for what is seen."""
        with torch_threads(self.threads):
            return self._think(observation)

    def _think(self, observation: Observation) -> ActionChunk:
        started = time.perf_counter()
        vision = self.reader.see(observation.frame.rgb)
        if observation.instruction != self._sentence:
            self._listen(observation.instruction)
        if not self.spec.history:
            self._tell_acts(observation.acts)
        decoded = self._answer_to(vision, self._plan.now)
        self.answer = decoded
        if self._plan.more:
            done = self._just_done() if self._plan.asks else 0.0
            if self._plan.follow(done, decoded.actions[0]):
                self._hear_part()
        if self.spec.history:
            said = "".join(token_string(number) for number in decoded.numbers)
            self._history.append((vision, said))
        actions = decoded.actions
        if self._swings is not None:
            actions = tuple(self._swings.damped(action) for action in actions)
        return ActionChunk(
            actions=actions,
            frame_id=observation.frame.id,
            latency_ms=(time.perf_counter() - started) * 1e3,
            confidence=decoded.confidence,
            invalid=decoded.invalid,
            glance=_short(vision) if self._small else None,
        )

    def _just_done(self) -> float:
        """Ask whether the picture that was just answered shows the part done; 0 to 1."""
        question = done_question(self._heard)
        prompt, _ = prompt_ids(self.tokenizer, self.spec.prompt, question, 1)
        logits = self.reader.language.logits(self.reader.ask(prompt), self._yes_no)
        return float(logits.softmax(-1)[0])

    def _answer_to(self, vision: torch.Tensor, instruction: str) -> Decoded:
        """Decode the answer to a picture, guessing that it is the one before."""
        if self.spec.history:
            # Before there are earlier frames, the newest stands for them, unanswered.
            while len(self._history) < self.spec.history:
                self._history.append((vision, encode(NO_ACTION)))
            self._hear(instruction)
        elif instruction != self._instruction:
            self._hear(instruction)
        before = split_actions(self.answer.numbers) if self.answer and self.guessing else ()
        carried = worth_running([n for action in before for n in action][1:])
        visions = [*(earlier for earlier, _ in self._history), vision]
        guess = self.decoder.embed(carried) if carried else None
        if self.sampling.temperature == 0 and self.answer and self.reader.keeps(visions):
            return replace(self.answer, passes=0, guessed=0, kept=0)
        states, position, _ = self.reader.read(visions, guess)
        return self.decoder.decode(
            states,
            position,
            self.sampling,
            self._generator,
            self.spec.chunk,
            carried=carried,
            before=before,
        )


def _short(tokens: torch.Tensor) -> NDArray[np.float32]:
    """Return the mean, then the greatest value, of each channel of N x hidden vision tokens."""
    tokens = tokens.float()
    short: NDArray[np.float32] = torch.cat((tokens.mean(0), tokens.amax(0))).cpu().numpy()
    return short
