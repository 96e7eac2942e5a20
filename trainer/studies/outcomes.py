"""Attempts behind the figures of the suites, in one file: `docs/outcomes.json`.

`python -m trainer.studies.outcomes keep FILE --data FOLDER` puts what `playteach evaluate --suite`
has played of the default model into FILE; `restore` puts it back into a data folder, so that
another machine goes on with it; `tables` prints the tables of the documentation, and draws
the success by verb.  A letter stands for an attempt, one a seed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.errors import DataError, KnownError
from recorder.games.doom.tasks import SUITES, TASK_BY_ID
from recorder.games.seeds import JUDGING, SeedRange, common_range
from recorder.store import Reader, Stepping, Store
from recorder.types import Outcome
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.players import player_spec
from trainer.evaluation.starts import Attempt, AttemptKey, StartKey, attempt_of, row_of
from trainer.evaluation.summary import summarise
from trainer.studies.charts import Rate, draw_verbs
from trainer.studies.held_out import is_untouched


class Summary(Rate):
    """What `playteach evaluate` says of attempts that were all judged."""

    wrong_rate: float
    by_verb: dict[str, Rate]


LETTERS = {
    Outcome.SUCCESS: "S",
    Outcome.FAILURE: "W",
    Outcome.TIMEOUT: "t",
    Outcome.ABANDONED: "a",
    Outcome.INTERRUPTED: "i",
    Outcome.UNKNOWN: "u",
}
"""W: done to another thing than asked, or the wrong way."""
OUTCOMES = {letter: outcome for outcome, letter in LETTERS.items()}
NOT_PLAYED = "."


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The attempts of one player: by suite, (task id, sentence heard), then seed.

    ``player`` is its key (:attr:`trainer.evaluation.players.PlayerSpec.key`), ``variant`` what
    its rows were kept under.
    """

    player: str
    variant: str
    suites: dict[str, dict[tuple[str, str], dict[int, Outcome]]]

    @property
    def seeds(self) -> SeedRange:
        """The range that the attempts were made on; raises ValueError for several or none."""
        return common_range(
            {seed for suite in self.suites.values() for each in suite.values() for seed in each}
        )

    def results(self, suite: str) -> list[Attempt]:
        """Return a suite's attempts; their length was not kept."""
        return [
            Attempt(self._key(StartKey(task, said, seed)), outcome, 0)
            for (task, said), by_seed in self.suites[suite].items()
            for seed, outcome in by_seed.items()
        ]

    def _key(self, start: StartKey) -> AttemptKey:
        return AttemptKey(self.player, "doom", start, Stepping.LOCK_STEP, self.variant)

    def whole(self, suite: str) -> bool:
        """Return whether there are attempts at every entry: suites have tasks in common."""
        return len(self.suites[suite]) == len(SUITES[suite])

    def summary(self, suite: str) -> Summary:
        """Return what ``playteach evaluate --suite`` says of these attempts."""
        return self._summed_up(self.results(suite))

    def untouched(self, suite: str) -> Summary:
        """Return the same of the entries that are strictly held out."""
        results = self.results(suite)
        return self._summed_up([one for one in results if is_untouched(one.task_id, one.heard)])

    def in_steps(self, suite: str) -> bool:
        """Return whether every sentence of a suite has two steps."""
        return all("+" in task for task, _ in self.suites[suite])

    def by_step(self, suite: str) -> list[dict[str, Rate]]:
        """Return the success by verb of the first and of the second step."""
        steps = [
            {task: TASK_BY_ID[task.split("+")[place]].verb for task, _ in self.suites[suite]}
            for place in range(2)
        ]
        return [self._summed_up(self.results(suite), verbs)["by_verb"] for verbs in steps]

    def _summed_up(
        self, results: Sequence[Attempt], verbs: Mapping[str, str] | None = None
    ) -> Summary:
        verbs = verbs or {task.id: task.verb for task in TASK_BY_ID.values()}
        found = summarise(self.player, results, stepping=str(Stepping.LOCK_STEP), verbs=verbs)
        return Summary(
            success=found["success"],
            n=found["n"],
            success_rate=found["success_rate"],
            interval=found["interval"],
            wrong_rate=found["wrong_rate"],
            by_verb=found["by_verb"],
        )


def collect(folder: Path, player: str, seeds: SeedRange) -> Outcomes:
    """Return what a data folder holds of a player's attempts at the suites' entries.

    Only those of today's play on ``seeds`` count.  Raises KnownError where there are none.
    """
    with Reader.open(folder) as reader:
        rows = reader.evaluations(
            policy_key=player, game="doom", stepping=Stepping.LOCK_STEP, variant=PLAY_VERSION
        )
    played: dict[tuple[str, str], dict[int, Outcome]] = {}
    for attempt in sorted(map(attempt_of, rows), key=lambda attempt: attempt.seed):
        if attempt.seed in seeds:
            by_seed = played.setdefault((attempt.task_id, attempt.heard), {})
            by_seed[attempt.seed] = attempt.outcome
    if not played:
        raise KnownError(
            f"{folder} holds no attempts of the default model's play as it is now on seeds of the "
            f"{seeds.title} range, so nothing was written; choose the folder of a measurement."
        )
    suites = {}
    for name, asked in SUITES.items():
        keys = [(each.task.id, each.heard) for each in asked]
        if found := {key: played[key] for key in keys if key in played}:
            suites[name] = found
    return Outcomes(player, PLAY_VERSION, suites)


def write(outcomes: Outcomes, path: Path) -> None:
    """Write the file: one line an entry of a suite, one letter a seed from the range's first."""
    first = outcomes.seeds.first
    lines = []
    for name, entries in outcomes.suites.items():
        seeds = [seed for by_seed in entries.values() for seed in by_seed]
        span = range(first, max(seeds) + 1)
        rows = [
            json.dumps([task, said, "".join(_letter(by_seed, seed) for seed in span)])
            for (task, said), by_seed in entries.items()
        ]
        lines.append(f"  {json.dumps(name)}: [\n   " + ",\n   ".join(rows) + "\n  ]")
    head = {"player": outcomes.player, "variant": outcomes.variant, "first": first}
    text = json.dumps(head)[:-1] + ',\n "suites": {\n' + ",\n".join(lines) + "\n }\n}\n"
    path.write_text(text, encoding="utf-8")


def _letter(by_seed: Mapping[int, Outcome], seed: int) -> str:
    return LETTERS[by_seed[seed]] if seed in by_seed else NOT_PLAYED


def read(path: Path) -> Outcomes:
    """Read a file that :func:`write` wrote; raises KnownError for any other."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        first = int(document["first"])
        suites = {
            name: {(task, said): dict(_by_seed(first, letters)) for task, said, letters in rows}
            for name, rows in document["suites"].items()
        }
        return Outcomes(str(document["player"]), str(document["variant"]), suites)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KnownError(
            f"{path} is no file of outcomes, so nothing was read; "
            "`python -m trainer.studies.outcomes keep` writes one."
        ) from error


def _by_seed(first: int, letters: str) -> Iterator[tuple[int, Outcome]]:
    for place, letter in enumerate(letters):
        if letter != NOT_PLAYED:
            yield first + place, OUTCOMES[letter]


def restore(outcomes: Outcomes, folder: Path) -> int:
    """Put the attempts into a data folder; return how many were not there yet."""
    rows = {
        attempt.key: row_of(attempt)
        for suite in outcomes.suites
        for attempt in outcomes.results(suite)
    }
    with Store.open(folder) as store:
        return store.add_evaluations(rows.values())


def tables(outcomes: Outcomes, suites: Sequence[str]) -> str:
    """Return the tables of the documentation: by suite, and by verb."""
    summaries = {name: outcomes.summary(name) for name in suites}
    lines = ["| Suite | Success | To the wrong thing |", "|---|---|---|"]
    for name, summary in summaries.items():
        lines.append(_row(f"`{name}`", summary))
        if name.startswith("heldout"):
            lines.append(_row("of these untouched", outcomes.untouched(name)))
    lines += ["", "| Verb |" + "".join(f" `{name}` |" for name in suites)]
    lines.append("|---|" + "---|" * len(suites))
    for verb in dict.fromkeys(task.verb for task in TASK_BY_ID.values()):
        rates = [summary["by_verb"].get(verb) for summary in summaries.values()]
        if any(rates):
            cells = [f" {rate['success']} of {rate['n']} |" if rate else " |" for rate in rates]
            lines.append(f"| {verb} |" + "".join(cells))
    for name in suites:
        if outcomes.in_steps(name):
            lines += _by_step(outcomes, name)
    return "\n".join(lines) + "\n"


def _row(name: str, summary: Summary) -> str:
    if not summary["n"]:
        return f"| {name} | nobody judged | |"
    low, high = summary["interval"]
    share = f"{summary['success_rate']:.1%} ({low:.1%} to {high:.1%})".replace("%", " %")
    wrong = f"{summary['wrong_rate']:.1%}".replace("%", " %")
    return f"| {name} | {summary['success']} of {summary['n']}, {share} | {wrong} |"


def pictured(outcomes: Outcomes, suites: Sequence[str]) -> dict[str, dict[str, Rate]]:
    """Return the success by verb of each suite; of two steps by the verb of either."""
    panels: dict[str, dict[str, Rate]] = {}
    for name in suites:
        if outcomes.in_steps(name):
            first, second = outcomes.by_step(name)
            panels |= {f"{name}, first step": first, f"{name}, second step": second}
        else:
            panels[name] = outcomes.summary(name)["by_verb"]
    return panels


def _by_step(outcomes: Outcomes, suite: str) -> list[str]:
    """Return the table of sentences with two steps, by the verb of either."""
    lines = ["", "| Verb | As the first step | As the second |", "|---|---|---|"]
    steps = outcomes.by_step(suite)
    for verb in dict.fromkeys(task.verb for task in TASK_BY_ID.values()):
        rates = [step.get(verb) for step in steps]
        if any(rates):
            cells = [f"{rate['success']} of {rate['n']}" if rate else "" for rate in rates]
            lines.append(f"| {verb} | {' | '.join(cells)} |")
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Keep, restore or print; 2 where the file or the folder holds no outcomes."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.studies.outcomes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    keep = kinds.add_parser("keep", help="write FILE from a data folder")
    back = kinds.add_parser("restore", help="put FILE into a data folder")
    show = kinds.add_parser("tables", help="print the tables of FILE")
    for one in (keep, back, show):
        one.add_argument("file", type=Path, metavar="FILE")
    for one in (keep, back):
        one.add_argument("--data", type=Path, required=True, help="the data folder")
    keep.add_argument(
        "--seeds",
        choices=[each.title for each in SeedRange if each in JUDGING],
        default=SeedRange.TEST.title,
        help="of which range (default: test)",
    )
    show.add_argument(
        "--suite", action="append", choices=SUITES, help="default: all whole ones of FILE"
    )
    show.add_argument("--picture", type=Path, help="draw the success by verb, PNG")
    given = parser.parse_args(arguments)
    try:
        if given.kind == "keep":
            key = player_spec("base", active_adapter=None, adapters={}).key
            seeds = SeedRange[given.seeds.upper()]
            write(collect(given.data, key, seeds), given.file)
            return 0
        outcomes = read(given.file)
        if given.kind == "restore":
            sys.stderr.write(f"{restore(outcomes, given.data)} attempts put back\n")
            return 0
        suites = given.suite or [name for name in outcomes.suites if outcomes.whole(name)]
        sys.stdout.write(tables(outcomes, suites))
        if given.picture:
            draw_verbs(pictured(outcomes, suites), given.picture)
    except (KnownError, DataError) as error:
        sys.stderr.write(error.sentence + "\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
