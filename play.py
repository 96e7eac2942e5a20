# -*- coding: ascii -*-
"""Sets Playteach up next to this file on its first start, then starts it.

    python3 play.py                 the window
    python3 play.py ARGS            the same as: playteach ARGS
    python3 play.py test [ARGS]     the test suite

This file stays readable to every Python, down to 2.7, so that one that does not fit can say
what is wrong instead of stumbling over the syntax, or after hundreds of megabytes.  The work
is done in app/setup/bootstrap.py.
"""

import os
import subprocess
import sys

NEEDED = (3, 11)
TOO_NEW = (3, 15)
RANGE = "3.11, 3.12, 3.13 or 3.14"
CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3.14")
INSTALL_COMMANDS = (
    ("apt-get", "sudo apt install python3.11 python3.11-venv"),
    ("dnf", "sudo dnf install python3.12"),
    ("pacman", "sudo pacman -S uv && uv python install 3.13"),
    ("zypper", "sudo zypper install python312"),
    ("brew", "brew install python@3.12"),
)


def find_program(name):  # type: (str) -> str
    """Return the path of a program that can be started, or ""."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, name)  # noqa: PTH118 - pathlib is younger than some readers
        if os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
            return path
    return ""


def fits(version):  # type: (tuple) -> bool
    """Return whether the pinned packages are made for a Python of this version."""
    return NEEDED <= tuple(version[:2]) < TOO_NEW


def works(program):  # type: (str) -> bool
    """Return whether a Python starts and fits (version managers leave empty shims)."""
    inside = repr(NEEDED) + " <= sys.version_info[:2] < " + repr(TOO_NEW)
    check = "import sys; sys.exit(not " + inside + ")"
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            return subprocess.call([program, "-c", check], stdout=nowhere, stderr=nowhere) == 0
    except OSError:
        # Not even a script, or one whose interpreter is gone.
        return False


def unfit_sentence():  # type: () -> str
    """Return what is wrong with this Python and the one command that helps."""
    this = ".".join(str(part) for part in sys.version_info[:3])
    start = "Playteach needs Python " + RANGE + " and this is Python " + this + ", so nothing "
    start += "was installed; "
    for name in CANDIDATES:
        program = find_program(name)
        if program and works(program):
            return start + "one that fits is here already, so run: " + name + " play.py"
    for manager, command in INSTALL_COMMANDS:
        if find_program(manager):
            return start + "install one with: " + command
    return start + "install Python 3.12 and start again with it."


if __name__ == "__main__":
    if not fits(sys.version_info):
        sys.stderr.write(unfit_sentence() + "\n")
        sys.exit(3)
    from app.setup.bootstrap import main

    sys.exit(main(sys.argv[1:]))
