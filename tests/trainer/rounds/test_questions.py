"""What a round is measured with: the tasks that the sentences of its lessons ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from toy_game import SIZE, TASKS, ToyGame, WalkPolicy

from model.play.episode import Decision, EpisodeLoop, Proposal, policy_drives, run_episode
from model.play.runner import LockStepRunner
from recorder.games.base import Asked, Task, free_task
from recorder.games.doom.tasks import TASK_BY_ID
from recorder.store import EpisodeKind, Store
from recorder.types import Action, Driver, Frame, Outcome
from trainer.rounds.questions import free_sentences_of, questions_of, title_of

SHOWN = (
    # As an earlier version recorded other words for a task.
    free_task("use your gun on the barrel"),
    free_task("dance"),
    free_task("go to the torch"),
    Task("press:red_switch", "a wording of long ago", "press", "red switch", 60),
)


def person_drives(_frame: Frame, _proposal: Proposal | None) -> Decision:
    return Decision(Action(right=True), Driver.PERSON)


@contextmanager
def recorded(data: Path) -> Iterator[Callable[[EpisodeKind], EpisodeLoop]]:
    """Give loops whose episodes are recorded; afterwards a round has chosen all of them."""
    with Store.open(data) as store:
        session = store.begin_session(
            "doom", tick_rate_hz=20.0, width=SIZE, height=SIZE, realtime=False, bindings={}
        )

        def loop(kind: EpisodeKind) -> EpisodeLoop:
            recorder = store.episode_recorder(session, kind=kind, policy="walk", when_full="wait")
            return EpisodeLoop(
                ToyGame(distance=2), LockStepRunner(WalkPolicy()), policy_name="walk",
                observers=(recorder,),
            )  # fmt: skip

        yield loop
        store.end_session(session)
        assert store.add_round(query="", choose=True) == 1


def asked(data: Path) -> tuple[dict[str, str], list[str]]:
    questions = {each.heard: each.task.id for each in questions_of(data, 1, "", "doom")}
    return questions, free_sentences_of(data, 1, "", "doom")


def test_the_sentence_decides_what_a_round_is_measured_with(tmp_path: Path) -> None:
    with recorded(tmp_path) as loop:
        for seed, task in enumerate(SHOWN):
            show = loop(EpisodeKind.DEMONSTRATION)
            run_episode(show, task, seed, max_ticks=2, decide=person_drives)
    questions, free = asked(tmp_path)
    assert questions == {
        "use your gun on the barrel": "shoot:barrel",
        "a wording of long ago": "press:red_switch",
    }
    assert sorted(free) == ["dance", "go to the torch"]


def test_what_was_only_watched_is_no_lesson(tmp_path: Path) -> None:
    with recorded(tmp_path) as loop:
        for seed, task in enumerate((free_task("hop"), TASK_BY_ID["pick_up:medkit"])):
            watched = loop(EpisodeKind.ROLLOUT)
            run_episode(watched, task, seed, max_ticks=1, decide=policy_drives)
        # What the agent did well by itself is learnt from, and is no lesson all the same.
        good = run_episode(loop(EpisodeKind.ROLLOUT), TASKS[0], 5, instruction="go to the imp")
        assert good.outcome is Outcome.SUCCESS
        show = loop(EpisodeKind.DEMONSTRATION)
        run_episode(show, free_task("dance"), 7, max_ticks=2, decide=person_drives)
    assert asked(tmp_path) == ({}, ["dance"])


def test_where_nothing_was_shown_what_went_well_is_what_a_round_is_about(tmp_path: Path) -> None:
    with recorded(tmp_path) as loop:
        run_episode(loop(EpisodeKind.ROLLOUT), TASKS[0], 5, instruction="go to the imp")
    assert asked(tmp_path) == ({"go to the imp": "go_to:imp"}, [])


def test_a_sentence_that_came_in_the_middle_is_a_lesson_too(tmp_path: Path) -> None:
    with recorded(tmp_path) as loop:
        show = loop(EpisodeKind.DEMONSTRATION)
        show.begin(free_task("dance"), 3)
        show.tick(person_drives)
        show.set_instruction("go to the barrel")
        show.tick(person_drives)
        show.end(Outcome.UNKNOWN)
    assert asked(tmp_path) == ({"go to the barrel": "go_to:barrel"}, ["dance"])


def test_a_title_names_what_is_about_no_thing_too() -> None:
    ids = ("pick_up:chainsaw", "turn_left", "go_to:red_torch")
    asked = [Asked(TASK_BY_ID[each]) for each in ids]
    assert title_of(asked) == "chainsaw, turn left and 1 more"
