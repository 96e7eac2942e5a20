"""The real backend behind the window: store, session, model and rounds.

Its methods are called from worker threads; nothing here makes a widget or loads torch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from app.backend.calibration import DesktopCalibration
from app.backend.familiarity_hint import FamiliarityHint
from app.backend.film_strips import Films, film_of_round
from app.backend.game_catalogue import game_list
from app.backend.game_ports import Calibration, GameFacts
from app.backend.model_catalogue import WindowModelCatalogue, options_of, round_need
from app.backend.model_choice import ModelChoice
from app.backend.model_loader import ModelLoader
from app.backend.model_ports import ModelCatalogue
from app.backend.ports import (
    AgentFacts,
    EpisodeFacts,
    Playback,
    Preferences,
    RoundUpdate,
    StorageFacts,
    TeachFacts,
    VerdictFacts,
)
from app.backend.preferences import preferences_of, settings_of
from app.backend.round_in_progress import RoundInProgress
from app.backend.settings import Settings, save_settings
from app.backend.view_facts import (
    agent_facts,
    episode_facts,
    round_update,
    speed_sentence,
    teach_facts,
    verdict_facts,
)
from app.session.api import PlaySession
from app.session.control_loop import LiveSession
from model.vla.play_options import PlayOptions
from recorder.errors import DataError, KnownError, ModelError
from recorder.games.base import Game, OwnWindowGame
from recorder.store import EpisodeRow, LabelSource, Reader, RoundStatus, Split, Store, of_game
from recorder.store.frames.playback import EpisodePlayback
from recorder.types import Outcome, RGBImage
from trainer.data.earlier_lessons import earlier_rows
from trainer.data.material import Tallies, material_of
from trainer.data.sampling import shares_of
from trainer.evaluation.stored_verdicts import read_verdict
from trainer.evaluation.verdict import Choice, VerdictKind
from trainer.rounds.client import RoundClient
from trainer.rounds.inputs import chosen_episodes
from trainer.rounds.listing import adopt
from trainer.rounds.measurement import MEASURING
from trainer.rounds.protocol import Failed, Message, Played, Stage
from trainer.rounds.round import SINCE_LAST_ROUND
from trainer.rounds.training.lora_config import LoraConfig, plan_steps

log = logging.getLogger(__name__)

FIXED_ROUND_S = 35.0
"""Of a round, reading and replay, on two cores."""
TICK_S = 0.12
"""Of a round, training per tick of the person's, on two cores."""
MAX_TRAINING_S = 110.0
RESTING = (
    "The agent rests during this round: playing and learning at once do not fit into the memory."
)
MEASURED_NOW = (
    "A round is being measured in another window of the game, so nothing is played here meanwhile; "
    "wait for its verdict, or cancel the round."
)
ROUND_BROKEN = (
    "Something inside Playteach went wrong in this round; the agent plays as before, and the "
    "log says more."
)


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
        self._films: Films | None = None
        self._tallies: Tallies = {}
        self._check: RoundInProgress | None = None
        self._progress = ""
        self._round: RoundInProgress | None = None
        self._hint = FamiliarityHint(self._loader, reader, session.tasks)

    # The model

    def load_agent_in_background(self) -> None:
        """Load the model without making the caller wait."""
        self._loader.load_in_background()

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

    def familiarity_hint(self, sentence: str) -> str:
        """Return that a sentence is unfamiliar and what it may mean, "" where it is known."""
        return self._hint.of(sentence)

    # Rounds

    def teach(self) -> TeachFacts:
        """Return what a round would learn from: what it will find itself (:mod:`trainer.data`)."""
        chosen = self._chosen()
        material = material_of(self._reader, chosen, self._tallies)
        persons = material.persons(Split.TRAIN)
        config = LoraConfig()
        draws = plan_steps(sum(material.on(Split.TRAIN).values()), config) * config.batch
        # Of a released model only what was taught before can be replayed.
        replays = self._loader.choice.source == "practice"
        if not replays:
            earlier = earlier_rows(self._reader, chosen, None)
            replays = bool(material_of(self._reader, earlier, self._tallies).on(Split.TRAIN))
        shares = shares_of(material, draws, replays=replays)
        predicted = FIXED_ROUND_S + min(MAX_TRAINING_S, TICK_S * persons)
        return teach_facts(
            material, shares, predicted if persons else None, self._loader.not_taught
        )

    def _chosen(self) -> list[EpisodeRow]:
        """Return the episodes that a round would be about."""
        return chosen_episodes(self._reader, of_game(SINCE_LAST_ROUND, self._game_name))

    def start_round(self, on_update: Callable[[RoundUpdate], None]) -> RoundInProgress:
        """Begin a round on a thread of its own; raises ModelError where a server plays."""
        if self._loader.not_taught:
            raise ModelError(self._loader.not_taught)
        if self._check is not None:
            # What was played is kept; it can be gone on with after this round.
            self._check.cancel()
        options = options_of(self._loader.choice)

        def say(message: Message) -> None:
            # The final word is said once, below, when the books are done.
            if isinstance(message, Stage) and message.name == MEASURING:
                # There is one keyboard: this window's game gives way to the measured one.
                self._live.rest(MEASURED_NOW)
                on_update(
                    RoundUpdate(stage="Measuring in a window of its own", notice=message.sentence)
                )
            elif not isinstance(message, Failed):
                on_update(round_update(message))

        def run(handle: RoundInProgress) -> None:
            try:
                final = self._run_round(handle, options, say)
            except KnownError as error:
                # What was asked for is no problem.
                problem = "" if handle.cancelled.is_set() else error.sentence
                final = RoundUpdate(problem=problem, finished=True)
            except Exception:
                log.exception("the round failed")
                final = RoundUpdate(problem=ROUND_BROKEN, finished=True)
            finally:
                self._live.wake_up()
            on_update(final)

        client = RoundClient(self._data, self._store, self._loader.base, options)
        self._round = RoundInProgress(client, run).start()
        return self._round

    def close(self) -> None:
        """Cancel a round that runs and wait for its end: the store is closed after this."""
        self._loader.close()
        if (round_ := self._round) is not None:
            round_.end()
        # Looked for after it: what is left to check begins at a round's end.
        if (check := self._check) is not None:
            check.end()

    def _run_round(
        self, handle: RoundInProgress, options: PlayOptions, say: Callable[[Message], None]
    ) -> RoundUpdate:
        with self._loader.rested(self._round_need(options), RESTING) as rested:
            hotkeys = {each.value: key for each, key in self.preferences().hotkeys.items()}
            result = handle.client.run(
                say=say,
                game=self._game_name,
                slowed=self._slowed and self.own_window,
                hotkeys=hotkeys,
            )
        if handle.left.is_set():
            # What was done is written down; whoever has left waits for no film.
            return RoundUpdate(finished=True)
        if result.activated and not rested:
            self._loader.load()
        if result.waits:
            self._begin_check(result.round_id, more=False)
        if result.verdict is not None:
            try:
                self._films = film_of_round(self._reader, result, self._loader.base, options)
            except KnownError as error:
                # The verdict stands without its pictures.
                log.warning("no film of the round: %s", error.sentence)
            return RoundUpdate(verdict=self.last_verdict(), finished=True)
        cancelled = result.status is RoundStatus.CANCELLED
        return RoundUpdate(problem="" if cancelled else result.sentence, finished=True)

    def play_more(self, round_id: int) -> None:
        """Begin to play more starts of a round, or go on checking it."""
        if self._check is not None:
            raise ModelError(
                "Starts are being played already, so no more were begun; wait until they are done."
            )
        row = next((each for each in self._reader.rounds() if each.id == round_id), None)
        verdict = None if row is None else read_verdict(row.verdict)
        waits = verdict is not None and verdict.choice is Choice.WAIT
        self._begin_check(round_id, more=not waits)

    def _begin_check(self, round_id: int, *, more: bool) -> None:
        """Measure the rest of a round while the person goes on."""
        options = options_of(self._loader.choice)

        def say(message: Message) -> None:
            if isinstance(message, Played):
                self._progress = f"{message.done} of {message.total} starts played"
            elif isinstance(message, Stage) and message.name == MEASURING:
                self._live.rest(MEASURED_NOW)

        def run(handle: RoundInProgress) -> None:
            try:
                hotkeys = {each.value: key for each, key in self.preferences().hotkeys.items()}
                checked = handle.client.check_rest(
                    round_id, game=self._game_name, slowed=self._slowed and self.own_window,
                    say=say, hotkeys=hotkeys, more=more,
                )  # fmt: skip
                if checked.activated and not handle.left.is_set():
                    self._loader.load()
            except KnownError as error:
                # The round stays as it was, and its card offers to go on.
                log.warning("the check of round %d ended: %s", round_id, error.sentence)
            except Exception:
                log.exception("the check of round %d failed", round_id)
            finally:
                self._check = None
                self._live.wake_up()

        self._progress = ""
        client = RoundClient(self._data, self._store, self._loader.base, options)
        self._check = RoundInProgress(client, run)
        self._check.start()

    def _round_need(self, options: PlayOptions) -> int:
        """Return the bytes that a round on the chosen model needs; 0 for the practice model."""
        if self._loader.choice.source == "practice":
            return 0
        material = material_of(self._reader, self._chosen(), self._tallies)
        return round_need(self._loader.base, options, sum(material.ticks.values()))

    def last_verdict(self) -> VerdictFacts | None:
        """Return the newest round's verdict, None before the first."""
        adapters = {row.id: row for row in self._loader.shown(self._reader.adapters())}
        for row in reversed(self._reader.rounds()):
            verdict = read_verdict(row.verdict)
            adapter = adapters.get(row.adapter_id or 0)
            if verdict is not None and adapter is not None:
                facts = verdict_facts(verdict, adapter, in_use=adapter.active)
                if (why := row.metrics.get("not_in_use")) and not adapter.active:
                    facts = replace(facts, sentence=f"{facts.sentence} {why}")
                films = self._films
                if films is not None and films.adapter_id == adapter.id:
                    facts = replace(
                        facts,
                        film_before=films.before,
                        film_after=films.after,
                        film_seed=films.seed,
                    )
                return replace(
                    facts,
                    can_go_back=self._loader.can_go_back,
                    checking=self._check is not None,
                    progress=self._progress,
                )
        return None

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
