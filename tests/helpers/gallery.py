"""Shows the window in each of its states with invented data: ``python tests/helpers/gallery.py``.

A developer's tool for looking at the design.  Every figure it shows is invented.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication
from sample import (
    BINDINGS,
    FILMED_ROUND,
    SAMPLE_ADAPTERS,
    SampleBackend,
    SampleSession,
    sample_episodes,
    sample_losses,
)

from app.backend.blind.ports import BlindResult
from app.backend.ports import (
    AgentFacts,
    Gate,
    LessonFacts,
    LessonState,
    Preferences,
    RoundPart,
    RoundUpdate,
    StorageFacts,
    TaughtSentence,
    TeachFacts,
    ThemeChoice,
    VerdictFacts,
)
from app.gui import header as pages
from app.gui.main_window import MainWindow
from app.gui.style.theme import Theme
from app.session.api import Phase
from recorder.types import Action, Driver, Outcome, RGBImage
from trainer.evaluation.verdicts.lines import old_tasks_line, sentence_line
from trainer.evaluation.verdicts.sequential import Pairs, Plan, round_alpha
from trainer.evaluation.verdicts.verdict import Choice, Part, VerdictKind
from trainer.rounds.measuring.decision import NOT_MEASURED
from trainer.rounds.measuring.measurement import old_tasks_pending, unjudged_line


@dataclass(frozen=True, slots=True)
class Stage:
    """What a state may arrange."""

    window: MainWindow
    session: SampleSession
    place: SampleBackend
    frames: Sequence[RGBImage]


def load_frames(folder: Path | None) -> list[RGBImage]:
    """Return the PNG pictures of a folder as RGB arrays; none without a folder."""
    frames: list[RGBImage] = []
    for path in sorted(folder.glob("*.png")) if folder else []:
        image = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        frames.append(rows[:, : 3 * image.width()].reshape(image.height(), -1, 3).copy())
    return frames


def first(stage: Stage) -> None:
    """Show the first start: no data, the introduction."""
    stage.place.kept = []
    stage.place.teach_facts = TeachFacts(blocked="nothing collected")
    stage.window.calls.refresh_all()
    stage.window.welcome.begin()


def second_step(stage: Stage) -> None:
    """Show the introduction's second step."""
    first(stage)
    stage.window.welcome.next.click()


def third_step(stage: Stage) -> None:
    """Show the introduction's third step."""
    second_step(stage)
    stage.window.welcome.next.click()


def empty(stage: Stage) -> None:
    """Show no data, after the introduction."""
    stage.place.kept = []
    stage.place.teach_facts = TeachFacts(blocked="nothing collected")
    stage.window.calls.refresh_all()


def watching(stage: Stage) -> None:
    """Let nobody drive."""
    stage.session.set(phase=Phase.WATCHING)


def agent(stage: Stage) -> None:
    """Let the agent drive."""
    stage.window.play_page.bar.edit.setText("pick up the green armor")
    stage.session.set(
        phase=Phase.PLAYING,
        driver=Driver.POLICY,
        instruction="pick up the green armor",
        executed=Action(forward=True, attack=True, camera=(-1.2, 2.6)),
        latency_ms=34.2,
        plan_age_ticks=1,
        measured_rate_hz=17.5,
        confidence=0.83,
        recording=True,
        recorded_s=42.0,
        episode_id=10,
    )


def person(stage: Stage) -> None:
    """Let the person correct."""
    agent(stage)
    stage.session.set(
        phase=Phase.CORRECTING,
        driver=Driver.PERSON,
        executed=Action(forward=True, left=True, camera=(0.0, -9.0)),
    )
    stage.window.play_page.view.setFocus()


def demonstrate(stage: Stage) -> None:
    """Let the person demonstrate."""
    person(stage)
    stage.session.set(phase=Phase.DEMONSTRATING)


def paused(stage: Stage) -> None:
    """Pause in mid-episode."""
    agent(stage)
    stage.session.set(phase=Phase.PAUSED)


def done(stage: Stage) -> None:
    """End the attempt well."""
    agent(stage)
    stage.session.set(phase=Phase.WATCHING, outcome=Outcome.SUCCESS, recording=False)


def problem(stage: Stage) -> None:
    """Tell of something wrong."""
    watching(stage)
    stage.window.dialogs.tell_problem(
        "The disk is full, so recording stopped; what was recorded is safe. "
        "Free some room and press Play."
    )


def training(stage: Stage) -> None:
    """Show a round under way."""
    watching(stage)
    stage.window.side.teach.begin_round()
    losses = sample_losses(160)
    for step, (loss, held) in enumerate(losses[:96]):
        stage.window.side.teach.show_update(
            RoundUpdate("Training", step, 160, 51 - step / 2, loss, held, part=RoundPart.TRAIN)
        )


def teach(stage: Stage) -> None:
    """Show a round under way on the teach page, which a narrow window has."""
    training(stage)
    stage.window.show_page(pages.TEACH)


def collected(stage: Stage) -> None:
    """Show what the next round would learn from, attempt by attempt."""
    watching(stage)
    stage.window.side.teach.lessons.head.click()


def _round(stage: Stage, kind: VerdictKind | None, **changes: object) -> None:
    training(stage)
    for step, (loss, held) in enumerate(sample_losses(160)[96:], start=96):
        stage.window.side.teach.show_update(
            RoundUpdate("Training", step, 160, 1, loss, held, part=RoundPart.TRAIN)
        )
    good = kind is not VerdictKind.WORSE
    gates = (
        Gate("corrections", True, "Held-out corrections: loss 1.82 before, 0.61 after."),
        Gate("old tasks", good, "Held-out demonstrations: 2 % worse, 5 % allowed."),
    )
    facts = VerdictFacts(
        kind=kind,
        sentence="",
        before=12,
        after=31,
        tries=40,
        points=47.5,
        low=30,
        high=62,
        interval="exact, paired",
        adapter_id="r3",
        in_use=True,
        can_go_back=True,
        film_before=tuple(stage.frames[:8]),
        film_after=tuple(stage.frames[8:]),
        film_seed=1042,
        may_watch=True,
        round_id=3,
        choice=Choice.USE,
        lines=LINES,
    )
    facts = replace(facts, **changes)  # type: ignore[arg-type]
    stage.place.verdict = facts
    stage.window.side.teach.show_update(RoundUpdate(gates=gates, verdict=facts, finished=True))
    stage.window.calls.refresh_agent()


LINES = (
    sentence_line(Part.TAUGHT, "go to the green armor", Plan(round_alpha(1)), Pairs(10, 21, 2, 7)),
    sentence_line(Part.TAUGHT, "walk around the barrel", Plan(round_alpha(1)), Pairs(22, 2, 2, 54)),
    sentence_line(
        Part.EARLIER,
        "pick up the medkit and come back",
        Plan(round_alpha(1), taught=False),
        Pairs(66, 2, 2, 10),
    ),
    old_tasks_line(Pairs(268, 7, 6, 19), "base"),
)


def better(stage: Stage) -> None:
    """Show the verdict better."""
    _round(
        stage,
        VerdictKind.BETTER,
        sentence="It now reaches the green armor in 31 of 40 starts; before, in 12.",
    )


def checking(stage: Stage) -> None:
    """Show a lesson that was learnt while it is checked what it may have cost."""
    _round(
        stage,
        VerdictKind.BETTER,
        sentence="It now reaches the green armor in 31 of 40 starts; before, in 12. Not in use "
        "yet: What it could before is still being checked.",
        in_use=False,
        can_go_back=False,
        choice=Choice.WAIT,
        checking=True,
        progress="132 of 300 starts played",
        lines=(*LINES[:2], old_tasks_pending()),
    )


def worse(stage: Stage) -> None:
    """Show the verdict worse."""
    _round(
        stage,
        VerdictKind.WORSE,
        sentence="It lost 6 of the starts that it managed before, so it was not put to use.",
        before=24,
        after=18,
        points=-15,
        low=-29,
        high=-2,
        in_use=False,
        can_go_back=False,
        passed_gates=False,
        choice=Choice.REFUSE,
        lines=(LINES[0], old_tasks_line(Pairs(228, 2, 46, 24), "base")),
    )


def not_enough(stage: Stage) -> None:
    """Show the verdict not enough tries."""
    _round(
        stage,
        VerdictKind.NOT_ENOUGH,
        sentence="Eight tries cannot tell a change from luck; it stays as it was.",
        before=3,
        after=5,
        tries=8,
        points=25,
        low=-24,
        high=61,
        in_use=False,
        can_go_back=False,
        choice=Choice.PLAY_MORE,
        lines=(
            sentence_line(
                Part.TAUGHT, "go to the green armor", Plan(round_alpha(1)), Pairs(20, 20, 16, 24)
            ),
        ),
    )


def unmeasured(stage: Stage) -> None:
    """Show a round that nobody has judged."""
    _round(
        stage,
        None,
        sentence=NOT_MEASURED,
        before=0,
        after=0,
        tries=0,
        film_before=(),
        film_after=(),
        in_use=False,
        can_go_back=False,
        choice=Choice.TRY,
        lines=(unjudged_line(Part.TAUGHT, "dance around the barrel"),),
        to_judge=("dance around the barrel",),
    )


def film(stage: Stage) -> None:
    """Watch a start of a round before and after it."""
    better(stage)
    stage.window.side.verdict.film_asked.emit(FILMED_ROUND)


def _blind(**changes: object) -> Callable[[Stage], None]:
    def show(stage: Stage) -> None:
        unmeasured(stage)
        comparison = stage.place.comparison
        comparison.now = replace(comparison.now, **changes)  # type: ignore[arg-type]
        stage.window.side.verdict.judge_asked.emit(3)

    return show


RESULT = BlindResult(
    VerdictKind.BETTER, 1, 7, 8, 82.0, 34.0, 100.0, 3, 3,
    "Next it is checked that nothing it could before was lost; if so, it is used.",
    Choice.WAIT, next_sentence="bow to the zombie",
)  # fmt: skip


def library(stage: Stage) -> None:
    """Open an attempt in the library."""
    stage.window.commands.open_in_library(6)
    QTimer.singleShot(400, stage.window, lambda: stage.window.library.player.scrubber.setValue(80))


def deleted(stage: Stage) -> None:
    """Delete an attempt in the library."""
    library(stage)
    QTimer.singleShot(200, stage.window, stage.window.library.delete_chosen)


def _dialog(action: str) -> Callable[[Stage], None]:
    def show(stage: Stage) -> None:
        stage.window.actions_by_id[action].trigger()

    return show


STATES: dict[str, Callable[[Stage], None]] = {
    "first": first,
    "second": second_step,
    "third": third_step,
    "empty": empty,
    "watching": watching,
    "collected": collected,
    "agent": agent,
    "person": person,
    "demonstrate": demonstrate,
    "paused": paused,
    "done": done,
    "problem": problem,
    "training": training,
    "better": better,
    "checking": checking,
    "worse": worse,
    "not_enough": not_enough,
    "unmeasured": unmeasured,
    "film": film,
    "blind": _blind(number=7, clip=6, may_go_back=True),
    "blind_waiting": _blind(clip=None, playing=True, ready=3, wanted=14, may_skip=False),
    "blind_screen": _blind(clip=None, asks_screen=True, wanted=14, screen_s=140, may_skip=False),
    "blind_result": _blind(clip=None, number=19, result=RESULT),
    "blind_same": _blind(
        clip=None,
        number=47,
        result=replace(
            RESULT,
            kind=VerdictKind.SAME,
            before=9,
            after=11,
            n=20,
            points=11,
            low=-26,
            high=47,
            alike=6,
            twice=7,
            choice=Choice.TRY,
            next_sentence="",
            follows="It is not put in use by itself; you may try it from the verdict card.",
        ),
    ),
    "library": library,
    "deleted": deleted,
    "settings": _dialog("settings"),
    "help": _dialog("help"),
    "about": _dialog("about"),
    "agents": _dialog("agents"),
    "lessons": _dialog("lessons"),
    "teach": teach,
}


def furnish(place: SampleBackend, theme: ThemeChoice) -> None:
    """Fill the backend with invented lessons."""
    place.kept = sample_episodes(time.time())
    place.settings = Preferences(bindings=BINDINGS, theme=theme, seen_welcome=True)
    place.teach_facts = TeachFacts(
        episodes=7,
        corrections=5,
        person_s=42,
        mix=(("your corrections", 0.5), ("what it already knew", 0.25)),
        sentence="Half of the next round is your corrections, a quarter what it already knew.",
        predicted_s=118,
        next_step="You have shown “go to the green torch” once. Show it 5 more times, so that the "
        "agent learns it better.",
        fails_at="go to the green torch",
        lessons=(
            LessonFacts(
                9,
                "use your gun on the barrel",
                1.4,
                3.9,
                "3.9 s of standing still cut",
            ),
            LessonFacts(8, "use your gun on the barrel", 0.0, 0.0, "it ran out of time"),
            LessonFacts(7, "go to the green torch", 5.2, pauses=True),
        ),
    )
    can, learning, cannot, unknown = LessonState
    hop, gun = ((0, 0.0), (1, 0.4), (3, 0.7)), ((1, 0.1), (2, 0.95))
    place.taught = (
        TaughtSentence("hop over to the green torch", learning, 7, 31.0, hop, 14, 20),
        TaughtSentence("use your gun on the barrel", can, 5, 22.0, gun, 19, 20),
        TaughtSentence("keep the imp at arm's length", cannot, 2, 9.0, ((2, 0.1),), 2, 20),
        TaughtSentence("dance around the barrel", unknown, 3, 12.0),
    )
    place.agent_facts = AgentFacts(
        base="practice 10M",
        chain=("practice 10M", "#1", "#2", "#3 armor"),
        device="Plays on the CPU: no CUDA device found.",
        speed="11 actions a second to spare.",
        active="r3",
        adapters=tuple(
            replace(
                a,
                verdict=kind,
                passed_gates=kind is not VerdictKind.WORSE,
                made_wall_s=time.time() - 86_400 * (3 - number),
                taught=LINES[number : number + 2],
            )
            for number, (a, kind) in enumerate(
                zip(
                    SAMPLE_ADAPTERS,
                    (VerdictKind.SAME, VerdictKind.WORSE, VerdictKind.BETTER),
                    strict=True,
                )
            )
        ),
    )
    place.sizes = StorageFacts(1_400_000_000, 12_000_000, 212_000_000_000, place.sizes.folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Show a state, or save a picture of the screen and end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", choices=list(STATES), nargs="?", default="agent")
    parser.add_argument("--theme", choices=[c.value for c in ThemeChoice], default="dark")
    parser.add_argument("--size", default="1440x900", help="WIDTHxHEIGHT of the window")
    parser.add_argument("--text", type=int, default=100, help="the text size in per cent")
    parser.add_argument("--frames", type=Path, help="a folder of PNG pictures to show as the game")
    parser.add_argument("--save", type=Path, help="save a picture of the window here and end")
    parser.add_argument(
        "--after",
        type=int,
        default=1500,
        help="milliseconds before it is saved, for a slow machine",
    )
    options = parser.parse_args(arguments)
    app = QApplication(sys.argv[:1])
    theme = Theme(ThemeChoice(options.theme), options.text)
    theme.apply()
    with tempfile.TemporaryDirectory() as folder:
        frames = load_frames(options.frames)
        session = SampleSession(frames)
        session.show_frame(5)
        place = SampleBackend(Path(folder), session, frames)
        furnish(place, ThemeChoice(options.theme))
        place.settings = replace(place.settings, text_percent=options.text)
        state = QSettings(str(Path(folder) / "window.ini"), QSettings.Format.IniFormat)
        window = MainWindow(place, theme, state)
        width, height = (int(part) for part in options.size.split("x"))
        window.resize(width, height)
        window.show()
        stage = Stage(window, session, place, frames or [session.state.frame.rgb])  # type: ignore[union-attr]
        QTimer.singleShot(300, lambda: STATES[options.state](stage))
        if options.save:
            QTimer.singleShot(options.after, lambda: _save(window, options.save))
        code = app.exec()
        window.close()
    return code


def _save(window: MainWindow, path: Path) -> None:
    screen = QGuiApplication.primaryScreen()
    shown = QApplication.activeModalWidget() or window
    box = shown.frameGeometry()
    screen.grabWindow(0, box.x(), box.y(), box.width(), box.height()).save(str(path))
    QApplication.quit()


if __name__ == "__main__":
    sys.exit(main())
