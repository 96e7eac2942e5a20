"""Attempts without a window: what the person wants of them, and who plays."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import asdict
from pathlib import Path

import pytest
from desktop_room import Room
from fake_desktop import Desk
from toy_game import WalkPolicy

from app.automation.headless import attempt, chosen_player
from app.automation.scripted_user import ScriptedUser
from app.session.api import Snapshot
from app.session.control_loop import LiveSession
from model.adapters.folders import META_FILE, WEIGHTS_FILE, AdapterMeta, fingerprint
from model.paths import default_checkpoint
from recorder.capture.base import Trouble
from recorder.errors import ExitCode, KnownError, ModelError, StoppedError
from recorder.input.keys import CODES
from recorder.store import NewAdapter, Store
from recorder.types import Outcome


@pytest.fixture
def room() -> Room:
    return Room()


def press(room: Room, key: str) -> None:
    room.ears.key(CODES[key], True, room.clock.now_ns(), shared=False)
    room.ears.key(CODES[key], False, room.clock.now_ns(), shared=False)


def test_the_panic_key_is_an_end_as_asked_for(room: Room) -> None:
    with pytest.raises(StoppedError, match="stopped by the panic key") as stopped:
        attempt(
            room.session,
            lambda: room.session.play("walk"),
            seed=1,
            on_tick=lambda snapshot: press(room, "F12") if snapshot.tick == 5 else None,
        )
    assert stopped.value.exit_code is ExitCode.CANCELLED
    assert room.device.down == set()
    # Between two attempts it counts as well.
    with pytest.raises(StoppedError):
        attempt(
            room.session,
            lambda: room.session.play("walk"),
            seed=2,
        )


def test_the_panic_key_ends_it_where_only_the_guard_hears_it() -> None:
    """Nobody listens to a person while a script demonstrates."""
    desk = Desk()
    user = ScriptedUser(WalkPolicy("forward"), desk.game.bindings, desk.clock)
    session = LiveSession(desk.game, clock=desk.clock, threaded=False, hands=user.hands).start()
    down: list[set[str]] = []

    def begin() -> None:
        user.sit_down(session, "walk")
        session.demonstrate("walk")

    def panic(snapshot: Snapshot) -> None:
        down.append(set(desk.device.down))
        if snapshot.tick == 5:
            # As the guard's own thread says it.
            desk.hands.gate.shut_for("panic")

    with pytest.raises(StoppedError, match="stopped by the panic key"):
        attempt(session, begin, seed=1, max_free_ticks=30, on_tick=panic)
    session.close()
    assert len(down) == 5
    assert down[-1] == {"W"}
    assert desk.device.down == set()


@pytest.mark.parametrize("then", ["F6", "F12"])
def test_a_pause_is_waited_for(room: Room, then: str) -> None:
    waiting = threading.Event()
    down: list[set[str]] = []

    def person() -> None:
        assert waiting.wait(30)
        down.append(set(room.device.down))
        press(room, then)

    hand = threading.Thread(target=person)
    hand.start()

    def play() -> Outcome:
        return attempt(
            room.session,
            lambda: room.session.play("walk"),
            seed=1,
            max_free_ticks=12,
            on_tick=lambda snapshot: press(room, "F6") if snapshot.tick == 5 else None,
            on_pause=waiting.set,
        ).outcome

    if then == "F6":
        assert play() is Outcome.UNKNOWN
        assert room.session.snapshot().tick >= 12
    else:
        with pytest.raises(StoppedError):
            play()
    hand.join()
    assert down == [set()]


def test_a_game_that_lost_the_keyboard_ends_it_with_its_own_sentence(room: Room) -> None:
    def lose() -> None:
        room.windows.trouble = Trouble.UNFOCUSED
        room.windows.takes_focus = False

    with pytest.raises(KnownError) as ended:
        attempt(
            room.session,
            lambda: room.session.play("walk"),
            seed=1,
            on_tick=lambda snapshot: lose() if snapshot.tick == 5 else None,
        )
    assert not isinstance(ended.value, StoppedError)
    assert ended.value.sentence == room.session.suspended
    assert ended.value.sentence.endswith(".")


def test_a_lost_adapter_leaves_the_base_to_play_but_not_to_be_measured(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder = data / "adapters" / "lost"
    folder.mkdir(parents=True)
    base = default_checkpoint()
    meta = AdapterMeta(name="lost", base=fingerprint(base))
    (folder / META_FILE).write_text(json.dumps(asdict(meta)), encoding="utf-8")
    (folder / WEIGHTS_FILE).write_bytes(b"")
    with Store.open(data) as store:
        number = store.add_adapter(NewAdapter(str(folder), base.name))
        store.set_active_adapter(number)
    assert chosen_player("default", data)[1] == number
    # The copy knows where its own would be, and does not play the original's.
    copy = Path(shutil.copytree(data, tmp_path / "copy", ignore=lambda *_: ["adapters"]))
    told: list[str] = []
    spec, adapter = chosen_player("default", copy, tell=told.append)
    assert (spec.adapter, adapter) == (None, None)
    assert len(told) == 1
    assert str(copy / "adapters" / "lost") in told[0]
    assert "the base plays without it" in told[0]
    with pytest.raises(ModelError, match="nothing was measured"):
        chosen_player("default", copy)
    assert chosen_player("base", copy)[0].adapter is None
