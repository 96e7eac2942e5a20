"""What a round is measured with: the tasks that its episodes' sentences ask for."""

from __future__ import annotations

from pathlib import Path

from toy_game import SIZE, ToyGame, WalkPolicy

from model.play.episode import EpisodeLoop, run_episode
from model.play.runner import LockStepRunner
from recorder.games.base import Task, free_task
from recorder.store import EpisodeKind, Store
from trainer.rounds.questions import questions_of

EPISODES = (
    # As an earlier version recorded other words for a task.
    free_task("use your gun on the barrel"),
    free_task("dance"),
    free_task("go to the torch"),
    Task("press:red_switch", "a wording of long ago", "press", "red switch", 60),
)


def test_the_sentence_decides_what_a_round_is_measured_with(tmp_path: Path) -> None:
    toy = ToyGame()
    with Store.open(tmp_path) as store:
        session = store.begin_session(
            "doom", tick_rate_hz=20.0, width=SIZE, height=SIZE, realtime=False, bindings={}
        )
        recorder = store.episode_recorder(
            session, kind=EpisodeKind.ROLLOUT, policy="walk", when_full="wait"
        )
        loop = EpisodeLoop(
            toy, LockStepRunner(WalkPolicy()), policy_name="walk", observers=(recorder,)
        )
        for seed, task in enumerate(EPISODES):
            run_episode(loop, task, seed, max_ticks=2)
        store.end_session(session)
        round_id = store.add_round(query="", choose=True)
    asked = {each.heard: each.task.id for each in questions_of(tmp_path, round_id, "", "doom")}
    assert asked == {
        "use your gun on the barrel": "shoot:barrel",
        "a wording of long ago": "press:red_switch",
    }
