"""How fast this tree is beside an earlier commit: the two in turn, a ratio for every pair of runs.

    python tests/helpers/against.py COMMIT --runs 10 --part help --part play

Each run is a row of a file under ``runs/against``, so that a measurement that was broken off goes
on.  A ratio is this tree's time over the commit's (of a speed the inverse), so below 1 is faster;
its 95 % interval is Student's, of the logarithms.  Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from places import ROOT

ALLOWED = 1.05
"""A ratio that its interval has to include or to lie below."""


def benchmark(name: str, *figures: str) -> Callable[[Path], dict[str, float]]:
    """Return what runs ``playteach benchmark NAME`` once in a tree and picks ``figures``."""

    def run(tree: Path) -> dict[str, float]:
        output = in_tree(tree, "-m", "app", "benchmark", name, "--runs", "1", "--json")
        found = json.loads(output.splitlines()[-1])["median"]
        return {figure: float(found[figure]) for figure in figures}

    return run


def help_time(tree: Path) -> dict[str, float]:
    """Return the seconds of ``playteach --help`` in a tree."""
    started = time.perf_counter()
    in_tree(tree, "-m", "app", "--help")
    return {"help_s": time.perf_counter() - started}


PARTS: Mapping[str, Callable[[Path], dict[str, float]]] = {
    "help": help_time,
    "startup": benchmark("startup", "visible_s", "playing_s"),
    "play": benchmark("play", "actions_per_s"),
    "round": benchmark("round", "training_and_gates_s"),
}
SPEEDS = frozenset({"actions_per_s"})


def in_tree(tree: Path, *arguments: str) -> str:
    """Run this Python in a tree, which is all that it imports of ours; return its output."""
    environment = os.environ | {"PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=environment, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    return done.stdout


def ratio(now: float, then: float, figure: str) -> float:
    """Return how much longer this tree takes than the commit."""
    return then / now if figure in SPEEDS else now / then


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Return (geometric mean, low, high) with Student's 95 % interval of the logarithms."""
    from scipy.stats import t

    logs = [math.log(each) for each in ratios]
    mean = math.fsum(logs) / len(logs)
    if len(logs) < 2:
        return math.exp(mean), 0.0, math.inf
    spread = math.sqrt(math.fsum((each - mean) ** 2 for each in logs) / (len(logs) - 1) / len(logs))
    half = float(t.ppf(0.975, len(logs) - 1)) * spread
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def measure(commit: str, parts: list[str], runs: int) -> None:
    """Run what is missing and print a line for each figure."""
    kept = ROOT / "runs" / "against" / f"{commit}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    earlier = kept.parent / commit
    if not earlier.exists():
        # One whose folder was removed is still listed.
        for words in (("prune",), ("add", "--quiet", "--detach", str(earlier), commit)):
            subprocess.run(["git", "worktree", *words], cwd=ROOT, check=True)
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    for part in parts:
        for number in range(runs):
            if any((row["part"], row["number"]) == (part, number) for row in rows):
                continue
            # Who goes first changes, so that a machine that warms up favours neither.
            sides = ("now", "then") if number % 2 else ("then", "now")
            trees = {"now": ROOT, "then": earlier}
            row = {"part": part, "number": number}
            row |= {side: PARTS[part](trees[side]) for side in sides}
            rows.append(row)
            with kept.open("a") as file:
                file.write(json.dumps(row) + "\n")
            sys.stderr.write(json.dumps(row) + "\n")
        mine = [row for row in rows if row["part"] == part and row["number"] < runs]
        for figure in mine[0]["now"]:
            each = [ratio(row["now"][figure], row["then"][figure], figure) for row in mine]
            middle, low, high = interval(each)
            now, then = ([row[side][figure] for row in mine] for side in ("now", "then"))
            sys.stdout.write(
                f"{part} {figure}: {sorted(now)[len(now) // 2]:.3g} now, "
                f"{sorted(then)[len(then) // 2]:.3g} at {commit}; ratio {middle:.3f} "
                f"({low:.3f} to {high:.3f}), {'met' if low <= ALLOWED else 'missed'}\n"
            )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--part", action="append", choices=tuple(PARTS))
    options = parser.parse_args()
    measure(options.commit, options.part or list(PARTS), options.runs)


if __name__ == "__main__":
    main()
