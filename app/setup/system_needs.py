"""What Playteach needs of the operating system, and the one command that installs it.

Standard library only: the bootstrap asks before anything is installed, doctor asks later.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

INSTALL_COMMANDS: dict[str, str] = {
    "apt-get": "sudo apt install",
    "dnf": "sudo dnf install",
    "pacman": "sudo pacman -S",
    "zypper": "sudo zypper install",
    "brew": "brew install",
}
"""Package managers in the order in which they are looked for."""


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """A shared library and what each package manager calls the package that holds it."""

    name: str
    packages: Mapping[str, str]


def _library(name: str, apt: str, dnf: str, pacman: str, zypper: str) -> SystemLibrary:
    return SystemLibrary(name, {"apt-get": apt, "dnf": dnf, "pacman": pacman, "zypper": zypper})


WINDOW_LIBRARIES: tuple[SystemLibrary, ...] = (
    _library("libEGL.so.1", "libegl1", "mesa-libEGL", "libglvnd", "Mesa-libEGL1"),
    _library("libGL.so.1", "libgl1", "mesa-libGL", "libglvnd", "Mesa-libGL1"),
    _library("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig", "fontconfig"),
    _library("libfreetype.so.6", "libfreetype6", "freetype", "freetype2", "libfreetype6"),
    _library("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus", "libdbus-1-3"),
    _library("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2", "libglib-2_0-0"),
    _library("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "libxkbcommon", "libxkbcommon0"),
)
"""What Qt links to whatever the display; the tests need these too."""

X11_LIBRARIES: tuple[SystemLibrary, ...] = (
    _library("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11", "libX11-xcb1"),
    _library(
        "libxkbcommon-x11.so.0",
        "libxkbcommon-x11-0",
        "libxkbcommon-x11",
        "libxkbcommon-x11",
        "libxkbcommon-x11-0",
    ),
    _library(
        "libxcb-cursor.so.0",
        "libxcb-cursor0",
        "xcb-util-cursor",
        "xcb-util-cursor",
        "libxcb-cursor0",
    ),
    _library("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm", "libxcb-icccm4"),
    _library(
        "libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "xcb-util-image", "libxcb-image0"
    ),
    _library(
        "libxcb-keysyms.so.1",
        "libxcb-keysyms1",
        "xcb-util-keysyms",
        "xcb-util-keysyms",
        "libxcb-keysyms1",
    ),
    _library(
        "libxcb-render-util.so.0",
        "libxcb-render-util0",
        "xcb-util-renderutil",
        "xcb-util-renderutil",
        "libxcb-render-util0",
    ),
    _library("libxcb-randr.so.0", "libxcb-randr0", "libxcb", "libxcb", "libxcb-randr0"),
    _library("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb", "libxcb-shape0"),
    _library("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "libxcb", "libxcb-xkb1"),
)
"""What Qt's X11 plug-in links to besides."""


def display_kind(environment: Mapping[str, str] | None = None) -> str:
    """Return "wayland", "x11", "native" (no Linux) or "" where there is no display."""
    if sys.platform != "linux":
        return "native"
    environment = os.environ if environment is None else environment
    if environment.get("WAYLAND_DISPLAY"):
        return "wayland"
    return "x11" if environment.get("DISPLAY") else ""


def can_load(name: str) -> bool:
    """Return whether the system's loader finds a shared library and all it links to."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def missing_libraries(
    display: str, loads: Callable[[str], bool] = can_load
) -> tuple[SystemLibrary, ...]:
    """Return the libraries that Qt needs on this ``display`` and that cannot be loaded."""
    if sys.platform != "linux":
        return ()
    wanted = WINDOW_LIBRARIES + (X11_LIBRARIES if display == "x11" else ())
    return tuple(library for library in wanted if not loads(library.name))


def package_manager(finds: Callable[[str], str | None] = shutil.which) -> str:
    """Return the package manager of this machine, or "" where it is none that we know."""
    return next((name for name in INSTALL_COMMANDS if finds(name)), "")


def install_command(manager: str, packages: Iterable[str]) -> str:
    """Return the one command that installs ``packages``, each named once."""
    return f"{INSTALL_COMMANDS[manager]} {' '.join(dict.fromkeys(packages))}"


def missing_libraries_sentence(
    libraries: tuple[SystemLibrary, ...], manager: str | None = None
) -> str:
    """Return what is missing, what that means and the command that installs it."""
    manager = package_manager() if manager is None else manager
    names = ", ".join(library.name for library in libraries)
    start = f"This system lacks {names}, so the window cannot open; install "
    if manager in libraries[0].packages:
        packages = [library.packages[manager] for library in libraries]
        return f"{start}with: {install_command(manager, packages)}"
    return f"{start}the packages of your system that hold them."


def venv_sentence(version: tuple[int, int], manager: str | None = None) -> str:
    """Return what to do where Python came without the parts that make an environment."""
    manager = package_manager() if manager is None else manager
    name = f"python{version[0]}.{version[1]}"
    start = f"This {name} came without its venv module, so nothing can be installed; "
    if manager == "apt-get":
        return f"{start}add it with: {install_command(manager, [f'{name}-venv'])}"
    return f"{start}install the full Python of your system and start again."
