"""What the window asks for, answered by the real store, session and settings."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_desktop import Desk
from lessons import begin, record_attempt
from toy_game import SIZE, TOY, ToyGame, WalkPolicy

from app.backend import window_backend
from app.backend.blind import judging
from app.backend.lessons import collected
from app.backend.lessons.coach import NextStep
from app.backend.lessons.round_in_progress import RoundInProgress
from app.backend.lessons.round_time import ATTEMPT_S, PAIRS, PRACTICE_CHECK_S
from app.backend.lessons.teaching import Teaching
from app.backend.models.choice import ModelChoice
from app.backend.ports import Hint, PracticeWish, RoundUpdate, ThemeChoice, VerdictFacts
from app.backend.settings import Settings, load_settings
from app.backend.view_facts import BLIND_METHOD, KINDS
from app.backend.window_backend import WindowBackend
from app.session.api import Phase
from app.session.control_loop import LiveSession
from app.session.wiring import Player, store_recording
from model.play.runner import LockStepRunner
from recorder.clock import ManualClock
from recorder.data_folder import database_path
from recorder.errors import DataBusyError, DataError, GameError, ModelError, UsageError
from recorder.games import registry
from recorder.store import NewAdapter, Reader, RoundRow, RoundStatus, Side, Split, Store
from recorder.threads import running
from recorder.types import Driver, Outcome
from trainer.data.material import MIN_PERSON_TICKS, material_of
from trainer.data.sampling import lesson_samples, shares_of
from trainer.evaluation.verdicts.verdict import Choice, Part, VerdictKind
from trainer.practice.strips import Strip, Strips
from trainer.rounds.books import RoundResult
from trainer.rounds.client import RoundClient
from trainer.rounds.inputs import chosen_episodes
from trainer.rounds.measuring.measurement import MEASURING, unjudged_line
from trainer.rounds.protocol import Practised, Stage
from trainer.rounds.training.lora_config import LoraConfig, most_visits, plan_steps

RED = "reach the red dot"
VERDICT = {
    "kind": "better",
    "before": 3,
    "after": 9,
    "n": 10,
    "difference": 0.6,
    "low": 0.2,
    "high": 0.8,
    "sentence": "Better: 3 of 10 before, 9 of 10 after on the same starts.",
}


class Place:
    """A backend with its parts, on the toy game and without a checkpoint."""

    def __init__(self, folder: Path, *, episodes: int = 0) -> None:
        self.store = Store.open(folder / "data")
        self.reader = Reader.open(folder / "data")
        game = ToyGame(distance=30)
        _, record = store_recording(self.store, game, wait_when_full=True, width=SIZE, height=SIZE)
        self.session = LiveSession(
            game,
            player=Player(WalkPolicy()),
            make_recording=record,
            make_runner=LockStepRunner,
            clock=ManualClock(),
            threaded=False,
        ).start()
        self.config = folder / "config"
        self.backend = WindowBackend(
            self.session,
            self.store,
            self.reader,
            Settings(keys={"forward": "Up"}),
            data=folder / "data",
            base=folder / "no-checkpoint",
            game=game,
            config=self.config,
        )
        for _ in range(episodes):
            self.play()

    def play(self) -> None:
        """Play an episode in which the person takes over for five ticks."""
        self.session.play(RED)
        for tick in range(60):
            if tick == 10:
                self.session.key("A", True, 0)
            if tick == 15:
                self.session.key("A", False, 0)
                self.session.hand_back()
            self.session.step()
        self.store.wait()

    def close(self) -> None:
        self.session.close()
        self.reader.close()
        self.store.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, episodes=2)
    yield made
    made.close()


def test_a_check_that_begins_as_the_window_closes_is_ended_too(place: Place) -> None:
    backend = place.backend
    client = RoundClient(place.reader.folder, place.store, place.reader.folder)
    check = RoundInProgress(client, lambda handle: bool(handle.left.wait(5)))

    def last_moment(handle: RoundInProgress) -> None:
        handle.left.wait()
        backend._teaching._check = check.start()

    backend._teaching._round = RoundInProgress(client, last_moment).start()
    backend.close()
    assert check.left.is_set()
    assert not check._thread.alive


def test_what_a_round_taught_is_no_longer_unfamiliar(place: Place) -> None:
    backend = place.backend
    assert backend.familiarity_hint(RED) == Hint()
    strange = f"{RED}, please do hurry"
    said = backend.familiarity_hint(strange)
    assert f"Closest to it: “{RED}”." in said.sentence
    assert said.tries == (RED,)
    listed = {each.sentence: each.taught for each in backend.sentences()}
    assert listed[RED]
    place.session.play(strange)
    for _ in range(5):
        place.session.step()
    place.session.stop()
    place.session.step()
    place.store.wait()
    episode = max(place.reader.episodes(), key=lambda row: row.id)
    assert episode.instruction == strange
    number = place.store.add_round()
    place.store.add_round_samples(number, [(episode.id, 0, 1.0, 1)])
    assert backend.familiarity_hint(strange) == said
    adapter = place.store.add_adapter(NewAdapter(folder="a", base="b", round_id=number))
    place.store.set_active_adapter(adapter)
    assert backend.familiarity_hint(strange) == Hint()


def test_episodes_come_newest_first_and_the_bin_can_be_undone(place: Place) -> None:
    backend = place.backend
    rows = backend.episodes()
    assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)
    assert rows[0].outcome is Outcome.SUCCESS
    assert rows[0].corrections == 1
    assert [driver for driver, _ in rows[0].drivers] == [
        Driver.POLICY,
        Driver.PERSON,
        Driver.POLICY,
    ]
    backend.delete(rows[0].id)
    assert [row.id for row in backend.episodes()] == [rows[1].id]
    assert backend.storage().bin > 0
    backend.restore(rows[0].id)
    assert len(backend.episodes()) == 2
    backend.delete(rows[0].id)
    assert backend.empty_bin() == 1
    assert backend.storage().bin == 0


def test_the_end_of_an_attempt_that_could_not_be_stored_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.backend.storage().problem == ""
    usage = shutil.disk_usage(place.store.folder)
    place.session.play(RED)
    for _ in range(3):
        place.session.step()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))
        place.session.stop()
        place.session.step()
        place.store.wait()
    assert "is full" in place.backend.storage().problem
    place.play()
    assert place.backend.storage().problem == ""


def test_a_bin_whose_pictures_somebody_still_reads_is_not_called_erased(place: Place) -> None:
    def impatient(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA busy_timeout = 0")

    place.store._worker.post(impatient)
    place.backend.delete(place.backend.episodes()[0].id)
    with contextlib.closing(sqlite3.connect(database_path(place.store.folder))) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM episode").fetchone()
        with pytest.raises(DataBusyError, match=r"emptied \(1 attempts\), but another program"):
            place.backend.empty_bin()
    assert place.backend.empty_bin() == 0


def test_a_label_of_the_persons_counts(place: Place) -> None:
    first = place.backend.episodes()[0].id
    place.backend.label(first, Outcome.FAILURE)
    assert place.backend.episodes()[0].outcome is Outcome.FAILURE


def test_an_episode_plays_back_frame_by_frame(place: Place) -> None:
    row = place.backend.episodes()[0]
    playback = place.backend.open_playback(row.id)
    assert playback.frames == sum(ticks for _, ticks in row.drivers)
    assert playback.frame(playback.frames - 1).shape == (SIZE, SIZE, 3)
    playback.close()
    assert place.backend.thumbnail(row.id) is not None


def test_the_teach_panel_says_what_is_missing(place: Place) -> None:
    facts = place.backend.teach()
    assert (facts.episodes, facts.corrections) == (2, 2)
    assert facts.blocked.startswith("There is too little to learn from (0.5 s of yours)")
    assert "drive about 2 s more" in facts.blocked
    assert sum(share for _, share in facts.mix) == pytest.approx(1.0)


def test_the_card_shows_what_a_round_will_read(place: Place) -> None:
    # What an earlier round has read, and another game's attempts, are no part of the next one.
    place.store.update_round(place.store.add_round(query="game:toy"), status=RoundStatus.DONE)
    record_attempt(place.store, begin(place.store, "other"), [(Driver.PERSON, 70)], seed=1)
    for _ in range(16):
        place.play()
    facts = place.backend.teach()
    rows = chosen_episodes(place.reader, "since:last-round game:toy")
    material = material_of(place.reader, rows)
    config = LoraConfig()
    learnt = lesson_samples(material.on(Split.TRAIN))
    draws = plan_steps(learnt, config) * config.batch
    shares = shares_of(material, draws, replays=True, most=most_visits(learnt, config))
    assert facts.mix == tuple((KINDS[kind], shares[kind]) for kind in KINDS if kind in shares)
    assert facts.episodes == material.attempts == 16
    assert facts.person_s == material.persons() / 20 == 4.0
    assert facts.blocked == ""
    assert material.persons(Split.TRAIN) >= MIN_PERSON_TICKS
    assert "1.0 s of yours are kept to check by" in facts.sentence


def test_a_missing_checkpoint_is_told_and_nothing_is_activated(place: Place) -> None:
    adapter = place.store.add_adapter(NewAdapter(folder="x", base="b", title="torch"))
    with pytest.raises(ModelError):
        place.backend.use_adapter(str(adapter))
    assert place.reader.active_adapter() is None
    with pytest.raises(DataError, match="no adapter"):
        place.backend.use_adapter("99")
    place.backend.load_agent_in_background()
    for thread in threading.enumerate():
        if thread.name == "load-model":
            thread.join()
    facts = place.backend.agent()
    assert "no-checkpoint" in facts.problem
    assert facts.active is None
    assert [row.title for row in facts.adapters] == [f"#{adapter} torch"]


def test_the_newest_verdict_is_shown_with_its_adapter(place: Place) -> None:
    assert place.backend.last_verdict() is None
    round_id = place.store.add_round()
    new = NewAdapter(folder="x", base="no-checkpoint", passed_gates=True)
    adapter = place.store.add_adapter(new)
    place.store.update_round(round_id, status=RoundStatus.DONE, adapter_id=adapter, verdict=VERDICT)
    facts = place.backend.last_verdict()
    assert facts is not None
    assert (facts.before, facts.after, facts.tries) == (3, 9, 10)
    assert (facts.adapter_id, facts.in_use, facts.can_go_back) == (str(adapter), False, False)
    place.store.set_active_adapter(adapter)
    facts = place.backend.last_verdict()
    assert facts is not None
    assert (facts.in_use, facts.can_go_back) == (True, True)


FREE = "dance around the dot"


def unjudged_round(
    place: Place, sentence: str = FREE, base: str = "no-checkpoint", game: str = "toy"
) -> int:
    """Write down a round that nobody could judge; return its number."""
    query = f"game:{game}"
    round_id = place.store.add_round(query=query, choose=True, config={"in_use": None})
    new = NewAdapter(folder=f"a{round_id}", base=base, round_id=round_id, passed_gates=True)
    place.store.update_round(
        round_id,
        status=RoundStatus.DONE,
        adapter_id=place.store.add_adapter(new),
        metrics={"gates": []},
        verdict={"lines": [asdict(unjudged_line(Part.TAUGHT, sentence))]},
    )
    return round_id


def test_a_round_that_nobody_judged_is_not_measured_yet_until_a_person_has(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, TOY))
    monkeypatch.setattr(judging, "play_clips", lambda *_args: None)
    round_id = unjudged_round(place)
    facts = place.backend.last_verdict()
    assert facts is not None
    assert (facts.kind, facts.tries, facts.choice) == (None, 0, Choice.TRY)
    assert (facts.to_judge, facts.judged_clips, facts.round_id) == ((FREE,), 0, round_id)
    assert "not measured yet" in facts.sentence
    assert place.backend.agent().adapters[0].verdict is None
    blind = place.backend.judge_blind(round_id)
    (row,) = place.reader.comparisons()
    sides = {clip.place: clip.side for clip in place.reader.clips(row.id)}
    for clip in (0, 1, 2):
        blind.mark(clip, done=sides[clip] is Side.AFTER)
    facts = place.backend.last_verdict()
    assert facts is not None
    assert (facts.kind, facts.judged_clips) == (None, 3)
    # Put off and taken up again: the same comparison, at the same clip.
    blind = place.backend.judge_blind(round_id)
    assert len(place.reader.comparisons()) == 1
    state = blind.state()
    for clip in range(state.number - 1, 14):
        state = blind.mark(clip, done=sides[clip] is Side.AFTER)
    assert state.result is not None
    assert (state.result.kind, state.result.next_sentence) == (VerdictKind.BETTER, "")
    facts = place.backend.last_verdict()
    assert facts is not None
    assert (facts.kind, facts.before, facts.after, facts.tries) == (VerdictKind.BETTER, 0, 6, 6)
    assert (facts.blind, facts.to_judge, facts.interval) == (True, (), BLIND_METHOD)
    assert place.backend.agent().adapters[0].verdict is VerdictKind.BETTER
    with pytest.raises(DataError, match="Nothing of round"):
        place.backend.judge_blind(round_id)


@pytest.mark.parametrize(
    ("base", "game", "now"),
    [("no-checkpoint", "toy", True), ("another", "toy", False), ("no-checkpoint", "doom", False)],
)
def test_what_another_model_or_game_was_taught_is_no_reason_for_anything_here(
    place: Place, monkeypatch: pytest.MonkeyPatch, base: str, game: str, now: bool
) -> None:
    heard: list[VerdictFacts | None] = []
    rounds: list[RoundRow] = []

    def step(_facts: object, verdict: VerdictFacts | None, _plays: object) -> NextStep:
        heard.append(verdict)
        return NextStep()

    def book(_episodes: object, rows: list[RoundRow], *_rest: object) -> tuple[()]:
        rounds.extend(rows)
        return ()

    monkeypatch.setattr(collected, "next_step", step)
    monkeypatch.setattr(window_backend, "lesson_book", book)
    unjudged_round(place, base=base, game=game)
    place.backend.teach()
    place.backend.lessons()
    assert [verdict is not None for verdict in heard] == [now]
    assert bool(rounds) is now


def test_what_another_model_or_game_taught_is_not_judged_here(place: Place) -> None:
    unjudged_round(place, base="another")
    facts = place.backend.last_verdict()
    assert facts is not None
    assert (facts.kind, facts.to_judge) == (None, ())


def test_nothing_is_judged_while_a_round_is_taught(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = threading.Event(), threading.Event()

    def run(_client: RoundClient, **_arguments: Any) -> RoundResult:
        begun.set()
        assert over.wait(60)
        return RoundResult(1, RoundStatus.CANCELLED, "It was cancelled.")

    monkeypatch.setattr(RoundClient, "run", run)
    round_id = unjudged_round(place)
    place.backend.start_round(lambda _update: None)
    assert begun.wait(60)
    with pytest.raises(ModelError, match="being taught or checked"):
        place.backend.judge_blind(round_id)
    over.set()
    place.backend.close()


def test_no_check_begins_beside_a_round_that_is_taught(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Teaching, "running", property(lambda _self: True))
    with pytest.raises(ModelError, match="A round is being taught, so no more starts"):
        place.backend.play_more(1)


def test_settings_are_in_force_at_once_and_written(place: Place) -> None:
    before = place.backend.preferences()
    assert before.bindings.keys["forward"] == "Up"
    keys = {**before.bindings.keys, "left": "Left", "forward": "W"}
    wanted = replace(
        before,
        bindings=replace(before.bindings, keys=keys),
        mouse_sensitivity=2.0,
        theme=ThemeChoice.DARK,
        keep_clips=True,
    )
    place.backend.save_preferences(wanted)
    assert place.backend.preferences() == wanted
    saved = load_settings(place.config).settings
    assert saved.keep_clips
    assert saved.keys == {"left": "Left"}
    assert (saved.mouse_sensitivity, saved.theme) == (2.0, "dark")
    place.session.demonstrate(RED)
    place.session.step()
    place.session.key("Left", True, 0)
    place.session.step()
    assert place.session.snapshot().executed.left


class Office:
    """A backend over a game in a window of its own, on a fake screen."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder / "data")
        self.reader = Reader.open(folder / "data")
        self.screen = Desk()
        self.session = LiveSession(
            self.screen.game,
            player=Player(WalkPolicy("forward")),
            make_runner=LockStepRunner,
            clock=self.screen.clock,
            threaded=False,
        ).start()
        self.screen.game.listen(self.session)
        self.backend = WindowBackend(
            self.session,
            self.store,
            self.reader,
            Settings(keys={"forward": "Up"}, hotkeys={"panic": "F2"}),
            data=folder / "data",
            base=folder / "no-checkpoint",
            game=self.screen.game,
            config=folder / "config",
        )

    def close(self) -> None:
        self.session.close()
        self.reader.close()
        self.store.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


def test_keys_chosen_for_the_embedded_game_are_not_those_of_one_in_its_own_window(
    office: Office,
) -> None:
    wanted = office.backend.preferences()
    assert wanted.bindings.keys["forward"] == "W"
    office.backend.save_preferences(replace(wanted, mouse_sensitivity=2.0))
    saved = load_settings(office.backend._config).settings
    assert (saved.keys, saved.mouse_sensitivity) == ({"forward": "Up"}, 2.0)
    office.session.demonstrate("walk")
    office.session.step()
    office.session.key("W", True, 0)
    office.session.step()
    assert office.session.snapshot().executed.forward


def test_closing_cancels_the_round_and_waits_for_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, cancelled = threading.Event(), threading.Event()
    said: list[RoundUpdate] = []

    def run(_client: RoundClient, **_arguments: Any) -> RoundResult:
        begun.set()
        assert cancelled.wait(60)
        # The store is open still: what became of the round is written.
        office.store.set_active_adapter(None)
        return RoundResult(1, RoundStatus.CANCELLED, "It was cancelled.")

    monkeypatch.setattr(RoundClient, "run", run)
    monkeypatch.setattr(RoundClient, "cancel", lambda _client: cancelled.set())
    office.backend.start_round(said.append)
    assert begun.wait(60)
    office.backend.close()
    assert [(each.finished, each.problem) for each in said] == [(True, "")]
    assert "round" not in {thread.name for thread in running()}
    office.backend.close()


@pytest.mark.parametrize("trouble", [None, GameError("It was stopped.")])
def test_while_a_round_is_measured_in_another_window_this_one_rests(
    office: Office, monkeypatch: pytest.MonkeyPatch, trouble: GameError | None
) -> None:
    given: dict[str, Any] = {}
    seen: list[Phase] = []

    def measured(_client: RoundClient, **arguments: Any) -> RoundResult:
        given.update(arguments)
        # Training goes on beside play.
        office.session.step()
        seen.append(office.session.snapshot().phase)
        arguments["say"](Stage(MEASURING, "Leave keyboard and mouse alone."))
        office.session.step()
        seen.append(office.session.snapshot().phase)
        with pytest.raises(GameError, match="measured in another window"):
            office.session.play("walk")
        if trouble is not None:
            raise trouble
        return RoundResult(1, RoundStatus.DONE, "Nobody could judge it.")

    monkeypatch.setattr(RoundClient, "run", measured)
    office.session.play("walk")
    office.session.step()
    news: list[RoundUpdate] = []
    over = threading.Event()

    def hear(update: RoundUpdate) -> None:
        news.append(update)
        if update.finished:
            over.set()

    office.backend.start_round(hear)
    assert over.wait(60)
    assert seen == [Phase.PLAYING, Phase.PAUSED]
    assert given["hotkeys"]["panic"] == "F2"
    assert given["hotkeys"]["pause"] == "F6"
    assert news[0].notice == "Leave keyboard and mouse alone."
    assert news[-1].problem == ("Nobody could judge it." if trouble is None else "It was stopped.")
    office.session.play("walk")
    office.session.step()
    assert office.session.snapshot().phase is Phase.PLAYING


def test_practice_is_asked_for_with_its_sentences_and_minutes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    news: list[RoundUpdate] = []
    over = threading.Event()

    def run(_client: RoundClient, **arguments: Any) -> RoundResult:
        given.update(arguments)
        arguments["say"](Practised(30.0, 120.0, 40, 10, 40, 10))
        return RoundResult(1, RoundStatus.DONE, "It was practised.")

    def hear(update: RoundUpdate) -> None:
        news.append(update)
        if update.finished:
            over.set()

    monkeypatch.setattr(RoundClient, "run", run)
    task = place.session.tasks()[0]
    with pytest.raises(UsageError, match="“dance wildly”"):
        place.backend.start_round(lambda _: None, PracticeWish(("dance wildly",), 2))
    wish = PracticeWish((task.instruction,), 2)
    place.backend.start_round(hear, wish)
    assert over.wait(60)
    # After the practice it is checked and played.
    left = PRACTICE_CHECK_S + 2 * PAIRS * ATTEMPT_S
    assert [each.left_s for each in news[:-1]] == [pytest.approx(90 + left)]
    assert given["practice_min"] == 2
    assert [(each.task.id, each.heard) for each in given["questions"]] == [
        (task.id, task.instruction)
    ]


def test_what_a_practice_counted_as_done_is_shown(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    pictures = np.zeros((3, 8, 8, 3), np.uint8)
    strips = Strips(0)
    strips.kept.append(Strip("dance", 20_000_003, by_eye=True, pictures=pictures))
    strips.save(folder)
    round_id = place.store.add_round()
    new = NewAdapter(folder=str(folder), base="b", round_id=round_id)
    adapter = place.store.add_adapter(new)
    place.store.update_round(round_id, status=RoundStatus.DONE, adapter_id=adapter)
    facts = place.backend.last_verdict()
    assert facts is not None
    assert facts.practised
    (shown,) = place.backend.practice_strips(round_id)
    assert (shown.sentence, shown.seed, shown.by_eye) == ("dance", 20_000_003, True)
    assert [each.shape for each in shown.pictures] == [(8, 8, 3)] * 3


def test_a_newcomer_is_led_through_a_lesson_of_the_practice_model_only(place: Place) -> None:
    # The toy has none.
    assert place.backend.first_lesson is None
    place.backend._game_name = "doom"
    assert place.backend.first_lesson is not None
    place.backend._loader.choice = ModelChoice("server", server="http://127.0.0.1:1")
    assert place.backend.first_lesson is None


def test_a_round_without_lessons_ends_with_one_final_sentence(tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        news: list[RoundUpdate] = []
        over = threading.Event()

        def hear(update: RoundUpdate) -> None:
            news.append(update)
            if update.finished:
                over.set()

        place.backend.start_round(hear)
        assert over.wait(120)
        assert [update.finished for update in news].count(True) == 1
        assert news[-1].problem.endswith(".")
        assert place.reader.active_adapter() is None
    finally:
        place.close()
