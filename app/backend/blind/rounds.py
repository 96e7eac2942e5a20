"""Which rounds wait to be judged blind beside the window, and the comparison that is open."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.backend.blind.judging import BlindJudging
from app.backend.blind.ports import BlindResult
from app.backend.models.catalogue import options_of, play_need
from app.backend.models.loader import ModelLoader
from app.backend.ports import VerdictFacts
from app.backend.view_facts import blind_result
from model.adapters.in_use import belongs
from recorder.errors import DataError, KnownError, ModelError
from recorder.store import ComparisonRow, Reader, RoundRow
from trainer.evaluation.verdicts.verdict import Choice
from trainer.rounds.measuring.blind_round import Judged, begin_comparison, waiting_sentences
from trainer.rounds.measuring.measurement import Ground
from trainer.rounds.process import FEW_BITS

log = logging.getLogger(__name__)

RESTING = "The agent rests while clips are played: two of its models do not fit into the memory."
NOTHING_WAITS = (
    "Nothing of round {} waits to be judged: all that it taught was measured, or what it learnt "
    "from was erased."
)


class BlindRounds:
    """The blind comparisons of the game and the model that the window has open, one at a time."""

    def __init__(
        self,
        loader: ModelLoader,
        reader: Reader,
        ground: Callable[[], Ground],
        *,
        judged: Callable[[int], None],
        woken: Callable[[], None],
        keep_clips: Callable[[], bool],
    ) -> None:
        """``judged`` is called with a round that is to be checked further.

        ``woken`` is called when the person's screen is theirs again; ``keep_clips`` says whether
        clips are kept after the result.
        """
        self._loader = loader
        self._reader = reader
        self._ground = ground
        self._judged = judged
        self._woken = woken
        self._keep_clips = keep_clips
        self._open: BlindJudging | None = None
        # By round and base: another model's adapter cannot be played with this one.
        self._waiting: dict[tuple[int, Path], tuple[str, ...]] = {}

    def open(self, round_id: int) -> BlindJudging:
        """Begin to judge a round's first waiting sentence, or take that up again.

        Raises ModelError for a model that an adapter cannot be compared with, DataError if nothing
        of the round waits.
        """
        if self._few_bits:
            raise ModelError(FEW_BITS)
        self.end()
        row = next((each for each in self._reader.rounds() if each.id == round_id), None)
        waiting = () if row is None else self._waiting_of(row)
        if row is None or not waiting:
            raise DataError(NOTHING_WAITS.format(round_id))
        ground = self._ground()
        begun = self._begun(row, waiting[0])
        if begun is None:
            begin_comparison(ground, row, waiting[0], random.SystemRandom())
            begun = self._begun(row, waiting[0])
            assert begun is not None
        self._open = BlindJudging(
            ground,
            self._reader,
            begun,
            room=lambda: self._loader.rested(self._need(), RESTING),
            settled=self._on_settled,
            woken=self._woken,
            keep_pictures=self._keep_clips(),
        )
        return self._open

    def end(self) -> None:
        """Stop the comparison that is open, if one is, and wait until nothing of it is played."""
        if self._open is not None:
            self._open.end()

    def added_to(self, facts: VerdictFacts, row: RoundRow) -> VerdictFacts:
        """Return a round's card with what of it waits to be judged, and how far that is."""
        if self._few_bits:
            return facts
        try:
            waiting = self._waiting_of(row)
        except KnownError as error:
            log.warning("what waits to be judged is not known: %s", error.sentence)
            return facts
        begun = self._begun(row, waiting[0]) if waiting else None
        said = [] if begun is None else self._reader.clip_marks(begun.id)
        clips = sum(mark.done is not None for mark in said)
        return replace(facts, to_judge=waiting, judged_clips=clips)

    def _on_settled(self, judged: Judged) -> BlindResult:
        """Let what a person judged have its effect, and return it as it is shown."""
        self._waiting.clear()
        if judged.checked.activated:
            self._loader.load()
        if judged.checked.verdict.choice is Choice.WAIT:
            self._judged(judged.round_id)
        row = next(each for each in self._reader.rounds() if each.id == judged.round_id)
        return blind_result(judged, next(iter(self._waiting_of(row)), ""))

    def _begun(self, row: RoundRow, sentence: str) -> ComparisonRow | None:
        rows = self._reader.comparisons(row.id)
        return next((each for each in rows if each.sentence == sentence), None)

    def _waiting_of(self, row: RoundRow) -> tuple[str, ...]:
        """Return the sentences of a round that nobody has measured, looked up once."""
        key = row.id, self._loader.base
        found = self._waiting.get(key)
        if found is None:
            found = self._waiting[key] = self._looked_up(row)
        return found

    def _looked_up(self, row: RoundRow) -> tuple[str, ...]:
        adapter = next(
            (each for each in self._reader.adapters() if each.id == row.adapter_id), None
        )
        if adapter is None or not belongs(adapter, self._loader.base):
            return ()
        ground = self._ground()
        return tuple(waiting_sentences(ground.data, ground.game, row))

    @property
    def _few_bits(self) -> bool:
        return self._loader.choice.precision in ("8bit", "4bit")

    def _need(self) -> int:
        """Return the bytes that a second copy of the chosen model needs; 0 for the practice's."""
        if self._loader.choice.source == "practice":
            return 0
        return play_need(self._loader.base, options_of(self._loader.choice))
