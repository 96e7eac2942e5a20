"""Checks before the training whether the agent can already do what a lesson is about.

Stored attempts count first: those that measured the player, and its own that the person watched to
their end.  Only those that are still missing are played.  No torch, no Qt.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.errors import KnownError
from recorder.games.base import Asked
from recorder.store import (
    AdapterRow,
    EpisodeKind,
    EpisodeQuery,
    EpisodeRow,
    EvaluationRow,
    LabelSource,
    Reader,
)
from recorder.types import Driver, Outcome
from trainer.data.material import material_of
from trainer.evaluation.outcome_store import starts_looked_for
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate
from trainer.evaluation.starts import JUDGED, Attempt, Start, StartKey, row_of
from trainer.evaluation.verdicts.lines import known_sentence, knows_already
from trainer.rounds import protocol
from trainer.rounds.inputs import chosen_episodes
from trainer.rounds.measuring.measurement import Ground, fresh_lesson_seeds
from trainer.rounds.process import EndedError

log = logging.getLogger(__name__)

KNOWN_FROM = 10
"""So many attempts before tell whether a sentence is known already; what is missing is played."""
NEWEST_WATCHED = 20
"""So many attempts that the person watched count at most, the newest."""
VERSION = "known-before"
"""The version of attempts that were played to find out: they never judge a round."""
PLAYING = "Playing what it can already."


@dataclass(slots=True)
class _Sentence:
    """What is known of a sentence: attempts and successes, and how many of them were watched."""

    asked: Asked
    n: int = 0
    good: int = 0
    watched: int = 0

    def count(self, success: bool) -> None:
        """Count one attempt."""
        self.n += 1
        self.good += success

    @property
    def missing(self) -> int:
        """How many attempts are missing to tell."""
        return max(0, KNOWN_FROM - self.n)

    @property
    def known(self) -> bool:
        """Whether it succeeds so often that a lesson can gain little."""
        return not self.missing and knows_already(self.good, self.n)


def tell_before(
    ground: Ground,
    asked: Sequence[Asked],
    parent: AdapterRow | None,
    query: str,
    round_id: int,
    *,
    play: bool,
) -> None:
    """Tell what the agent can do already of what a round is about to teach.

    ``query`` and ``round_id`` choose what it learns from: nothing is played if that is too little.
    Raises EndedError if it was cancelled; another problem of the world's is the round's to tell.
    """
    try:
        with Reader.open(ground.data) as reader:
            material = material_of(reader, chosen_episodes(reader, query, round_id))
        for sentence in known_before(ground, asked, parent, play=play and not material.lack):
            ground.say(protocol.Stage(protocol.KNOWN, sentence))
    except EndedError:
        raise
    except KnownError as error:
        log.warning("what it can do already is not known: %s", error.sentence)


def known_before(
    ground: Ground, asked: Sequence[Asked], parent: AdapterRow | None, *, play: bool
) -> list[str]:
    """Return a sentence for each of ``asked`` that the agent succeeds at so often already.

    The agent is ``parent``, or the base without one.  With ``play`` what the store does not know is
    played, unless the game needs the person's screen or the model is large; every attempt is kept,
    so that its start is used up and is not played again.  Raises what play and ``ground.check``
    raise.
    """
    player = ground.player("before", None if parent is None else Path(parent.folder))
    with Reader.open(ground.data) as reader:
        rows = reader.evaluations(policy_key=player.key, game=ground.game)
        sentences = [_stored(reader, ground, each, parent, rows) for each in asked]
        missing = [each for each in sentences if each.missing]
        play = play and bool(missing) and not ground.own_window and ground.workers is None
        wanted = sum(each.missing for each in missing) if play else 0
        fresh = fresh_lesson_seeds(reader, ground.game, wanted)
    if play:
        _play(ground, player, missing, fresh)
    return [
        known_sentence(each.asked.heard, each.good, each.n, watched=each.watched)
        for each in sentences
        if each.known
    ]


def _play(ground: Ground, player: PlayerSpec, missing: Sequence[_Sentence], fresh: range) -> None:
    """Play what is missing of sentences, on ``fresh`` seeds."""
    starts: list[Start] = []
    of_start: dict[StartKey, _Sentence] = {}
    for each in missing:
        for _ in range(each.missing):
            start = Start(each.asked.task, each.asked.heard, fresh[len(starts)])
            starts.append(start)
            of_start[start.key] = each
    done = good = 0

    def heard(attempt: Attempt) -> None:
        nonlocal done, good
        ground.store.add_evaluations([row_of(attempt)])
        if attempt.judged:
            of_start[attempt.key.start].count(attempt.success)
        done += 1
        good += attempt.success
        ground.say(protocol.Played(done, len(starts), good, protocol.BEFORE))
        ground.check()

    ground.check()
    ground.say(protocol.Stage(protocol.BEFORE, PLAYING))
    evaluate(
        player, ground.game, starts, slowed=ground.slowed, workers=ground.workers,
        on_played=heard, version=VERSION,
    )  # fmt: skip


def _stored(
    reader: Reader,
    ground: Ground,
    asked: Asked,
    parent: AdapterRow | None,
    measured: Sequence[EvaluationRow],
) -> _Sentence:
    found = _Sentence(asked)
    for row in measured:
        if row.instruction == asked.heard and row.outcome in JUDGED:
            found.count(row.success)
    for episode in _watched(reader, ground, asked, parent):
        found.count(episode.outcome is Outcome.SUCCESS)
        found.watched += 1
    return found


def _watched(
    reader: Reader, ground: Ground, asked: Asked, parent: AdapterRow | None
) -> list[EpisodeRow]:
    """Return the newest attempts that the agent played to the game's own verdict, by itself."""
    query = EpisodeQuery(
        games=(ground.game,),
        texts=(asked.heard,),
        kinds=(EpisodeKind.ROLLOUT,),
        adapters=(None if parent is None else parent.id,),
    )
    chosen = starts_looked_for(reader, ground.game)
    found = (
        row
        for row in reader.episodes(query)
        if row.task_id == asked.task.id
        and (row.instruction, row.seed) not in chosen
        # Without an adapter many play: other checkpoints, servers and scripts.
        and (parent is not None or row.policy == ground.base.name)
        and row.outcome in JUDGED
        and row.outcome_source is LabelSource.GAME
        and all(driver is not Driver.PERSON for driver, _ in row.driver_strip)
        and {each.text for each in reader.instructions(row.id)} == {asked.heard}
    )
    return list(itertools.islice(found, NEWEST_WATCHED))
