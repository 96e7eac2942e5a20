"""What the agent can do already: from what is stored, and played where too little is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from lessons import begin, record_attempt
from toy_game import TOY

from model.play.scripted_policies import IdlePolicy
from model.vla.play_options import PlayOptions
from recorder.errors import StoppedError
from recorder.games import registry
from recorder.games.base import Asked
from recorder.games.doom.tasks import TASK_BY_ID
from recorder.games.seeds import SeedRange, may_judge
from recorder.store import (
    AdapterRow,
    EpisodeKind,
    EvaluationRow,
    LabelSource,
    NewAdapter,
    Reader,
    Stepping,
    Store,
)
from recorder.types import Driver, Outcome
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import Attempt, AttemptKey, Start
from trainer.rounds import protocol
from trainer.rounds.measuring import known_before as beforehand
from trainer.rounds.measuring import measurement
from trainer.rounds.measuring.known_before import KNOWN_FROM, NEWEST_WATCHED, VERSION, known_before
from trainer.rounds.measuring.measurement import Ground, fresh_lesson_seeds
from trainer.rounds.protocol import Message

BARREL = Asked(TASK_BY_ID["go_to:barrel"])
MEDKIT = Asked(TASK_BY_ID["pick_up:medkit"])
GOOD, BAD = Outcome.SUCCESS, Outcome.TIMEOUT


@dataclass
class Room:
    """A data folder with a base; play is by a rule over the seed, and remembers its starts."""

    ground: Ground
    said: list[Message]
    session: int
    outcome: Callable[[int], Outcome] = lambda _seed: GOOD
    played: list[Start] = field(default_factory=list)

    def evaluate(
        self,
        player: PlayerSpec,
        game: str,
        starts: Sequence[Start],
        *,
        slowed: bool,
        workers: int | None,
        on_played: Callable[[Attempt], None],
        version: str,
    ) -> list[Attempt]:
        assert (slowed, workers) == (False, None)
        done = []
        for start in starts:
            self.played.append(start)
            key = AttemptKey(player.key, game, start.key, Stepping.LOCK_STEP, version)
            done.append(Attempt(key, self.outcome(start.seed), 9))
            on_played(done[-1])
        return done

    def watched(self, count: int, outcome: Outcome = GOOD, **other: object) -> None:
        """Record attempts of the base's own that the game judged; ``other`` says what differs."""
        settings: dict[str, object] = {"policy": self.ground.base.name, "task": BARREL.task}
        settings |= other
        drivers = settings.pop("drivers", [(Driver.POLICY, 3)])
        for number in range(count):
            record_attempt(
                self.ground.store, self.session, drivers, seed=number, outcome=outcome, **settings  # type: ignore[arg-type]
            )  # fmt: skip

    def told(
        self, *asked: Asked, parent: AdapterRow | None = None, play: bool = False
    ) -> list[str]:
        return known_before(self.ground, asked or [BARREL], parent, play=play)

    def rows(self) -> list[EvaluationRow]:
        with Reader.open(self.ground.data) as reader:
            return reader.evaluations()


@pytest.fixture
def room(tmp_path: Path, small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    data = tmp_path / "data"
    said: list[Message] = []
    with Store.open(data) as store:
        ground = Ground(
            data, store, small_checkpoint, "doom", PlayOptions(), said.append, lambda: None
        )
        made = Room(ground, said, begin(store, "doom"))
        monkeypatch.setattr(beforehand, "evaluate", made.evaluate)
        yield made


def measured(room: Room, good: int, bad: int) -> None:
    player = room.ground.player("before", None)
    outcomes = [GOOD] * good + [BAD] * bad
    room.ground.store.add_evaluations(
        EvaluationRow(
            player.key, "doom", BARREL.task.id, BARREL.heard, SeedRange.VERDICT.first + number,
            Stepping.LOCK_STEP, outcome, 9, "round-1",
        )
        for number, outcome in enumerate(outcomes)
    )  # fmt: skip


def test_measured_and_watched_attempts_count_together(room: Room) -> None:
    assert room.told() == []
    measured(room, good=4, bad=1)
    room.watched(4)
    assert room.told() == []
    room.watched(1)
    [told] = room.told(BARREL, MEDKIT)
    assert f'"{BARREL.heard}"' in told
    assert "9 of 10 attempts" in told
    assert "5 of them you watched" in told
    room.watched(1, BAD)
    assert room.told() == []
    assert room.played == []


def test_only_the_newest_of_what_was_watched_count(room: Room) -> None:
    room.watched(10, BAD)
    room.watched(NEWEST_WATCHED)
    [told] = room.told()
    assert f"{NEWEST_WATCHED} of {NEWEST_WATCHED} attempts" in told


@pytest.mark.parametrize(
    "other",
    [
        {"drivers": [(Driver.POLICY, 2), (Driver.PERSON, 2), (Driver.POLICY, 2)]},
        {"kind": EpisodeKind.DEMONSTRATION},
        {"policy": IdlePolicy().name},
        {"policy": "another checkpoint"},
        {"task": MEDKIT.task},
        {"outcome": Outcome.UNKNOWN},
        {"outcome": Outcome.ABANDONED},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_says_nothing_of_the_agent_itself_does_not_count(
    room: Room, other: dict[str, object]
) -> None:
    room.watched(KNOWN_FROM, **other)  # type: ignore[arg-type]
    assert room.told() == []
    room.watched(KNOWN_FROM - 1)
    assert room.told() == []
    room.watched(1)
    assert len(room.told()) == 1


def test_what_the_person_judged_or_threw_away_does_not_count(room: Room) -> None:
    room.watched(KNOWN_FROM + 1)
    with Reader.open(room.ground.data) as reader:
        newest, older = (row.id for row in reader.episodes(limit=2))
    room.ground.store.delete_episode(newest)
    assert "10 of 10" in room.told()[0]
    room.ground.store.set_label(older, GOOD, LabelSource.PERSON)
    assert room.told() == []


def test_an_adapters_attempts_are_not_the_bases(room: Room, small_adapter: Path) -> None:
    store = room.ground.store
    number = store.add_adapter(NewAdapter(str(small_adapter), base=room.ground.base.name))
    with Reader.open(room.ground.data) as reader:
        [parent] = reader.adapters()
    room.watched(KNOWN_FROM)
    assert len(room.told()) == 1
    assert room.told(parent=parent) == []
    name = f"{room.ground.base.name}+{small_adapter.name}"
    room.watched(KNOWN_FROM, BAD, policy=name, adapter_id=number)
    assert len(room.told()) == 1
    assert room.told(parent=parent) == []
    room.watched(NEWEST_WATCHED, policy=name, adapter_id=number)
    assert len(room.told(parent=parent)) == 1


def test_what_is_missing_is_played_once_on_starts_that_judge_nothing_else(room: Room) -> None:
    room.watched(6)
    [told, also] = room.told(BARREL, MEDKIT, play=True)
    assert "10 of 10 attempts" in told
    assert "6 of them you watched" in told
    assert "watched" not in also
    sentences = [start.heard for start in room.played]
    assert sentences == [BARREL.heard] * 4 + [MEDKIT.heard] * KNOWN_FROM
    seeds = [start.seed for start in room.played]
    assert seeds == list(range(SeedRange.VERDICT.first, SeedRange.VERDICT.first + 14))
    assert all(may_judge(seed) for seed in seeds)
    # They are told as they come, after what is being done.
    stage, *played = room.said
    assert stage == protocol.Stage(protocol.BEFORE, beforehand.PLAYING)
    assert played[-1] == protocol.Played(14, 14, 14, protocol.BEFORE)
    # They are kept, as no test of the lesson, and used up.
    rows = room.rows()
    assert {(row.variant, row.round_id) for row in rows} == {(VERSION, None)}
    assert measurement.number_of_test(rows, BARREL.heard) == 1
    with Reader.open(room.ground.data) as reader:
        assert fresh_lesson_seeds(reader, "doom", 3) == range(max(seeds) + 1, max(seeds) + 4)
    room.played.clear()
    assert room.told(BARREL, MEDKIT, play=True) == [told, also]
    assert room.played == []


def test_what_it_cannot_do_is_not_told_and_what_nobody_judged_is_played_again(room: Room) -> None:
    room.outcome = lambda seed: Outcome.UNKNOWN if seed % 2 else BAD
    assert room.told(play=True) == []
    room.outcome = lambda _seed: GOOD
    room.played.clear()
    assert room.told(play=True) == []
    assert len(room.played) == KNOWN_FROM / 2
    assert not {row.seed for row in room.rows()[:KNOWN_FROM]} & {s.seed for s in room.played}


def test_nothing_is_played_on_the_persons_screen_or_by_a_large_model(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(measurement, "is_small", lambda _base: False)
        assert room.told(play=True) == []
    spec = replace(TOY, own_window=True)
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, spec))
    room.ground = replace(room.ground, game="toy", hotkeys={"panic": "F2"})
    assert room.told(play=True) == []
    assert (room.played, room.said) == ([], [])
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES[:-1], replace(TOY, realtime=True)))
    assert len(room.told(play=True)) == 1


def test_play_beforehand_can_be_stopped_and_what_was_played_is_kept(room: Room) -> None:
    def check() -> None:
        if len(room.played) == 3:
            raise StoppedError("It was cancelled.")

    whole = room.ground
    room.ground = replace(whole, check=check)
    with pytest.raises(StoppedError):
        room.told(play=True)
    assert len(room.rows()) == 3
    room.ground = whole
    room.played.clear()
    assert len(room.told(play=True)) == 1
    assert len(room.played) == KNOWN_FROM - 3
