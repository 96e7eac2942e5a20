"""What was collected from the person: what the next round would learn from, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.backend.lessons.coach import next_step
from app.backend.lessons.practising import practice_blocked, to_practise
from app.backend.lessons.round_time import Coming, Expected, expected, expected_practice, last_of
from app.backend.models.catalogue import options_of
from app.backend.models.loader import ModelLoader
from app.backend.ports import PracticeWish, TeachFacts, VerdictFacts
from app.backend.sentences.heard_as import changed_note, heard_by
from app.backend.view_facts import teach_facts
from app.session.control_loop import LiveSession
from recorder.games import judged_task
from recorder.games.base import Game, OwnWindowGame
from recorder.store import EpisodeRow, Reader, Split, of_game
from trainer.data.earlier_lessons import earlier_rows
from trainer.data.material import Tallies, material_of
from trainer.data.sampling import lesson_samples, shares_of
from trainer.practice.fit import eye_may_judge
from trainer.rounds.inputs import chosen_episodes
from trainer.rounds.round import SINCE_LAST_ROUND
from trainer.rounds.training.lora_config import LoraConfig, most_visits, plan_steps


class Collected:
    """What is there to be taught in one game; ticks that were counted once are not read again."""

    def __init__(
        self, session: LiveSession, reader: Reader, loader: ModelLoader, *, data: Path, game: Game
    ) -> None:
        self._live = session
        self._reader = reader
        self._loader = loader
        self._data = data
        self._game_name = game.name
        self._own_window = isinstance(game, OwnWindowGame)
        self._tallies: Tallies = {}

    def ticks(self) -> int:
        """Return how many ticks a round would learn from, be stopped by and be judged on."""
        return sum(material_of(self._reader, self._chosen(), self._tallies).ticks.values())

    def facts(self, verdict: VerdictFacts | None) -> TeachFacts:
        """Return what a round will find itself (:mod:`trainer.data`), and what to do next.

        ``verdict`` is the newest round's.
        """
        chosen = self._chosen()
        material = material_of(self._reader, chosen, self._tallies)
        persons = material.persons(Split.TRAIN)
        config = LoraConfig()
        learnt = lesson_samples(material.on(Split.TRAIN))
        draws = plan_steps(learnt, config) * config.batch
        # Of a released model only what was taught before can be replayed.
        replays = self._loader.choice.source == "practice"
        if not replays:
            earlier = earlier_rows(self._reader, chosen, None)
            replays = bool(material_of(self._reader, earlier, self._tallies).on(Split.TRAIN))
        most = most_visits(learnt, config)
        shares = shares_of(material, draws, replays=replays, most=most)
        predicted = self._expected(persons, chosen).whole_s if persons else None
        found = teach_facts(material, shares, predicted, self._loader.not_taught)
        tasks = self._live.tasks()
        blocked = practice_blocked(self._loader, self._game_name, self._data)

        def judges(said: str) -> bool:
            return judged_task(tasks, said) is not None

        step = next_step(found, verdict, lambda said: not blocked and judges(said))
        taught = [each.sentence for each in found.lessons if each.taught_s > 0]
        # A server is told every sentence as it was typed, and nothing is taught there.
        rewrite = options_of(self._loader.choice).rewrite and not self._loader.not_taught
        heard = heard_by(self._loader.base, rewrite=rewrite)
        return replace(
            found,
            sentence=f"{found.sentence} {changed_note(taught, heard, judges)}".strip(),
            to_practise=()
            if blocked
            else to_practise(tasks, self._reader.rounds(), found, self._by_eye),
            practice_blocked=blocked,
            next_step=step.sentence,
            fails_at=step.fails_at,
        )

    def _by_eye(self, sentence: str) -> bool:
        """Whether enough of a sentence is marked that the agent's own eye may judge it."""
        return eye_may_judge(self._reader, self._game_name, self._loader.base, sentence)

    def expected(self, practice: PracticeWish | None) -> Expected:
        """Return what the parts of the round that could begin now will take, or of practice."""
        chosen = self._chosen()
        persons = material_of(self._reader, chosen, self._tallies).persons(Split.TRAIN)
        return self._expected(persons, chosen, practice)

    def _expected(
        self, persons: int, chosen: Sequence[EpisodeRow], practice: PracticeWish | None = None
    ) -> Expected:
        tasks, sentences = self._live.tasks(), {row.instruction for row in chosen}
        # In a window of its own an attempt takes as long as the person saw.
        seen = [row.duration_s for row in chosen] if self._own_window else []
        if practice is not None:
            # What an eye judged it practised with is not played after it.
            sentences = set(practice.sentences)
        judged = sum(
            judged_task(tasks, each) is not None or (practice is None and self._by_eye(each))
            for each in sentences
        )
        coming = Coming(
            self._game_name,
            self._loader.base.name,
            persons,
            judged,
            attempt_s=sum(seen) / len(seen) if seen else None,
            plays=options_of(self._loader.choice).precision not in ("8bit", "4bit"),
        )
        last = last_of(self._reader.rounds(), coming.game, coming.base)
        if practice is not None:
            return expected_practice(coming, last, practice.minutes)
        return expected(coming, last)

    def _chosen(self) -> list[EpisodeRow]:
        """Return the episodes that a round would be about."""
        return chosen_episodes(self._reader, of_game(SINCE_LAST_ROUND, self._game_name))
