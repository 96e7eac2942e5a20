"""The window's logic that needs no window."""

from dataclasses import replace
from pathlib import Path

import pytest
from gallery import STATES
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from sample import BINDINGS, RUNS, TASKS, SampleSession, sample_episodes

from app.backend.readable import clock_text, spoken_duration, spoken_size
from app.gui.dialogs.about import components, licence_text
from app.gui.dialogs.diagnostics import tail
from app.gui.dialogs.settings_dialog import rebind
from app.gui.library.episode_list import EpisodeModel, Filter, passes, row_lines, summary
from app.gui.library.playback import driver_at
from app.gui.play import hud
from app.gui.play.instruction_bar import History, spread
from app.gui.shortcuts import ENTRIES
from app.gui.style.icons import ICON_FOLDER, OUTCOME_ICONS
from app.gui.style.key_places import short_key
from app.gui.style.theme import (
    DARK,
    LIGHT,
    OUTCOME_MEANINGS,
    OUTCOME_WORDS,
    Tokens,
    contrast,
    stylesheet,
)
from app.gui.style.widgets import describe_runs
from app.gui.teach.loss_curve import smooth
from app.session.api import Phase
from recorder.games.base import Task
from recorder.types import Driver, Outcome


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])
def test_text_has_contrast_on_every_surface(tokens: Tokens) -> None:
    for surface in ("page", "bar", "card", "sunken", "raised"):
        for text in ("text", "muted", "agent_text", "person_text", "ok_text", "bad_text"):
            ratio = contrast(getattr(tokens, text), getattr(tokens, surface))
            assert ratio >= 4.5, f"{text} on {surface}: {ratio:.2f}"
    for fill in ("agent", "person", "ok", "bad"):
        assert contrast(tokens.on_fill, getattr(tokens, fill)) >= 4.5, fill
    for tint, text in (
        ("agent_tint", "agent_text"),
        ("person_tint", "person_text"),
        ("ok_tint", "ok_text"),
        ("bad_tint", "bad_text"),
        ("agent_tint", "text"),
        ("agent_tint", "muted"),
        ("bad_tint", "text"),
    ):
        assert contrast(getattr(tokens, text), getattr(tokens, tint)) >= 4.5, (tint, text)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)


@pytest.mark.parametrize("tokens", [DARK, LIGHT])
def test_stylesheet_leaves_no_token_open(tokens: Tokens) -> None:
    text = stylesheet(tokens)
    assert "$" not in text
    assert tokens.agent in text


def test_every_outcome_and_phase_has_word_and_shape() -> None:
    assert set(OUTCOME_WORDS) == set(Outcome) == set(OUTCOME_ICONS)
    assert set(hud.PHASE_WORDS) == set(Phase)
    for name in OUTCOME_ICONS.values():
        assert (ICON_FOLDER / f"{name}.svg").is_file()


def test_no_two_outcomes_look_alike_and_each_says_what_it_means() -> None:
    drawn = {(ICON_FOLDER / f"{name}.svg").read_bytes() for name in OUTCOME_ICONS.values()}
    assert len(drawn) == len(Outcome)
    assert set(OUTCOME_MEANINGS) == set(Outcome)
    for told in OUTCOME_MEANINGS.values():
        # One sentence, so that a tip is read in passing.
        assert told.endswith(".")
        assert told.count(".") == 1
    facts = replace(sample_episodes(0.0)[0], outcome=Outcome.INTERRUPTED)
    model = EpisodeModel()
    model.show_episodes([facts])
    tip = str(model.data(model.index(0), Qt.ItemDataRole.ToolTipRole))
    assert OUTCOME_MEANINGS[Outcome.INTERRUPTED] in tip


def test_binding_loses_no_reference_of_none() -> None:
    import sys

    from PySide6.QtCore import QRectF

    rect = QRectF()
    before = sys.getrefcount(None)
    for _ in range(1000):
        rect.setWidth(1)
    assert before - sys.getrefcount(None) < 500


def test_history_walks_back_and_forth_and_keeps_the_draft() -> None:
    history = History(["one", "two"])
    assert history.older("dra") == "two"
    assert history.older("two") == "one"
    assert history.older("one") == "one"
    assert history.newer("one") == "two"
    assert history.newer("two") == "dra"
    assert history.newer("dra") == "dra"


@given(st.lists(st.text(min_size=1, max_size=5), max_size=20), st.text(max_size=5))
def test_history_holds_each_sentence_once_and_returns_to_the_draft(
    lines: list[str], draft: str
) -> None:
    history = History()
    for line in lines:
        history.add(line)
    assert sorted(history.lines) == sorted(set(lines))
    if lines:
        assert history.lines[-1] == lines[-1]
    shown = draft
    for _ in range(len(history.lines)):
        shown = history.older(shown)
    for _ in range(len(history.lines)):
        shown = history.newer(shown)
    assert shown == draft


def test_history_is_bounded() -> None:
    history = History([str(i) for i in range(500)])
    history.add("new")
    assert len(history.lines) == 200
    assert history.lines[-1] == "new"


def test_examples_alternate_between_verbs() -> None:
    sentences = spread(TASKS)
    assert len(sentences) == len(TASKS)
    assert [s.split()[0] for s in sentences[:3]] == ["go", "pick", "shoot"]
    assert spread(()) == []


def test_examples_begin_with_what_the_agent_was_taught() -> None:
    tasks = [
        Task("craft:planks", "craft planks", "craft"),
        Task("mine:iron", "mine iron", "mine"),
        Task("mine:stone", "mine stone", "mine", split="train"),
        Task("kill:pig", "kill the pig", "kill", split="train"),
    ]
    assert spread(tasks) == ["mine stone", "kill the pig", "craft planks", "mine iron"]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (1_400_000_000, "1.4 GB"), (212e9, "212 GB")],
)
def test_spoken_size(size: float, text: str) -> None:
    assert spoken_size(int(size)) == text


@given(st.integers(0, 10**14))
def test_spoken_size_is_never_a_four_digit_number(size: int) -> None:
    number, _unit = spoken_size(size).split()
    assert float(number) < 1000


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "00:00"), (42.9, "00:42"), (3723, "1:02:03"), (-1, "00:00")]
)
def test_clock_text(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(42, "42 s"), (118, "2 min"), (59.6, "1 min"), (4200, "1 h 10 min")]
)
def test_spoken_duration(seconds: float, text: str) -> None:
    assert spoken_duration(seconds) == text


def test_driver_at_follows_the_runs() -> None:
    assert driver_at(RUNS, 0) is Driver.POLICY
    assert driver_at(RUNS, 61) is Driver.POLICY
    assert driver_at(RUNS, 62) is Driver.PERSON
    assert driver_at(RUNS, 93) is Driver.POLICY
    assert driver_at(RUNS, 133) is Driver.NOBODY


def test_runs_in_words() -> None:
    assert describe_runs(()) == "nobody yet"
    assert describe_runs(((Driver.POLICY, 3), (Driver.PERSON, 1))) == "agent 75 %, you 25 %"


def test_filter_and_summary() -> None:
    episodes = sample_episodes(1_000_000.0)
    assert all(passes(e, Filter.ALL, "") for e in episodes)
    assert {e.outcome for e in episodes if passes(e, Filter.SUCCESS, "")} == {Outcome.SUCCESS}
    assert {e.outcome for e in episodes if passes(e, Filter.FAILURE, "")} == {
        Outcome.FAILURE,
        Outcome.TIMEOUT,
    }
    assert all(e.corrections for e in episodes if passes(e, Filter.CORRECTED, ""))
    torches = [e for e in episodes if passes(e, Filter.ALL, "TORCH go")]
    assert torches
    assert all("torch" in e.instruction for e in torches)
    one = replace(episodes[0], corrections=1, outcome=Outcome.FAILURE, duration_s=7.6)
    assert summary(one, 1_000_000.0).startswith("Failed · 8 s · 1 correction · ")


def test_a_rows_third_line_says_no_more_than_has_room() -> None:
    one = replace(
        sample_episodes(1_000_000.0)[0], corrections=1, outcome=Outcome.FAILURE, duration_s=7.6
    )
    ended, whole = row_lines(one, 1_000_000.0, lambda line: True)
    assert ended == "Failed · 8 s"
    assert whole.endswith(" · 1 correction")
    alone = replace(one, corrections=0, drivers=((Driver.POLICY, 3),))
    assert row_lines(alone, 1_000_000.0, lambda line: True)[1].endswith(" · agent 100 %")
    _, short = row_lines(one, 1_000_000.0, lambda line: len(line) < len(whole))
    assert short == whole.removesuffix(" · 1 correction")
    assert short.startswith(f"#{one.id} · ")


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=50), st.floats(0.1, 20))
def test_smoothing_stays_within_its_points(losses: list[float], half_life: float) -> None:
    points = list(enumerate(losses))
    averaged = smooth(points, half_life)
    assert [s for s, _ in averaged] == [s for s, _ in points]
    assert averaged[0][1] == pytest.approx(losses[0])
    assert all(min(losses) - 1e-9 <= v <= max(losses) + 1e-9 for _, v in averaged)


@given(
    st.sampled_from(sorted(BINDINGS.keys)),
    st.one_of(
        st.sampled_from(sorted(BINDINGS.keys.values())),
        st.sampled_from(["Z", "Esc", "Return", "RightButton"]),
    ),
)
def test_rebinding_never_leaves_two_controls_on_one_key(control: str, key: str) -> None:
    table, sentence = rebind(BINDINGS.keys, control, key)
    assert set(table) == set(BINDINGS.keys)
    assert len(set(table.values())) == len(table)
    if key in {"Esc", "Return"}:
        assert table == dict(BINDINGS.keys)
        assert sentence
    else:
        assert table[control] == key


def test_shortcut_table_has_no_key_twice() -> None:
    keys = [entry.keys for entry in ENTRIES if entry.keys]
    assert len(keys) == len(set(keys))
    assert len({entry.id for entry in ENTRIES}) == len(ENTRIES)
    assert all(entry.tip for entry in ENTRIES)


def test_key_caps_stand_for_every_bound_control() -> None:
    caps = [cap.control for cap in hud.key_caps(BINDINGS)]
    # What does not fit is left out from the end, and every game has these.
    assert caps[:6] == ["forward", "left", "back", "right", "attack", "use"]
    bound = {c for c in BINDINGS.keys if not c.startswith("hotbar.")}
    assert set(caps) == bound | {"hotbar"}
    assert short_key("LeftButton") == "LMB"


def test_hud_words_and_colours_follow_the_phase() -> None:
    session = SampleSession()
    expected = {
        Phase.WATCHING: Driver.NOBODY,
        Phase.PLAYING: Driver.POLICY,
        Phase.CORRECTING: Driver.PERSON,
        Phase.DEMONSTRATING: Driver.PERSON,
        Phase.PAUSED: Driver.NOBODY,
    }
    session.set(instruction="go to the barrel")
    for phase, driver in expected.items():
        session.set(phase=phase)
        assert hud.driver_of(session.state) is driver
        assert hud.hint(session.state, focused=True)
    session.set(phase=Phase.PLAYING)
    assert "Click" in hud.hint(session.state, focused=False)
    assert "Touch" in hud.hint(session.state, focused=True)
    assert dict(hud.metrics(session.state))["thinks"] == "–"
    assert dict(hud.metrics(session.state))["time left"] == "–"
    session.set(latency_ms=34.4, plan_age_ticks=2, missed_ticks=3, confidence=0.5, left_s=3.71)
    figures = dict(hud.metrics(session.state))
    assert figures["thinks"] == "34 ms"
    assert figures["time left"] == "3.7 s"
    assert figures["late"] == "3"
    # The model is as sure when it spins in an empty room as when it walks straight there.
    assert not any("%" in value for value in figures.values())
    assert "invalid" not in figures
    session.set(invalid_outputs=4)
    assert dict(hud.metrics(session.state))["invalid"] == "4"
    # Nothing runs out while the person drives.
    session.set(phase=Phase.DEMONSTRATING)
    assert dict(hud.metrics(session.state))["time left"] == "–"


def test_a_sentence_that_waits_for_the_agent_is_no_empty_field() -> None:
    session = SampleSession()
    session.set(waits=True, instruction="go to the barrel")
    assert "by itself" in hud.hint(session.state, focused=True)
    # Whoever pressed Esc before has no attempt to judge either.
    session.set(phase=Phase.PAUSED)
    assert not session.state.in_attempt
    assert hud.hint_more(session.state) == ""
    session.set(waits=False, instruction="", phase=Phase.WATCHING)
    assert hud.hint(session.state, focused=True).startswith("Type")


def test_a_pause_of_nothing_is_no_pause() -> None:
    session = SampleSession()
    session.set(phase=Phase.PAUSED, instruction="go to the barrel", outcome=Outcome.TIMEOUT)
    assert hud.shown_phase(session.state) is Phase.WATCHING
    assert hud.describe(session.state).startswith(hud.PHASE_WORDS[Phase.WATCHING].capitalize())
    session.set(outcome=None)
    assert hud.shown_phase(session.state) is Phase.PAUSED


def test_hints_name_the_keys_that_end_an_attempt_and_say_when_the_mouse_is_free() -> None:
    session = SampleSession()
    session.set(phase=Phase.DEMONSTRATING, instruction="go to the barrel")
    assert "F9" in hud.hint(session.state, focused=True, captured=True)
    assert hud.hint(session.state, focused=True) == "Click to grab the mouse"
    session.set(phase=Phase.CORRECTING)
    assert "letting go" not in hud.hint(session.state, focused=True, captured=True)
    assert "Enter or letting go" in hud.hint(
        session.state, focused=True, captured=True, by_itself=True
    )
    assert hud.hint(session.state, focused=True) == "Click to grab the mouse"
    session.set(phase=Phase.PLAYING)
    for captured in (True, False):
        assert "F9 done · F10 failed" in hud.hint_more(session.state, captured=captured)
    assert "Esc frees the mouse" in hud.hint_more(session.state, captured=True)


def test_licences_name_what_the_window_is_built_on() -> None:
    found = {part.name.lower(): part for part in components()}
    qt = next(part for name, part in found.items() if name.startswith("pyside6"))
    assert "LGPL" in qt.licence
    assert all(part.licence for part in found.values())
    assert "copyright" in licence_text("numpy").lower()


def test_log_tail(tmp_path: Path) -> None:
    path = tmp_path / "playteach.log"
    path.write_text("".join(f"line {i}\n" for i in range(200)), encoding="utf-8")
    assert tail(path, 2) == "line 198\nline 199"
    assert "cannot be read" in tail(tmp_path / "missing.log")
    assert tail(None) == "No log is written."


def test_gallery_shows_every_phase_and_verdict() -> None:
    assert {"first", "agent", "person", "paused", "training", "better", "worse"} <= set(STATES)
