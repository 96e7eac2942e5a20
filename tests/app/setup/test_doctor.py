import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.setup import doctor
from app.setup.doctor import Status
from recorder.games import game_spec, registry
from recorder.games.doom import leftovers
from recorder.store import Store, database_path


def test_a_new_folder_has_nothing_wrong(tmp_path: Path) -> None:
    data = tmp_path / "not" / "yet"
    lines = [*doctor.disk_lines(data), *doctor.folder_lines(data), *doctor.database_lines(data)]
    lines += doctor.adapter_lines(data)
    assert {line.name for line in lines} == {"disk", "data folder", "database", "adapters"}
    assert [line for line in lines if line.status is Status.PROBLEM] == []
    assert not data.exists()


def test_everything_that_can_be_looked_at_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [name for name in vars(doctor) if name.endswith("_lines")]
    assert "shared_memory_lines" in checks
    for check in checks:
        line = doctor.DoctorLine(check, Status.OK, "fine")
        monkeypatch.setattr(doctor, check, lambda *_folder, line=line: iter([line]))
    assert sorted(line.name for line in doctor.run_doctor(tmp_path)) == sorted(checks)


def test_the_database_is_counted(tmp_path: Path) -> None:
    with Store.open(tmp_path):
        pass
    (line,) = doctor.database_lines(tmp_path)
    assert line.status is Status.OK
    assert line.text.startswith("0 episodes")
    (line,) = doctor.adapter_lines(tmp_path)
    assert line.text == "0, the base plays"


@pytest.mark.parametrize("content", [b"not a database at all, but longer" * 40, b"SQLite format 3"])
def test_a_bad_database_is_a_problem_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    database_path(tmp_path).write_bytes(content)
    (line,) = doctor.database_lines(tmp_path)
    assert line.status is Status.PROBLEM
    assert line.text
    assert line.todo
    assert database_path(tmp_path).read_bytes() == content


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of Linux's")
def test_shared_memory_that_is_missing_or_too_small_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = doctor.shared_memory_lines()
    assert (line.status, line.todo) == (Status.OK, "")
    assert "MB free" in line.text
    free = SimpleNamespace(free=64 * 1024)
    monkeypatch.setattr(leftovers.shutil, "disk_usage", lambda path: free)
    (line,) = doctor.shared_memory_lines()
    assert line.status is Status.PROBLEM
    assert "only 64 KiB are free" in line.text
    assert "--shm-size" in line.todo
    monkeypatch.undo()
    monkeypatch.setattr(leftovers, "SHARED", tmp_path / "missing")
    (line,) = doctor.shared_memory_lines()
    assert line.status is Status.PROBLEM
    assert "no shared memory" in line.text
    games = {each.name: each for each in doctor.game_lines()}
    assert games["game doom"].status is Status.PROBLEM
    assert "no shared memory" in games["game doom"].text


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="the administrator may write anywhere"
)
def test_a_read_only_folder_is_a_problem(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (line,) = doctor.folder_lines(tmp_path)
    tmp_path.chmod(0o700)
    assert line.status is Status.PROBLEM


def test_a_file_in_the_folders_place_is_a_problem(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.touch()
    (line,) = doctor.folder_lines(place)
    assert line.status is Status.PROBLEM
    assert "--data" in line.todo


@pytest.mark.parametrize(
    ("free", "status"), [(10**8, Status.PROBLEM), (10**9, Status.WARN), (10**10, Status.OK)]
)
def test_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: Status
) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _place: usage)
    (line,) = doctor.disk_lines(tmp_path)
    assert line.status is status
    assert bool(line.todo) is (status is not Status.OK)


def test_no_display_is_told_but_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM")
    monkeypatch.setattr("app.setup.display.sys.platform", "linux")
    line = next(doctor.display_lines())
    assert line.status is Status.WARN
    assert "demo --quick" in line.todo


def test_a_session_in_which_no_other_window_may_be_seen_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recorder.games.luanti.launch.program", lambda: Path("/usr/games/minetest"))
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0")
    luanti = game_spec("luanti")
    assert doctor.installed_line(luanti).status is Status.OK
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    line = doctor.installed_line(luanti)
    assert line.status is Status.WARN
    assert "Wayland" in line.text
    assert "X.Org" in line.todo


def test_the_embedded_game_starts() -> None:
    line, *others = doctor.game_lines()
    # The simulators take minutes to start and are not asked to.
    assert [each.name for each in others] == ["game luanti", "game minerl", "game minestudio"]
    assert "playteach games install minerl" in others[1].text
    assert line.name == "game doom"
    assert line.status is Status.OK
    assert "640 x 360" in line.text


def test_a_simulator_that_lost_its_python_is_told_where_another_is_only_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, *others = registry.GAMES
    monkeypatch.setattr(doctor, "GAMES", others)
    monkeypatch.setattr("recorder.games.minecraft.game.engines_folder", lambda: tmp_path)
    (tmp_path / "minerl.json").write_text(f'{{"python": "{tmp_path}/gone"}}', encoding="utf-8")
    lines = {line.name: line for line in doctor.game_lines()}
    assert lines["game minerl"].status is Status.WARN
    assert "lost its own Python" in lines["game minerl"].text
    assert "games install minerl" in lines["game minerl"].todo
    assert lines["game minestudio"].status is Status.OK
    assert "games install minestudio" in lines["game minestudio"].text


def test_a_missing_checkpoint_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.paths.shipped_assets", lambda: tmp_path)
    base, luanti = doctor.model_lines()
    assert base.status is Status.PROBLEM
    assert base.todo.startswith("bring assets/checkpoint back")
    assert luanti.status is Status.WARN
    assert luanti.todo.startswith("bring assets/checkpoint-luanti back")


def test_the_checkpoints_that_ship_are_whole() -> None:
    assert [line.status for line in doctor.model_lines()] == [Status.OK, Status.OK]


def test_a_shipped_checkpoint_without_its_weights_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("checkpoint", "checkpoint-luanti"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("model.paths.shipped_assets", lambda: tmp_path)
    assert [line.status for line in doctor.model_lines()] == [Status.PROBLEM, Status.PROBLEM]


def test_the_device_is_explained() -> None:
    (line,) = doctor.device_lines()
    assert "Plays on" in line.text
    (line,) = doctor.memory_lines()
    assert "GB free" in line.text
