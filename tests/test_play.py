"""The first line of a start: which Python it takes, and what it says to the others."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
VERSIONS = [(2, 7), (3, 8), (3, 10), (3, 11), (3, 12), (3, 13), (3, 14), (3, 15), (4, 0)]


@pytest.fixture
def play() -> ModuleType:
    spec = importlib.util.spec_from_file_location("play", ROOT / "play.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_takes_the_pythons_that_the_project_names(play: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = SpecifierSet(project["requires-python"])
    fitting = [version for version in VERSIONS if play.fits((*version, 1, "final", 0))]
    assert fitting == [v for v in VERSIONS if f"{v[0]}.{v[1]}.1" in wanted]
    names = [f"{major}.{minor}" for major, minor in fitting]
    assert {f"python{name}" for name in names} == set(play.CANDIDATES)
    assert f"{', '.join(names[:-1])} or {names[-1]}" == play.RANGE
    assert play.RANGE.replace(" or", ",").split(", ") == names


def pretend(folder: Path, name: str, version: tuple[int, int]) -> None:
    """Put a Python of some version into a folder."""
    file = folder / name
    file.write_text(
        "#!/bin/sh\n"
        f'exec {sys.executable} -c "import sys; sys.version_info = {(*version, 1)}; $2"\n',
        encoding="utf-8",
    )
    file.chmod(0o755)


def test_it_names_one_that_is_here_and_fits(
    play: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name says little: this one's version is too new.
    pretend(tmp_path, "python3.13", (3, 15))
    pretend(tmp_path, "python3.12", (3, 12))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "run: python3.12 play.py" in play.unfit_sentence()
    (tmp_path / "python3.12").unlink()
    pretend(tmp_path, "python3.14", (3, 14))
    assert "run: python3.14 play.py" in play.unfit_sentence()
    # The tests have not run there, so another one that fits comes first.
    pretend(tmp_path, "python3.11", (3, 11))
    assert "run: python3.11 play.py" in play.unfit_sentence()
    # Two that cannot be started at all are passed over.
    (tmp_path / "python3.11").write_text("#!/no/such/interpreter\n", encoding="utf-8")
    (tmp_path / "python3.12").touch(0o755)
    assert "run: python3.14 play.py" in play.unfit_sentence()
    for name in ("python3.11", "python3.12", "python3.14"):
        (tmp_path / name).unlink()
    sentence = play.unfit_sentence()
    assert "so nothing was installed" in sentence
    assert sentence.endswith("install Python 3.12 and start again with it.")


AS_ANOTHER = """
import runpy, sys
sys.version_info = {version}
sys.modules["app.setup.bootstrap"] = None  # what fetches
sys.argv = ["play.py", "games"]
runpy.run_path({file!r}, run_name="__main__")
"""


@pytest.mark.parametrize("version", [(3, 10, 9), (3, 15, 0)])
def test_what_fetches_is_not_even_imported_by_a_python_that_does_not_fit(
    version: tuple[int, int, int],
) -> None:
    code = AS_ANOTHER.format(version=(*version, "final", 0), file=str(ROOT / "play.py"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert f"this is Python {'.'.join(map(str, version))}, so nothing was installed" in done.stderr


@pytest.mark.parametrize("version", ["2.7", "3.8", "3.10", "3.15"])
def test_a_python_that_does_not_fit_is_told_so_before_anything_is_fetched(
    play: ModuleType, version: str
) -> None:
    program = shutil.which(f"python{version}")
    if program is None or subprocess.run([program, "-c", ""], check=False).returncode:
        pytest.skip(f"no Python {version} here")
    done = subprocess.run(
        [program, str(ROOT / "play.py"), "games"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"Playteach needs Python {play.RANGE} and this is Python")
