"""Every command, its flags and its help.  Imports nothing but argparse and a string."""

from __future__ import annotations

import argparse
import difflib
import importlib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from app import __version__

Command = Callable[[argparse.Namespace], int]

if TYPE_CHECKING:
    # What commands are added to.  argparse gives it no public name.
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


class Add(Protocol):
    """Adds a command that runs ``MODULE:FUNCTION``; returns its parser."""

    def __call__(
        self, group: Subparsers, name: str, run: str, text: str, *, parents: bool = True
    ) -> argparse.ArgumentParser:
        """Add it to ``group``; ``parents`` adds the flags that all commands share."""
        ...


EXIT_CODES = """exit codes:
  0  done                          5  the database or a recording cannot be used
  1  a mistake inside Playteach    6  a checkpoint or adapter cannot be used
  2  asked for the impossible      7  another Playteach writes to the data folder
  3  another known problem         130  stopped by Ctrl-C or the panic key
  4  no display for the window
"""
MAX_SEEDS = 1_000_000
"""So many starts at once are years of play; more can only be a slip of the keyboard."""
POLICIES = (
    "default | base | an adapter's number | a checkpoint folder | owner/model on the hub | "
    "expert | random | idle"
)
WINDOW, PLAY = "app.cli.window:run", "app.cli.play:run"
NAMED_POLICIES = ("default", "base", "expert", "random", "idle")
DEFAULT_GAME = "doom"
SLOWED_HELP = "let a game in a window wait for every step"
QUERY_HELP = "which episodes, such as 'task:go_to:* outcome:success since:last-round'"


class _Parser(argparse.ArgumentParser):
    """Says of a mistyped command which one may be meant."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and the message."""
        found = re.match(
            r"argument [A-Z]+: invalid choice: '([^']*)' \(choose from (.*)\)", message
        )
        if found is not None:
            known = [each.strip(" '") for each in found[2].split(",")]
            near = difflib.get_close_matches(found[1], known, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            message = f"there is no command {found[1]!r}.{meant} `{self.prog} --help` lists them."
        super().error(message)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; ``command_of`` finds what it chose."""
    common = argparse.ArgumentParser(add_help=False)
    # Suppressed defaults: a verb's parser must not undo what stood before the verb.
    common.add_argument(
        "--data",
        type=place,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="data folder (default: the platform's)",
    )
    common.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document on one line, last on stdout",
    )
    parser: argparse.ArgumentParser = _Parser(
        prog="playteach",
        description="Watch a model play a game, take over when it goes wrong, and teach it. "
        "Without a command the window opens.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"playteach {__version__}")
    parser.add_argument(
        "--data", type=place, metavar="DIR", default=argparse.SUPPRESS, help="data folder"
    )
    parser.add_argument(
        "--game", default=argparse.SUPPRESS, metavar="NAME", help="which game the window opens"
    )
    _add_launch(parser)
    parser.add_argument(
        "--slowed", action="store_true", default=argparse.SUPPRESS, help=SLOWED_HELP
    )
    parser.set_defaults(
        run=WINDOW,
        data=None,
        json=False,
        game=DEFAULT_GAME,
        launch=False,
        slowed=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(
        group: Subparsers, name: str, run: str, text: str, *, parents: bool = True
    ) -> argparse.ArgumentParser:
        made = group.add_parser(
            name, help=text, description=text, parents=[common] if parents else []
        )
        made.set_defaults(run=run)
        return made

    _add_playing(commands, add)
    _add_teaching(commands, add)
    _add_lists(commands, add)
    _add_upkeep(commands, add)
    return parser


def opens_the_window(options: argparse.Namespace) -> bool:
    """Return whether a command line opens the window."""
    if options.run == PLAY:
        return not options.headless
    return bool(options.run == WINDOW)


def command_of(options: argparse.Namespace) -> Command:
    """Import and return the function that does what was asked."""
    module, _, name = options.run.partition(":")
    return cast(Command, getattr(importlib.import_module(module), name))


def place(text: str) -> Path:
    """Read a file's or folder's name as an absolute path, from where the command was started.

    Raises argparse.ArgumentTypeError for an empty name, which would be the folder that one
    happens to stand in.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; name a folder or a file, or leave it out")
    return Path(text).absolute()


def is_named_policy(text: str) -> bool:
    """Return whether ``--policy`` is a word or an adapter's number, whatever lies around here."""
    return text in NAMED_POLICIES or (text.isascii() and text.isdigit())


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; every file and folder in it is an absolute path afterwards."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["help"]:
        # What people try first.
        given = [*given[1:], "--help"]
    options = build_parser().parse_args(given)
    policy: str = getattr(options, "policy", "")
    # With a server it is a name over there.
    here = policy and not getattr(options, "server", None)
    if here and not is_named_policy(policy) and Path(policy).is_dir():
        options.policy = str(Path(policy).resolve())
    return options


def seed_range(text: str) -> range:
    """Read ``A-B`` (both ends count) or one number.

    Raises argparse.ArgumentTypeError for anything else.
    """
    first, dash, last = text.partition("-")
    ends = (first, last if dash else first)
    if not all(end.isascii() and end.isdigit() and len(end) < 10 for end in ends):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no range of seeds; write A-B, such as 1000000-1000049"
        )
    start, stop = int(ends[0]), int(ends[1])
    if stop < start:
        raise argparse.ArgumentTypeError(f"in {text!r} the first seed is the larger one")
    if stop - start >= MAX_SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r} are more than {MAX_SEEDS:,} seeds")
    return range(start, stop + 1)


def positive(text: str) -> int:
    """Read a whole number from 1 on; raises argparse.ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**6):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def minutes(text: str) -> float:
    """Read a number of minutes, 0.1 to 600; raises argparse.ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.1 <= number <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes from 0.1 to 600")
    return number


def seed_number(text: str) -> int:
    """Read one seed, 0 to 999,999,999; raises argparse.ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is no seed; write a number from 0 on")
    return int(text)


def _add_playing(commands: Subparsers, add: Add) -> None:
    demo = add(commands, "demo", "app.cli.demo:run", "the whole loop, headless, with a report")
    demo.add_argument("--out", type=place, metavar="DIR", help="where the report goes")
    _add_game(demo)
    demo.add_argument("--lesson", metavar="TEXT", help="what is taught (default: what fails most)")
    demo.add_argument("--quick", action="store_true", help="within 3 minutes on two cores")
    play = add(commands, "play", PLAY, "let a policy play")
    _add_game(play)
    play.add_argument("--instruction", metavar="TEXT", help="the window also waits for one")
    play.add_argument(
        "--seed", type=seed_number, metavar="N", help="the first start (default: a new one)"
    )
    play.add_argument("--policy", default="default", metavar="P", help=POLICIES)
    _add_model(play)
    play.add_argument("--record", action="store_true", help="store what happens")
    play.add_argument("--headless", action="store_true", help="without a window")
    play.add_argument("--slowed", action="store_true", default=argparse.SUPPRESS, help=SLOWED_HELP)
    play.add_argument("--episodes", type=positive, default=1, metavar="N")
    _add_launch(play)
    evaluate = add(commands, "evaluate", "app.cli.evaluate:run", "measure a policy on many starts")
    _add_game(evaluate)
    evaluate.add_argument("--policy", default="default", metavar="P", help=POLICIES)
    what = evaluate.add_mutually_exclusive_group()
    what.add_argument(
        "--instruction",
        action="append",
        metavar="TEXT",
        help="may be repeated; default: the default suite",
    )
    what.add_argument("--task", metavar="ID", help="the judge follows this task")
    what.add_argument("--suite", metavar="NAME", help="a fixed list of tasks: default, seen, ...")
    evaluate.add_argument("--say", metavar="TEXT", help="with --task: what the policy hears")
    evaluate.add_argument(
        "--seeds",
        type=seed_range,
        metavar="A-B",
        help="default: the first 20 of the validation range, 1000000-1000019",
    )
    evaluate.add_argument(
        "--again", action="store_true", help="play also what was played and kept before"
    )
    evaluate.add_argument("--paced", action="store_true", help="at the game's tick rate")
    evaluate.add_argument("--slowed", action="store_true", help=SLOWED_HELP)
    evaluate.add_argument("--workers", type=positive, metavar="N", help="games at once")


def _add_teaching(commands: Subparsers, add: Add) -> None:
    demonstrate = add(
        commands, "demonstrate", "app.cli.demonstrate:run", "record the scripted expert's play"
    )
    _add_game(demonstrate)
    demonstrate.add_argument("--instruction", required=True, metavar="TEXT")
    demonstrate.add_argument(
        "--seeds",
        type=seed_range,
        metavar="A-B",
        help="default: ten of the teaching range, 10000000-19999999, not used so far",
    )
    demonstrate.add_argument(
        "--for-training",
        action="store_true",
        help="for a new default model: seeds of the training range, 0-999999",
    )
    demonstrate.add_argument("--slowed", action="store_true", help=SLOWED_HELP)
    demonstrate.add_argument(
        "--stumbles", action="store_true", help="jerk the view now and then: show the way back"
    )
    teach = add(commands, "round", "app.cli.round:run", "learn from what was recorded")
    teach.add_argument("--episodes", metavar="QUERY", default="since:last-round", help=QUERY_HELP)
    _add_game(teach)
    teach.add_argument(
        "--policy",
        "--base",
        default="default",
        metavar="P",
        help="what is taught: default | a checkpoint folder | owner/model on the hub",
    )
    _add_prompting(teach)
    practise = add(
        commands, "practise", "app.cli.practise:run", "let the agent practise a sentence by itself"
    )
    practise.add_argument(
        "sentence",
        nargs="+",
        metavar="SENTENCE",
        help="one that the game judges, or its own eye by your marks",
    )
    practise.add_argument(
        "--minutes", type=minutes, default=10.0, metavar="N", help="how long (default 10)"
    )
    _add_game(practise)
    practise.add_argument(
        "--policy",
        "--base",
        default="default",
        metavar="P",
        help="who practises: default | a checkpoint folder | owner/model on the hub",
    )
    _add_prompting(practise)


def _add_lists(commands: Subparsers, add: Add) -> None:
    episodes = add(commands, "episodes", "app.cli.episodes:list_", "what was recorded")
    episodes.add_argument("--query", metavar="QUERY", default="", help=QUERY_HELP)
    verbs = episodes.add_subparsers(metavar="VERB")
    listing = add(verbs, "list", "app.cli.episodes:list_", "list episodes, newest first")
    listing.add_argument("--query", metavar="QUERY", default=argparse.SUPPRESS, help=QUERY_HELP)
    for name, text in (
        ("show", "everything about one"),
        ("delete", "put into the bin"),
        ("undo", "take out of the bin (default: what was put in last)"),
    ):
        verb = add(verbs, name, f"app.cli.episodes:{name}", text)
        verb.add_argument("id", type=positive, nargs="?" if name == "undo" else None)
    teach = add(verbs, "teach", "app.cli.episodes:teach", "say whether rounds may learn from one")
    teach.add_argument("id", type=positive)
    teach.add_argument("use", choices=("yes", "no", "auto"), help="auto: if it succeeded")
    teach.add_argument("--pauses", action="store_true", help="keep where you stood still")
    adapters = add(commands, "adapters", "app.cli.adapters:list_", "what rounds have made")
    verbs = adapters.add_subparsers(metavar="VERB")
    add(verbs, "list", "app.cli.adapters:list_", "list adapters, oldest first")
    show = add(verbs, "show", "app.cli.adapters:show", "everything about one")
    show.add_argument("id", type=positive)
    use = add(verbs, "use", "app.cli.adapters:use", "play with it ('base': without any)")
    use.add_argument("id")
    use.add_argument("--anyway", action="store_true", help="even if it did not pass its gates")
    more = add(verbs, "add", "app.cli.adapters:add", "list one that was taught by hand")
    more.add_argument("folder", type=place)
    for name in ("rollback", "undo"):
        add(verbs, name, "app.cli.adapters:roll_back", "undo the newest activation")
    rounds = add(commands, "rounds", "app.cli.rounds:list_", "what rounds came to, which wait")
    verbs = rounds.add_subparsers(metavar="VERB")
    add(verbs, "list", "app.cli.rounds:list_", "list the rounds, oldest first")
    show_round = add(verbs, "show", "app.cli.rounds:show", "what was measured of one")
    show_round.add_argument("id", type=positive)
    tasks = add(commands, "tasks", "app.cli.tasks:run", "what can be asked for and judged")
    _add_game(tasks)
    for name, text in (("games", "what can be played"), ("models", "what can play")):
        group = add(commands, name, f"app.cli.{name}:list_", text)
        verbs = group.add_subparsers(metavar="VERB")
        add(verbs, "list", f"app.cli.{name}:list_", text)
        show = add(verbs, "show", f"app.cli.{name}:show", "everything about one")
        show.add_argument("name")
        if name == "games":
            install = add(
                verbs, "install", "app.cli.games:install", "prepare a simulator's own environment"
            )
            install.add_argument("name", help="minecraft | minerl | minestudio")
            install.add_argument("--anyway", action="store_true", help="although needs are missing")
        else:
            fetch = add(verbs, "fetch", "app.cli.models:fetch", "fetch a checkpoint from the hub")
            fetch.add_argument("name", help="owner/model")
            fetch.add_argument("--yes", action="store_true", help="do not ask")


def _add_upkeep(commands: Subparsers, add: Add) -> None:
    add(commands, "doctor", "app.cli.doctor:run", "what is there, what is missing, what to do")
    data = add(commands, "data", "app.cli.data:verify", "look after the database")
    verbs = data.add_subparsers(metavar="VERB", required=True)
    add(verbs, "verify", "app.cli.data:verify", "check the database and every picture in it")
    bring = add(verbs, "import", "app.cli.data_exchange:import_", "bring recordings of others in")
    bring.add_argument("files", type=place, nargs="+", help=".mp4 (with .jsonl), .jsonl, .parquet")
    bring.add_argument("--instruction", metavar="TEXT", help="the sentence of an .mp4 recording")
    give = add(verbs, "export", "app.cli.data_exchange:export", "write minecraft-vla-sft rows")
    give.add_argument("file", type=place, help=".jsonl or .parquet")
    give.add_argument("--episodes", metavar="QUERY", default="", help=QUERY_HELP)
    purge = add(verbs, "purge", "app.cli.data:purge", "erase what is in the bin for good")
    purge.add_argument("--yes", action="store_true", help="do not ask")
    benchmark = add(commands, "benchmark", "app.cli.benchmark:run", "measure this machine")
    benchmark.add_argument("name", metavar="NAME", nargs="?", help="play, recording, ...")
    benchmark.add_argument("--runs", type=positive, metavar="N", help="median of N (default: 3)")
    benchmark.add_argument(
        "--part", action="append", metavar="PART", help="desktop, rounds, teaching: only this"
    )
    benchmark.add_argument("--quick", action="store_true", help="desktop: short runs, to try it")
    benchmark.add_argument("--fresh", action="store_true", help="desktop: nothing from before")
    benchmark.add_argument("--workers", type=positive, metavar="N", help="swap, expert: processes")


def _add_model(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how a large model plays")
    group.add_argument("--server", metavar="URL", help="a server that plays (OpenAI's protocol)")
    group.add_argument("--temperature", type=float, metavar="T", help="0 takes the likeliest")
    group.add_argument(
        "--adapter", metavar="N", help="one of the checkpoint's adapters, or none (default: in use)"
    )
    group.add_argument("--actions", choices=("tokens", "text"), help="how a server's model writes")
    group.add_argument("--system", type=place, metavar="FILE", help="a server's system prompt")
    _add_prompting(group)


def _add_prompting(group: argparse._ActionsContainer) -> None:
    """Add what play and teaching have in common."""
    group.add_argument("--prompt", metavar="FORM", help="jarvis | jarvis-recipe | jarvis-simple")
    group.add_argument("--history", type=int, metavar="N", help="earlier frames, 0 to 4")
    group.add_argument("--chunk", type=positive, metavar="N", help="actions an answer, 1 to 8")
    group.add_argument("--precision", metavar="P", help="bf16 | 8bit | 4bit")
    group.add_argument("--recipes", type=place, metavar="DIR", help="Minecraft's recipe files")
    group.add_argument("--as-typed", action="store_true", help="do not rewrite the sentence")
    group.add_argument("--yes", action="store_true", help="fetch from the hub without asking")


def _add_game(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--game",
        default=argparse.SUPPRESS,
        metavar="NAME",
        help=f"see `playteach games` (default: {DEFAULT_GAME})",
    )


def _add_launch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--launch",
        action="store_true",
        default=argparse.SUPPRESS,
        help="agree to the command of a profile of your own, as `playteach games show` prints it",
    )
