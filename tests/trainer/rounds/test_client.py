"""The books around a round: whatever happens to it, the agent plays as before."""

from __future__ import annotations

import json

# Imported before any test changes sys.executable, which it keeps for its own children.
import multiprocessing.spawn
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lessons import record_lessons

from model.adapters.in_use import adapter_in_use
from model.vla.vla import VlaPolicy
from recorder.errors import DiskFullError, ExitCode, GameError
from recorder.games.base import Asked
from recorder.games.doom.tasks import TASK_BY_ID
from recorder.games.seeds import SeedRange
from recorder.store import (
    EvaluationRow,
    Reader,
    RoundStatus,
    Stepping,
    Store,
    adapters_path,
    parse_query,
)
from recorder.types import Outcome
from trainer.evaluation import run as running
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import Attempt, AttemptKey, Start
from trainer.rounds import protocol
from trainer.rounds.books import RoundResult, Say
from trainer.rounds.client import RoundClient
from trainer.rounds.inputs import chosen_episodes, reach_of
from trainer.rounds.measuring import known_before
from trainer.rounds.measuring.known_before import KNOWN_FROM
from trainer.rounds.protocol import Message, Step
from trainer.rounds.times import read_took
from trainer.rounds.working_folder import PRACTICE_FILE, make_work_folder, work_path

LESSON = Asked(TASK_BY_ID["go_to:barrel"])
SINCE_LAST_ROUND_OF_DOOM = parse_query("game:doom since:last-round")


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    with Store.open(data) as opened:
        yield opened


@pytest.fixture
def client(data: Path, store: Store, small_checkpoint: Path) -> RoundClient:
    return RoundClient(data, store, small_checkpoint)


def run(client: RoundClient, say: Say = lambda _m: None, *, max_steps: int = 5) -> RoundResult:
    return client.run("kind:demonstration", say=say, max_steps=max_steps, replay=40, paired_seeds=0)


def taught_and_used(client: RoundClient, store: Store) -> None:
    """Do a round and put it in use by hand: nothing that was not measured is by itself."""
    result = run(client)
    assert (result.status, result.activated) == (RoundStatus.DONE, False)
    store.set_active_adapter(result.adapter_id)


def books(data: Path) -> tuple[list[RoundStatus], int, int | None, list[str]]:
    """Return the rounds' states, the number of adapters, the active one, and the folders."""
    with Reader.open(data) as reader:
        active = reader.active_adapter()
        folders = adapters_path(data)
        return (
            [each.status for each in reader.rounds()],
            len(reader.adapters()),
            None if active is None else active.id,
            sorted(path.name for path in folders.iterdir()) if folders.exists() else [],
        )


def test_a_cancel_before_the_start_counts(data: Path, client: RoundClient) -> None:
    client.cancel()
    assert run(client).status is RoundStatus.CANCELLED
    assert books(data) == ([RoundStatus.CANCELLED], 0, None, [])


@pytest.mark.long(18, "two real processes: the one that is killed and the one after it")
def test_a_killed_round_changes_nothing_and_the_next_one_is_written_down_whole(
    data: Path, store: Store, knowing_checkpoint: Path
) -> None:
    client = RoundClient(data, store, knowing_checkpoint)

    def kill(message: Message) -> None:
        process = client._process
        if isinstance(message, Step) and process is not None:
            os.kill(process.pid, signal.SIGKILL)

    result = run(client, kill, max_steps=500)
    assert result.status is RoundStatus.FAILED
    assert "plays as before" in result.sentence
    assert books(data) == ([RoundStatus.FAILED], 0, None, [])
    again = run(RoundClient(data, store, knowing_checkpoint))
    assert again.status is RoundStatus.DONE
    statuses, count, active, folders = books(data)
    assert statuses == [RoundStatus.FAILED, RoundStatus.DONE]
    assert (count, folders) == (1, ["round-002"])
    # Nobody played it, so it is listed and no more.
    assert (active, again.activated, again.verdict) == (None, False, None)
    with Reader.open(data) as reader:
        assert reader.adapters()[0].title == "barrel"
        assert reader.rounds()[1].adapter_id == again.adapter_id
    assert not any((data / "rounds").iterdir())


def talk(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Let ``script`` talk in place of a round's process."""
    file = folder / "python"
    file.write_text(script, encoding="utf-8")
    file.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(file))


RUBBISH = """#!/bin/sh
echo 'not a message'
echo '{"kind": "step", "step": "many"}'
echo '[1, 2'
exit 0
"""


def test_a_child_that_talks_rubbish_is_a_failed_round(
    data: Path, client: RoundClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    talk(monkeypatch, tmp_path, RUBBISH)
    result = run(client)
    assert result.status is RoundStatus.FAILED
    assert books(data) == ([RoundStatus.FAILED], 0, None, [])


LAST_WORDS = """#!/bin/sh
echo '{"kind": "failed", "sentence": "There is too little."}'
exec >&-
read anything || exit 1
exit 5
"""


def test_practice_that_fails_by_a_problem_of_the_world_is_gone_on_with(
    data: Path, client: RoundClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As when its eye could not be taught: half an hour of practice must not be lost for that."""
    failed = json.dumps({"kind": "failed", "sentence": "There is too little."})
    talk(monkeypatch, tmp_path, f"#!/bin/sh\necho '{failed}'\nexit 5\n")
    for number, practice_min in enumerate((None, 0.5), 1):
        left = work_path(data, number)
        left.mkdir(parents=True)
        (left / ("lora_progress" if practice_min is None else PRACTICE_FILE)).touch()
        result = client.run(questions=[LESSON], paired_seeds=0, practice_min=practice_min)
        assert (result.status, result.exit_code) == (RoundStatus.FAILED, ExitCode.DATA_PROBLEM)
        # What a round had learnt may be why it failed.
        assert left.exists() is (practice_min is not None)


class _Speaking(subprocess.Popen[str]):
    """Says something into the process's stdin as soon as its end is waited for."""

    def wait(self, timeout: float | None = None) -> int:
        if self.stdin is not None and not self.stdin.closed:
            self.stdin.write("still here\n")
            self.stdin.flush()
        return super().wait(timeout)


def test_a_round_is_not_cancelled_by_its_own_end(
    data: Path, client: RoundClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Between its last word and its end the process still has what says that we live."""
    talk(monkeypatch, tmp_path, LAST_WORDS)
    monkeypatch.setattr(subprocess, "Popen", _Speaking)
    result = run(client)
    assert (result.status, result.exit_code) == (RoundStatus.FAILED, ExitCode.DATA_PROBLEM)


LEARNER = """#!{python}
import json, shutil, sys
out = sys.argv[sys.argv.index("--out") + 1]
shutil.copytree({adapter!r}, out)
with open(out + "/note.txt", "w") as file:
    file.write(out)
for name in ("taught", "old tasks"):
    print(json.dumps({{"kind": "gate", "name": name, "passed": True, "sentence": "Fine."}}))
metrics = {{"samples": [], "manifest": {{}}}}
print(json.dumps({{"kind": "done", "adapter": out, "passed": True, "metrics": metrics}}))
"""


@pytest.fixture
def quick_learner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_adapter: Path) -> None:
    """Let a process that has an adapter ready stand in for the one that learns."""
    assert multiprocessing.spawn.get_executable() != str(tmp_path / "python")
    talk(monkeypatch, tmp_path, LEARNER.format(python=sys.executable, adapter=str(small_adapter)))


def weights(base: Path, adapter: Path | None) -> dict[str, bytes]:
    policy = VlaPolicy.load(base, adapter=adapter, device="cpu", threads=1)
    return {
        name: parameter.detach().float().numpy().tobytes()
        for name, parameter in policy.model.named_parameters()
    }


@pytest.mark.usefixtures("quick_learner")
def test_a_round_notes_what_its_parts_took(
    data: Path, store: Store, small_checkpoint: Path
) -> None:
    times = iter([100.0, 107.0, 167.0, 190.0])
    client = RoundClient(data, store, small_checkpoint, now=lambda: next(times))
    assert run(client).status is RoundStatus.DONE
    with Reader.open(data) as reader:
        (row,) = reader.rounds()
    took = read_took(row.metrics)
    assert took is not None
    assert (took.before_s, took.teaching_s, took.playing_s) == (7.0, 60.0, 23.0)
    assert (took.game, took.base, took.sentences) == ("doom", small_checkpoint.name, 1)


@pytest.mark.usefixtures("quick_learner")
def test_going_back_plays_with_the_very_same_weights(
    data: Path, store: Store, client: RoundClient, small_checkpoint: Path
) -> None:
    def playing() -> tuple[int | None, dict[str, bytes]]:
        with Reader.open(data) as reader:
            row = reader.active_adapter()
        folder = None if row is None else Path(row.folder)
        return None if row is None else row.id, weights(small_checkpoint, folder)

    base = playing()
    taught_and_used(client, store)
    taught = playing()
    assert (base[0], taught[0]) == (None, 1)
    assert taught[1] != base[1]
    taught_and_used(client, store)
    with Reader.open(data) as reader:
        assert [row.parent_id for row in reader.adapters()] == [None, 1]
    assert playing()[0] == 2
    store.undo_activation()
    assert playing() == taught
    store.undo_activation()
    assert playing() == base


def known_poorly(data: Path, store: Store, client: RoundClient) -> None:
    """Let it be known that what plays cannot do the lesson: nothing is played to find out."""
    with Reader.open(data) as reader:
        row = reader.active_adapter()
    folder = None if row is None else Path(row.folder)
    ground = client._ground("doom", lambda _message: None, slowed=False, hotkeys=None)
    key = ground.player("before", folder).key
    store.add_evaluations(
        EvaluationRow(
            key, "doom", LESSON.task.id, LESSON.heard, SeedRange.VERDICT.first + number,
            Stepping.LOCK_STEP, Outcome.TIMEOUT, 9, "poor",
        )
        for number in range(KNOWN_FROM)
    )  # fmt: skip


@dataclass
class Beforehand:
    """Stands in for play before the lesson: every start succeeds."""

    played: int = 0

    def __call__(
        self, player: PlayerSpec, game: str, starts: Sequence[Start], *,
        on_played: Callable[[Attempt], None], version: str, **_rest: object,
    ) -> list[Attempt]:  # fmt: skip
        done = []
        for start in starts:
            key = AttemptKey(player.key, game, start.key, Stepping.LOCK_STEP, version)
            done.append(Attempt(key, Outcome.SUCCESS, 9))
            self.played += 1
            on_played(done[-1])
        return done


@pytest.fixture
def beforehand(monkeypatch: pytest.MonkeyPatch) -> Beforehand:
    played = Beforehand()
    monkeypatch.setattr(known_before, "evaluate", played)
    return played


@pytest.mark.long(8, "a round's real process, up to its first step")
def test_what_it_can_do_already_is_told_before_and_a_cancel_while_it_learns_changes_nothing(
    data: Path, store: Store, knowing_checkpoint: Path, beforehand: Beforehand
) -> None:
    client = RoundClient(data, store, knowing_checkpoint)
    said: list[Message] = []

    def say(message: Message) -> None:
        said.append(message)
        if isinstance(message, Step):
            client.cancel()

    result = client.run(
        "kind:demonstration", questions=[LESSON], paired_seeds=40, say=say, max_steps=500, replay=40
    )
    kinds = [m.name if isinstance(m, protocol.Stage) else m.kind for m in said]
    assert kinds[:12] == [protocol.BEFORE, *["played"] * KNOWN_FROM, protocol.KNOWN]
    assert "step" in kinds[12:]
    assert beforehand.played == KNOWN_FROM
    [told] = [m.sentence for m in said if isinstance(m, protocol.Stage) and m.name == "known"]
    assert f"{KNOWN_FROM} of {KNOWN_FROM} attempts" in told
    # What was cancelled while it learnt leaves everything as it was.
    assert result.status is RoundStatus.CANCELLED
    assert books(data) == ([RoundStatus.CANCELLED], 0, None, [])
    assert not any((data / "rounds").iterdir())


def test_a_cancel_before_the_training_leaves_everything_as_it_was(
    data: Path, client: RoundClient, beforehand: Beforehand
) -> None:
    said: list[Message] = []

    def say(message: Message) -> None:
        said.append(message)
        if isinstance(message, protocol.Played) and message.done == 3:
            client.cancel()

    result = client.run("kind:demonstration", questions=[LESSON], paired_seeds=40, say=say)
    assert result.status is RoundStatus.CANCELLED
    assert books(data) == ([RoundStatus.CANCELLED], 0, None, [])
    # No process was started that learns.
    assert (beforehand.played, len(said)) == (3, 4)


@pytest.mark.usefixtures("quick_learner")
def test_a_round_that_is_not_to_be_measured_plays_nothing_beforehand(
    client: RoundClient, beforehand: Beforehand
) -> None:
    result = client.run("kind:demonstration", questions=[LESSON], paired_seeds=0)
    assert (result.status, beforehand.played) == (RoundStatus.DONE, 0)


def test_a_round_with_too_little_to_learn_from_plays_nothing_beforehand(
    tmp_path: Path, small_checkpoint: Path, beforehand: Beforehand
) -> None:
    data = tmp_path / "little"
    with Store.open(data) as store:
        record_lessons(data, episodes=1, ticks=6, game="doom", store=store)
        result = RoundClient(data, store, small_checkpoint).run(questions=[LESSON])
    assert (result.status, result.exit_code) == (RoundStatus.FAILED, ExitCode.DATA_PROBLEM)
    assert "too little to learn from" in result.sentence
    assert beforehand.played == 0


@pytest.mark.long(15, "players in processes of their own load a model each")
@pytest.mark.usefixtures("quick_learner")
def test_players_that_die_in_the_paired_play_change_nothing(
    data: Path, store: Store, client: RoundClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # They are not started again here: how often is the measurement's own affair.
    monkeypatch.setattr(running, "MOST_DEATHS", 0)
    taught_and_used(client, store)
    before = books(data)

    known_poorly(data, store, client)

    def kill(message: Message) -> None:
        if isinstance(message, protocol.Played):
            for child in multiprocessing.active_children():
                child.kill()

    with pytest.raises(GameError, match="died"):
        client.run("kind:demonstration", questions=[LESSON], paired_seeds=40, say=kill)
    after = books(data)
    assert after[0] == [RoundStatus.DONE, RoundStatus.FAILED]
    assert after[1:] == before[1:]
    taught_and_used(client, store)
    assert books(data)[1:3] == (2, 2)


@pytest.mark.long(15, "two players in processes of their own load a model each")
@pytest.mark.usefixtures("quick_learner")
def test_a_cancel_in_the_paired_play_leaves_everything_as_it_was(
    data: Path, store: Store, client: RoundClient
) -> None:
    known_poorly(data, store, client)

    def cancel(message: Message) -> None:
        if isinstance(message, protocol.Played):
            client.cancel()

    result = client.run("kind:demonstration", questions=[LESSON], paired_seeds=40, say=cancel)
    assert result.status is RoundStatus.CANCELLED
    assert books(data) == ([RoundStatus.CANCELLED], 0, None, [])


IMPORTED = "'transformers.models.qwen2_vl.modeling_qwen2_vl' in __import__('sys').modules"


@pytest.mark.skipif(
    sys.platform != "linux" or any(path.exists() for path in running.GPU_DRIVERS),
    reason="each is started by itself",
)
def test_what_plays_a_checkpoint_is_a_copy_that_need_not_import_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    setup = running._Setup("doom", False, False, None, "play", loads=True)
    with running._pool(setup, 1) as pool:
        assert pool.submit(eval, IMPORTED).result()
    assert running.player_context(loads=False).get_start_method() == "spawn"
    # A GPU is no part of a copy.
    monkeypatch.setattr(running, "GPU_DRIVERS", (tmp_path,))
    assert running.player_context(loads=True).get_start_method() == "spawn"


HALF = """#!/bin/sh
while [ "$1" != --out ]; do shift; done
mkdir -p "$(dirname "$2")/.$(basename "$2").new"
kill -9 $$
"""


def test_a_half_written_adapter_is_swept_away(
    data: Path, client: RoundClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    talk(monkeypatch, tmp_path, HALF)
    assert run(client).status is RoundStatus.FAILED
    assert books(data) == ([RoundStatus.FAILED], 0, None, [])


def test_an_adapter_of_a_round_that_the_database_does_not_know_stays(
    data: Path, client: RoundClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As where the database was put back from an older copy: its next round has that number again.
    earlier = adapters_path(data) / "round-001"
    earlier.mkdir(parents=True)
    (earlier / "adapter_model.safetensors").write_bytes(b"learnt before")
    talk(monkeypatch, tmp_path, HALF)
    assert run(client).status is RoundStatus.FAILED
    assert (earlier / "adapter_model.safetensors").read_bytes() == b"learnt before"
    assert books(data) == ([RoundStatus.FAILED], 0, None, ["round-001"])


def test_a_missing_base_has_the_models_exit_code(data: Path, store: Store, tmp_path: Path) -> None:
    result = run(RoundClient(data, store, tmp_path / "nowhere"))
    assert (result.status, result.exit_code) == (RoundStatus.FAILED, ExitCode.MODEL_PROBLEM)
    assert "nowhere" in result.sentence
    assert books(data) == ([RoundStatus.FAILED], 0, None, [])


@pytest.mark.usefixtures("quick_learner")
def test_a_full_disk_at_the_very_end_activates_nothing(
    data: Path, client: RoundClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object, **_more: object) -> int:
        raise DiskFullError("The disk is full, so nothing was written; make room.")

    monkeypatch.setattr(store, "finish_round", full)
    with pytest.raises(DiskFullError):
        run(client)
    assert books(data) == ([RoundStatus.FAILED], 0, None, [])


@pytest.mark.usefixtures("quick_learner")
def test_a_ctrl_c_just_after_the_end_was_written_takes_nothing_back(
    data: Path, client: RoundClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = store.finish_round

    def interrupted(*given: Any) -> tuple[int, bool]:
        whole(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "finish_round", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(client)
    assert books(data) == ([RoundStatus.DONE], 1, None, ["round-001"])


@pytest.mark.usefixtures("quick_learner")
def test_a_relative_data_folder_plays_from_elsewhere_and_after_a_move(
    data: Path, store: Store, small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    taught_and_used(RoundClient(Path("data"), store, small_checkpoint), store)
    store.close()
    monkeypatch.chdir(data / "adapters")
    moved = data.rename(data.parent / "moved")
    with Reader.open(moved) as reader:
        row = adapter_in_use(reader, small_checkpoint)
    assert row is not None
    assert Path(row.folder) == moved / "adapters" / "round-001"
    assert weights(small_checkpoint, Path(row.folder)) != weights(small_checkpoint, None)


@pytest.mark.usefixtures("quick_learner")
def test_a_round_on_a_lost_adapter_begins_from_the_base_and_says_so(
    data: Path, store: Store, client: RoundClient
) -> None:
    taught_and_used(client, store)
    shutil.rmtree(adapters_path(data) / "round-001")
    said: list[str] = []

    def hear(message: Message) -> None:
        if isinstance(message, protocol.Stage):
            said.append(message.sentence)

    result = run(client, hear)
    assert result.status is RoundStatus.DONE
    assert len(said) == 1
    assert "round-001 is not there any more" in said[0]
    assert "the round begins from the base" in said[0]
    with Reader.open(data) as reader:
        assert [row.parent_id for row in reader.adapters()] == [None, None]


def test_a_round_learns_only_from_what_had_ended_when_it_began(
    data: Path, client: RoundClient, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    talk(monkeypatch, tmp_path, f'#!/bin/sh\necho "$@" > {shlex.quote(str(told))}\nexit 3\n')
    assert run(client).status is RoundStatus.FAILED
    arguments = told.read_text(encoding="utf-8").split()
    assert arguments[arguments.index("--round") + 1] == "1"
    record_lessons(data, episodes=1, ticks=6, game="doom", store=store)
    with Reader.open(data) as reader:
        everything = [row.id for row in reader.episodes()]
        chosen = [row.id for row in chosen_episodes(reader, "kind:demonstration", 1)]
        assert sorted(chosen) == sorted(everything)[:-1]
        assert reach_of(reader, 1) == max(chosen)
        # What was thrown away since is not taught either.
        store.delete_episode(chosen[0])
        assert len(chosen_episodes(reader, "kind:demonstration", 1)) == len(chosen) - 1


def test_practice_leaves_what_was_shown_to_the_next_round(
    data: Path,
    client: RoundClient,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    small_adapter: Path,
) -> None:
    told = tmp_path / "told"
    note = f"open({str(told)!r}, 'w').write(' '.join(sys.argv[1:]))\n"
    script = LEARNER.format(python=sys.executable, adapter=str(small_adapter))
    talk(monkeypatch, tmp_path, script.replace("metrics =", note + "metrics =", 1))
    with Reader.open(data) as reader:
        before = len(reader.episodes(SINCE_LAST_ROUND_OF_DOOM))
    result = client.run(questions=[LESSON], paired_seeds=0, practice_min=0.5)
    assert result.status is RoundStatus.DONE
    arguments = told.read_text(encoding="utf-8")
    assert arguments.startswith("-m trainer.practice --with-parent")
    assert "--minutes 0.5 --number 1 --sentence go to the barrel" in arguments
    with Reader.open(data) as reader:
        # It learnt from none of the episodes, so they are still to be learnt from.
        assert before > 0
        assert len(reader.episodes(SINCE_LAST_ROUND_OF_DOOM)) == before
        (row,) = reader.rounds()
        assert row.chosen is None
        assert row.config["practice_min"] == 0.5


def test_a_round_takes_over_what_a_killed_one_left_and_leaves_a_running_one_alone(
    data: Path, store: Store
) -> None:
    killed, failed, running, new = (store.add_round() for _ in range(4))
    for number in (killed, failed):
        store.update_round(number, status=RoundStatus.FAILED)
    for number, name in ((killed, "older"), (failed, "newest"), (running, "running")):
        work_path(data, number).mkdir(parents=True)
        (work_path(data, number) / name).touch()
        os.utime(work_path(data, number), (number, number))
    made = make_work_folder(data, new)
    assert [path.name for path in made.iterdir()] == ["newest"]
    assert sorted(path.name for path in made.parent.iterdir()) == ["round-003", "round-004"]
    assert (work_path(data, running) / "running").exists()


def test_rounds_and_practice_take_over_their_own_kind_alone(data: Path, store: Store) -> None:
    """A killed round's samples, taken by a practice, were learnt anew."""
    taught, practised, new, newer = (store.add_round() for _ in range(4))
    for number, name in ((taught, "lora_progress"), (practised, PRACTICE_FILE)):
        store.update_round(number, status=RoundStatus.FAILED)
        work_path(data, number).mkdir(parents=True)
        (work_path(data, number) / name).touch()
    made = make_work_folder(data, new, practises=True)
    assert [path.name for path in made.iterdir()] == [PRACTICE_FILE]
    assert not work_path(data, practised).exists()
    made = make_work_folder(data, newer)
    assert [path.name for path in made.iterdir()] == ["lora_progress"]
    assert sorted(path.name for path in made.parent.iterdir()) == ["round-003", "round-004"]


def test_a_round_goes_on_from_what_an_earlier_version_left(data: Path, store: Store) -> None:
    left = data / "rounds" / "work"
    left.mkdir(parents=True)
    (left / "progress").touch()
    made = make_work_folder(data, store.add_round())
    assert [path.name for path in made.iterdir()] == ["progress"]
    assert not left.exists()
