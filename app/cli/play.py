"""``playteach play``: a policy plays one instruction, in the window or without it."""

from __future__ import annotations

import argparse
import contextlib
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.cli.common import data_folder, emit, say
from recorder.errors import ExitCode, UsageError
from recorder.games.seeds import SeedRange, next_seed

if TYPE_CHECKING:
    from app.automation.headless import Attempted
    from app.session.api import Snapshot
    from app.session.control_loop import LiveSession
    from app.session.wiring import MakeRecording
    from model.play.policy import Policy
    from recorder.games.base import Game, Task
    from recorder.store import Store
    from trainer.evaluation.players import PlayerSpec


def run(options: argparse.Namespace) -> int:
    """Play ``--episodes`` attempts from ``--seed`` on, at the game's tick rate."""
    from app.session.teaching_seeds import require_unjudged
    from model.language.prompts import clean_instruction

    if options.instruction is None:
        if options.headless:
            raise UsageError(
                "Without a window nobody can type what to do, so nothing was played; add "
                '--instruction "mine an oak log" or the like.'
            )
        return _in_window(options, "")
    text = clean_instruction(options.instruction)
    if not options.headless:
        return _in_window(options, text)
    if options.record and options.seed is not None:
        require_unjudged(options.seed)
    return _headless(options, text)


def _in_window(options: argparse.Namespace, text: str) -> int:
    from app.cli.model_flags import window_choice
    from app.session.teaching_seeds import require_unjudged
    from app.setup.display import require_display

    if options.episodes != 1 or options.json:
        raise UsageError(
            "The window plays one attempt after another by hand; add --headless to choose a "
            "number of episodes, or --json."
        )
    if options.seed is not None:
        require_unjudged(options.seed)
    choice = window_choice(options)
    require_display()
    from app.application import run_window

    return int(
        run_window(
            data_folder(options),
            game_name=options.game,
            slowed=options.slowed,
            play=text,
            seed=options.seed,
            agreed=options.launch,
            model=choice,
        )
    )


def _headless(options: argparse.Namespace, text: str) -> int:
    from app.automation.headless import chosen_player
    from app.cli.model_flags import large_policy
    from app.session.control_loop import LiveSession
    from app.session.thinking_time import runner_of
    from app.session.wiring import Player, take_short_turns
    from model.play.runner import LockStepRunner
    from recorder.games import find_task
    from recorder.games.base import OwnWindowGame
    from trainer.evaluation.players import PlayerSpec

    folder = data_folder(options)
    large = large_policy(options)
    spec, adapter_id = (
        (None, None) if large else chosen_player(options.policy, folder, options.game, tell=say)
    )
    with contextlib.ExitStack() as stack:
        opens = partial(_opened, options, folder)
        game = opens()
        stack.callback(game.close)
        take_short_turns()
        for warning in getattr(game, "warnings", ()):
            say(warning)
        if not find_task(game, text).judged:
            say("This game has no task of that name, so nobody will judge the attempt.")
        _say_hint(spec, adapter_id, folder, game.tasks(), text)
        say(f"Waking the policy {options.policy!r} up ...")
        # Beside a game that draws in real time, a second thread only waits for the first.
        threads = 1 if isinstance(game, OwnWindowGame) else None
        if large is not None:
            made = large()
            policy, adapter_id = made.policy, made.adapter_id
        else:
            policy = _small_player(cast(PlayerSpec, spec), game, threads)
        if why := disagreement_of(policy):
            say(why)
        real_time = not options.slowed
        is_model = spec is None or bool(spec.checkpoint)
        store, recording = _recorded(stack, options, game)
        session: LiveSession = LiveSession(
            game,
            player=Player(policy, adapter_id),
            make_recording=recording,
            make_runner=(
                runner_of(game, lambda: session) if real_time and is_model else LockStepRunner
            ),
            paced=real_time,
            threaded=False,
            # A script knows the game that it was made with from inside.
            reopen=opens if is_model else None,
        )
        stack.callback(session.close)
        if isinstance(game, OwnWindowGame):
            game.listen(session)
        session.start()
        done = _play_all(session, text, _seeds(options, folder), store)
    return _tell(options, text, done)


def _recorded(
    stack: contextlib.ExitStack, options: argparse.Namespace, game: Game
) -> tuple[Store | None, MakeRecording | None]:
    """Return the store, which ``stack`` closes, and what records there; None without --record."""
    from app.session.wiring import store_recording
    from recorder.store import Store

    if not options.record:
        return None, None
    store = stack.enter_context(Store.open(data_folder(options)))
    session_id, recording = store_recording(store, game)
    stack.callback(store.end_session, session_id)
    return store, recording


def _seeds(options: argparse.Namespace, folder: Path) -> Iterator[int]:
    """Yield each episode's seed; what is recorded begins where the person's lessons end."""
    seed = SeedRange.TEACHING.first if options.seed is None else options.seed
    if options.seed is None and options.record:
        from app.session.teaching_seeds import fresh_teaching_seed
        from recorder.store import Reader

        with Reader.open(folder) as reader:
            seed = fresh_teaching_seed(reader, options.game)
    for _ in range(options.episodes):
        yield seed
        seed = next_seed(seed)


def _opened(options: argparse.Namespace, folder: Path) -> Game:
    from app.backend.settings import load_settings
    from recorder.games import agreed_command, open_game

    return open_game(
        options.game,
        slowed=options.slowed,
        data=folder,
        hotkeys=load_settings().settings.hotkeys,
        confirmed=agreed_command(options.game, folder, options.launch),
    )


def _play_all(
    session: LiveSession, text: str, seeds: Iterable[int], store: Store | None
) -> list[Attempted]:
    """Play every attempt that was asked for, each kept on the disk before the next begins."""
    from app.automation.headless import attempt, played_anew, require_kept

    done = []
    progress = _Progress()
    for seed in seeds:
        play = partial(
            attempt,
            session,
            lambda: session.play(text),
            seed=seed,
            on_tick=progress,
            on_pause=lambda: say(_paused(session.game)),
        )
        result = played_anew(session, play, say)
        say(f"seed {result.seed}: {result.outcome} after {result.ticks} ticks")
        done.append(result)
        if store is not None:
            require_kept(store)
    return done


def _small_player(spec: PlayerSpec, game: Game, threads: int | None) -> Policy:
    """Return a script, or a small model that is watched as in the window."""
    from model.play.stuck_detector import PRACTICE_WATCH, WatchedPolicy
    from trainer.evaluation.players import make_policy

    policy = make_policy(spec, game, threads=threads)
    return policy if spec.checkpoint is None else WatchedPolicy(policy, PRACTICE_WATCH)


def disagreement_of(policy: Policy) -> str:
    """Return why a checkpoint's own files do not fit each other, "" where nothing is wrong."""
    return str(getattr(getattr(policy, "policy", policy), "disagreement", ""))


def _paused(game: Game) -> str:
    from recorder.games.base import OwnWindowGame
    from recorder.input.hearing import Hotkey

    keys = game.hotkeys if isinstance(game, OwnWindowGame) else {}
    return (
        f"Paused; {keys.get(Hotkey.PAUSE) or 'the pause key'} in the game goes on, "
        f"{keys.get(Hotkey.PANIC) or 'the panic key'} or Ctrl-C stops."
    )


def _say_hint(
    spec: PlayerSpec | None, adapter_id: int | None, folder: Path, tasks: Sequence[Task], text: str
) -> None:
    """Say so where the sentence was never taught; of a large model nobody knows."""
    from app.backend.sentences.familiarity_hint import hint_for

    if spec is not None and (hint := hint_for(spec, adapter_id, folder, tasks, text)):
        say(hint)


class _Progress:
    """Says how fast it goes, and every sentence for the person once."""

    def __init__(self) -> None:
        self._said = {""}

    def __call__(self, snapshot: Snapshot) -> None:
        if snapshot.tick % 50 == 0:
            say(f"tick {snapshot.tick}, {snapshot.measured_rate_hz:.1f} ticks a second")
        if snapshot.message not in self._said:
            # It comes and goes with every answer, and begins anew in every attempt.
            self._said.add(snapshot.message)
            say(snapshot.message)


def _tell(options: argparse.Namespace, text: str, done: list[Attempted]) -> int:
    document = _document(options.policy, text, done)
    emit(options, document, _lines(document, done))
    return int(ExitCode.OK)


def _document(policy: str, text: str, done: list[Attempted]) -> dict[str, object]:
    from trainer.evaluation.starts import JUDGED

    judged = sum(each.outcome in JUDGED for each in done)
    ticks = sum(each.ticks for each in done)
    seconds = sum(each.seconds for each in done)
    latencies = [value for each in done for value in each.latencies_ms]
    episodes = []
    for each in done:
        facts = asdict(each)
        del facts["latencies_ms"]
        episodes.append(facts)
    return {
        "policy": policy,
        "instruction": text,
        "episodes": episodes,
        # Nobody knows how many succeeded of those that nobody judged.
        "success": sum(each.outcome == "success" for each in done) if judged else None,
        "judged": judged,
        "n": len(done),
        "ticks_per_s": round(ticks / seconds, 2) if seconds else 0.0,
        "missed_ticks": sum(each.missed_ticks for each in done),
        "latency_ms_median": round(statistics.median(latencies), 2) if latencies else None,
    }


def _lines(document: Mapping[str, object], done: Sequence[Attempted]) -> list[str]:
    lines = [
        f"seed {each.seed}: {each.outcome} in {each.ticks} ticks"
        + (f", {each.invalid_outputs} answers no action" if each.invalid_outputs else "")
        + (f", stored as episode {each.episode_id}" if each.episode_id else "")
        for each in done
    ]
    counted = (
        f"{document['success']} of {document['judged']} succeeded"
        if document["judged"]
        else "Nobody judged it"
    )
    lines.append(
        f"{counted}, {document['ticks_per_s']} ticks a second, {document['missed_ticks']} missed."
    )
    return lines
