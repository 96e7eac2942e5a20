import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import ROOT

from app.setup import bootstrap, bootstrap_pip
from app.setup.bootstrap import Environment
from app.setup.display import require_display
from app.setup.system_needs import WINDOW_LIBRARIES
from recorder.errors import ExitCode, KnownError, NoDisplayError

FAKE_PIP = """
import sys
print("Collecting torch==1.0")
print("  Downloading torch-1.0-cp311-any.whl (190.0 MB)")
print("Progress 95000000 of 190000000")
print("Installing collected packages: torch")
sys.exit({code})
"""


@pytest.fixture
def clone(tmp_path: Path) -> Environment:
    """A clone whose environment looks set up, without the minute that a real one takes."""
    environment = Environment(tmp_path / "clone")
    environment.scripts.mkdir(parents=True)
    environment.python.symlink_to(sys.executable)
    version = ".".join(str(part) for part in sys.version_info[:3])
    (environment.folder / "pyvenv.cfg").write_text(f"version = {version}\n", encoding="utf-8")
    (environment.root / "constraints.txt").write_text("# all\ntorch==1.0\n", encoding="utf-8")
    (environment.root / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    return environment


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Where the commands go that would have taken the process's place."""
    commands: list[list[str]] = []

    def become(command: list[str]) -> int:
        commands.append(command)
        return 0

    monkeypatch.setattr(bootstrap, "become", become)
    monkeypatch.setattr(bootstrap, "missing_libraries", lambda _display: ())
    return commands


def fake_installs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []

    def run(_self: object, step: bootstrap_pip.Step, _heading: str) -> None:
        done.append(step.title)

    monkeypatch.setattr(bootstrap_pip.Installer, "run", run)
    monkeypatch.setattr(bootstrap, "_make_environment", lambda _environment: None)
    return done


def test_arguments_are_playteachs(clone: Environment, started: list[list[str]]) -> None:
    clone.write_stamp(tests=False)
    assert bootstrap.main(["games", "--json"], clone.root) == 0
    assert started[0][-3:] == [str(clone.scripts / "playteach"), "games", "--json"]


def test_the_whole_suite_is_shared_out_and_a_part_is_not(
    clone: Environment, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clone.root)
    clone.write_stamp(tests=True)
    assert bootstrap.main(["test"], clone.root) == 0
    assert bootstrap.main(["test", "tests/model", "-x"], clone.root) == 0
    whole, part = started
    assert whole[1:5] == ["-m", "pytest", "-n", "auto"]
    assert part[1:] == ["-m", "pytest", "tests/model", "-x"]


def test_without_a_display_it_says_so_and_runs_the_loop(
    clone: Environment,
    started: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    clone.write_stamp(tests=False)
    for arguments, data in (
        ([], []),
        (["--game", "luanti", "--slowed"], []),
        (["--game", "luanti", "--data", "here"], ["--data", str(Path("here").absolute())]),
        (["play"], []),
    ):
        started.clear()
        assert bootstrap.main(arguments, clone.root) == 0
        assert started[0][len(clone.playteach) :] == ["demo", "--quick", *data]
        assert capsys.readouterr().err.strip() == bootstrap.NO_DISPLAY


def test_a_sentence_to_play_in_the_window_is_playteachs_to_refuse(
    clone: Environment,
    started: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    clone.write_stamp(tests=False)
    wanted = ["play", "--instruction", "go to the barrel"]
    assert bootstrap.main(wanted, clone.root) == 0
    assert started[0][len(clone.playteach) :] == wanted
    with pytest.raises(NoDisplayError, match=r"add --headless.*playteach demo --quick"):
        require_display()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments", [[], ["--game", "luanti"], ["play", "--game", "luanti"]])
def test_every_command_that_opens_the_window_asks_for_its_libraries(
    clone: Environment,
    started: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    monkeypatch.setenv("DISPLAY", ":1")
    monkeypatch.setattr(bootstrap, "missing_libraries", lambda _display: WINDOW_LIBRARIES[:1])
    clone.write_stamp(tests=False)
    assert bootstrap.main(arguments, clone.root) == ExitCode.KNOWN_PROBLEM
    assert WINDOW_LIBRARIES[0].name in capsys.readouterr().err
    assert started == []


def test_with_a_display_the_window_opens(
    clone: Environment, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":1")
    clone.write_stamp(tests=False)
    assert bootstrap.main([], clone.root) == 0
    assert started[0][-1] == str(clone.scripts / "playteach")


@pytest.mark.parametrize(
    ("arguments", "opens"),
    [
        ([], True),
        (["--data", "x"], True),
        (["--data=x"], True),
        (["--game", "luanti"], True),
        (["--data", "x", "--game=luanti", "--slowed", "--launch"], True),
        (["play", "--instruction", "go to the barrel", "--game", "luanti"], True),
        (["play", "--instruction", "go to the barrel", "--headless"], False),
        (["--no-such-option"], False),
        (["demo"], False),
        (["--data", "x", "games"], False),
        (["--help"], False),
    ],
)
def test_which_arguments_open_the_window(arguments: list[str], opens: bool) -> None:
    assert bootstrap.opens_window(arguments) is opens


def test_second_start_installs_nothing(
    clone: Environment, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = fake_installs(monkeypatch)
    assert bootstrap.main(["games"], clone.root) == 0
    first = len(done)
    assert first > 0
    assert bootstrap.main(["games"], clone.root) == 0
    assert len(done) == first
    assert len(started) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there is no lock on Windows")
@pytest.mark.parametrize(
    ("number", "waits"), [(errno.EWOULDBLOCK, True), (errno.ENOLCK, False), (errno.ENOTSUP, False)]
)
def test_only_another_start_is_waited_for(
    clone: Environment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    waits: bool,
) -> None:
    import fcntl

    asked: list[int] = []

    def refuse_once(_descriptor: int, how: int) -> None:
        asked.append(how)
        if how & fcntl.LOCK_NB:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse_once)
    with bootstrap._one_at_a_time(clone) as lock:
        assert (lock is not None) is waits
    assert asked == [fcntl.LOCK_EX | fcntl.LOCK_NB, *([fcntl.LOCK_EX] if waits else [])]
    assert ("Another start" in capsys.readouterr().err) is waits


def test_tests_need_more_and_the_window_less(clone: Environment) -> None:
    clone.write_stamp(tests=False)
    assert clone.is_ready(tests=False)
    assert not clone.is_ready(tests=True)
    clone.write_stamp(tests=True)
    assert clone.is_ready(tests=False)
    assert clone.is_ready(tests=True)


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml", ".venv/pyvenv.cfg"])
def test_what_changes_what_is_installed_asks_for_a_set_up(clone: Environment, name: str) -> None:
    clone.write_stamp(tests=True)
    path = clone.root / name
    path.write_text(path.read_text(encoding="utf-8") + "# new\n", encoding="utf-8")
    assert not clone.is_ready(tests=False)


def test_a_moved_clone_is_set_up_again(clone: Environment, tmp_path: Path) -> None:
    clone.write_stamp(tests=False)
    moved = clone.root.rename(tmp_path / "elsewhere")
    assert not Environment(moved).is_ready(tests=False)


@given(content=st.one_of(st.binary(max_size=40), st.sampled_from([b"[]", b'{"key": 1}', b"null"])))
def test_any_stamp_is_read(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = Environment(tmp_path_factory.mktemp("stamp"))
    environment.folder.mkdir()
    for name in ("constraints.txt", "pyproject.toml"):
        (environment.root / name).touch()
    environment.stamp.write_bytes(content)
    assert not environment.is_ready(tests=False)


def test_a_failed_set_up_leaves_no_stamp(
    clone: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_installs(monkeypatch)
    clone.write_stamp(tests=False)
    clone.stamp.write_text(json.dumps({"key": "older", "tests": False}), encoding="utf-8")

    def fail(_self: object, _step: object, _heading: str) -> None:
        raise KnownError("The network is away.")

    monkeypatch.setattr(bootstrap_pip.Installer, "run", fail)
    assert bootstrap.main(["games"], clone.root) == ExitCode.KNOWN_PROBLEM
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1] == "The network is away."
    assert printed.err.count("The network is away.") == 1
    assert "Traceback" not in printed.err
    assert not clone.stamp.exists()


def test_ctrl_c_is_one_sentence(
    clone: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_installs(monkeypatch)

    def interrupt(_self: object, _step: object, _heading: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap_pip.Installer, "run", interrupt)
    assert bootstrap.main(["games"], clone.root) == ExitCode.CANCELLED
    assert "what has arrived is kept" in capsys.readouterr().err


def test_only_what_is_missing_is_announced(
    clone: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = fake_installs(monkeypatch)
    packages = clone.folder / "lib" / "site-packages"
    packages.mkdir(parents=True)
    complete(packages, "torch-1.0+cpu.dist-info")
    monkeypatch.setattr(
        bootstrap,
        "STEPS",
        (bootstrap_pip.Step("PyTorch", ("torch",), 200), bootstrap_pip.Step("Qt", ("qt",), 80)),
    )
    (clone.root / "constraints.txt").write_text("torch==1.0\nqt==2\n", encoding="utf-8")
    bootstrap.set_up(clone, tests=False)
    assert done[:2] == ["Qt", "the rest"]
    assert done[-1] == "Playteach"
    assert f"about {80 + bootstrap.REST_MB} MB" in capsys.readouterr().err


def test_nothing_has_to_be_compiled_on_linux(
    clone: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    (clone.root / "pyproject.toml").write_text(
        '[project]\ndependencies = ["mss>=10", "pynput>=1.8"]\n'
        '[project.optional-dependencies]\ntest = ["pytest>=8"]\n',
        encoding="utf-8",
    )
    steps: list[bootstrap_pip.Step] = []
    monkeypatch.setattr(
        bootstrap_pip.Installer, "run", lambda _self, step, _heading: steps.append(step)
    )
    monkeypatch.setattr(bootstrap, "_make_environment", lambda _environment: None)
    bootstrap.set_up(clone, tests=True)
    rest, typing, own = (step.packages for step in steps[-3:])
    assert rest == ("mss>=10", "pytest>=8")
    assert typing[0] == "--no-deps"
    assert "pynput" in typing
    assert "--no-deps" in own


def test_a_full_disk_is_told_before_the_download(
    clone: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 5_000_000})
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda _place: usage)
    with pytest.raises(KnownError, match="has 5 MB left"):
        bootstrap.set_up(clone, tests=False)


def test_a_read_only_folder_is_told(clone: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.os, "access", lambda _place, _mode: False)
    with pytest.raises(KnownError, match="may only be read by you"):
        bootstrap.set_up(clone, tests=False)


def test_a_python_without_venv_names_the_command(
    clone: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr("app.setup.system_needs.package_manager", lambda: "apt-get")
    with pytest.raises(KnownError, match=r"sudo apt install python3\.\d+-venv$"):
        bootstrap.set_up(clone, tests=False)


def test_an_environment_of_a_vanished_python_does_not_work(clone: Environment) -> None:
    assert clone.works()
    clone.python.unlink()
    clone.python.symlink_to(clone.root / "gone")
    assert not clone.works()


def complete(packages: Path, name: str) -> None:
    folder = packages / name
    folder.mkdir()
    (folder / "RECORD").write_text(f"{name}/INSTALLER,sha256=x,4\n", encoding="utf-8")


def test_half_installed_packages_are_removed(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    complete(packages, "whole-1.0.dist-info")
    (packages / "cut-1.0.dist-info").mkdir()
    (packages / "cut-1.0.dist-info" / "RECORD").write_text("cut/__init__.py,,\n", encoding="utf-8")
    (packages / "bare-1.0.dist-info").mkdir()
    (packages / "~orch").mkdir()
    removed = bootstrap_pip.remove_half_installed(tmp_path)
    assert sorted(removed) == ["bare-1.0.dist-info", "cut-1.0.dist-info", "~orch"]
    assert [path.name for path in packages.iterdir()] == ["whole-1.0.dist-info"]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: [Errno 30] Read-only file system: 'x'", "cannot be written to"),
        ("NewConnectionError('Temporary failure in name resolution')\nERROR: x", "connection"),
        ("ERROR: No matching distribution found for vizdoom==1.3.2", "no ready-made vizdoom"),
        ("ERROR: something else", "something else"),
        ("", "no reason given"),
    ],
)
def test_failures_are_one_sentence(output: str, words: str, tmp_path: Path) -> None:
    sentence = bootstrap_pip.explain_failure(output, tmp_path / "log")
    assert words in sentence
    assert "\n" not in sentence
    assert "start again" in sentence


@pytest.mark.parametrize("code", [0, 1])
def test_pip_is_followed_line_by_line(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    progress = bootstrap_pip.Progress("[1/2] PyTorch")

    def take(line: str) -> None:
        lines.append(line)
        progress.line(line)

    command = [sys.executable, "-c", FAKE_PIP.format(code=code)]
    assert bootstrap_pip.follow(command, take, ()) == code
    progress.end(ok=code == 0)
    assert lines[0] == "Collecting torch==1.0"
    printed = capsys.readouterr()
    assert printed.out == "", "a document may be printed there"
    shown = printed.err.splitlines()
    assert shown[0] == "[1/2] PyTorch  torch 1.0, 190.0 MB"
    assert shown[1] == "[1/2] PyTorch  unpacking"
    assert len(shown) == 3


def test_the_child_ends_when_its_reader_is_interrupted() -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    seen: list[int] = []

    def take(line: str) -> None:
        seen.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bootstrap_pip.follow([sys.executable, "-c", code], take, ())
    import psutil

    assert not psutil.pid_exists(seen[0])


@given(total=st.integers(1, 10**12), done=st.integers(0, 10**12))
def test_the_bar_never_overflows(total: int, done: int) -> None:
    drawn = bootstrap_pip.bar(done, total).split(" ")[0]
    assert len(drawn) == 24
    assert set(drawn) <= {"#", "."}


def test_the_bootstrap_needs_nothing_installed() -> None:
    # -S leaves out site-packages, -I the environment and the current folder.
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import app.setup.bootstrap"
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
