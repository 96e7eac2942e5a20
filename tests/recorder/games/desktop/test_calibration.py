import numpy as np
import pytest
from fake_desktop import FakeGrabber, FakeWindows

from recorder.capture.base import Rect, WindowInfo
from recorder.errors import GameError, UsageError
from recorder.games.desktop.calibration import (
    ORDER,
    THUMBNAIL,
    KeyLesson,
    TurnLesson,
    candidates,
    check_turn,
    degrees_of_turn,
    new_profile,
)
from recorder.types import RGBImage

RECT = Rect(0, 0, 320, 180)


class Panorama:
    """A game whose view is a strip of noise; ``per_count`` degrees a mouse count."""

    def __init__(self, per_count: float, *, shows: bool = True) -> None:
        noise = np.random.default_rng(0).integers(0, 255, (18, 72, 3))
        self.strip = noise.repeat(10, 0).repeat(10, 1).astype(np.uint8)
        self.per_count, self.shows, self.yaw = per_count, shows, 0.0

    def turn(self, counts: int) -> None:
        self.yaw += counts * self.per_count if self.shows else 0.0

    def grab(self, rect: Rect) -> RGBImage:
        return np.roll(self.strip, -round(self.yaw * 2), axis=1)[:, :320]

    def close(self) -> None:
        return


def test_keys_are_asked_for_one_by_one() -> None:
    lesson = KeyLesson(("forward", "back", "use"))
    assert lesson.asking == "forward"
    lesson.press("W")
    lesson.press("W")
    assert "forward already" in lesson.problem
    assert lesson.asking == "back"
    lesson.press("F12")
    assert "own keys" in lesson.problem
    lesson.press("S")
    lesson.back()
    assert (lesson.asking, lesson.problem) == ("back", "")
    lesson.press("Esc")
    lesson.press("RightButton")
    assert lesson.asking is None
    lesson.press("X")
    assert lesson.keys == {"forward": "W", "use": "RightButton"}


def test_every_control_is_asked_for_once() -> None:
    assert len(set(ORDER)) == len(ORDER) == 20


@pytest.mark.parametrize("sign", [1, -1])
def test_a_turn_in_either_direction_calibrates_the_mouse(sign: int) -> None:
    lesson = TurnLesson()
    for _ in range(1900):
        lesson.move(sign)
    for _ in range(100):
        lesson.move(-sign)
    assert degrees_of_turn(lesson.counts) == pytest.approx(0.2)


@pytest.mark.parametrize("counts", [0, 30, 1e6])
def test_what_is_no_turn_is_refused(counts: float) -> None:
    with pytest.raises(UsageError, match="counts"):
        degrees_of_turn(counts)


def test_the_right_calibration_comes_back_to_the_same_view_and_a_wrong_one_does_not() -> None:
    game = Panorama(0.2)
    assert check_turn(game, RECT, game.turn, 0.2) < 0.1
    for wrong in (0.15, 0.25, 0.4):
        game = Panorama(0.2)
        assert check_turn(game, RECT, game.turn, wrong) > 0.5


@pytest.mark.parametrize("lost", [0, 5, -15, 20])
def test_a_few_lost_counts_are_no_wrong_calibration(lost: int) -> None:
    game = Panorama(0.2)
    left = lost

    def turn(counts: int) -> None:
        nonlocal left
        # Somewhere on the way.
        game.turn(counts - left if counts else 0)
        left = 0 if counts else left

    assert check_turn(game, RECT, turn, 0.2) < 0.1


@pytest.mark.parametrize("times", [1, 2])
def test_a_turn_of_which_a_busy_game_lost_much_is_made_anew(times: int) -> None:
    game = Panorama(0.2)
    left = times
    turned = back = 0

    def turn(counts: int) -> None:
        nonlocal left, turned, back
        turned += max(counts, 0)
        back += max(-counts, 0)
        # A fifth of the way, in the first turns only.
        if counts > 0 and left and turned % 1800 == 0:
            left -= 1
            counts -= 360
        game.turn(counts)

    assert check_turn(game, RECT, turn, 0.2) < 0.1
    assert (turned, back) == (1800 * (times + 1), 1800 * times)


def test_a_game_that_stalls_is_waited_for_at_every_step() -> None:
    game = Panorama(0.2)
    pending = moments = 0

    def turn(counts: int) -> None:
        nonlocal pending, moments
        # It draws at every second moment, and the pointer comes no further than 45 counts.
        pending = min(45, max(-45, pending + counts))
        moments += 1
        if moments % 2 == 0:
            game.turn(pending)
            pending = 0

    assert check_turn(game, RECT, turn, 0.2) < 0.1


def test_a_game_that_shows_nothing_cannot_be_checked() -> None:
    game = Panorama(0.2, shows=False)
    with pytest.raises(GameError, match="did not change"):
        check_turn(game, RECT, game.turn, 0.2)


def test_windows_come_with_thumbnails_unless_they_are_covered() -> None:
    windows = FakeWindows()
    (one,) = candidates(windows, FakeGrabber())
    assert one.picture is not None
    assert one.picture.shape == (THUMBNAIL[1], THUMBNAIL[0], 3)

    class Two(FakeWindows):
        def windows(self) -> tuple[WindowInfo, ...]:
            (first,) = super().windows()
            return (first, WindowInfo(8, "Below", "", None, first.rect))

    assert candidates(Two(), FakeGrabber())[1].picture is None


def test_a_profile_is_made_that_finds_its_window_again() -> None:
    window = WindowInfo(1, "SuperTux 0.6.3 (build 7)", "supertux2", 5, RECT)
    profile = new_profile("supertux", window, {"forward": "Up"}, 0.15)
    assert profile.matches("SuperTux 0.6.4", "supertux2")
    assert not profile.matches("SuperTux 0.6.3", "firefox")
    assert not profile.shipped
    with pytest.raises(UsageError, match="keys"):
        new_profile("supertux", window, {}, 0.15)


def test_a_key_is_told_of_as_it_stands_on_the_keyboard() -> None:
    lesson = KeyLesson(shown=lambda place: {"W": "Z"}.get(place, place))
    lesson.press("W")
    lesson.press("W")
    assert lesson.keys == {"forward": "W"}
    assert lesson.problem.startswith("Z is forward already")
    lesson.press("BackButton")
    assert "no key" in lesson.problem
