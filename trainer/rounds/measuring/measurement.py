"""How a round's adapter is played against what was in use: in small looks, until it is decided.

Taught sentences and earlier lessons are played in pairs on fresh starts of the verdict's range; the
old tasks on a sample that base and parent have played before.  Every attempt is kept in the store
as it comes.  No torch, no Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from model.language.paraphrase import TAUGHT_FILE
from model.vla.memory import is_small
from model.vla.play_options import PlayOptions
from recorder.errors import DataError
from recorder.games import game_spec
from recorder.games.base import Asked, free_task
from recorder.games.seeds import SeedRange
from recorder.store import AdapterRow, EvaluationRow, Reader, Store
from trainer.evaluation import old_tasks
from trainer.evaluation.eye.correction import seeing
from trainer.evaluation.outcome_store import AttemptKeeper, known_attempts
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import Beside, evaluate_pair, evaluate_sides
from trainer.evaluation.starts import (
    Attempt,
    Start,
    StartKey,
    attempt_of,
    row_of,
    stepping_of,
)
from trainer.evaluation.verdicts.lines import (
    OLD_TASKS_NAME,
    eye_line,
    old_tasks_line,
    sentence_line,
    unknown_line,
)
from trainer.evaluation.verdicts.sequential import (
    MOST_PAIRS,
    SENTENCE_MARGIN,
    Pairs,
    Plan,
    decided,
    looks_up_to,
    round_alpha,
)
from trainer.evaluation.verdicts.stored_verdicts import read_verdict
from trainer.evaluation.verdicts.verdict import Line, Part
from trainer.rounds import protocol
from trainer.rounds.measuring.eyes import TaughtEye, paths_of

MEASURING = "measuring"
"""The name of a stage in which a game in a window of its own plays on the person's screen."""
LEAVE_ALONE = (
    "Another window of the game opens for the measurement; leave keyboard and mouse alone until it "
    "closes. A touch has a start played anew, and the panic key stops it."
)
LEAST_SEEN = 0.1
"""However little an eye may see, play must end."""
SPARE_STARTS = 20
"""So many starts more are played, at most, in place of those that nobody could judge."""
ROUND = "round-"
"""The version of attempts that judge the sentences taught in a round begins with it."""
EARLIER = "earlier-"
NOBODY_JUDGES = "nobody can judge it in play, so it is not known whether it changed"
CHECKING_OLD_TASKS = "What it could before is still being checked."
NO_OLD_TASKS = (
    "What it could before was not measured: it is not known here what the base was taught."
)
OLD_TASKS_ELSEWHERE = (
    "What the base was taught first is of another game and cannot be played in this one, so it is "
    "not known whether it is kept."
)
OLD_TASKS_LEFT_OUT = "What it could before was left out of this measurement."
SKIPPED = "was not checked, as nothing that was taught got better."
UNDECIDED = "was not checked, as the round is not put in use as it stands."
Say = Callable[[protocol.Message], None]


@dataclass(frozen=True, slots=True)
class Ground:
    """Where and how a round is played.

    ``check`` raises to stop and is called at every attempt; ``hotkeys`` are those of the person
    who sits before the screen, None if nobody does.
    """

    data: Path
    store: Store
    base: Path
    game: str
    options: PlayOptions
    say: Say
    check: Callable[[], None]
    slowed: bool = False
    hotkeys: Mapping[str, str] | None = None

    @property
    def workers(self) -> int | None:
        """How many play at a time, None for one a core; one copy of a large model is enough."""
        return None if is_small(self.base) else 1

    @property
    def own_window(self) -> bool:
        """Whether playing takes the person's screen."""
        return game_spec(self.game, self.data).own_window

    def player(self, name: str, adapter: Path | None) -> PlayerSpec:
        """Return the base with an adapter."""
        return PlayerSpec(name, self.base, adapter, options=self.options)

    def beside(self) -> Beside | None:
        """Return the person beside a game in a window of its own, after telling them."""
        if not self.own_window or self.hotkeys is None:
            return None
        tell = _Teller(self.say)
        tell(LEAVE_ALONE)
        return Beside(self.hotkeys, tell, self.check, attending=True)


@dataclass(frozen=True, slots=True)
class _Teller:
    say: Say

    def __call__(self, sentence: str) -> None:
        self.say(protocol.Stage(MEASURING, sentence))


@dataclass(slots=True)
class _Sentence:
    """A sentence that is being played: its plan, its starts, and what came of them."""

    part: Part
    asked: Asked
    plan: Plan
    seeds: Iterator[int]
    pairs: Pairs = field(default_factory=Pairs)
    eye: TaughtEye | None = None
    halves: dict[StartKey, dict[str, Attempt]] = field(default_factory=dict)
    used: int = 0

    @property
    def over(self) -> bool:
        """Whether it is decided, or so much of it cannot be judged that it is given up."""
        return decided(self.plan, self.pairs) or self.used >= self.plan.most + SPARE_STARTS

    def next_look(self) -> list[Start]:
        """Return the starts that are missing to the next look."""
        n = next(look for look in self.plan.looks if look > self.pairs.n) - self.pairs.n
        n = min(n, self.plan.most + SPARE_STARTS - self.used)
        self.used += n
        return [Start(self.asked.task, self.asked.heard, next(self.seeds)) for _ in range(n)]

    def hear(self, side: str, attempt: Attempt) -> bool:
        """Take an attempt if it is of this sentence; return whether it is."""
        start = attempt.key.start
        if (start.task_id, start.heard) != (self.asked.task.id, self.asked.heard):
            return False
        sides = self.halves.setdefault(start, {})
        sides[side] = attempt
        if len(sides) == 2 and all(each.judged for each in sides.values()):
            self.pairs = self.pairs.plus(sides["before"].success, sides["after"].success)
        return True

    def take_up(self, kept: Mapping[str, Mapping[StartKey, Attempt]]) -> None:
        """Go on from the attempts of either side, by start; a half of a pair counts for nothing."""
        whole = set.intersection(*map(set, kept.values())) if kept else set()
        for start in sorted(whole, key=lambda key: key.seed):
            if not self.over and all(self.hear(side, own[start]) for side, own in kept.items()):
                self.used += 1

    def line(self) -> Line:
        """Return what it came to."""
        if not self.pairs.n:
            return unjudged_line(self.part, self.asked.heard)
        if self.eye is not None:
            return eye_line(
                self.part, self.asked.heard, self.plan, self.pairs,
                self.eye.reliability, self.eye.account,
            )  # fmt: skip
        return sentence_line(self.part, self.asked.heard, self.plan, self.pairs)


def play_taught(
    ground: Ground,
    asked: Sequence[Asked],
    before: PlayerSpec,
    after: PlayerSpec,
    round_id: int,
    most: int = MOST_PAIRS,
    eyes: Sequence[TaughtEye] = (),
) -> list[Line]:
    """Play the sentences of a round until each is decided, at most ``most`` pairs of each.

    Beside those that are ``asked``, the sentences that ``eyes`` judge are played.
    """
    asked = [*asked, *map(asked_by_eye, eyes)]
    rows = _measured_rows(ground)
    number = {each: number_of_test(rows, each.heard) for each in asked}
    margins = margins_of(eyes)
    plans = {
        each: Plan(
            round_alpha(number[each], len(asked)),
            margin=margins.get(each, SENTENCE_MARGIN),
            looks=looks_up_to(most),
        )
        for each in asked
    }
    version = f"{ROUND}{round_id}"
    again = sum(row.round_id == round_id and row.variant.startswith(ROUND) for row in rows)
    if again:
        # Played once more: other starts, and another test of the lesson.
        version += f" from {again}"
    return _play(ground, Part.TAUGHT, plans, before, after, round_id, version, eyes=eyes)


def play_earlier(
    ground: Ground,
    asked: Sequence[Asked],
    before: PlayerSpec,
    after: PlayerSpec,
    round_id: int,
    eyes: Sequence[TaughtEye] = (),
) -> list[Line]:
    """Play the sentences of earlier rounds until each is surely kept, or not.

    Beside those that are ``asked``, the sentences that ``eyes`` judge are played.

    If that was broken off once, it goes on from the pairs that were played: to begin anew until
    a play looks well would be no test.  What another eye called done is not gone on with: marks
    have come since.
    """
    sides = {"before": before, "after": after}
    lines = []
    margins = margins_of(eyes)
    for some, version in [
        (asked, f"{EARLIER}{round_id}"),
        *(([asked_by_eye(eye)], f"{EARLIER}{round_id} eye {eye.digest}") for eye in eyes),
    ]:
        plans = {
            each: Plan(round_alpha(1), taught=False, margin=margins.get(each, SENTENCE_MARGIN))
            for each in some
        }
        kept = _kept(ground, sides, version)
        lines += _play(ground, Part.EARLIER, plans, before, after, round_id, version, kept, eyes)
    return lines


def _kept(
    ground: Ground, sides: Mapping[str, PlayerSpec], version: str
) -> dict[str, dict[StartKey, Attempt]]:
    """Return the attempts of a version that the store knows, by side and start."""
    stepping = stepping_of(ground.game, paced=False, slowed=ground.slowed)
    kept = {}
    with Reader.open(ground.data) as reader:
        for side, player in sides.items():
            rows = reader.evaluations(
                policy_key=player.key, game=ground.game, stepping=stepping, variant=version
            )
            kept[side] = {each.key.start: each for each in map(attempt_of, rows)}
    return kept


def _play(
    ground: Ground,
    part: Part,
    plans: Mapping[Asked, Plan],
    before: PlayerSpec,
    after: PlayerSpec,
    round_id: int,
    version: str,
    kept: Mapping[str, Mapping[StartKey, Attempt]] | None = None,
    eyes: Sequence[TaughtEye] = (),
) -> list[Line]:
    """Play what is not decided by the attempts that are ``kept``, by side and start."""
    if not plans:
        return []
    sentences = _sentences(ground, part, plans, eyes)
    for each in sentences:
        each.take_up(kept or {})
    if all(each.over for each in sentences):
        return [each.line() for each in sentences]
    done = dict.fromkeys(("before", "after"), sum(each.pairs.n for each in sentences))
    good = {
        "before": sum(each.pairs.before for each in sentences),
        "after": sum(each.pairs.after for each in sentences),
    }
    total = sum(each.plan.most for each in sentences)

    def looks() -> Iterator[list[Start]]:
        while open_ones := [each for each in sentences if not each.over]:
            yield [start for each in open_ones for start in each.next_look()]

    def heard(side: str, attempt: Attempt) -> None:
        ground.check()
        ground.store.add_evaluations([row_of(attempt, round_id)])
        for each in sentences:
            if each.hear(side, attempt):
                break
        done[side] += 1
        good[side] += attempt.success
        ground.say(protocol.Played(done[side], total, good[side], side))

    evaluate_pair(
        before,
        after,
        ground.game,
        looks(),
        heard,
        slowed=ground.slowed,
        workers=ground.workers,
        beside=ground.beside(),
        version=version,
        eyes=paths_of(eyes),
    )
    return [each.line() for each in sentences]


def _sentences(
    ground: Ground, part: Part, plans: Mapping[Asked, Plan], eyes: Sequence[TaughtEye]
) -> list[_Sentence]:
    """Return the sentences to be played; of two of one task each has starts of its own."""
    of_sentence = {each.sentence: each for each in eyes}
    most = len(plans) * max(plan.most + SPARE_STARTS for plan in plans.values())
    with Reader.open(ground.data) as reader:
        fresh = fresh_lesson_seeds(reader, ground.game, most)
    return [
        _Sentence(
            part,
            asked,
            plan,
            iter(fresh[i :: len(plans)]),
            eye=None if asked.task.judged else of_sentence.get(asked.heard),
        )
        for i, (asked, plan) in enumerate(plans.items())
    ]


def fresh_lesson_seeds(reader: Reader, game: str, count: int) -> range:
    """Return ``count`` seeds for lessons that no attempt of ``game`` was ever measured on.

    Raises DataError if so many are not left: what follows them belongs to the old tasks.
    """
    first = SeedRange.VERDICT.first
    last = first + old_tasks.LESSON_SEEDS - 1
    fresh = reader.next_measured_seed(game, first, last)
    if fresh + count - 1 > last:
        raise DataError(
            f"Of the {old_tasks.LESSON_SEEDS:,} starts on which lessons are judged in this game "
            "too few are left, so nothing was played; teach into another data folder."
        )
    return range(fresh, fresh + count)


def number_of_test(rows: Sequence[EvaluationRow], heard: str) -> int:
    """Return the how-manieth test of a sentence the next one is: those broken off count too."""
    versions = {
        row.variant for row in rows if row.instruction == heard and row.variant.startswith(ROUND)
    }
    return len(versions) + 1


def _measured_rows(ground: Ground) -> list[EvaluationRow]:
    with Reader.open(ground.data) as reader:
        return reader.evaluations(game=ground.game)


def margins_of(eyes: Sequence[TaughtEye]) -> dict[Asked, float]:
    """Return by how much a sentence that an eye judges may look worse: less, as it sees less."""
    return {
        asked_by_eye(each): SENTENCE_MARGIN * max(LEAST_SEEN, seeing(each.reliability)[0])
        for each in eyes
    }


def asked_by_eye(eye: TaughtEye) -> Asked:
    """Return what is played of a sentence that an eye judges and the game does not."""
    return Asked(free_task(eye.sentence), eye.sentence)


def unjudged_line(part: Part, name: str, more: str = "") -> Line:
    """Return the line of a sentence that nobody can judge; ``more`` is a further sentence."""
    return unknown_line(part, name, f'"{name}": {NOBODY_JUDGES}. {more}'.strip())


def waiting_line(name: str, skipped: str = "") -> Line:
    """Return the line of an earlier lesson that is to be checked, or is ``skipped``, with why."""
    text = f'"{name}", taught before, {skipped or "is still being checked."}'
    return unknown_line(Part.EARLIER, name, text, checking=not skipped)


def elsewhere_line(name: str, games: Collection[str]) -> Line:
    """Return the line of an earlier lesson that was taught in other games only."""
    from recorder.games.registry import registered

    known = {each: registered(each) for each in games}
    titles = sorted(each if spec is None else spec.title for each, spec in known.items())
    text = (
        f'"{name}" was taught in {" and ".join(titles)} and cannot be played in this game, so it '
        "is not known whether it is kept."
    )
    return unknown_line(Part.EARLIER, name, text, elsewhere=True)


def earlier_lessons(
    reader: Reader, parent: AdapterRow | None, taught: Sequence[str], game: str, data: Path
) -> tuple[list[Asked], list[Line]]:
    """Return what the rounds of ``parent`` and those before taught, without what is taught now.

    The sentences that can be judged, with their tasks, and a line for each that cannot be, or was
    taught in another game.  Of a round whose episodes were erased since, and of practice, its
    verdict tells which were played.
    """
    from recorder.games import judged_task, task_list

    adapters = {row.id: row for row in reader.adapters()}
    rounds: list[int] = []
    while parent is not None:
        if parent.round_id is not None and parent.round_id not in rounds:
            rounds.append(parent.round_id)
        parent = adapters.pop(parent.parent_id, None) if parent.parent_id is not None else None
    if not rounds:
        return [], []
    every = task_list(game, data)
    judged: list[Asked] = []
    unknown: list[Line] = []
    sentences = dict(reader.taught_games(tuple(rounds)))
    there = {row.id for row in reader.episodes(include_deleted=True)}
    for row in reader.rounds():
        if row.id not in rounds:
            continue
        episodes = reader.taught_episodes([row.id])
        if not episodes or not episodes <= there:
            verdict = read_verdict(row.verdict)
            lines = () if verdict is None else verdict.lines
            played_in = frozenset(each.game for each in reader.evaluations(round_id=row.id))
            for line in lines:
                if line.part is Part.TAUGHT and line.n:
                    sentences[line.name] = sentences.get(line.name, frozenset()) | played_in
    for sentence in sorted(set(sentences) - set(taught)):
        task = judged_task(every, sentence)
        if sentences[sentence] and game not in sentences[sentence]:
            unknown.append(elsewhere_line(sentence, sentences[sentence]))
        elif task is None:
            unknown.append(unjudged_line(Part.EARLIER, sentence))
        else:
            judged.append(Asked(task, sentence))
    return judged, unknown


def play_old_tasks(
    ground: Ground,
    starts: Sequence[Start],
    parent: Path | None,
    after: Path,
) -> list[Line]:
    """Play the old tasks as ``after``, and as base and parent what of theirs is not known.

    Returns a line against the base, and one against the parent if there is one.
    """
    sides = {"base": None, "parent": parent, "after": after}
    if parent is None:
        del sides["parent"]
    players = {name: ground.player(name, adapter) for name, adapter in sides.items()}
    keeper = AttemptKeeper(ground.store)
    stepping = stepping_of(ground.game, paced=False, slowed=ground.slowed)
    known: dict[str, dict[StartKey, Attempt]] = {}
    with Reader.open(ground.data) as reader:
        for name, player in players.items():
            known[name] = known_attempts(reader, player.key, ground.game, starts, stepping)
    missing = sum(len(starts) - len(there) for there in known.values())
    done = good = 0

    def heard(attempt: Attempt) -> None:
        nonlocal done, good
        keeper.keep(attempt)
        done += 1
        good += attempt.success
        ground.say(protocol.Played(done, missing, good, Part.OLD_TASKS.value))
        ground.check()

    try:
        played = evaluate_sides(
            players, ground.game, starts, slowed=ground.slowed, workers=ground.workers,
            known=known, on_played=heard, beside=ground.beside(),
        )  # fmt: skip
    finally:
        keeper.flush()
    results = {name: {one.key.start: one for one in each} for name, each in played.items()}
    new = results["after"]
    return [
        old_tasks_line(old_tasks.paired(results[name], new), name)
        for name in players
        if name != "after"
    ]


def old_tasks_pending() -> Line:
    """Return the line of the old tasks while they are played."""
    return unknown_line(Part.OLD_TASKS, OLD_TASKS_NAME, CHECKING_OLD_TASKS, checking=True)


def old_tasks_unknown(sentence: str) -> Line:
    """Return the line of old tasks that are not played, with the reason."""
    elsewhere = sentence == OLD_TASKS_ELSEWHERE
    return unknown_line(Part.OLD_TASKS, OLD_TASKS_NAME, sentence, elsewhere=elsewhere)


def why_no_old_tasks(ground: Ground) -> str:
    """Return why there are no old tasks to play in this game, "" if there are some."""
    if old_tasks.taught_tasks(ground.game, ground.base, ground.data):
        return ""
    # A list of what it was taught, and nothing in it that this game has.
    named = (ground.base / TAUGHT_FILE).is_file()
    return OLD_TASKS_ELSEWHERE if named else NO_OLD_TASKS
