import pytest

from app.setup import system_needs
from app.setup.system_needs import SystemLibrary

ALL = system_needs.WINDOW_LIBRARIES + system_needs.X11_LIBRARIES


@pytest.mark.skipif(not system_needs.sys.platform.startswith("linux"), reason="Linux libraries")
@pytest.mark.parametrize(
    ("display", "wanted"), [("x11", len(ALL)), ("wayland", len(system_needs.WINDOW_LIBRARIES))]
)
def test_every_library_is_asked_for(display: str, wanted: int) -> None:
    assert len(system_needs.missing_libraries(display, loads=lambda _name: False)) == wanted
    assert system_needs.missing_libraries(display, loads=lambda _name: True) == ()


@pytest.mark.parametrize("manager", ["apt-get", "dnf", "pacman", "zypper"])
def test_one_command_installs_everything(manager: str) -> None:
    sentence = system_needs.missing_libraries_sentence(ALL, manager)
    command = sentence.split("with: ")[1]
    assert command.startswith(system_needs.INSTALL_COMMANDS[manager])
    packages = command.removeprefix(system_needs.INSTALL_COMMANDS[manager]).split()
    assert len(packages) == len(set(packages))
    assert set(packages) == {library.packages[manager] for library in ALL}


def test_an_unknown_system_gets_the_names() -> None:
    sentence = system_needs.missing_libraries_sentence((ALL[0],), "")
    assert ALL[0].name in sentence
    assert "with:" not in sentence


def test_libraries_are_looked_for_in_earnest() -> None:
    assert not system_needs.can_load("libplayteach-is-not-there.so.1")


@pytest.mark.skipif(not system_needs.sys.platform.startswith("linux"), reason="Linux displays")
@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, ""),
        ({"DISPLAY": ":0"}, "x11"),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "wayland"),
        ({"DISPLAY": ""}, ""),
    ],
)
def test_display_kind(environment: dict[str, str], kind: str) -> None:
    assert system_needs.display_kind(environment) == kind


def test_the_first_manager_found_is_taken() -> None:
    assert system_needs.package_manager(lambda name: name if name == "dnf" else None) == "dnf"
    assert system_needs.package_manager(lambda _name: None) == ""


def test_libraries_are_named_once() -> None:
    names = [library.name for library in ALL]
    assert len(names) == len(set(names))
    assert all(isinstance(library, SystemLibrary) for library in ALL)
