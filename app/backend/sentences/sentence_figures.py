"""How well the agent does each sentence of a game.

The yard's sentences are in ``assets/tasks``, made by ``trainer/pretraining/curriculum.py``.

The figures are attempts that measured this very player in the data folder, its own attempts that
the person watched to the game's verdict, and, of the model that Playteach brings, those that its
documentation rests on.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from app.backend.models.catalogue import options_of
from app.backend.models.choice import ModelChoice
from app.backend.ports import SentenceFacts
from recorder.errors import AdapterError, ModelError
from recorder.games.base import Task
from recorder.store import AdapterRow, EpisodeKind, EpisodeQuery, EvaluationRow, LabelSource, Reader
from recorder.types import Driver, Outcome
from trainer.evaluation.outcome_store import starts_looked_for
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import JUDGED

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).resolve().parents[3] / "docs" / "outcomes.json"
SUCCESS, NOT_PLAYED = "S", "."
"""Letters of the shipped file (`trainer.studies.outcomes`)."""
Counts = Mapping[str, tuple[int, int]]
"""By the sentence that is heard: successes and attempts."""


def sentence_facts(
    tasks: Iterable[Task], known: Callable[[str], bool], counts: Sequence[Counts]
) -> tuple[SentenceFacts, ...]:
    """Return every task's sentence with what ``counts`` hold of it together."""
    found = []
    for task in tasks:
        mine = [each[task.instruction] for each in counts if task.instruction in each]
        found.append(
            SentenceFacts(
                task.instruction,
                verb=task.verb,
                ways=(*task.phrasings, *task.heldout_phrasings),
                taught=known(task.instruction),
                good=sum(good for good, _ in mine),
                tries=sum(tries for _, tries in mine),
            )
        )
    return tuple(found)


def player_key(base: Path, choice: ModelChoice, adapter: AdapterRow | None) -> str:
    """Return what measured attempts of the model with an adapter are kept under.

    "" for a model of the person's own, all of whose weights would have to be read for it, and if
    the model is not there.
    """
    if choice.source != "practice":
        return ""
    folder = None if adapter is None else Path(adapter.folder)
    try:
        return PlayerSpec("window", base, folder, options=options_of(choice)).key
    except (ModelError, AdapterError):
        return ""


def measured(rows: Iterable[EvaluationRow]) -> Counts:
    """Return what attempts to measure came to."""
    return _counted((row.instruction, row.outcome) for row in rows)


def watched(reader: Reader, game: str, adapter_id: int | None, policy: str) -> Counts:
    """Return what the person saw the agent do by itself, to the game's own verdict."""
    query = EpisodeQuery(games=(game,), kinds=(EpisodeKind.ROLLOUT,), adapters=(adapter_id,))
    chosen = starts_looked_for(reader, game)
    return _counted(
        (row.instruction, row.outcome)
        for row in reader.episodes(query)
        if row.outcome_source is LabelSource.GAME
        and row.policy == policy
        and (row.instruction, row.seed) not in chosen
        and all(driver is not Driver.PERSON for driver, _ in row.driver_strip)
    )


def shipped(player: str, path: Path = SHIPPED) -> Counts:
    """Return what the documentation rests on, if it is about the weights of ``player`` (a key).

    Nothing for another model, and where the file is not there.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if str(document["player"]).partition(":")[0] != player.partition(":")[0]:
            return {}
        by_sentence = {
            str(said): str(letters)
            for rows in document["suites"].values()
            for _task, said, letters in rows
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read, so no figures come from it: %s", path.name, error)
        return {}
    return {
        said: (letters.count(SUCCESS), len(letters) - letters.count(NOT_PLAYED))
        for said, letters in by_sentence.items()
    }


def _counted(attempts: Iterable[tuple[str, Outcome]]) -> Counts:
    tries: Counter[str] = Counter()
    good: Counter[str] = Counter()
    for sentence, outcome in attempts:
        if outcome in JUDGED:
            tries[sentence] += 1
            good[sentence] += outcome is Outcome.SUCCESS
    return {sentence: (good[sentence], n) for sentence, n in tries.items()}
