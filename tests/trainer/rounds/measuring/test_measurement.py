"""How a round is played: fresh starts, stops when decided, rows kept, what is checked after it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import pytest
from lessons import begin, record_attempt
from toy_game import TOY

from model.language.paraphrase import TAUGHT_FILE
from model.paths import default_checkpoint
from model.vla.play_options import PlayOptions
from recorder.errors import DataError, DiskFullError, KnownError
from recorder.games import registry
from recorder.games.base import Asked, Task, free_task
from recorder.games.doom.tasks import TASK_BY_ID, TRAINED_TASKS
from recorder.games.seeds import SeedRange, may_judge, range_of
from recorder.store import (
    EvaluationRow,
    LabelSource,
    NewAdapter,
    Reader,
    RoundStatus,
    Stepping,
    Store,
)
from recorder.types import Driver, Outcome
from trainer.evaluation import old_tasks
from trainer.evaluation.eye.judge import Reliability
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import Beside
from trainer.evaluation.starts import Attempt, AttemptKey, Start, StartKey
from trainer.evaluation.verdicts.lines import eye_line, sentence_line, verdict_of
from trainer.evaluation.verdicts.sequential import Pairs, Plan, round_alpha
from trainer.evaluation.verdicts.stored_verdicts import read_line
from trainer.evaluation.verdicts.verdict import Choice, Line, Part, VerdictKind
from trainer.rounds import process, protocol
from trainer.rounds.measuring import measure_later, measurement
from trainer.rounds.measuring.decision import decide
from trainer.rounds.measuring.eyes import TaughtEye
from trainer.rounds.measuring.measurement import Ground
from trainer.rounds.protocol import Gate, Message, to_json

BARREL = Asked(TASK_BY_ID["go_to:barrel"])
MEDKIT = Asked(TASK_BY_ID["pick_up:medkit"])
OLD_TASKS_FROM = SeedRange.VERDICT.first + old_tasks.LESSON_SEEDS


@dataclass
class Yard:
    """Stands in for play: who succeeds is a rule over the player's name, the sentence and seed.

    Like the real one it refuses seeds that may not judge, and is asked for the next look when all
    of the one before was heard.
    """

    succeeds: Callable[[str, str, int], bool]
    outcome: Callable[[int], Outcome | None] = lambda _seed: None
    played: list[tuple[str, StartKey]] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    beside: Beside | None = None
    eyes: dict[str, Path] = field(default_factory=dict)

    def attempt(self, player: PlayerSpec, game: str, start: Start, version: str) -> Attempt:
        assert may_judge(start.seed)
        self.played.append((player.name, start.key))
        good = self.succeeds(player.name, start.heard, start.seed)
        outcome = self.outcome(start.seed) or (Outcome.SUCCESS if good else Outcome.TIMEOUT)
        if not start.task.judged and start.heard not in self.eyes:
            outcome = Outcome.UNKNOWN
        key = AttemptKey(player.key, game, start.key, Stepping.LOCK_STEP, version)
        return Attempt(key, outcome, 30, 0.1)

    def pair(
        self,
        before: PlayerSpec,
        after: PlayerSpec,
        game: str,
        looks: Iterable[Sequence[Start]],
        on_played: Callable[[str, Attempt], None],
        *,
        slowed: bool = False,
        workers: int | None = None,
        beside: Beside | None = None,
        version: str = "",
        eyes: Mapping[str, Path] | None = None,
    ) -> None:
        del slowed, workers
        self.beside = beside
        self.eyes = dict(eyes or {})
        for starts in looks:
            self.looks.append(len(starts))
            for start in starts:
                for side, player in (("before", before), ("after", after)):
                    on_played(side, self.attempt(player, game, start, version))

    def together(
        self,
        sides: Mapping[str, PlayerSpec],
        game: str,
        starts: Sequence[Start],
        *,
        slowed: bool = False,
        workers: int | None = None,
        known: Mapping[str, Mapping[StartKey, Attempt]] | None = None,
        on_played: Callable[[Attempt], None] | None = None,
        beside: Beside | None = None,
    ) -> dict[str, list[Attempt]]:
        del slowed, workers, beside
        found = {}
        for side, player in sides.items():
            results = dict((known or {}).get(side, {}))
            for start in starts:
                if start.key not in results:
                    results[start.key] = self.attempt(player, game, start, measurement_version())
                    if on_played is not None:
                        on_played(results[start.key])
            found[side] = [results[start.key] for start in starts]
        return found


def measurement_version() -> str:
    from trainer.evaluation.play_version import PLAY_VERSION

    return PLAY_VERSION


@dataclass
class Room:
    """A data folder with a base, and what was said."""

    ground: Ground
    yard: Yard
    said: list[Message]
    data: Path
    adapter: Path

    def player(self, name: str) -> PlayerSpec:
        return self.ground.player(name, self.adapter if name == "after" else None)

    def rows(self) -> int:
        with Reader.open(self.data) as reader:
            return len(reader.evaluations())


@pytest.fixture
def room(
    tmp_path: Path, small_checkpoint: Path, small_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Room]:
    data = tmp_path / "data"
    yard = Yard(lambda name, _heard, _seed: name == "after")
    said: list[Message] = []
    monkeypatch.setattr(measurement, "evaluate_pair", yard.pair)
    monkeypatch.setattr(measurement, "evaluate_sides", yard.together)
    with Store.open(data) as store:
        ground = Ground(
            data, store, small_checkpoint, "doom", PlayOptions(), said.append, lambda: None
        )
        yield Room(ground, yard, said, data, small_adapter)


def taught(room: Room, *asked: Asked, round_id: int | None = None, most: int = 80) -> list[Line]:
    number = room.ground.store.add_round() if round_id is None else round_id
    return measurement.play_taught(
        room.ground, asked, room.player("before"), room.player("after"), number, most
    )


def test_a_clear_case_takes_ten_pairs_and_every_attempt_is_kept(room: Room) -> None:
    [line] = taught(room, BARREL)
    assert (line.kind, line.before, line.after, line.n) == (VerdictKind.BETTER, 0, 10, 10)
    assert room.yard.looks == [10]
    assert room.rows() == 20
    played = [each for each in room.said if isinstance(each, protocol.Played)]
    assert (played[-1].done, played[-1].successes) == (10, 10)
    assert '"kind": "measured"' in to_json(protocol.Measured(line))
    assert protocol.parse(to_json(protocol.Measured(line))) == protocol.Measured(line)


def test_a_close_case_is_played_in_small_looks_to_the_end(room: Room) -> None:
    room.yard.succeeds = lambda name, _heard, seed: (seed + (name == "after")) % 2 == 0
    [line] = taught(room, BARREL)
    assert room.yard.looks == [10] + [5] * 14
    assert line.kind is VerdictKind.NOT_ENOUGH
    assert "80 pairs find a gain of" in line.sentence


def test_what_is_decided_is_not_played_on(room: Room) -> None:
    room.yard.succeeds = lambda name, heard, seed: (
        name == "after" if heard == BARREL.heard else (seed + (name == "after")) % 4 < 2
    )
    lines = taught(room, BARREL, MEDKIT)
    assert [line.name for line in lines] == [BARREL.heard, MEDKIT.heard]
    assert lines[0].n < lines[1].n == 80
    # The sentences share the error of the round.
    assert round_alpha(1, 2) < round_alpha(1)


def test_every_round_is_judged_on_fresh_starts_of_the_verdicts_range(room: Room) -> None:
    taught(room, BARREL)
    first = {key.seed for _, key in room.yard.played}
    room.yard.played.clear()
    taught(room, BARREL)
    second = {key.seed for _, key in room.yard.played}
    assert (len(first), len(second)) == (10, 15)
    assert not first & second
    assert {range_of(seed) for seed in first | second} == {SeedRange.VERDICT}


def measured_on(room: Room, seed: int) -> None:
    room.ground.store.add_evaluations(
        [
            EvaluationRow(
                "other", "doom", BARREL.task.id, BARREL.heard, seed, Stepping.LOCK_STEP,
                Outcome.SUCCESS, 9, "round-1",
            )
        ]
    )  # fmt: skip


def test_the_last_starts_of_lessons_are_played_and_none_beyond_them(room: Room) -> None:
    most = 10 + measurement.SPARE_STARTS
    measured_on(room, OLD_TASKS_FROM - 2 * most - 1)
    taught(room, BARREL, MEDKIT, most=10)
    played = {key.seed for _, key in room.yard.played}
    assert max(played) < OLD_TASKS_FROM
    room.yard.played.clear()
    for seed in (OLD_TASKS_FROM - most, OLD_TASKS_FROM - 1):
        measured_on(room, seed)
        with pytest.raises(DataError, match="too few are left, so nothing was played"):
            taught(room, BARREL, most=10)
    assert room.yard.played == []


def test_each_round_of_a_lesson_spends_less_even_if_one_was_broken_off(room: Room) -> None:
    def stop() -> None:
        raise KnownError("It was cancelled.")

    ground = room.ground
    with Reader.open(room.data) as reader:
        assert measurement.number_of_test(reader.evaluations(), BARREL.heard) == 1
    room.ground = Ground(
        ground.data, ground.store, ground.base, "doom", ground.options, ground.say, stop
    )
    room.yard.played.clear()
    with pytest.raises(KnownError):
        taught(room, BARREL)
    room.ground = ground
    taught(room, BARREL)
    with Reader.open(room.data) as reader:
        rows = reader.evaluations()
    assert measurement.number_of_test(rows, BARREL.heard) == 2
    taught(room, BARREL)
    with Reader.open(room.data) as reader:
        assert measurement.number_of_test(reader.evaluations(), BARREL.heard) == 3
        assert measurement.number_of_test(reader.evaluations(), MEDKIT.heard) == 1


def test_a_second_play_of_a_round_is_another_test_on_other_starts(room: Room) -> None:
    number = room.ground.store.add_round()
    taught(room, BARREL, round_id=number)
    assert room.rows() == 20
    # Half of an error is spent: the same clear case takes a look more.
    taught(room, BARREL, round_id=number)
    assert room.rows() == 20 + 30
    with Reader.open(room.data) as reader:
        assert measurement.number_of_test(reader.evaluations(), BARREL.heard) == 3


def test_what_nobody_judged_is_no_failure_and_is_played_anew(room: Room) -> None:
    room.yard.outcome = lambda seed: Outcome.UNKNOWN if seed % 3 == 0 else None
    [line] = taught(room, BARREL)
    assert line.kind is VerdictKind.BETTER
    assert line.n == 10
    assert len(room.yard.played) > 20
    room.yard.outcome = lambda _seed: Outcome.UNKNOWN
    room.yard.played.clear()
    [line] = taught(room, BARREL)
    assert (line.kind, line.n) == (None, 0)
    assert "nobody can judge it" in line.sentence
    assert len(room.yard.played) <= 2 * (80 + measurement.SPARE_STARTS)


@pytest.mark.parametrize("own_window", [True, False])
def test_a_person_is_asked_for_their_screen_only_by_a_game_in_a_window_of_its_own(
    room: Room, own_window: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(TOY, own_window=own_window, realtime=not own_window)
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, spec))
    ground = replace(room.ground, game="toy", hotkeys={"panic": "F2"})
    assert (ground.beside() is not None) is own_window
    assert len(room.said) == own_window


@pytest.mark.parametrize("hotkeys", [{"panic": "F2"}, None])
def test_a_person_beside_a_measured_window_is_told_and_can_stop_it_at_every_tick(
    room: Room, hotkeys: dict[str, str] | None
) -> None:
    stopped: list[bool] = []
    ground = Ground(
        room.data, room.ground.store, room.ground.base, "luanti", PlayOptions(), room.said.append,
        lambda: stopped.append(True), slowed=True, hotkeys=hotkeys,
    )  # fmt: skip
    beside = ground.beside()
    if hotkeys is None:
        assert (beside, room.said) == (None, [])
        return
    assert beside is not None
    beside.tell("It was touched.")
    beside.check()
    assert stopped == [True]
    assert (beside.hotkeys, beside.attending) == (hotkeys, True)
    stages = [each for each in room.said if isinstance(each, protocol.Stage)]
    assert [each.sentence for each in stages] == [measurement.LEAVE_ALONE, "It was touched."]
    assert {each.name for each in stages} == {measurement.MEASURING}


# What is checked after the lesson


@pytest.fixture
def known_base(room: Room, monkeypatch: pytest.MonkeyPatch) -> Room:
    """Let the room's base be one whose training is known."""
    monkeypatch.setattr(old_tasks, "taught_tasks", lambda *_given: TRAINED_TASKS[:40])
    return room


def finished_round(
    room: Room,
    adapter: Path,
    *,
    parent: int | None = None,
    in_use: int | None = None,
    asked: Asked = BARREL,
) -> int:
    """Teach a sentence, with success, and write the round down as the client does."""
    store = room.ground.store
    began = parent if in_use is None else in_use
    number = store.add_round(parent_adapter_id=parent, config={"in_use": began})
    with Reader.open(room.data) as reader:
        rows = {row.id: row for row in reader.adapters()}
    row = None if parent is None else rows[parent]
    lines = measure_later.after_the_lesson(room.ground, taught(room, asked, round_id=number), row)
    decision = decide(lines)
    verdict = verdict_of(lines, decision.choice, decision.sentence)
    assert verdict is not None
    adapter_id = store.add_adapter(
        NewAdapter(str(adapter), base=room.ground.base.name, round_id=number, parent_id=parent)
    )
    store.update_round(
        number, status=RoundStatus.DONE, adapter_id=adapter_id, metrics={"gates": []},
        verdict=asdict(verdict),
    )  # fmt: skip
    return number


def in_use(room: Room) -> int | None:
    with Reader.open(room.data) as reader:
        row = reader.active_adapter()
        return None if row is None else row.id


def stored(room: Room, number: int) -> tuple[Choice, list[Line]]:
    with Reader.open(room.data) as reader:
        row = next(each for each in reader.rounds() if each.id == number)
    verdict = measure_later.read_verdict(row.verdict)
    assert verdict is not None
    return verdict.choice, list(verdict.lines)


def test_a_round_is_in_use_only_after_the_old_tasks_are_played(
    known_base: Room, small_adapter: Path
) -> None:
    room = known_base
    number = finished_round(room, small_adapter)
    choice, lines = stored(room, number)
    assert choice is Choice.WAIT
    assert [line.checking for line in lines] == [False, True]
    assert in_use(room) is None
    room.yard.succeeds = lambda _name, _heard, seed: seed % 10 > 0
    checked = measure_later.check_rest(room.ground, number)
    assert checked.activated
    assert in_use(room) == 1
    choice, lines = stored(room, number)
    assert choice is Choice.USE
    assert [(line.part, line.n) for line in lines] == [(Part.TAUGHT, 10), (Part.OLD_TASKS, 300)]
    assert lines[1].not_worse


def test_damage_to_the_old_tasks_refuses_a_round_that_learnt_its_lesson(
    known_base: Room, small_adapter: Path
) -> None:
    """As a short constant action did once: 13 points of what it could before were gone."""
    room = known_base
    number = finished_round(room, small_adapter)
    room.yard.succeeds = lambda name, _heard, seed: seed % 100 < (79 if name == "after" else 92)
    checked = measure_later.check_rest(room.ground, number)
    assert not checked.activated
    assert in_use(room) is None
    assert checked.verdict.choice is Choice.REFUSE
    assert "damaged" in checked.verdict.sentence


def test_a_full_disk_while_the_adapter_is_put_in_use_keeps_the_old_one(
    known_base: Room, small_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = known_base
    number = finished_round(room, small_adapter)
    room.yard.succeeds = lambda _name, _heard, seed: seed % 10 > 0

    def full(*_given: object, **_more: object) -> None:
        raise DiskFullError("The disk is full, so nothing was written; make room.")

    with monkeypatch.context() as patch:
        patch.setattr(room.ground.store, "settle_round", full)
        with pytest.raises(DiskFullError):
            measure_later.check_rest(room.ground, number)
    assert in_use(room) is None
    room.yard.played.clear()
    # Everything that was played is kept: the next try only puts it in use.
    assert measure_later.check_rest(room.ground, number).activated
    assert room.yard.played == []


@pytest.mark.parametrize("back", [False, True])
def test_what_the_person_put_in_use_meanwhile_stays_in_use(
    known_base: Room, small_adapter: Path, back: bool
) -> None:
    room = known_base
    store = room.ground.store
    number = finished_round(room, small_adapter)
    other = store.add_adapter(NewAdapter(str(room.data / "other"), base=room.ground.base.name))
    store.set_active_adapter(other)
    if back:
        store.undo_activation()
    room.yard.succeeds = lambda _name, _heard, seed: seed % 10 > 0
    checked = measure_later.check_rest(room.ground, number)
    assert checked.activated is back
    assert in_use(room) == (1 if back else other)
    assert (process.OVERTAKEN in checked.sentence) is not back
    with Reader.open(room.data) as reader:
        said = reader.rounds()[-1].metrics.get("not_in_use")
    assert said == (None if back else process.OVERTAKEN)


def test_base_and_parent_are_known_and_only_the_new_adapter_plays_the_old_tasks(
    known_base: Room, small_adapter: Path, tmp_path: Path
) -> None:
    room = known_base
    first = finished_round(room, small_adapter)
    room.yard.succeeds = lambda _name, _heard, seed: seed % 10 > 0
    measure_later.check_rest(room.ground, first)
    second_folder = tmp_path / "second"
    shutil.copytree(small_adapter, second_folder)
    (second_folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    room.yard.succeeds = lambda name, _heard, _seed: name == "after"
    second = finished_round(room, second_folder, parent=1)
    room.yard.succeeds = lambda _name, _heard, seed: seed % 10 > 0
    room.yard.played.clear()
    checked = measure_later.check_rest(room.ground, second)
    assert {name for name, _ in room.yard.played} == {"after"}
    assert len(room.yard.played) == 300
    against = [line.against for line in checked.verdict.lines if line.part is Part.OLD_TASKS]
    assert against == ["base", "parent"]


def lesson_after_a_lesson(room: Room, adapter: Path, tmp_path: Path, earlier: Task) -> int:
    """Teach the barrel, note that ``earlier`` was taught then, and teach the medkit on it."""
    store = room.ground.store
    first = finished_round(room, adapter)
    store.set_active_adapter(1)
    shown = record_attempt(
        store, begin(store, "doom"), [(Driver.PERSON, 3)], seed=10_000_000, task=earlier
    )
    store.add_round_samples(first, [(shown, tick, 1.0, 2) for tick in range(3)])
    second_folder = Path(shutil.copytree(adapter, tmp_path / "second"))
    return finished_round(room, second_folder, parent=1, asked=MEDKIT)


@pytest.mark.parametrize("kept", [True, False])
def test_what_an_earlier_round_taught_is_played_before_a_later_one_is_used(
    known_base: Room, small_adapter: Path, tmp_path: Path, kept: bool
) -> None:
    room = known_base
    second = lesson_after_a_lesson(room, small_adapter, tmp_path, BARREL.task)
    choice, lines = stored(room, second)
    assert choice is Choice.WAIT
    assert [(line.part, line.name) for line in lines if line.checking] == [
        (Part.EARLIER, BARREL.heard),
        (Part.OLD_TASKS, "what it could before"),
    ]
    room.yard.succeeds = lambda name, heard, seed: (
        name != "after" or kept or heard != BARREL.heard or seed >= OLD_TASKS_FROM
    )
    checked = measure_later.check_rest(room.ground, second)
    line = next(each for each in checked.verdict.lines if each.name == BARREL.heard)
    assert (line.part, line.not_worse, line.n >= 10) == (Part.EARLIER, kept, True)
    assert checked.verdict.choice is (Choice.USE if kept else Choice.REFUSE)
    assert in_use(room) == (2 if kept else 1)


def test_an_earlier_lesson_that_nobody_can_judge_leaves_a_round_to_be_tried(
    known_base: Room, small_adapter: Path, tmp_path: Path
) -> None:
    second = lesson_after_a_lesson(known_base, small_adapter, tmp_path, free_task("hop"))
    choice, lines = stored(known_base, second)
    assert choice is Choice.TRY
    line = next(each for each in lines if each.part is Part.EARLIER)
    assert (line.name, line.n, line.checking) == ("hop", 0, False)
    assert "nobody can judge it" in line.sentence


@pytest.mark.parametrize("sentence", ["chop a tree", MEDKIT.heard])
def test_what_was_taught_in_another_game_is_told_once_all_else_is_checked(
    known_base: Room, small_adapter: Path, tmp_path: Path, sentence: str
) -> None:
    """The same base plays both; also a sentence that both games have is another lesson there."""
    room, store = known_base, known_base.ground.store
    first = finished_round(room, small_adapter)
    store.set_active_adapter(1)
    shown = record_attempt(
        store, begin(store, "luanti"), [(Driver.PERSON, 3)], seed=10_000_000,
        task=free_task(sentence),
    )  # fmt: skip
    store.add_round_samples(first, [(shown, tick, 1.0, 2) for tick in range(3)])
    folder = Path(shutil.copytree(small_adapter, tmp_path / "second"))
    (folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    room.yard.succeeds = lambda name, heard, seed: (
        name == "after" if heard == "turn left" else seed % 10 > 0
    )
    number = finished_round(room, folder, parent=1, asked=Asked(TASK_BY_ID["turn_left"]))
    choice, lines = stored(room, number)
    assert choice is Choice.WAIT
    [line] = [each for each in lines if each.part is Part.EARLIER]
    assert (line.name, line.n, line.checking, line.elsewhere) == (sentence, 0, False, True)
    assert "was taught in Luanti and cannot be played in this game" in line.sentence
    checked = measure_later.check_rest(room.ground, number)
    assert [each.n for each in checked.verdict.lines if each.part is Part.OLD_TASKS] == [300, 300]
    assert (checked.verdict.choice, checked.activated) == (Choice.TRY, False)
    assert f"for this only: {line.sentence}" in checked.sentence


def test_old_tasks_of_another_game_are_told_as_such(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its list names what it was taught, and this game has none of that."""
    base = Path(shutil.copytree(room.ground.base, room.data / "base"))
    shutil.copy(default_checkpoint("luanti") / TAUGHT_FILE, base)
    assert measurement.why_no_old_tasks(room.ground) == measurement.NO_OLD_TASKS
    monkeypatch.setattr(registry, "GAMES", (*registry.GAMES, TOY))
    ground = replace(room.ground, base=base, game=TOY.name)
    assert measurement.why_no_old_tasks(ground) == measurement.OLD_TASKS_ELSEWHERE
    assert not measurement.why_no_old_tasks(replace(ground, game="luanti"))
    line = measurement.old_tasks_unknown(measurement.OLD_TASKS_ELSEWHERE)
    assert line.elsewhere
    # A verdict of an earlier version does not say so of its lines.
    older = {name: value for name, value in asdict(line).items() if name != "elsewhere"}
    assert read_line(older) == replace(line, elsewhere=False)


def test_where_nothing_got_better_nothing_more_is_played(
    known_base: Room, small_adapter: Path
) -> None:
    room = known_base
    room.yard.succeeds = lambda name, _heard, seed: (seed + (name == "after")) % 2 == 0
    number = finished_round(room, small_adapter)
    choice, lines = stored(room, number)
    assert choice is Choice.PLAY_MORE
    assert not any(line.checking for line in lines)
    room.yard.played.clear()
    measure_later.check_rest(room.ground, number)
    assert room.yard.played == []
    # More starts are a further test; what it finds is checked as any gain is.
    room.yard.succeeds = lambda name, _heard, seed: (
        name == "after" if seed < SeedRange.VERDICT.first + old_tasks.LESSON_SEEDS else True
    )
    assert measure_later.check_rest(room.ground, number, more=True).activated


def test_a_base_of_which_nothing_is_known_is_never_changed_by_itself(
    room: Room, small_adapter: Path
) -> None:
    number = finished_round(room, small_adapter)
    choice, _lines = stored(room, number)
    assert choice is Choice.TRY
    assert not measure_later.check_rest(room.ground, number).activated


# What may not put a round in use


def lesson_before(room: Room, folder: Path, *sentences: str) -> int:
    """List an adapter whose round was taught sentences, in use; return its number."""
    store = room.ground.store
    number = store.add_round()
    lines = [
        sentence_line(Part.TAUGHT, each, Plan(round_alpha(1)), Pairs(gained=10))
        for each in sentences
    ]
    verdict = verdict_of(lines, Choice.USE, "Better.")
    assert verdict is not None
    shutil.copytree(room.adapter, folder)
    (folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    adapter = store.add_adapter(
        NewAdapter(str(folder), base=room.ground.base.name, round_id=number)
    )
    store.update_round(number, status=RoundStatus.DONE, adapter_id=adapter, verdict=asdict(verdict))
    # Its episodes were erased since.
    store.add_round_samples(number, [(77, 0, 1.0, 1)])
    store.set_active_adapter(adapter)
    return adapter


def always_good_but_the_barrel(room: Room) -> None:
    room.yard.succeeds = lambda name, heard, seed: (
        name == "after" if heard == BARREL.heard else seed % 10 > 0
    )


def test_an_earlier_lesson_whose_episodes_were_erased_is_still_checked(
    known_base: Room, small_adapter: Path, tmp_path: Path
) -> None:
    room = known_base
    parent = lesson_before(room, tmp_path / "before", MEDKIT.heard)
    always_good_but_the_barrel(room)
    number = finished_round(room, small_adapter, parent=parent)
    _choice, lines = stored(room, number)
    assert [(line.part, line.name, line.checking) for line in lines][:2] == [
        (Part.TAUGHT, BARREL.heard, False),
        (Part.EARLIER, MEDKIT.heard, True),
    ]
    checked = measure_later.check_rest(room.ground, number)
    assert checked.activated
    assert [line.n for line in checked.verdict.lines if line.part is Part.EARLIER] > [0]


def test_an_earlier_lesson_that_is_no_sentence_any_more_keeps_a_round_from_use(
    known_base: Room, small_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = known_base
    parent = lesson_before(room, tmp_path / "before", MEDKIT.heard)
    always_good_but_the_barrel(room)
    number = finished_round(room, small_adapter, parent=parent)
    fewer = tuple(task for task in TASK_BY_ID.values() if task.id != MEDKIT.task.id)
    monkeypatch.setattr("recorder.games.task_list", lambda *_given: fewer)
    checked = measure_later.check_rest(room.ground, number)
    assert not checked.activated
    assert checked.verdict.choice is Choice.TRY
    [line] = [line for line in checked.verdict.lines if line.part is Part.EARLIER]
    assert (line.name, line.checking) == (MEDKIT.heard, False)
    assert "nobody can judge it" in line.sentence


def test_a_check_of_earlier_lessons_goes_on_where_it_was_broken_off(
    room: Room, tmp_path: Path
) -> None:
    room.yard.succeeds = lambda name, _heard, seed: (seed + (name == "after")) % 2 == 0
    sides = room.player("before"), room.player("after")
    number = room.ground.store.add_round()
    heard = 0

    def stop_at_25() -> None:
        nonlocal heard
        heard += 1
        if heard > 25:
            raise KnownError("It was cancelled.")

    with pytest.raises(KnownError):
        measurement.play_earlier(replace(room.ground, check=stop_at_25), [BARREL], *sides, number)
    # 12 pairs and a half.
    assert room.rows() == 25
    first = {key.seed for _, key in room.yard.played}
    room.yard.played.clear()
    room.yard.looks.clear()
    [line] = measurement.play_earlier(room.ground, [BARREL], *sides, number)
    assert line.n == 80
    assert room.yard.looks == [3] + [5] * 13
    assert not first & {key.seed for _, key in room.yard.played}
    room.yard.played.clear()
    [again] = measurement.play_earlier(room.ground, [BARREL], *sides, number)
    assert (again, room.yard.played) == (line, [])


def test_what_is_not_checked_is_not_said_to_be_checked(known_base: Room) -> None:
    room = known_base
    room.yard.succeeds = lambda name, heard, seed: (
        name == "after" if heard == BARREL.heard else (seed // 2 + (name == "after")) % 2 == 0
    )
    lines = measure_later.after_the_lesson(room.ground, taught(room, BARREL, MEDKIT), None)
    assert decide(lines).choice is Choice.PLAY_MORE
    assert not any(line.checking for line in lines)
    assert lines[-1].sentence == f"What it could before {measurement.UNDECIDED}"
    free = measurement.unjudged_line(Part.TAUGHT, "dance")
    lines = measure_later.after_the_lesson(room.ground, [*taught(room, BARREL), free], None)
    assert decide(lines).choice is Choice.TRY
    assert not any(line.checking for line in lines)
    # It was played although a check of its losses had failed: it will not be put in use.
    failed = [Gate("old tasks", passed=False, sentence="It forgot.")]
    lines = measure_later.after_the_lesson(room.ground, taught(room, BARREL), None, gates=failed)
    assert decide(lines, failed).choice is Choice.REFUSE
    assert not any(line.checking for line in lines)


def test_more_starts_of_a_sentence_that_is_none_of_the_games_any_more_are_played(
    known_base: Room, small_adapter: Path
) -> None:
    room = known_base
    room.yard.succeeds = lambda name, _heard, seed: (seed + (name == "after")) % 2 == 0
    worded = Asked(BARREL.task, "a wording of long ago")
    store = room.ground.store
    number = store.add_round()
    lines = measure_later.after_the_lesson(room.ground, taught(room, worded, round_id=number), None)
    verdict = verdict_of(lines, Choice.PLAY_MORE, "Not enough.")
    assert verdict is not None
    adapter = store.add_adapter(NewAdapter(str(small_adapter), base=room.ground.base.name))
    store.update_round(number, status=RoundStatus.DONE, adapter_id=adapter, verdict=asdict(verdict))
    room.yard.played.clear()
    measure_later.check_rest(room.ground, number, more=True)
    assert {key.heard for _, key in room.yard.played} == {"a wording of long ago"}
    assert len(room.yard.played) == 160


def test_more_starts_that_nobody_judged_change_nothing(
    known_base: Room, small_adapter: Path
) -> None:
    room = known_base
    room.yard.succeeds = lambda name, _heard, seed: (seed + (name == "after")) % 2 == 0
    number = finished_round(room, small_adapter)
    before = stored(room, number)
    room.yard.outcome = lambda _seed: Outcome.UNKNOWN
    measure_later.check_rest(room.ground, number, more=True)
    assert stored(room, number) == before


@pytest.mark.parametrize("back", [False, True])
def test_what_was_lost_when_a_round_began_is_not_replaced_once_it_is_back(
    known_base: Room, small_adapter: Path, tmp_path: Path, back: bool
) -> None:
    room = known_base
    store = room.ground.store
    folder = tmp_path / "before"
    shutil.copytree(small_adapter, folder)
    lost = store.add_adapter(NewAdapter(str(folder), base=room.ground.base.name))
    store.set_active_adapter(lost)
    folder.rename(tmp_path / "elsewhere")
    number = finished_round(room, small_adapter, in_use=lost)
    room.yard.succeeds = lambda _name, _heard, seed: seed % 10 > 0
    if back:
        (tmp_path / "elsewhere").rename(folder)
    checked = measure_later.check_rest(room.ground, number)
    assert checked.activated is not back
    assert (in_use(room) == lost) is back


def test_a_verdict_of_an_earlier_version_cannot_be_gone_on_with(
    room: Room, small_adapter: Path
) -> None:
    store = room.ground.store
    number = store.add_round()
    adapter = store.add_adapter(NewAdapter(str(small_adapter), base=room.ground.base.name))
    figures = {"before": 1, "after": 9, "n": 10, "difference": 0.8, "low": 0.4, "high": 0.9}
    store.update_round(
        number, status=RoundStatus.DONE, adapter_id=adapter,
        verdict={**figures, "kind": "better", "sentence": "Better."},
    )  # fmt: skip
    with pytest.raises(DataError, match="nothing to check"):
        measure_later.check_rest(room.ground, number)


def an_eye(tmp_path: Path, *, right: int = 19, sentence: str = "dance") -> TaughtEye:
    """Return an eye that was right about ``right`` of 20 attempts of each kind."""
    return TaughtEye(sentence, tmp_path / "eye", Reliability(20, right, 20, right))


def taught_by_eye(room: Room, eye: TaughtEye, *asked: Asked) -> list[Line]:
    number = room.ground.store.add_round()
    players = room.player("before"), room.player("after")
    return measurement.play_taught(room.ground, asked, *players, number, eyes=[eye])


def test_what_an_eye_judges_is_played_beside_what_the_game_judges(
    room: Room, tmp_path: Path
) -> None:
    barrel, dance = taught_by_eye(room, an_eye(tmp_path), BARREL)
    assert room.yard.eyes == {"dance": tmp_path / "eye"}
    assert (barrel.kind, barrel.by_eye) == (VerdictKind.BETTER, False)
    assert (dance.name, dance.kind, dance.before, dance.after) == (
        "dance", VerdictKind.BETTER, 0, dance.n,
    )  # fmt: skip
    assert dance.by_eye
    assert 0.4 < dance.low < dance.difference == 1.0
    assert "right about 38 of 40 attempts that you marked" in dance.sentence
    assert read_line(asdict(dance)) == dance
    # A gain that only the eye saw is offered, and not put in use by itself.
    kept = sentence_line(Part.EARLIER, "hop", Plan(0.05, taught=False), Pairs(both=60))
    old = replace(kept, part=Part.OLD_TASKS, kind=VerdictKind.SAME)
    assert decide([dance, kept, old]).choice is Choice.TRY
    assert "judge it blind" in decide([dance, kept, old]).sentence
    assert decide([barrel, dance, kept, old]).choice is Choice.USE
    # It is a test of the lesson like any other: the next one of it may spend less.
    with Reader.open(room.data) as reader:
        assert measurement.number_of_test(reader.evaluations(game="doom"), "dance") == 2


def test_an_eye_that_may_be_a_coin_calls_nothing_better(room: Room, tmp_path: Path) -> None:
    [line] = taught_by_eye(room, an_eye(tmp_path, right=11))
    assert line.after == line.n
    assert (line.kind, line.low, line.high) == (VerdictKind.NOT_ENOUGH, -1.0, 1.0)
    assert not line.not_worse
    assert decide([line]).choice is Choice.PLAY_MORE


def test_an_eye_that_saw_it_get_worse_may_say_so(room: Room, tmp_path: Path) -> None:
    room.yard.succeeds = lambda name, _heard, _seed: name == "before"
    [line] = taught_by_eye(room, an_eye(tmp_path))
    assert line.kind is VerdictKind.WORSE
    assert line.high < 0
    assert decide([line]).choice is Choice.REFUSE


@pytest.mark.parametrize("kept", [True, False])
def test_an_earlier_lesson_that_an_eye_may_judge_is_checked(
    known_base: Room,
    small_adapter: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kept: bool,
) -> None:
    room, store = known_base, known_base.ground.store
    session, hop = begin(store, "doom"), free_task("hop")
    for seed in range(8):
        number = record_attempt(store, session, [(Driver.POLICY, 5)], seed=seed, task=hop)
        said = Outcome.SUCCESS if seed % 2 else Outcome.FAILURE
        store.set_label(number, said, LabelSource.PERSON)
    second = lesson_after_a_lesson(room, small_adapter, tmp_path, hop)
    choice, lines = stored(room, second)
    assert choice is Choice.WAIT
    assert next(line for line in lines if line.part is Part.EARLIER).checking

    @contextlib.contextmanager
    def eyes(_ground: Ground, sentences: Sequence[str]) -> Iterator[list[TaughtEye]]:
        assert sentences == ["hop"]
        (tmp_path / "eye").write_bytes(b"an eye")
        yield [TaughtEye("hop", tmp_path / "eye", Reliability(40, 38, 40, 38))]

    monkeypatch.setattr(measure_later, "eyes_for", eyes)
    room.yard.succeeds = lambda name, heard, _seed: kept or heard != "hop" or name != "after"
    checked = measure_later.check_rest(room.ground, second)
    line = next(each for each in checked.verdict.lines if each.part is Part.EARLIER)
    assert (line.name, line.by_eye, line.not_worse) == ("hop", True, kept)
    assert checked.verdict.choice is (Choice.USE if kept else Choice.REFUSE)


def test_about_the_same_is_said_only_if_the_corrected_interval_says_so() -> None:
    pairs, plan = Pairs(both=24, gained=1, lost=1, neither=24), Plan(0.05)
    assert sentence_line(Part.TAUGHT, "hop", plan, pairs).kind is VerdictKind.SAME
    weak, sure = Reliability(8, 7, 8, 7), Reliability(800, 760, 800, 760)
    line = eye_line(Part.TAUGHT, "hop", plan, pairs, weak, "right")
    assert (line.kind, line.not_worse) == (VerdictKind.NOT_ENOUGH, False)
    assert eye_line(Part.TAUGHT, "hop", plan, pairs, sure, "right").kind is VerdictKind.SAME
    earlier = eye_line(Part.EARLIER, "hop", plan, pairs, weak, "right").sentence
    assert earlier.startswith('It is not sure that "hop" is kept')


def test_an_earlier_lesson_is_played_until_a_usual_eye_is_sure(room: Room, tmp_path: Path) -> None:
    """It sees nine of ten: what may look lost is less than what may be lost."""
    room.yard.succeeds = lambda _name, _heard, _seed: True
    (tmp_path / "eye").write_bytes(b"an eye")
    number = room.ground.store.add_round()
    sides = room.player("before"), room.player("after")
    [line] = measurement.play_earlier(room.ground, [], *sides, number, [an_eye(tmp_path, right=18)])
    assert line.by_eye
    assert line.not_worse
    (tmp_path / "eye").write_bytes(b"another eye")
    [again] = measurement.play_earlier(
        room.ground, [], *sides, number, [an_eye(tmp_path, right=18)]
    )
    # What the eye before it called done is not gone on with.
    assert room.rows() == 2 * (line.n + again.n)


def test_what_was_judged_blind_is_not_judged_again_by_eye(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = finished_round(room, room.adapter)
    lines = list(stored(room, number)[1])
    blind = replace(
        measurement.unjudged_line(Part.TAUGHT, "dance"), kind=VerdictKind.SAME, n=20, blind=True
    )
    asked_for: list[str] = []

    @contextlib.contextmanager
    def eyes(_ground: Ground, sentences: Sequence[str]) -> Iterator[list[TaughtEye]]:
        asked_for.extend(sentences)
        yield []

    monkeypatch.setattr(measure_later, "eyes_for", eyes)
    with Reader.open(room.data) as reader:
        row = next(each for each in reader.rounds() if each.id == number)
        adapter = reader.adapters()[0]
    unsure = [replace(lines[0], kind=VerdictKind.NOT_ENOUGH), blind]
    after = measure_later._play_taught_again(room.ground, unsure, row, None, adapter)
    assert asked_for == []
    assert blind in after
