"""The real backend behind the window: store, session, model and rounds.

Its methods are called from worker threads; nothing here makes a widget or loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from app.backend.blind.ports import BlindComparison
from app.backend.games.catalogue import game_list
from app.backend.games.ports import Calibration, GameFacts
from app.backend.games.wizard_screen import DesktopCalibration
from app.backend.lessons.background_play import BackgroundPlay
from app.backend.lessons.lesson_book import lesson_book
from app.backend.lessons.round_in_progress import RoundInProgress
from app.backend.lessons.rounds_of_now import is_of_now
from app.backend.lessons.teaching import Teaching
from app.backend.models.catalogue import WindowModelCatalogue
from app.backend.models.choice import ModelChoice
from app.backend.models.loader import ModelLoader
from app.backend.models.ports import ModelCatalogue
from app.backend.ports import (
    AgentFacts,
    EpisodeFacts,
    FilmFacts,
    Hint,
    Playback,
    PracticeWish,
    PractisedFacts,
    Preferences,
    RoundUpdate,
    SentenceFacts,
    StorageFacts,
    TaughtSentence,
    TeachFacts,
    VerdictFacts,
)
from app.backend.preferences import preferences_of, settings_of
from app.backend.sentences.familiarity_hint import FamiliarityHint
from app.backend.sentences.sentence_figures import (
    measured,
    player_key,
    sentence_facts,
    shipped,
    watched,
)
from app.backend.settings import Settings, save_settings
from app.backend.view_facts import agent_facts, episode_facts, speed_sentence
from app.session.api import PlaySession
from app.session.control_loop import LiveSession
from recorder.errors import DataError
from recorder.games import judged_task
from recorder.games.base import Game, OwnWindowGame
from recorder.games.registry import FirstLesson, registered
from recorder.store import (
    EpisodeQuery,
    LabelSource,
    Reader,
    Store,
    Wish,
)
from recorder.store.frames.playback import EpisodePlayback
from recorder.types import Outcome, RGBImage
from trainer.evaluation.verdicts.stored_verdicts import read_lines, read_verdict
from trainer.evaluation.verdicts.verdict import VerdictKind
from trainer.rounds.listing import adopt


class WindowBackend:
    """Implements :class:`app.backend.ports.Backend`."""

    def __init__(
        self,
        session: LiveSession,
        store: Store,
        reader: Reader,
        settings: Settings,
        *,
        data: Path,
        base: Path,
        game: Game,
        log_file: Path | None = None,
        config: Path | None = None,
        model: ModelChoice | None = None,
    ) -> None:
        """Take over what plays: ``model``, which is set nowhere, or None for the settings' own."""
        self.session: PlaySession = session
        self.game_title = game.title
        self.own_window = isinstance(game, OwnWindowGame)
        self.default_bindings = game.bindings
        self._game_name = game.name
        self._slowed = not session.paced
        self._live = session
        self._store = store
        self._reader = reader
        self._settings = settings
        self._config = config
        self._data = data
        self._log_file = log_file
        self._loader = ModelLoader(session, store, reader, base, model or settings.model)
        self._teaching = Teaching(
            session,
            store,
            reader,
            self._loader,
            data=data,
            game=game,
            hotkeys=self._hotkeys,
            keep_clips=lambda: self._settings.keep_clips,
        )
        self._aside = BackgroundPlay(
            session,
            store,
            reader,
            self._loader,
            data=data,
            game=game.name,
            busy=lambda: self._teaching.running or self._teaching.checking,
        )
        self._hint = FamiliarityHint(self._loader, reader, session.tasks)

    # The model

    def load_agent_in_background(self) -> None:
        """Load the model without making the caller wait."""
        self._loader.load_in_background()

    @property
    def first_lesson(self) -> FirstLesson | None:
        """What a newcomer is led to teach: one that the practice model fails at."""
        spec = registered(self._game_name)
        if spec is None or self._loader.choice.source != "practice":
            return None
        return spec.first_lesson

    @property
    def remote_server(self) -> str:
        """Where pictures go, "" while nothing leaves this machine."""
        choice = self._loader.choice
        return urlsplit(choice.server).netloc if choice.source == "server" else ""

    def model_catalogue(self) -> ModelCatalogue:
        """Return what looks up, fetches and loads other models."""
        return WindowModelCatalogue(
            self._loader.models, lambda: self._loader.choice, self._use_model
        )

    def _use_model(self, choice: ModelChoice) -> None:
        self._loader.choose(choice)
        self._settings = replace(self._settings, model=choice)
        self._write_settings()

    def agent(self) -> AgentFacts:
        """Return what plays, its parents, and the device."""
        shot = self.session.snapshot()
        # A round that was started by hand beside the window cannot write to the database.
        adopt(self._store, self._reader, self._data)
        facts = agent_facts(
            self._loader.models.title(self._loader.choice),
            self._loader.shown(self._reader.adapters()),
            self._verdicts(),
            device=self._loader.device,
            speed=speed_sentence(shot.latency_ms, shot.tick_rate_hz),
            lines={
                row.adapter_id: read_lines(row.verdict)
                for row in self._reader.rounds()
                if row.adapter_id is not None
            },
        )
        return replace(facts, problem=self._loader.problem, remote=self.remote_server)

    def use_adapter(self, adapter_id: str | None) -> None:
        """Make an adapter the one that plays from the next episode on."""
        self._loader.activate(None if adapter_id is None else int(adapter_id))

    def go_back(self) -> None:
        """Undo the newest activation."""
        self._loader.go_back()

    def _verdicts(self) -> dict[int, VerdictKind]:
        found = {}
        for row in self._reader.rounds():
            verdict = read_verdict(row.verdict)
            if row.adapter_id is not None and verdict is not None:
                found[row.adapter_id] = verdict.kind
        return found

    def familiarity_hint(self, sentence: str) -> Hint:
        """Return that a sentence is unfamiliar, and what may be meant."""
        return self._hint.of(sentence)

    # Rounds

    def teach(self) -> TeachFacts:
        """Return what a round would learn from: what it will find itself (:mod:`trainer.data`)."""
        return self._teaching.facts()

    def start_round(
        self, on_update: Callable[[RoundUpdate], None], practice: PracticeWish | None = None
    ) -> RoundInProgress:
        """Begin a round or practice, on a thread of its own.

        Raises ModelError where a server plays, UsageError for a sentence that nobody judges.
        """
        self._aside.end()
        return self._teaching.start(on_update, practice)

    def play_more(self, round_id: int) -> None:
        """Begin to play more starts of a round, or go on checking it."""
        self._teaching.play_more(round_id)

    def film(self, round_id: int, number: int = 0) -> FilmFacts:
        """Play a start of a round's measurement again, before and after."""
        return self._aside.film(round_id, number)

    def practice_strips(self, round_id: int) -> list[PractisedFacts]:
        """Return a few of the attempts that a practice counted as done."""
        return self._teaching.practice_strips(round_id)

    def judge_blind(self, round_id: int) -> BlindComparison:
        """Begin to judge a round's first waiting sentence blind, or take that up again."""
        return self._teaching.judge_blind(round_id)

    def failing_start(self, sentence: str) -> int:
        """Return the seed of a start on which the agent fails at a sentence, found by playing."""
        return self._aside.failing_start(sentence)

    def leave(self) -> None:
        """End soon what is played only to be looked at: the window closes."""
        self._aside.leave()

    def last_verdict(self) -> VerdictFacts | None:
        """Return the newest round's verdict, None before the first."""
        return self._teaching.last_verdict()

    def close(self) -> None:
        """Cancel a round that runs and wait for its end: the store is closed after this."""
        self._loader.close()
        self._teaching.close()

    # Episodes

    def episodes(self, *, limit: int = 2000) -> Sequence[EpisodeFacts]:
        """Return the recorded episodes, newest first, without those in the bin."""
        return [episode_facts(row) for row in self._reader.episodes(limit=limit)]

    def thumbnail(self, episode_id: int) -> RGBImage | None:
        """Return a small picture of the episode."""
        return self._reader.thumbnail(episode_id)

    def open_playback(self, episode_id: int) -> Playback:
        """Open an episode for playing back."""
        return EpisodePlayback(self._data, episode_id)

    def label(self, episode_id: int, outcome: Outcome) -> None:
        """Write the person's own outcome over the recorded one."""
        self._store.set_label(episode_id, outcome, LabelSource.PERSON)

    def wish(self, episode_id: int, *, use: bool | None, pauses: bool) -> None:
        """Say whether rounds learn from an episode, and whether from its pauses too."""
        self._store.set_wish(episode_id, Wish(use, pauses))

    def delete(self, episode_id: int) -> None:
        """Put an episode into the bin."""
        self._store.delete_episode(episode_id)

    def restore(self, episode_id: int) -> None:
        """Take an episode out of the bin."""
        self._store.undelete_episode(episode_id)

    def empty_bin(self) -> int:
        """Erase what is in the bin for good."""
        counts = self._store.purge()
        counts.require_cleared()
        return counts.episodes

    # Games

    def sentences(self) -> Sequence[SentenceFacts]:
        """Return what the game judges, and how well what plays now does each of it."""
        adapter = next(
            (row for row in self._loader.shown(self._reader.adapters()) if row.active), None
        )
        counts = [
            watched(
                self._reader,
                self._game_name,
                None if adapter is None else adapter.id,
                self.session.snapshot().policy,
            )
        ]
        key = player_key(self._loader.base, self._loader.choice, adapter)
        if key:
            rows = self._reader.evaluations(policy_key=key, game=self._game_name)
            counts.append(measured(rows))
            if adapter is None:
                counts.append(shipped(key))
        return sentence_facts(self.session.tasks(), self._hint.knows, counts)

    def lessons(self) -> Sequence[TaughtSentence]:
        """Return every sentence that the person taught in this game, the newest first."""
        adapters = {row.id: row for row in self._loader.shown(self._reader.adapters())}
        base = self._loader.base
        # What a server plays no round here has taught.
        rounds = [] if self._loader.not_taught else self._reader.rounds()
        return lesson_book(
            self._reader.episodes(EpisodeQuery(games=(self._game_name,))),
            [row for row in rounds if is_of_now(row, adapters, base, self._game_name)],
            adapters,
            next((row.id for row in adapters.values() if row.active), None),
            lambda said: judged_task(self.session.tasks(), said) is not None,
        )

    def games(self) -> Sequence[GameFacts]:
        """Return every game that can be chosen."""
        return game_list(self._data, self._game_name, slowed=self._slowed)

    def open_calibration(self) -> Calibration:
        """Return what makes the profile of another game."""
        return DesktopCalibration(self._data)

    # The rest

    def preferences(self) -> Preferences:
        """Return the settings in force."""
        return preferences_of(self._settings, self.default_bindings, own_window=self.own_window)

    def _hotkeys(self) -> dict[str, str]:
        return {each.value: key for each, key in self.preferences().hotkeys.items()}

    def save_preferences(self, preferences: Preferences) -> None:
        """Write the settings and put them in force."""
        self._settings = settings_of(
            preferences, self._settings, self.default_bindings, own_window=self.own_window
        )
        self.session.set_idle_handback_s(preferences.idle_handback_s)
        if not self.own_window:
            self._live.use_bindings(preferences.bindings)
        self._write_settings()

    def _write_settings(self) -> None:
        try:
            save_settings(self._settings, self._config)
        except OSError as error:
            raise DataError(
                f"The settings could not be saved ({error.strerror}), so they last until you close "
                "Playteach; check the disk and the folder's permissions."
            ) from error

    def storage(self) -> StorageFacts:
        """Return sizes for the status line."""
        health = self._store.health()
        binned = self._reader.bin_facts().bytes
        return StorageFacts(health.bytes, binned, health.free_bytes, self._data, health.sentence)

    def log_file(self) -> Path | None:
        """Return where the log is written."""
        return self._log_file
