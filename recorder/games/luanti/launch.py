"""Starts Luanti in a world of Playteach's own, never in the person's."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from recorder.errors import GameError
from recorder.processes import STOP_S, end_process, start_kept

PROGRAMS = ("minetest", "luanti")
FOLDERS = ("/usr/games", "/usr/local/games")
FAKETIME = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
)
WIDTH, HEIGHT = 640, 360
_WORLD = (
    "gameid = minetest\nbackend = sqlite3\nplayer_backend = sqlite3\nauth_backend = sqlite3\n"
    "mod_storage_backend = sqlite3\nenable_damage = true\ncreative_mode = false\n"
    "world_name = playteach\nload_mod_playteach = true\n"
)
SLOW_NEEDS = (
    "Slowed time needs libfaketime, which is not installed; on Debian or Ubuntu: "
    "sudo apt-get install faketime."
)
HOW_TO = "on Debian or Ubuntu: sudo apt-get install minetest minetest-data"


def program() -> Path | None:
    """Return where Luanti is installed, None where it is not."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *FOLDERS))
    for name in PROGRAMS:
        found = shutil.which(name, path=path)
        if found is not None:
            return Path(found)
    return None


def faketime_library() -> Path | None:
    """Return where libfaketime is, which slowed time needs; None where it is not."""
    return next((Path(place) for place in FAKETIME if Path(place).exists()), None)


class LuantiProcess:
    """A running Luanti in a private folder that goes with it.

    Attributes:
        world: the world's folder, where the mod writes.
        faketime: the file that libfaketime reads, None in real time.

    """

    def __init__(self, assets: Path, *, slowed: bool = False) -> None:
        found = program()
        if found is None:
            raise GameError(
                f"Luanti (Minetest) is not installed, so it cannot be played; {HOW_TO}."
            )
        library = faketime_library() if slowed else None
        if slowed and library is None:
            raise GameError(SLOW_NEEDS)
        self._folder = tempfile.TemporaryDirectory(prefix="playteach-luanti-")
        home = Path(self._folder.name)
        self.world = home / "world"
        self.faketime = home / "faketime" if slowed else None
        self._log = home / "luanti.log"
        self._lay_down(assets)
        self._closed = False
        self._keeper = self._start(found, library)
        said = b"" if self._keeper.stdout is None else self._keeper.stdout.readline()
        if not said.strip().isdigit():
            self.close()
            raise GameError(f"Luanti could not be started, so it cannot be played; {HOW_TO}.")
        self._pid = int(said)

    @property
    def pid(self) -> int:
        """The game's process."""
        return self._pid

    @property
    def running(self) -> bool:
        """Whether the game still runs."""
        return self._keeper.poll() is None

    def ended_within(self, seconds: float) -> bool:
        """Whether the game has ended, or does so within so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._keeper.wait(seconds)
        return not self.running

    def last_words(self) -> str:
        """Return the last error line of the game's log, "" without one."""
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        errors = [line for line in lines if "ERROR" in line]
        return errors[-1].strip() if errors else ""

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the game; nothing where it has ended."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def close(self) -> None:
        """End the game and remove its folder; may be called twice."""
        if self._closed:
            return
        self._closed = True
        with contextlib.ExitStack() as closing:
            closing.callback(self._folder.cleanup)
            # The keeper itself waits for the game before it kills it.
            closing.callback(end_process, self._keeper, 2 * STOP_S)

    def _lay_down(self, assets: Path) -> None:
        mods = self.world / "worldmods"
        mods.mkdir(parents=True)
        shutil.copytree(assets / "luanti_mod" / "playteach", mods / "playteach")
        (self.world / "world.mt").write_text(_WORLD, encoding="utf-8")
        client = (assets / "luanti_mod" / "client.conf").read_text(encoding="utf-8")
        conf = self.world.parent / "client.conf"
        # Of two equal entries the last one counts.
        conf.write_text(f"{client}\nscreen_w = {WIDTH}\nscreen_h = {HEIGHT}\n", encoding="utf-8")
        if self.faketime is not None:
            self.faketime.write_text("-0.0\n", encoding="ascii")

    def _start(self, found: Path, library: Path | None) -> subprocess.Popen[bytes]:
        home = self.world.parent
        environment = {**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8"}
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "WAYLAND_DISPLAY"):
            environment.pop(name, None)
        game = [
            str(found), "--go", "--gameid", "minetest", "--world", str(self.world),
            "--config", str(home / "client.conf"), "--logfile", str(self._log),
        ]  # fmt: skip
        if library is not None and self.faketime is not None:
            game = [
                "env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={self.faketime}",
                "FAKETIME_NO_CACHE=1", *game,
            ]  # fmt: skip
        with (home / "stdout.txt").open("wb") as out:
            return start_kept(game, cwd=home, env=environment, stderr=out)
