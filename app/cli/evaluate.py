"""``playteach evaluate``: how often a policy succeeds, with an interval."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.cli.common import data_folder, emit, say
from recorder.errors import DataBusyError, DataError, ExitCode, UsageError
from recorder.games import REALTIME_GAMES
from recorder.store import EvaluationRow, Reader, Stepping, Store
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.run import Beside, Played, Question, evaluate
from trainer.evaluation.summary import summarise

KEEP_EVERY = 10
"""So many attempts are written at once; an interruption costs at most those."""


def run(options: argparse.Namespace) -> int:
    """Play every instruction on every seed and print the document."""
    from app.automation.headless import chosen_player
    from app.backend.settings import load_settings

    folder = data_folder(options)
    spec, _ = chosen_player(options.policy, folder, options.game)
    if spec.checkpoint is not None and (why := _disagreement(spec.checkpoint)):
        say(why)
    questions = questions_asked(options)
    seeds = list(options.seeds)
    paced = options.paced or (options.game in REALTIME_GAMES and not options.slowed)
    if options.slowed and options.game not in REALTIME_GAMES:
        raise UsageError(
            f"The game {options.game!r} waits for every step by itself, so it cannot be slowed; "
            "leave --slowed out."
        )
    stepping = Stepping.PACED if paced else Stepping.LOCK_STEP
    total = len(questions) * len(seeds)
    with contextlib.ExitStack() as stack:
        keep, known = _keeper(stack, folder, options.game, spec.key, stepping)
        wanted = {(q.task.id, q.heard, seed) for q in questions for seed in seeds}
        taken = {} if options.again else known
        there = {key: played for key, played in taken.items() if key in wanted}
        if there:
            more = "; --again plays them once more" if len(there) == len(wanted) else ""
            say(f"{len(there)} of {total} attempts are there from before{more}.")
        counts = {"done": len(there), "good": sum(played.success for played in there.values())}
        fresh: list[Played] = []

        def on_played(played: Played) -> None:
            fresh.append(played)
            keep(played)
            counts["done"] += 1
            counts["good"] += played.success
            if counts["done"] % 10 == 0 or counts["done"] == total:
                say(f"{counts['done']} of {total} played, {counts['good']} succeeded")

        results = evaluate(
            spec,
            options.game,
            questions,
            seeds,
            paced=paced,
            slowed=options.slowed,
            workers=options.workers,
            known=there,
            on_played=on_played,
            beside=Beside(load_settings().settings.hotkeys, say),
        )
    verbs = {question.task.id: question.task.verb for question in questions}
    document = summarise(options.policy, results, stepping=stepping.value, verbs=verbs)
    if options.suite is not None:
        document["suite"] = options.suite
    seconds = sum(played.seconds for played in fresh)
    # Attempts from before have no times; the speed is that of this run's.
    document["ticks_per_s"] = round(sum(p.ticks for p in fresh) / seconds, 1) if seconds else 0.0
    emit(options, document, _lines(document))
    return int(ExitCode.OK)


def questions_asked(options: argparse.Namespace) -> list[Question]:
    """Return what the options ask: a suite, a task with any sentence, sentences, or nothing.

    Raises UsageError for a suite or task that the game has not, and for ``--say`` without
    ``--task``.
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
        return [Question(asked.task, asked.say) for asked in suites[options.suite]]
    if options.task is None:
        return questions_of(options.game, options.instruction, data_folder(options))
    for task in task_list(options.game):
        if task.id == options.task:
            return [Question(task, "" if options.say is None else clean_instruction(options.say))]
    raise UsageError(
        f"There is no task {options.task!r}, so nothing was played; "
        f"see `playteach tasks --game {options.game}`."
    )


def _disagreement(checkpoint: Path) -> str:
    from model.vla.own_files import disagreement
    from model.vla.preprocess import load_spec

    return disagreement(checkpoint, load_spec(checkpoint))


def questions_of(game: str, instructions: list[str] | None, data: Path | None) -> list[Question]:
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
        return [Question(asked.task, asked.say) for asked in suites_of(game)[DEFAULT_SUITE]]
    return [
        Question(required_task(game, tasks, text, "nothing was played"), text)
        for text in map(clean_instruction, instructions)
    ]


def _keeper(
    stack: contextlib.ExitStack, folder: Path, game: str, key: str, stepping: Stepping
) -> tuple[Callable[[Played], None], dict[tuple[str, str, int], Played]]:
    """Return what keeps a result, and what was kept before an interruption."""
    try:
        store = stack.enter_context(Store.open(folder))
    except DataBusyError:
        say("Another Playteach has the data folder, so results are not kept this time.")
        return (lambda played: None), {}
    except DataError as error:
        say(f"Results are not kept: {error.sentence}")
        return (lambda played: None), {}
    with Reader.open(folder) as reader:
        rows = reader.evaluations(
            policy_key=key, game=game, stepping=stepping, variant=PLAY_VERSION
        )
    known = {
        (row.task_id, row.instruction, row.seed): Played(
            row.task_id, row.instruction, row.seed, row.outcome, row.ticks, 0.0
        )
        for row in rows
    }
    waiting: list[EvaluationRow] = []

    def flush() -> None:
        if waiting:
            # Only what was not known, or is asked once more, is played.
            store.add_evaluations(waiting, anew=True)
            waiting.clear()

    def keep(played: Played) -> None:
        waiting.append(
            EvaluationRow(
                key, game, played.task_id, played.heard, played.seed, stepping,
                played.outcome, played.ticks, PLAY_VERSION,
            )
        )  # fmt: skip
        if len(waiting) >= KEEP_EVERY:
            flush()

    stack.callback(flush)
    return keep, known


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
        f"({document['success_rate']:.1%}, 95 % between {low:.1%} and {high:.1%}), "
        f"{document['ticks_per_s']} ticks a second."
    )
    return lines
