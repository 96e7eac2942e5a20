"""What is played beside the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.backend.lessons import background_play
from app.backend.lessons.background_play import BackgroundPlay
from app.backend.lessons.failing_starts import MOST
from app.backend.models.choice import ModelChoice
from app.backend.models.loader import ModelLoader
from app.session.control_loop import LiveSession
from model.paths import default_checkpoint
from recorder.errors import ModelError, StoppedError, UsageError
from recorder.games import task_list
from recorder.games.seeds import SeedRange
from recorder.store import AdapterRow, NewAdapter, Reader, Store
from recorder.store.rows import Stepping
from recorder.types import Outcome
from trainer.evaluation.outcome_store import starts_looked_for
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import LOOKED_FOR, Attempt, AttemptKey, Start

FIRST = SeedRange.TEACHING.first
SAID = "shoot the barrel"


class Aside:
    """A background play over an empty store and the default model, which is never loaded."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.running = False
        self.played: list[tuple[PlayerSpec, str, str]] = []
        self.store, self.reader = Store.open(data), Reader.open(data)
        session = SimpleNamespace(
            tasks=lambda: task_list("doom"), snapshot=lambda: SimpleNamespace(seed=FIRST)
        )
        loader = SimpleNamespace(
            base=default_checkpoint(),
            not_taught="",
            choice=ModelChoice(),
            shown=lambda rows: [row for row in rows if row.base != "foreign"],
        )
        self.play = BackgroundPlay(
            cast(LiveSession, session),
            self.store,
            self.reader,
            cast(ModelLoader, loader),
            data=data,
            game="doom",
            busy=lambda: self.running,
        )
        monkeypatch.setattr(background_play, "evaluate", self._evaluate)
        monkeypatch.setattr(PlayerSpec, "key", property(lambda self: str(self.adapter)))

    def _evaluate(
        self,
        player: PlayerSpec,
        game: str,
        starts: Sequence[Start],
        *,
        version: str,
        on_played: Callable[[Attempt], None],
    ) -> list[Attempt]:
        self.played.append((player, game, version))
        made = [
            Attempt(
                AttemptKey(player.key, game, each.key, Stepping.LOCK_STEP, version),
                Outcome.TIMEOUT if each.seed % 3 == 0 else Outcome.SUCCESS,
                9,
            )
            for each in starts
        ]
        for each in made:
            on_played(each)
        return made

    def adapter(self, name: str, base: str = "checkpoint") -> AdapterRow:
        number = self.store.add_adapter(NewAdapter(folder=name, base=base))
        self.store.set_active_adapter(number)
        return next(row for row in self.reader.adapters() if row.id == number)


@pytest.fixture
def aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aside]:
    made = Aside(tmp_path, monkeypatch)
    with closing(made.store), closing(cast(Any, made.reader)):
        yield made


def test_what_plays_now_is_tried_on_starts_that_come_next(aside: Aside, tmp_path: Path) -> None:
    seed = aside.play.failing_start(SAID)
    assert seed % 3 == 0
    assert FIRST < seed <= FIRST + 3
    [(player, game, version)] = aside.played
    assert (player.adapter, player.checkpoint) == (None, default_checkpoint())
    assert (game, version) == ("doom", LOOKED_FOR)
    aside.adapter(str(tmp_path / "taught"))
    aside.play.failing_start(SAID)
    assert aside.played[-1][0].adapter == tmp_path / "taught"
    # All that was tried is kept, not only what failed, and the chosen starts are known.
    aside.store.wait()
    rows = aside.reader.evaluations(game="doom", policy_key="None")
    assert sorted(row.seed for row in rows) == list(range(FIRST + 1, FIRST + 1 + MOST))
    assert {row.success for row in rows} == {True, False}
    assert (SAID, seed) in starts_looked_for(aside.reader, "doom")


def test_what_nobody_judges_or_a_round_forbids_is_not_played(aside: Aside) -> None:
    with pytest.raises(UsageError, match="The game cannot judge “dance for me”"):
        aside.play.failing_start("dance for me")
    aside.running = True
    with pytest.raises(ModelError, match="taught or measured"):
        aside.play.failing_start(SAID)
    with pytest.raises(ModelError, match="taught or measured"):
        aside.play.film(1, 0)
    assert aside.played == []


def test_a_round_without_measurement_has_no_film(aside: Aside) -> None:
    with pytest.raises(ModelError, match="there is no film"):
        aside.play.film(1, 0)
    made = aside.store.add_round()
    with pytest.raises(ModelError, match="there is no film"):
        aside.play.film(made, 0)


def test_a_window_that_closes_waits_for_no_play(aside: Aside) -> None:
    aside.play.leave()
    with pytest.raises(StoppedError):
        aside.play.failing_start(SAID)


def test_a_search_that_is_ended_stops_and_the_next_one_begins(
    aside: Aside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a round that begins, beside which nothing is played."""
    whole = aside._evaluate

    def ends(*args: Any, **more: Any) -> list[Attempt]:
        aside.play.end()
        return whole(*args, **more)

    monkeypatch.setattr(background_play, "evaluate", ends)
    with pytest.raises(StoppedError):
        aside.play.failing_start(SAID)
    monkeypatch.setattr(background_play, "evaluate", whole)
    assert aside.play.failing_start(SAID) > FIRST


def test_a_model_of_the_persons_own_is_tried_at_their_temperature(aside: Aside) -> None:
    choice = ModelChoice(temperature=0.3)
    assert choice.own_temperature is None
    assert replace(choice, source="folder").own_temperature == 0.3
    aside.play.failing_start(SAID)
    assert aside.played[0][0].temperature is None


def test_a_new_wish_ends_the_one_before(aside: Aside, monkeypatch: pytest.MonkeyPatch) -> None:
    def evaluate(*args: object, on_played: Callable[[object], None], **more: object) -> None:
        # In the middle of it the person asks for something else.
        with pytest.raises(ModelError, match="there is no film"):
            aside.play.film(1, 0)
        on_played(None)

    monkeypatch.setattr(background_play, "evaluate", evaluate)
    with pytest.raises(StoppedError):
        aside.play.failing_start(SAID)
