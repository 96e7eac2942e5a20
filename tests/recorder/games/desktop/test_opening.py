import pytest
from fake_desktop import PROFILE, FakeWindows

from recorder.capture.base import WindowInfo
from recorder.errors import GameError, UsageError
from recorder.games.desktop.opening import _start, find_or_start, find_window
from recorder.games.desktop.profile import Profile, with_hotkeys
from recorder.input.hearing import Hotkey

COMMAND = ("fake-game", "--windowed", "a b; c")


class Screen(FakeWindows):
    """Shows the fake game's window once it was started, and somebody else's always."""

    def __init__(self, *, running: bool = False) -> None:
        super().__init__()
        self.running = running
        self.started: list[tuple[str, ...]] = []
        self.slept = 0

    def start(self, command: tuple[str, ...]) -> None:
        self.started.append(command)

    def sleep(self, seconds: float) -> None:
        # It takes a while until a started game has a window.
        self.slept += 1
        self.running = bool(self.started) and self.slept >= 3

    def windows(self) -> tuple[WindowInfo, ...]:
        other = WindowInfo(3, "Letters", "mail", 9, self.rect)
        return (other, *super().windows()) if self.running else (other,)


def profile(command: tuple[str, ...] = (), *, shipped: bool = False) -> Profile:
    return Profile(
        "fake", "Fake", PROFILE.bindings, window_title="^Fake", launch=command, shipped=shipped
    )


def test_a_window_is_found_by_what_its_profile_says() -> None:
    assert find_window(Screen(), profile()) is None
    found = find_or_start(Screen(running=True), profile(COMMAND))
    assert found.title == "Fake game"


def test_a_game_without_window_and_command_is_asked_for_in_a_sentence() -> None:
    with pytest.raises(GameError, match="No window of Fake is open"):
        find_or_start(Screen(), profile())


@pytest.mark.parametrize("confirmed", [None, (), ("fake-game",), (*COMMAND, "--more")])
def test_a_foreign_command_does_not_run_unless_it_was_agreed_to(
    confirmed: tuple[str, ...] | None,
) -> None:
    screen = Screen()
    with pytest.raises(UsageError, match="nothing was started"):
        find_or_start(screen, profile(COMMAND), confirmed=confirmed, start=screen.start)
    assert screen.started == []


@pytest.mark.parametrize("shipped", [True, False])
def test_a_command_that_may_run_is_run_once_and_its_window_waited_for(shipped: bool) -> None:
    screen = Screen()
    found = find_or_start(
        screen,
        profile(COMMAND, shipped=shipped),
        confirmed=None if shipped else COMMAND,
        start=screen.start,
        sleep=screen.sleep,
    )
    assert found.id == 7
    assert screen.started == [COMMAND]
    assert screen.slept == 3


def test_a_game_that_never_shows_its_window_is_told_of() -> None:
    screen = Screen()
    with pytest.raises(GameError, match="shows no window"):
        find_or_start(
            screen,
            profile(COMMAND),
            confirmed=COMMAND,
            start=lambda command: None,
            sleep=lambda seconds: None,
        )


def test_a_command_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(GameError, match="could not be run"):
        _start(("/no/such/game",))


def test_own_hotkeys_take_the_place_of_the_usual_and_are_never_sent() -> None:
    changed = with_hotkeys(PROFILE, {"pause": "F2", "failure": ""})
    assert changed.hotkeys[Hotkey.PAUSE] == "F2"
    assert changed.hotkeys[Hotkey.FAILURE] == ""
    assert changed.hotkeys[Hotkey.PANIC] == "F12"
    assert {"F2", "F12", "Esc"} <= changed.forbidden
    assert "" not in changed.forbidden


@pytest.mark.parametrize(
    "chosen", [{"pause": "W"}, {"pause": "F12"}, {"panic": ""}, {"dance": "F2"}, {"pause": "Ü1"}]
)
def test_hotkeys_that_cannot_be_are_refused_with_a_sentence(chosen: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="choose others in the settings"):
        with_hotkeys(PROFILE, chosen)
