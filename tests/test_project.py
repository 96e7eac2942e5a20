"""The house rules: lint, types, layers, pins, and a README that tells the truth."""

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.setup.bootstrap import read_pins
from recorder.errors import ExitCode

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "model", "recorder", "trainer")
README = ROOT / "README.md"
MAX_FUNCTION_LINES = 60
MAX_CLASS_LINES = 300
HEAVY = ("torch", "transformers", "peft", "PySide6", "numpy", "vizdoom", "av", "scipy")
TEXT_FILES = {".py", ".md", ".toml", ".txt", ".yml", ".svg", ".json", ".cfg", ""}
# Written in pieces, so that the rule does not find itself.
ABSOLUTE = re.compile(r"(?<![\w.~*<{$-])/(?:" + "work|home|root|Users" + r")/\w")
HOSTS = re.compile("py" + r"pi\.org|python" + r"hosted\.org|debian\.org|npmjs\.")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


@cache
def tracked() -> tuple[Path, ...]:
    listing = run("git", "ls-files", "-z")
    assert listing.returncode == 0, listing.stderr
    return tuple(ROOT / name for name in listing.stdout.split("\0") if name)


def tracked_text() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        if path.suffix in TEXT_FILES and path.is_file():
            yield path, path.read_text(encoding="utf-8", errors="replace")


@cache
def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(*extras: str) -> list[Requirement]:
    facts = project()
    lines = list(facts["dependencies"])  # type: ignore[call-overload]
    for extra in extras:
        lines += facts["optional-dependencies"][extra]  # type: ignore[index]
    return [Requirement(line) for line in lines]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--quiet", "."),
        ("ruff", "format", "--quiet", "--check", "."),
        pytest.param(
            ("mypy", "--no-error-summary"),
            marks=pytest.mark.long(
                30, "without its cache, in a fresh clone, mypy reads everything"
            ),
        ),
        ("lint-imports",),
    ],
    ids=lambda command: "-".join(command[:2]),
)
def test_the_tools_find_nothing(command: tuple[str, ...]) -> None:
    found = run(tool(command[0]), *command[1:])
    assert found.returncode == 0, f"{found.stdout}\n{found.stderr}"


def test_mypy_reads_whatever_our_code_names() -> None:
    """What it skips has no types; that is for the inside of packages, which we never touch."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    skipped = {
        module.removesuffix(".*")
        for each in overrides["overrides"]
        if each.get("follow_imports") == "skip" and not each.get("ignore_missing_imports")
        for module in each["module"]
    }
    assert "torch._inductor" in skipped
    named = {
        f"{path.relative_to(ROOT)} names {name}"
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES
        for name in named_modules(path)
        if any(name == module or name.startswith(f"{module}.") for module in skipped)
    }
    assert named == set()


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return the imports and attributes in a file; to take it apart is what takes long."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    kinds = (ast.Import, ast.ImportFrom, ast.Attribute)
    return tuple(node for node in nodes if isinstance(node, kinds))


def named_modules(path: Path) -> set[str]:
    """Return what a file imports, and what it names of an imported package: ``torch.fx``."""
    names: set[str] = set()
    nodes = nodes_of(path)
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            package = node.value.id
            if package in names:
                names.add(f"{package}.{node.attr}")
    return names


def test_constraints_pin_what_the_project_asks_for() -> None:
    pins = read_pins(ROOT / "constraints.txt")
    for requirement in requirements("test"):
        version = pins.get(canonicalize_name(requirement.name))
        assert version, f"constraints.txt does not pin {requirement.name}"
        assert requirement.specifier.contains(version), f"{requirement} does not allow {version}"


def test_everything_that_was_installed_is_pinned_and_is_the_pin() -> None:
    pins = read_pins(ROOT / "constraints.txt")
    seen: set[str] = set()
    queue = [(requirement, "") for requirement in requirements("test")]
    while queue:
        requirement, extra = queue.pop()
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        # What PyTorch's CUDA build brings along is pinned by that build itself, and evdev
        # is left out by the bootstrap.
        if (marker and not marker.evaluate({"extra": extra})) or name.startswith(
            ("nvidia-", "cuda-", "triton", "evdev")
        ):
            continue
        version = metadata.version(name)
        assert pins.get(name) == version.split("+", 1)[0], f"{name} {version} is not the pin"
        if name not in seen:
            seen.add(name)
            for line in metadata.requires(name) or ():
                inner = Requirement(line)
                queue += [(inner, wanted) for wanted in (requirement.extras or {""})]
    assert len(seen) > len(requirements("test"))


def test_every_import_is_declared() -> None:
    declared = {canonicalize_name(requirement.name) for requirement in requirements()}
    declared |= {
        canonicalize_name(r.name) for r in requirements("bits", "charts", "keyring", "parquet")
    }
    owners = metadata.packages_distributions()
    missing = set()
    for path in tracked():
        if path.suffix != ".py" or path.relative_to(ROOT).parts[0] not in PACKAGES:
            continue
        # It runs in the simulators' own environments.
        if path.relative_to(ROOT) == Path("recorder/games/minecraft/worker.py"):
            continue
        for module in imported_modules(path):
            if module in sys.stdlib_module_names or module in PACKAGES:
                continue
            names = {canonicalize_name(owner) for owner in owners.get(module, [module])}
            if not names & declared:
                missing.add(f"{path.relative_to(ROOT)} imports {module}")
    assert missing == set()


def test_every_package_is_imported_or_it_is_said_why_not() -> None:
    owners = metadata.packages_distributions()
    imported = {
        canonicalize_name(owner)
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES
        for module in imported_modules(path)
        for owner in owners.get(module, ())
    }
    unused = {canonicalize_name(requirement.name) for requirement in requirements()} - imported
    reasons = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    _, _, reasons = reasons.partition("Installed, but imported by nothing")
    reasons, _, _ = reasons.partition("\n\n## ")
    assert unused == set(re.findall(r"^- `([\w-]+)`: ", reasons, re.MULTILINE))


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def test_the_top_level_holds_what_was_agreed() -> None:
    allowed = {
        *("app", "assets", "docs", "model", "recorder", "tests", "trainer", ".ci"),
        *("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "constraints.txt"),
        *("pyproject.toml", "play.py", ".gitignore"),
    }
    found = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert found <= allowed, f"not agreed at the top level: {sorted(found - allowed)}"


def test_tests_are_no_packages() -> None:
    assert [path for path in tracked() if path.match("tests/**/__init__.py")] == []


def test_no_file_names_a_place_of_one_machine_or_a_package_index() -> None:
    found = []
    for path, text in tracked_text():
        for number, line in enumerate(text.splitlines(), start=1):
            if ABSOLUTE.search(line) or HOSTS.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_nothing_is_loaded_that_could_run_code() -> None:
    banned = re.compile(
        r"\bimport pickle\b|\btorch\.load\(|trust_remote_code\s*=\s*True|shell\s*=\s*True"
    )
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path, text in tracked_text()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES
        for match in banned.finditer(text)
    ]
    assert found == []


PROCESS_WIDE = {
    "chdir", "fchdir", "umask", "nice", "setswitchinterval", "setrecursionlimit", "setlocale",
    "set_num_threads", "set_num_interop_threads", "set_default_device", "set_default_dtype",
    "set_deterministic_debug_mode", "use_deterministic_algorithms", "set_start_method", "putenv",
}  # fmt: skip
MAY_CHANGE_THE_PROCESS = {
    ("bootstrap.py", "_start"): "it becomes another program in the next line",
    ("wiring.py", "take_short_turns"): "called where the window or the headless player starts",
    ("shapes.py", "random_model"): "puts it back",
    ("stage.py", "own_desktop"): "puts it back",
    ("stage.py", "_restore"): "puts it back",
    ("__init__.py", ""): "read when torch is loaded, and only as a default",
    ("torch_state.py", "torch_threads"): "puts it back",
    ("torch_state.py", "seeded"): "puts it back",
    ("run.py", "begin_player_process"): "a process's entry point",
    ("ablation.py", "main"): "a process's entry point",
    ("dagger.py", "main"): "a process's entry point",
    ("clone.py", "main"): "a process's entry point",
    ("train_yard_model.py", "main"): "a process's entry point",
    ("state_ring.py", "_make_states"): "a process's entry point",
}
"""Who may, by file name and function, and why."""


def changes_of_the_process(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, str]]:
    """Yield (function, what) of every change of state that all of a process shares."""
    for node in ast.iter_child_nodes(tree):
        here = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else inside
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            seeds = (owner, name) in {
                ("torch", "manual_seed"), ("random", "seed"), ("np.random", "seed"),
            }  # fmt: skip
            environment = owner == "os.environ" and name in {"setdefault", "pop", "update"}
            if name in PROCESS_WIDE or seeds or environment:
                yield here, f"{owner}.{name}"
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
        for target in targets:
            if isinstance(target, ast.Subscript) and ast.unparse(target.value) == "os.environ":
                yield here, "os.environ"
        yield from changes_of_the_process(node, here)


@cache
def code_files() -> tuple[tuple[str, ast.Module], ...]:
    return tuple(
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES and path.is_file()
    )


def too_long(tree: ast.AST, around: str = "") -> Iterator[tuple[str, int]]:
    """Yield (qualified name, lines) of every function and class that is longer than allowed."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{around}{node.name}"
            limit = MAX_CLASS_LINES if isinstance(node, ast.ClassDef) else MAX_FUNCTION_LINES
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > limit:
                yield name, lines
            yield from too_long(node, f"{name}.")
        else:
            yield from too_long(node, around)


def long_ones_of_the_decisions() -> set[str]:
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    section = re.search(r"^## Long functions and classes\n(.*?)(?=^## |\Z)", text, re.S | re.M)
    assert section, "docs/decisions.md has no section Long functions and classes"
    return set(re.findall(r"^- `([^`]+)`: \S", section[1], re.M))


def test_long_functions_and_classes_are_justified() -> None:
    found = {
        f"{name} {what}": lines for name, tree in code_files() for what, lines in too_long(tree)
    }
    justified = long_ones_of_the_decisions()
    unnamed = {name: lines for name, lines in found.items() if name not in justified}
    assert unnamed == {}
    assert justified - set(found) == set(), "exceptions that are none any more"


def test_the_limit_sees_what_is_inside_others() -> None:
    inner = "\n".join(f"   a{number} = 0" for number in range(MAX_FUNCTION_LINES))
    example = ast.parse(f"class Long:\n if True:\n  def work(self):\n{inner}\n")
    assert list(too_long(example)) == [("Long.work", MAX_FUNCTION_LINES + 1)]
    tall = ast.parse("class Tall:\n" + "\n".join(f" a{n} = 0" for n in range(MAX_CLASS_LINES)))
    assert list(too_long(tall)) == [("Tall", MAX_CLASS_LINES + 1)]


def test_nothing_changes_the_whole_process_in_passing() -> None:
    found = {
        f"{name}, {function or 'module'}: {what}"
        for name, tree in code_files()
        for function, what in changes_of_the_process(tree)
        if (Path(name).name, function) not in MAY_CHANGE_THE_PROCESS
    }
    assert found == set()
    example = ast.parse("def work():\n with contextlib.chdir(x):\n  torch.manual_seed(0)\n")
    assert list(changes_of_the_process(example)) == [
        ("work", "contextlib.chdir"),
        ("work", "torch.manual_seed"),
    ]


def test_threads_have_one_owner() -> None:
    # Qt's threads are Qt's, and a pool joins its own.
    made = {
        f"{name}: {ast.unparse(node)}"
        for name, tree in code_files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"threading.Thread", "Thread", "threading.Timer", "Timer"}
        and name != "recorder/threads.py"
    }
    assert made == set()


def test_help_loads_nothing_heavy() -> None:
    found = run(sys.executable, "-X", "importtime", "-m", "app", "--help")
    assert found.returncode == 0, found.stderr[-2000:]
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in found.stderr.splitlines()}
    assert "app" in loaded
    assert loaded & set(HEAVY) == set()


def test_bootstrap_scripts_may_be_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "play.py test" in script.read_text(encoding="utf-8")


# The README: what it says can be done can be done, and what it claims can be measured.


def readme_commands() -> list[str]:
    blocks = re.findall(r"```(?:\w*)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    quoted = re.findall(r"`(playteach [^`]+)`", README.read_text(encoding="utf-8"))
    return [line for line in dict.fromkeys([*lines, *quoted]) if line.startswith("playteach")]


@cache
def help_of(words: tuple[str, ...]) -> tuple[int, str]:
    found = run(sys.executable, "-m", "app", *words, "--help")
    return found.returncode, found.stdout + found.stderr


def test_the_readme_begins_with_its_two_commands() -> None:
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:\w*)\n(.*?)```", text, re.DOTALL)
    assert [line.split("  #")[0].strip() for line in blocks[0].splitlines()] == [
        "python3 play.py",
        "python3 play.py test",
    ]


def test_the_readme_names_commands_that_exist() -> None:
    commands = readme_commands()
    assert len(commands) >= 10
    wrong = []
    for command in commands:
        words = shlex.split(re.sub(r"[\[\]]|\.\.\.", " ", command))[1:]
        chosen = []
        for word in words:
            if not re.fullmatch(r"[a-z]+", word) or len(chosen) == 2:
                break
            code, _ = help_of((*chosen, word))
            if code:
                # Not a verb: the value of a positional argument.
                break
            chosen.append(word)
        code, text = help_of(tuple(chosen))
        flags = [word.split("=")[0] for word in words if word.startswith("--")]
        if words and words[0][0].isalpha() and not chosen:
            wrong.append(f"{command}: no such command")
        wrong += [f"{command}: no {flag}" for flag in flags if code or flag not in text]
    assert wrong == []


def test_every_figure_of_the_readme_has_its_command() -> None:
    text = README.read_text(encoding="utf-8")
    section = re.search(r"^## Figures\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section, "the README has no section Figures"
    rows = [line for line in section[1].splitlines() if line.startswith("|")][2:]
    assert rows
    assert [
        row
        for row in rows
        if not re.search(r"`(playteach\b|python3 play\.py|python tests/helpers/)", row)
    ] == []


def test_the_readme_lists_every_exit_code() -> None:
    text = README.read_text(encoding="utf-8")
    assert [code for code in ExitCode if not re.search(rf"^\| {code.value} \|", text, re.M)] == []


def test_every_picture_of_the_readme_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README.read_text(encoding="utf-8"))
    pictures += re.findall(r'(?:src|srcset)="([^"]+)"', README.read_text(encoding="utf-8"))
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []


def test_the_changelog_knows_this_version() -> None:
    from app import __version__

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{__version__}]" in text or "## [Unreleased]" in text
