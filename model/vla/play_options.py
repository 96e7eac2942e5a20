"""What a person may set about how a checkpoint is played and taught.  No torch here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from model.language.instructions import told
from model.language.prompts import PROMPT_FORMS, Told, clean_instruction
from model.vla.preprocess import MAX_HISTORY, CheckpointSpec
from recorder.errors import UsageError

MAX_CHUNK = 8


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """What a person may set otherwise than the checkpoint's spec; None leaves it.

    ``history`` 0 to 4 earlier frames, ``chunk`` 1 to 8 actions an answer, ``prompt`` one
    of :data:`model.language.prompts.PROMPT_FORMS`.  ``rewrite`` puts sentences into the words that
    the model was taught (:mod:`model.language.instructions`,
    :mod:`model.language.paraphrase`); ``recipes`` is the folder of Minecraft's recipe files;
    ``precision`` one of :data:`model.vla.memory.PRECISIONS`.
    """

    history: int | None = None
    chunk: int | None = None
    prompt: str | None = None
    rewrite: bool = True
    recipes: Path | None = None
    precision: str | None = None

    def applied_to(self, spec: CheckpointSpec) -> CheckpointSpec:
        """Return the spec with what is set here; raises UsageError out of range."""
        if self.history is not None and not 0 <= self.history <= MAX_HISTORY:
            raise UsageError(
                f"{self.history} earlier frames are not among the 0 to {MAX_HISTORY} that a "
                "prompt may hold, so no model was loaded; choose another history."
            )
        if self.chunk is not None and not 1 <= self.chunk <= MAX_CHUNK:
            raise UsageError(
                f"{self.chunk} actions are not among the 1 to {MAX_CHUNK} that an answer may "
                "hold, so no model was loaded; choose another chunk."
            )
        if self.prompt is not None and self.prompt not in PROMPT_FORMS:
            raise UsageError(
                f"There is no prompt form called {self.prompt!r}, so no model was loaded; "
                f"choose one of: {', '.join(PROMPT_FORMS)}."
            )
        return replace(
            spec,
            history=spec.history if self.history is None else self.history,
            chunk=spec.chunk if self.chunk is None else self.chunk,
            prompt=self.prompt or spec.prompt,
        )

    def told(self, form: str, instruction: str) -> Told:
        """Return what a prompt of ``form`` says for a typed sentence, in play and in training.

        Raises UsageError for a sentence that cannot be heard, ModelError for a recipe file
        that cannot be read.
        """
        text = clean_instruction(instruction)
        if not form.startswith("jarvis"):
            return Told(text)
        return told(text, form, rewriting=self.rewrite, recipes=self.recipes)


def told_notice(said: Told, instruction: str) -> str:
    """Return for the person that the model hears other words than were typed, or ""."""
    if said.instruction == clean_instruction(instruction):
        return ""
    return f"The model is told \u201c{said.instruction}\u201d, as it was taught."
