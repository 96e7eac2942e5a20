"""``playteach evaluate``: how often a policy succeeds, with an interval."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from app.cli.common import data_folder, emit, say
from app.cli.seeds import seeds_to_judge_on
from recorder.errors import DataBusyError, DataError, ExitCode, UsageError
from recorder.games import game_spec
from recorder.games.base import Asked
from recorder.store import Reader, Stepping, Store
from trainer.evaluation.outcome_store import AttemptKeeper, known_attempts
from trainer.evaluation.run import Beside, evaluate
from trainer.evaluation.starts import Attempt, Start, StartKey, starts_of, stepping_of
from trainer.evaluation.summary import summarise


def run(options: argparse.Namespace) -> int:
    """Play everything asked on every seed and print the document."""
    from app.automation.headless import chosen_player
    from app.backend.settings import load_settings

    folder = data_folder(options)
    spec, _ = chosen_player(options.policy, folder, options.game)
    if spec.checkpoint is not None and (why := _disagreement(spec.checkpoint)):
        say(why)
    asked = asked_of(options)
    seeds, of_range = seeds_to_judge_on(options.seeds, scripted=spec.checkpoint is None, say=say)
    starts = starts_of(asked, seeds)
    if options.slowed and not game_spec(options.game).realtime:
        raise UsageError(
            f"The game {options.game!r} waits for every step by itself, so it cannot be slowed; "
            "leave --slowed out."
        )
    stepping = stepping_of(options.game, paced=options.paced, slowed=options.slowed)
    with contextlib.ExitStack() as stack:
        keep, known = _keeper(stack, folder, spec.key, options.game, starts, stepping)
        progress = _Progress(len(starts), {} if options.again else known)
        fresh: list[Attempt] = []

        def on_played(played: Attempt) -> None:
            fresh.append(played)
            keep(played)
            progress.count(played)

        results = evaluate(
            spec,
            options.game,
            starts,
            paced=options.paced,
            slowed=options.slowed,
            workers=options.workers,
            known=progress.there,
            on_played=on_played,
            beside=Beside(load_settings().settings.hotkeys, say),
        )
    verbs = {each.task.id: each.task.verb for each in asked}
    document = summarise(options.policy, results, stepping=stepping.value, verbs=verbs)
    document["range"] = of_range.title
    if options.suite is not None:
        document["suite"] = options.suite
    emit(options, document, _lines(document))
    return int(ExitCode.OK)


class _Progress:
    """Tells how far a measurement is; ``there`` are the attempts from before."""

    def __init__(self, total: int, there: dict[StartKey, Attempt]) -> None:
        self.there = there
        self._total = total
        self._done = len(there)
        self._good = sum(attempt.success for attempt in there.values())
        if there:
            more = "; --again plays them once more" if len(there) == total else ""
            say(f"{len(there)} of {total} attempts are there from before{more}.")

    def count(self, played: Attempt) -> None:
        """Count a new attempt, and say so at every tenth."""
        self._done += 1
        self._good += played.success
        if self._done % 10 == 0 or self._done == self._total:
            say(f"{self._done} of {self._total} played, {self._good} succeeded")


def asked_of(options: argparse.Namespace) -> Sequence[Asked]:
    """Return what the options ask: a suite, a task with any sentence, sentences, or nothing.

    Raises UsageError for a suite or task that the game has not, a sentence that nobody judges,
    and for ``--say`` without ``--task``.
    """
    from model.language.prompts import clean_instruction
    from recorder.games import suites_of, task_list

    if options.say is not None and options.task is None:
        raise UsageError(
            "--say is what the policy hears while the judge follows a task, and no --task was "
            "given; add one, see `playteach tasks`."
        )
    if options.suite is not None:
        suites = suites_of(options.game)
        if options.suite not in suites:
            raise UsageError(
                f"There is no suite called {options.suite!r}, so nothing was played; "
                f"choose one of: {', '.join(suites)}."
            )
        return suites[options.suite]
    if options.task is None:
        return asked_in_words(options.game, options.instruction, data_folder(options))
    for task in task_list(options.game):
        if task.id == options.task:
            return [Asked(task, "" if options.say is None else clean_instruction(options.say))]
    raise UsageError(
        f"There is no task {options.task!r}, so nothing was played; "
        f"see `playteach tasks --game {options.game}`."
    )


def _disagreement(checkpoint: Path) -> str:
    from model.vla.own_files import disagreement
    from model.vla.preprocess import load_spec

    return disagreement(checkpoint, load_spec(checkpoint))


def asked_in_words(
    game: str, instructions: Sequence[str] | None, data: Path | None
) -> Sequence[Asked]:
    """Return what is asked: the game's default suite, or the given sentences.

    ``data`` is the data folder with the person's own games.  Raises UsageError for an unknown
    game, an empty sentence, and whatever the game cannot judge: it would count as a failure.
    """
    from model.language.prompts import clean_instruction
    from recorder.games import DEFAULT_SUITE, required_task, suites_of, task_list

    tasks = task_list(game, data)
    if not tasks:
        raise UsageError(
            f"The game {game!r} has nothing that it can judge, so nothing was played; use "
            "`playteach play` and mark each attempt yourself."
        )
    if not instructions:
        return suites_of(game)[DEFAULT_SUITE]
    return [
        Asked(required_task(game, tasks, text, "nothing was played"), text)
        for text in map(clean_instruction, instructions)
    ]


def _keeper(
    stack: contextlib.ExitStack,
    folder: Path,
    player: str,
    game: str,
    starts: Sequence[Start],
    stepping: Stepping,
) -> tuple[Callable[[Attempt], None], dict[StartKey, Attempt]]:
    """Return what keeps an attempt, and those of ``starts`` that are known already."""
    try:
        store = stack.enter_context(Store.open(folder))
    except DataBusyError:
        say("Another Playteach has the data folder, so results are not kept this time.")
        return (lambda attempt: None), {}
    except DataError as error:
        say(f"Results are not kept: {error.sentence}")
        return (lambda attempt: None), {}
    with Reader.open(folder) as reader:
        known = known_attempts(reader, player, game, starts, stepping)
    keeper = AttemptKeeper(store)
    stack.callback(keeper.flush)
    return keeper.keep, known


def _lines(document: dict[str, Any]) -> list[str]:
    low, high = document["interval"]
    lines = [
        f"{text}: {part['success']} of {part['n']}"
        for text, part in document["by_instruction"].items()
    ]
    if document["unjudged"]:
        lines.append(f"{document['unjudged']} attempts were not judged and are not counted.")
    if not document["n"]:
        return [*lines, f"{document['policy']}: no attempt was judged, so there is no rate."]
    lines.append(
        f"{document['policy']}: {document['success']} of {document['n']} succeeded "
        f"({document['success_rate']:.1%}, 95 % between {low:.1%} and {high:.1%}) on seeds of the "
        f"{document['range']} range, {document['ticks_per_s']} ticks a second."
    )
    return lines
