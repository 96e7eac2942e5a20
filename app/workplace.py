"""The real workplace behind the window: store, session, model and rounds.  No Qt, no torch.

The model is loaded on a thread of its own after the window shows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.gui.facts import (
    agent_facts,
    episode_facts,
    parse_verdict,
    round_update,
    speed_sentence,
    teach_facts,
    verdict_facts,
)
from app.gui.workplace import (
    AgentFacts,
    EpisodeFacts,
    Preferences,
    RoundUpdate,
    StorageFacts,
    TeachFacts,
    ThemeChoice,
    VerdictFacts,
)
from app.gui.workplace import Playback as PlaybackProtocol
from app.session.parts import Player
from app.session.session import LiveSession
from app.session.settings import Settings, SettingsFile
from model.paths import default_checkpoint
from recorder.errors import KnownError
from recorder.games.base import Bindings
from recorder.store import AdapterRow, LabelSource, Reader, RoundStatus, Store
from recorder.store.playback import Playback
from recorder.types import Outcome, RGBImage
from trainer.progress import Message
from trainer.round_client import RoundClient
from trainer.verdict import VerdictKind

log = logging.getLogger(__name__)

MIX = {"your corrections": 0.5, "what it already knew": 0.4, "your demonstrations": 0.1}
"""What a round aims at (trainer.dataset); parts without data fall away."""
FIXED_ROUND_S = 35.0
"""Of a round, reading and replay, on two cores."""
TICK_S = 0.12
"""Of a round, training per tick of the person's, on two cores."""
MAX_TRAINING_S = 110.0
LOADING = "Loading the model."


class RoundInProgress:
    """A round on a thread of its own."""

    def __init__(self, client: RoundClient) -> None:
        self._client = client

    def cancel(self) -> None:
        """Ask it to stop; its final update follows."""
        self._client.cancel()


class LiveWorkplace:
    """Implements :class:`app.gui.workplace.Workplace`."""

    remote_server = ""

    def __init__(
        self,
        session: LiveSession,
        store: Store,
        reader: Reader,
        settings_file: SettingsFile,
        settings: Settings,
        *,
        data: Path,
        game_title: str,
        default_bindings: Bindings,
        log_file: Path | None,
    ) -> None:
        self.session = session
        self.game_title = game_title
        self.default_bindings = default_bindings
        self._store = store
        self._reader = reader
        self._settings_file = settings_file
        self._settings = settings
        self._data = data
        self._log_file = log_file
        self._base = default_checkpoint()
        self._device = LOADING
        self._problem = ""
        self._loading = threading.Lock()

    # The model

    def load_agent(self) -> None:
        """Load the model with the active adapter, and let it play; blocks for seconds."""
        with self._loading:
            try:
                active = self._reader.active_adapter()
                policy = _load(self._base, active)
            except KnownError as error:
                self._problem = error.sentence
                self._device = "No model is loaded."
                self.session.player_failed(error.sentence)
                return
            self._problem = ""
            self._device = policy.choice.reason
            self.session.use_player(Player(policy, None if active is None else active.id))

    def load_agent_in_background(self) -> None:
        """Load the model without making the caller wait."""
        threading.Thread(target=self.load_agent, name="load-model", daemon=True).start()

    def agent(self) -> AgentFacts:
        """Return what plays, its parents, and the device."""
        shot = self.session.snapshot()
        facts = agent_facts(
            "practice model",
            self._reader.adapters(),
            self._verdicts(),
            device=self._device,
            speed=speed_sentence(shot.latency_ms, shot.tick_rate_hz),
        )
        return replace(facts, problem=self._problem)

    def use_adapter(self, adapter_id: str | None) -> None:
        """Make an adapter the one that plays from the next episode on."""
        self._store.set_active_adapter(None if adapter_id is None else int(adapter_id))
        self.load_agent()

    def go_back(self) -> None:
        """Undo the newest activation."""
        self._store.undo_activation()
        self.load_agent()

    def _verdicts(self) -> dict[int, VerdictKind]:
        found = {}
        for row in self._reader.rounds():
            verdict = parse_verdict(row.verdict)
            if row.adapter_id is not None and verdict is not None:
                found[row.adapter_id] = verdict.kind
        return found

    # Rounds

    def teach(self) -> TeachFacts:
        """Return what a round would learn from."""
        collected = self._reader.collected_since_last_round()
        mix = {
            name: share
            for name, share in MIX.items()
            if (name != "your corrections" or collected.corrections)
            and (name != "your demonstrations" or collected.demonstrations)
        }
        predicted = FIXED_ROUND_S + min(MAX_TRAINING_S, TICK_S * collected.person_ticks)
        return teach_facts(collected, mix, predicted if collected.person_ticks else None)

    def start_round(self, on_update: Callable[[RoundUpdate], None]) -> RoundInProgress:
        """Begin a round on a thread of its own."""
        client = RoundClient(self._data, self._store, self._base)

        def say(message: Message) -> None:
            update = round_update(message)
            # The final word is said once, below, when the books are done.
            on_update(replace(update, finished=False))

        def run() -> None:
            try:
                result = client.run(say=say)
                if result.activated:
                    self.load_agent()
                final = RoundUpdate(
                    verdict=self.last_verdict() if result.verdict is not None else None,
                    problem=""
                    if result.verdict is not None or result.status is RoundStatus.CANCELLED
                    else result.sentence,
                    finished=True,
                )
            except KnownError as error:
                final = RoundUpdate(problem=error.sentence, finished=True)
            except Exception:
                log.exception("the round failed")
                final = RoundUpdate(
                    problem="Something inside Playteach went wrong in this round; the agent "
                    "plays as before, and the log says more.",
                    finished=True,
                )
            on_update(final)

        threading.Thread(target=run, name="round", daemon=True).start()
        return RoundInProgress(client)

    def last_verdict(self) -> VerdictFacts | None:
        """Return the newest round's verdict, None before the first."""
        adapters = {row.id: row for row in self._reader.adapters()}
        for row in reversed(self._reader.rounds()):
            verdict = parse_verdict(row.verdict)
            adapter = adapters.get(row.adapter_id or 0)
            if verdict is not None and adapter is not None:
                return verdict_facts(verdict, adapter, in_use=adapter.active)
        return None

    # Episodes

    def episodes(self, *, limit: int = 2000) -> Sequence[EpisodeFacts]:
        """Return the recorded episodes, newest first, without those in the bin."""
        return [episode_facts(row) for row in self._reader.episodes(limit=limit)]

    def thumbnail(self, episode_id: int) -> RGBImage | None:
        """Return a small picture of the episode."""
        return self._reader.thumbnail(episode_id)

    def open_playback(self, episode_id: int) -> PlaybackProtocol:
        """Open an episode for playing back."""
        return _EpisodePlayback(self._data, self._reader, episode_id)

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
        return self._store.purge().episodes

    # The rest

    def preferences(self) -> Preferences:
        """Return the settings in force."""
        settings = self._settings
        keys = {**self.default_bindings.keys, **settings.keys}
        return Preferences(
            bindings=Bindings(keys, self.default_bindings.degrees_per_count),
            mouse_sensitivity=settings.sensitivity,
            idle_handback_s=settings.idle_handback_s,
            data_folder=Path(settings.data_folder) if settings.data_folder else None,
            theme=ThemeChoice(settings.theme),
            seen_welcome=settings.seen_welcome,
        )

    def save_preferences(self, preferences: Preferences) -> None:
        """Write the settings and put them in force."""
        own = {
            control: key
            for control, key in preferences.bindings.keys.items()
            if self.default_bindings.keys.get(control) != key
        }
        self._settings = Settings(
            keys=own,
            sensitivity=preferences.mouse_sensitivity,
            idle_handback_s=preferences.idle_handback_s,
            data_folder=str(preferences.data_folder) if preferences.data_folder else "",
            theme=str(preferences.theme),
            seen_welcome=preferences.seen_welcome,
        )
        self.session.set_idle_handback_s(preferences.idle_handback_s)
        self.session.use_bindings(preferences.bindings)
        self._settings_file.save(self._settings)

    def storage(self) -> StorageFacts:
        """Return sizes for the status line."""
        health = self._store.health()
        return StorageFacts(
            health.bytes, self._reader.bin_facts().bytes, health.free_bytes, self._data
        )

    def log_file(self) -> Path | None:
        """Return where the log is written."""
        return self._log_file


class _EpisodePlayback:
    """The recorder's playback in the window's words."""

    def __init__(self, data: Path, reader: Reader, episode_id: int) -> None:
        row = reader.episode(episode_id)
        self._playback = Playback(data, episode_id)
        self.frames = row.ticks
        self.tick_rate_hz = row.tick_rate_hz
        self.drivers = row.driver_strip

    def frame(self, index: int) -> RGBImage:
        """Return frame ``index``."""
        return self._playback.frame(index)

    def close(self) -> None:
        """Let go of the file."""
        self._playback.close()


def _load(base: Path, active: AdapterRow | None) -> Any:
    from model.vla import VlaPolicy

    return VlaPolicy.load(base, adapter=None if active is None else Path(active.folder))
