"""Writes a round into the database: a row when it begins, its results or why it failed at its end.

Until the very end nothing is listed: a round that fails, is cancelled or is killed leaves its row
(status and sentence) and no adapter.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from model.adapters.folders import fingerprint, unfinished
from model.adapters.in_use import adapter_in_use, lost_sentence
from recorder.errors import ExitCode, KnownError
from recorder.games.base import Asked
from recorder.store import (
    AdapterRow,
    NewAdapter,
    Reader,
    RoundEnd,
    RoundStatus,
    Store,
    adapters_path,
)
from trainer.evaluation.verdicts.lines import verdict_of
from trainer.evaluation.verdicts.verdict import Choice, Line, Verdict
from trainer.rounds import protocol
from trainer.rounds.child import CANCELLED
from trainer.rounds.measuring.decision import decide
from trainer.rounds.measuring.measure_later import Checked
from trainer.rounds.process import FEW_BITS, new_folder
from trainer.rounds.questions import title_of
from trainer.rounds.working_folder import is_done, work_path

FROM_THE_BASE = "the round begins from the base"
Say = Callable[[protocol.Message], None]


@dataclass(frozen=True, slots=True)
class RoundResult:
    """How a round ended.

    ``activated`` says that the adapter plays now, which it never does before the rest is checked
    (:meth:`trainer.rounds.client.RoundClient.check_rest`); ``exit_code`` which kind of problem
    kept the round from being done.
    """

    round_id: int
    status: RoundStatus
    sentence: str
    adapter_id: int | None = None
    adapter: Path | None = None
    gates: tuple[protocol.Gate, ...] = ()
    verdict: Verdict | None = None
    activated: bool = False
    exit_code: ExitCode = ExitCode.OK

    @property
    def waits(self) -> bool:
        """Whether something is still to be checked before it may be used."""
        return self.verdict is not None and self.verdict.choice is Choice.WAIT

    def after(self, checked: Checked) -> RoundResult:
        """Return how it stands after the rest was checked."""
        return replace(
            self,
            sentence=checked.sentence,
            verdict=checked.verdict,
            activated=checked.activated,
        )


@dataclass(slots=True, eq=False)
class RoundBooks:
    """The books of one round, made by :meth:`begin`.

    ``parent`` is the adapter that the round begins from, ``done_before`` how many rounds were done
    before it; ``gates`` are filled as its process tells them.
    """

    data: Path
    store: Store
    base: Path
    query: str
    round_id: int
    parent: AdapterRow | None
    done_before: int
    gates: list[protocol.Gate] = field(default_factory=list)
    folder: Path = field(init=False)
    """Where the adapter is written: a folder that is not there yet."""
    _listed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.folder = new_folder(adapters_path(self.data), self.round_id)

    @classmethod
    def begin(
        cls,
        data: Path,
        store: Store,
        base: Path,
        query: str,
        say: Say,
        sizes: Mapping[str, float],
        *,
        practises: str | None = None,
    ) -> RoundBooks:
        """Write the row of a round on what ``query`` chooses; ``sizes`` are noted with it.

        One that ``practises`` a game learns from no episodes.

        Raises UsageError for a query that cannot be read, DataError if the database cannot be.
        """
        with Reader.open(data) as reader:
            # Whatever another base plays with is no start for this one.
            in_use = adapter_in_use(reader, base)
            done = sum(each.status is RoundStatus.DONE for each in reader.rounds())
        lost = "" if in_use is None else lost_sentence(in_use, FROM_THE_BASE)
        if lost:
            say(protocol.Stage("reading", lost))
        parent = None if lost else in_use
        # Only in place of what is in use now may the new adapter be put in use.
        config = {**sizes, "seed": done, "in_use": None if in_use is None else in_use.id}
        round_id = store.add_round(
            parent_adapter_id=None if parent is None else parent.id,
            query=query,
            config=config,
            choose=practises is None,
            practises=practises,
        )
        return cls(data, store, base, query, round_id, parent, done)

    @property
    def work(self) -> Path:
        """Where the round's process works."""
        return work_path(self.data, self.round_id)

    @property
    def parent_folder(self) -> Path | None:
        """The folder of the adapter that the round begins from, None for the base."""
        return None if self.parent is None else Path(self.parent.folder)

    def keep(
        self,
        ended: protocol.Done,
        lines: Sequence[Line],
        tasks: Sequence[Asked],
        *,
        few_bits: bool,
    ) -> RoundResult:
        """Write everything down: the adapter, what it learnt from, how it plays."""
        metrics = dict(ended.metrics)
        samples = metrics.pop("samples")
        manifest = metrics.pop("manifest")
        decision = decide(lines, self.gates)
        verdict = verdict_of(lines, decision.choice, decision.sentence)
        adapter_id, _ = self.store.finish_round(
            self.round_id,
            RoundEnd(
                NewAdapter(
                    folder=str(self.folder),
                    base=self.base.name,
                    parent_id=None if self.parent is None else self.parent.id,
                    round_id=self.round_id,
                    title=title_of(tasks),
                    sha256=fingerprint(self.folder),
                    passed_gates=decision.choice is not Choice.REFUSE,
                ),
                samples=[tuple(sample) for sample in samples],
                manifest=manifest,
                metrics={
                    **protocol.finite(metrics),
                    "gates": [asdict(gate) for gate in self.gates],
                },
                # Without a verdict the lines still tell what waits to be judged.
                verdict={"lines": [asdict(line) for line in lines]}
                if verdict is None
                else asdict(verdict),
            ),
        )
        self._listed = True
        shutil.rmtree(self.work, ignore_errors=True)
        not_measured = few_bits and decision.choice is not Choice.REFUSE
        return RoundResult(
            self.round_id,
            RoundStatus.DONE,
            FEW_BITS if not_measured else decision.sentence,
            adapter_id,
            self.folder,
            tuple(self.gates),
            verdict,
        )

    def is_done(self) -> bool:
        """Return whether the round is written down as done, whatever came after."""
        # What was handed over is written first: a Ctrl-C may come just then.
        self.store.wait()
        return self._listed or is_done(self.data, self.round_id)

    def break_off(self, error: BaseException, *, cancelled: bool) -> RoundResult:
        """Write down why there is no adapter, and throw away what was made of it.

        What a round had learnt stays in its working folder for the next one, unless it was
        ``cancelled``.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(unfinished(self.folder), ignore_errors=True)
        if cancelled:
            shutil.rmtree(self.work, ignore_errors=True)
        status = RoundStatus.CANCELLED if cancelled else RoundStatus.FAILED
        why, code = type(error).__name__, ExitCode.BUG
        if isinstance(error, KnownError):
            why, code = error.sentence, error.exit_code
        sentence = CANCELLED if cancelled else why
        self.store.update_round(self.round_id, status=status, metrics={"why": sentence})
        return RoundResult(self.round_id, status, sentence, gates=tuple(self.gates), exit_code=code)
