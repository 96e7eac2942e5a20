"""Turns rows of the store and news of a round into what the window shows.  Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.backend.blind.ports import BlindResult
from app.backend.ports import (
    AdapterFacts,
    AgentFacts,
    EpisodeFacts,
    Gate,
    LessonFacts,
    RoundPart,
    RoundUpdate,
    TeachFacts,
    VerdictFacts,
)
from app.backend.readable import spoken_duration
from recorder.store.rows import AdapterRow, EpisodeRow, Split
from recorder.types import RGBImage
from trainer.data.material import Material, Shown, Why
from trainer.evaluation.verdicts.lines import deciding
from trainer.evaluation.verdicts.verdict import Choice, Line, Part, Verdict, VerdictKind
from trainer.rounds import protocol
from trainer.rounds.measuring.blind_round import Judged
from trainer.rounds.measuring.decision import Decision

INTERVAL_METHOD = "for paired starts, valid when play stops"
EYE_METHOD = "for paired starts; the mistakes that its own eye may make are in it"
BLIND_METHOD = "for clips judged blind, without your errors, valid when judging stops"
NOTHING_COLLECTED = (
    "Nothing was collected since the last round; play and correct, or show it yourself."
)
PART_OF_STAGE = {
    protocol.BEFORE: RoundPart.BEFORE,
    "reading": RoundPart.PREPARE,
    "replay": RoundPart.PREPARE,
    "seeing": RoundPart.PREPARE,
    "training": RoundPart.TRAIN,
    "practice": RoundPart.TRAIN,
    "gates": RoundPart.CHECK,
    "measuring": RoundPart.MEASURE,
    "eye": RoundPart.MEASURE,
}
PLAYING_BEFORE = "Playing what it can already"
PLAYING_PAIRS = "Playing it before and after"


def episode_facts(row: EpisodeRow) -> EpisodeFacts:
    """Return a row of the library."""
    return EpisodeFacts(
        id=row.id,
        instruction=" → ".join((row.instruction, *row.later_sentences)),
        outcome=row.outcome,
        began_wall_s=row.began_wall_s,
        duration_s=row.duration_s,
        drivers=row.driver_strip,
        corrections=row.takeovers,
        policy=row.policy,
        seed=row.seed,
        deleted=row.deleted,
        open=row.open,
    )


LEFT_OUT = {
    Why.FAILED: "it failed",
    Why.LATE: "it ran out of time",
    Why.STOPPED: "it was stopped",
    Why.CUT_OFF: "it was interrupted",
    Why.UNWANTED: "you ticked it off",
}
"""Why an attempt is left out, in a row of its own."""
TELL_STILL_S = 0.5
"""Less standing still than this is not worth telling."""
KINDS = {
    "correction": "your corrections",
    "demonstration": "your demonstrations",
    "rollout": "its own successes",
    "replay": "what it already knew",
}
"""What the window calls the kinds of a round's samples."""


def teach_facts(
    material: Material, shares: Mapping[str, float], predicted_s: float | None, blocked: str = ""
) -> TeachFacts:
    """Return the Teach panel's figures; ``shares`` are those of the next round by kind."""
    empty = not material.persons() and not any(material.left_out.values())
    mix = tuple((KINDS[kind], shares[kind]) for kind in KINDS if shares.get(kind, 0) > 0)
    blocked = blocked or (NOTHING_COLLECTED if empty else material.lack)
    told = [mix_sentence(mix)] if material.persons(Split.TRAIN) else []
    return TeachFacts(
        episodes=material.attempts,
        corrections=material.takeovers,
        person_s=material.persons() / material.tick_rate_hz,
        mix=mix if material.persons(Split.TRAIN) else (),
        # What is said of a round that cannot begin has them in it already.
        sentence=" ".join([*told, *(each for each in material.asides if each not in blocked)]),
        predicted_s=predicted_s,
        blocked=blocked,
        lessons=tuple(map(lesson_facts, material.shown)),
    )


def lesson_facts(shown: Shown) -> LessonFacts:
    """Return a row of what is taught."""
    note = ""
    if shown.why is not None:
        note = LEFT_OUT[shown.why]
    elif shown.still_s >= TELL_STILL_S:
        note = f"{shown.still_s:.1f} s of standing still cut"
    return LessonFacts(
        shown.episode_id,
        shown.sentence,
        shown.taken_s,
        shown.still_s,
        note,
        shown.wish.use,
        shown.wish.pauses,
    )


def mix_sentence(shares: Sequence[tuple[str, float]]) -> str:
    """Return "The next round is 50 % your corrections, 25 % ..."."""
    parts = [f"{round(100 * share)} % {name}" for name, share in shares]
    return f"The next round is {', '.join(parts)}." if parts else ""


def chain_of(adapters: Sequence[AdapterRow], active: AdapterRow | None) -> tuple[AdapterRow, ...]:
    """Return the active adapter with its parents, the oldest first."""
    by_id = {row.id: row for row in adapters}
    chain: list[AdapterRow] = []
    row = active
    while row is not None and row not in chain:
        chain.append(row)
        row = by_id.get(row.parent_id) if row.parent_id is not None else None
    return tuple(reversed(chain))


def adapter_title(row: AdapterRow) -> str:
    """Return an adapter's short title ("#3 green armor")."""
    return f"#{row.id} {row.title}".strip()


def agent_facts(
    base: str,
    adapters: Sequence[AdapterRow],
    verdicts: Mapping[int, VerdictKind],
    *,
    device: str,
    speed: str = "",
    lines: Mapping[int, Sequence[Line]] | None = None,
) -> AgentFacts:
    """Return the agent card; ``verdicts``, and the ``lines`` behind them, by the adapter's id."""
    active = next((row for row in adapters if row.active), None)
    return AgentFacts(
        base=base,
        chain=(base, *(adapter_title(row) for row in chain_of(adapters, active))),
        device=device,
        speed=speed,
        active=str(active.id) if active else None,
        adapters=tuple(
            AdapterFacts(
                id=str(row.id),
                title=adapter_title(row),
                parent=None if row.parent_id is None else str(row.parent_id),
                verdict=verdicts.get(row.id),
                passed_gates=row.passed_gates,
                made_wall_s=row.made_wall_s,
                taught=tuple(
                    line for line in (lines or {}).get(row.id, ()) if line.part is Part.TAUGHT
                ),
            )
            for row in sorted(adapters, key=lambda row: -row.id)
        ),
    )


def verdict_facts(
    verdict: Verdict,
    adapter: AdapterRow,
    *,
    in_use: bool,
    film_before: Sequence[RGBImage] = (),
    film_after: Sequence[RGBImage] = (),
    film_seed: int | None = None,
) -> VerdictFacts:
    """Return the verdict card; shares become percentage points."""
    taught = [line for line in verdict.lines if line.part is Part.TAUGHT and line.n]
    line = deciding(taught) if taught else None
    blind, by_eye = line is not None and line.blind, line is not None and line.by_eye
    return VerdictFacts(
        kind=verdict.kind,
        sentence=verdict.sentence,
        before=verdict.before,
        after=verdict.after,
        tries=verdict.n,
        points=100 * verdict.difference,
        low=100 * verdict.low,
        high=100 * verdict.high,
        interval=BLIND_METHOD if blind else EYE_METHOD if by_eye else INTERVAL_METHOD,
        blind=blind,
        by_eye=by_eye,
        adapter_id=str(adapter.id),
        in_use=in_use,
        can_go_back=in_use,
        passed_gates=adapter.passed_gates,
        film_before=tuple(film_before),
        film_after=tuple(film_after),
        film_seed=film_seed,
        round_id=adapter.round_id or 0,
        choice=verdict.choice,
        lines=in_order(verdict.lines),
    )


BEING_CHECKED, NOT_TO_ITS_END = "is still being checked.", "was not checked to its end."
NOT_IN_USE = re.compile(
    r"Not in use(?:, as|(?:, the agent plays as before| yet| by itself, and for this only)?:) (.)"
)
"""How :mod:`trainer.rounds.measuring.decision` begins to tell of a round that is not used."""
OFFERS = {
    " You may try it.": "",
    " Play more starts, or try it.": "",
    "; try it, and go back": "; go back",
    ", or try it and go back": ", or go back",
    "judge it blind, or try it.": "judge it blind.",
}
"""What those sentences offer, and what stays of it once the person has tried it."""


def as_it_is_now(facts: VerdictFacts, *, checking: bool) -> VerdictFacts:
    """Return a card without words that were true when the round ended and are not now.

    ``checking`` says that something of it is being played.
    """

    def told(sentence: str) -> str:
        return sentence if checking else sentence.replace(BEING_CHECKED, NOT_TO_ITS_END)

    lines = tuple(
        replace(line, sentence=told(line.sentence), checking=line.checking and checking)
        for line in facts.lines
    )
    sentence = told(facts.sentence)
    if facts.in_use:
        # The person tried it all the same.
        sentence = NOT_IN_USE.sub(lambda found: found[1].upper(), sentence)
        for offered, left in OFFERS.items():
            sentence = sentence.replace(offered, left)
    return replace(facts, sentence=sentence, lines=lines)


def unmeasured_facts(
    lines: Sequence[Line], decision: Decision, adapter: AdapterRow
) -> VerdictFacts:
    """Return the card of a round whose effect nobody has judged."""
    return VerdictFacts(
        kind=None,
        sentence=decision.sentence,
        before=0,
        after=0,
        tries=0,
        points=0.0,
        low=-100.0,
        high=100.0,
        interval=INTERVAL_METHOD,
        adapter_id=str(adapter.id),
        in_use=adapter.active,
        can_go_back=adapter.active,
        passed_gates=adapter.passed_gates,
        round_id=adapter.round_id or 0,
        choice=decision.choice,
        lines=in_order(lines),
    )


def blind_result(judged: Judged, next_sentence: str) -> BlindResult:
    """Return what a blind comparison came to, as it is shown."""
    line = judged.line
    return BlindResult(
        kind=line.kind or VerdictKind.NOT_ENOUGH,
        before=line.before,
        after=line.after,
        n=line.n,
        points=100 * line.difference,
        low=100 * line.low,
        high=100 * line.high,
        alike=judged.alike,
        twice=judged.twice,
        follows=follows_of(judged.checked.verdict, activated=judged.checked.activated),
        choice=judged.checked.verdict.choice,
        in_use=judged.checked.activated,
        next_sentence=next_sentence,
    )


FOLLOWS = {
    Choice.USE: "It is listed, but another agent was put in use meanwhile; use it if you like.",
    Choice.WAIT: "Next it is checked that nothing it could before was lost; if so, it is used.",
    Choice.TRY: "It is not put in use by itself; you may try it from the verdict card.",
    Choice.PLAY_MORE: "It is not put in use yet: another sentence is not sure.",
    Choice.REFUSE: "It is not put in use; the agent plays as before.",
}


def follows_of(verdict: Verdict, *, activated: bool) -> str:
    """Return in a sentence what becomes of an agent that was judged."""
    return "It plays from now on." if activated else FOLLOWS[verdict.choice]


def in_order(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines as they are shown: taught first, then earlier lessons, then old tasks."""
    order = list(Part)
    return tuple(sorted(lines, key=lambda line: order.index(line.part)))


def round_update(message: protocol.Message) -> RoundUpdate:
    """Return a round's news as the Teach panel shows it.

    Only a failure is final here: the verdict comes after Done, from paired play.
    """
    update = RoundUpdate()
    match message:
        case protocol.Stage(name=protocol.KNOWN):
            update = RoundUpdate(aside=message.sentence)
        case protocol.Stage(name="training"):
            # What is left aside is said above it on the card, where there is room.
            update = RoundUpdate(stage="Learning")
        case protocol.Stage():
            update = RoundUpdate(stage=message.sentence)
        case protocol.Step():
            update = RoundUpdate(
                step=message.step,
                steps=message.steps,
                left_s=message.eta_s,
                loss=message.loss,
                held_out=message.held_out,
            )
        case protocol.Gate():
            update = RoundUpdate(gates=(Gate(message.name, message.passed, message.sentence),))
        case protocol.Played():
            before = message.side == protocol.BEFORE
            update = RoundUpdate(
                stage=PLAYING_BEFORE if before else PLAYING_PAIRS,
                step=message.done,
                steps=message.total,
            )
        case protocol.Practised():
            update = RoundUpdate(
                stage=f"{message.newest_good} of the newest {message.newest} attempts succeeded",
                step=round(message.seconds),
                steps=round(message.whole_s),
                left_s=max(0.0, message.whole_s - message.seconds),
            )
        case protocol.Measured():
            update = RoundUpdate(stage=message.line.sentence)
        case protocol.Done():
            update = RoundUpdate(stage="Trained; now it is measured")
        case protocol.Failed():
            update = RoundUpdate(problem=message.sentence, finished=True)
    return replace(update, part=part_of(message))


def part_of(message: protocol.Message) -> RoundPart | None:
    """Return the part of a round that its news are about, None for what is about no part."""
    match message:
        case protocol.Stage(name=protocol.KNOWN) | protocol.Failed():
            return None
        case protocol.Stage(name=name):
            return PART_OF_STAGE.get(name)
        case protocol.Step() | protocol.Practised():
            return RoundPart.TRAIN
        case protocol.Gate():
            return RoundPart.CHECK
        case protocol.Played(side=protocol.BEFORE):
            return RoundPart.BEFORE
        case _:
            return RoundPart.MEASURE


def speed_sentence(latency_ms: float | None, tick_rate_hz: float) -> str:
    """Return whether the model keeps up with the game, "" where it was not timed."""
    if latency_ms is None or latency_ms <= 0 or tick_rate_hz <= 0:
        return ""
    actions = 1000 / latency_ms
    if actions >= tick_rate_hz:
        # A guess that came true takes no time, so how fast it could be says nothing.
        return "It is fast enough for the game."
    wait = spoken_duration(latency_ms / 1000) if latency_ms >= 1000 else f"{latency_ms:.0f} ms"
    return f"One action takes {wait}, longer than a tick of the game."
