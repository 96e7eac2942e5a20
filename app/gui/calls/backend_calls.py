"""Asks the backend off the GUI thread and tells the widgets what came back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from app.backend.ports import (
    AgentFacts,
    Backend,
    EpisodeFacts,
    Hint,
    LessonFacts,
    Playback,
    Preferences,
    RoundUpdate,
    StorageFacts,
    VerdictFacts,
)
from app.gui.calls.async_calls import Bridge, RoundBridge
from recorder.errors import KnownError
from recorder.types import Outcome

STORAGE_EVERY_MS = 5_000
MOST_EPISODES = 2_000


class BackendCalls(QObject):
    """What the window asks of its backend.

    Signals carry what their names say: teach_changed(TeachFacts),
    episodes_changed(list of EpisodeFacts, newest first), agent_changed(AgentFacts),
    agent_failed(str), storage_changed(StorageFacts), verdict_changed(VerdictFacts or None),
    picture_loaded(int, RGB image or None), playback_opened(int, Playback),
    playback_failed(int, str), deleted(tuple, str) with the ids of episodes that are in the bin
    now and a sentence on why others are not ("" for none),
    round_updated(RoundUpdate), hinted(Hint) on the sentence that
    is played, problem(str), done(str) with a short word on something
    that was asked for.
    """

    teach_changed = Signal(object)
    episodes_changed = Signal(object)
    agent_changed = Signal(object)
    agent_failed = Signal(str)
    storage_changed = Signal(object)
    verdict_changed = Signal(object)
    picture_loaded = Signal(int, object)
    playback_opened = Signal(int, object)
    playback_failed = Signal(int, str)
    deleted = Signal(object, str)
    round_updated = Signal(object)
    hinted = Signal(object)
    problem = Signal(str)
    done = Signal(str)

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend
        self.bridge = Bridge()
        self.rounds = RoundBridge(backend)
        self.agent: AgentFacts | None = None
        self.storage: StorageFacts | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(STORAGE_EVERY_MS)
        self._timer.timeout.connect(self.refresh_storage)
        self._checking = False
        self._told: object = None
        self._timer.timeout.connect(self._look_again)
        self.bridge.problem.connect(self.problem)
        self.rounds.updated.connect(self._on_round)

    def start(self) -> None:
        """Fetch everything, and the sizes again now and then."""
        self.refresh_all()
        self._timer.start()

    def close(self) -> None:
        """Stop asking; waits for requests under way."""
        self._timer.stop()
        self._backend.leave()
        self.bridge.close()

    def refresh_all(self) -> None:
        """Fetch everything that an ended attempt or a finished round may have changed."""
        self.refresh_lessons()
        self.refresh_agent()
        self.refresh_storage()

    def refresh_lessons(self) -> None:
        """Fetch episodes and what a round would learn from."""
        backend = self._backend
        self._ask_teach()
        self.bridge.ask(
            lambda: backend.episodes(limit=MOST_EPISODES), self._on_episodes, replaces="episodes"
        )

    def _ask_teach(self) -> None:
        self.bridge.ask(self._backend.teach, self.teach_changed.emit, replaces="teach")

    def refresh_agent(self) -> None:
        """Fetch what plays and the newest verdict."""
        backend = self._backend
        self.bridge.ask(
            backend.agent, self._on_agent, replaces="agent", failed=self.agent_failed.emit
        )
        self._ask_verdict()

    def _ask_verdict(self) -> None:
        self.bridge.ask(self._backend.last_verdict, self._on_verdict, replaces="verdict")

    def _look_again(self) -> None:
        """Ask how the check of a round goes on that is played meanwhile."""
        if self._checking:
            self._ask_verdict()

    def refresh_storage(self) -> None:
        """Fetch sizes."""
        self.bridge.ask(self._backend.storage, self._on_storage, replaces="storage")

    def look_up_hint(self, sentence: str) -> None:
        """Ask whether there is something to say on a sentence that is being played."""
        self.bridge.ask(
            lambda: self._backend.familiarity_hint(sentence), self.hinted.emit, replaces="hint"
        )

    def look_up_tries(self, sentence: str, then: Callable[[Hint], None]) -> None:
        """Ask which taught sentences may be meant by one; ``then`` is told."""
        self.bridge.ask(lambda: self._backend.familiarity_hint(sentence), then, replaces="tries")

    def find_failing_start(
        self, sentence: str, then: Callable[[int], None], failed: Callable[[str], None]
    ) -> None:
        """Look for a start on which the agent fails at a sentence.

        ``then`` is told its seed, or ``failed`` in a sentence why there is none.
        """
        self.bridge.ask(
            lambda: self._backend.failing_start(sentence),
            then,
            replaces="failing start",
            failed=failed,
        )

    def load_picture(self, episode_id: int) -> None:
        """Fetch an episode's small picture."""
        self.bridge.ask(
            lambda: self._backend.thumbnail(episode_id),
            lambda rgb: self.picture_loaded.emit(episode_id, rgb),
            failed=lambda _sentence: self.picture_loaded.emit(episode_id, None),
        )

    def open_playback(self, episode_id: int) -> None:
        """Open an episode for playing back."""

        def opened(playback: Playback) -> None:
            self.playback_opened.emit(episode_id, playback)

        self.bridge.ask(
            lambda: self._backend.open_playback(episode_id),
            opened,
            failed=lambda sentence: self.playback_failed.emit(episode_id, sentence),
        )

    def label(self, episode_ids: Sequence[int], outcome: Outcome) -> None:
        """Write the person's outcome over that of each episode."""
        self._do_each(episode_ids, lambda one: self._backend.label(one, outcome))

    def wish(self, episode_id: int, use: bool | None, pauses: bool) -> None:  # of a signal
        """Say whether rounds learn from an episode, and whether from its pauses too."""
        self._do(
            lambda: self._backend.wish(episode_id, use=use, pauses=pauses), self.refresh_lessons
        )

    def teach(self, lessons: Sequence[LessonFacts], use: bool) -> None:  # of a signal
        """Say of each lesson whether rounds learn from it; its pauses stay as they are."""
        pauses = {each.episode_id: each.pauses for each in lessons}
        self._do_each(
            tuple(pauses), lambda one: self._backend.wish(one, use=use, pauses=pauses[one])
        )

    def delete(self, episode_ids: Sequence[int]) -> None:
        """Put episodes into the bin; one that cannot be deleted does not keep the others."""
        self._do_each(episode_ids, self._backend.delete, self.deleted.emit)

    def restore(self, episode_ids: Sequence[int]) -> None:
        """Take episodes out of the bin."""
        self._do_each(episode_ids, self._backend.restore)

    def empty_bin(self) -> None:
        """Erase what is in the bin."""

        def erased(count: int) -> None:
            self.refresh_storage()
            self.done.emit(f"Erased {count} attempt{'' if count == 1 else 's'} for good.")

        self.bridge.ask(self._backend.empty_bin, erased, promised=True)

    def use_adapter(self, adapter_id: str | None) -> None:
        """Let an adapter (None: the bare base) play from the next episode on."""
        self._do(lambda: self._backend.use_adapter(adapter_id), self.refresh_agent)

    def play_more(self, round_id: int) -> None:
        """Play more starts of a round, or go on checking it."""
        self.bridge.ask(lambda: self._backend.play_more(round_id), lambda _: self._ask_verdict())

    def go_back(self) -> None:
        """Undo the newest activation."""
        self._do(self._backend.go_back, self.refresh_agent)

    def save_preferences(self, preferences: Preferences) -> None:
        """Write the settings."""
        self._do(lambda: self._backend.save_preferences(preferences), self.refresh_storage)

    def _do(self, call: Callable[[], None], then: Callable[[], None]) -> None:
        """Do what the person decided, even if they close the window at once."""
        self.bridge.ask(call, lambda _nothing: then(), promised=True)

    def _do_each(
        self,
        episode_ids: Sequence[int],
        call: Callable[[int], None],
        then: Callable[[tuple[int, ...], str], None] | None = None,
    ) -> None:
        """Do it to each episode; ``then`` is told to which it was done and why not to others."""

        def each() -> tuple[tuple[int, ...], str]:
            done: list[int] = []
            first: KnownError | None = None
            for one in episode_ids:
                try:
                    call(one)
                except KnownError as error:
                    first = first or error
                else:
                    done.append(one)
            if first is not None and not done:
                raise first
            return tuple(done), "" if first is None else first.sentence

        def tell(result: tuple[tuple[int, ...], str]) -> None:
            done, problem = result
            if problem:
                self.problem.emit(problem)
            if then is not None:
                then(done, problem)
            self.refresh_lessons()

        self.bridge.ask(each, tell, promised=True)

    def _on_episodes(self, episodes: Sequence[EpisodeFacts]) -> None:
        self.episodes_changed.emit(list(episodes))

    def _on_agent(self, facts: AgentFacts) -> None:
        self.agent = facts
        self.agent_changed.emit(facts)

    def _on_verdict(self, facts: VerdictFacts | None) -> None:
        was, self._checking = self._checking, facts is not None and facts.checking
        self.verdict_changed.emit(facts)
        told = facts and (
            facts.round_id, facts.choice, facts.in_use, facts.checking, facts.to_judge
        )  # fmt: skip
        if told != self._told:
            # What to do next follows from it.
            self._told = told
            self._ask_teach()
        if was and not self._checking:
            # Its end may have put another agent in use.
            self.refresh_agent()

    def _on_storage(self, facts: StorageFacts) -> None:
        known = "" if self.storage is None else self.storage.problem
        self.storage = facts
        if facts.problem and facts.problem != known:
            self.problem.emit(facts.problem)
        self.storage_changed.emit(facts)

    def _on_round(self, update: RoundUpdate) -> None:
        self.round_updated.emit(update)
        if update.finished:
            self.refresh_all()
