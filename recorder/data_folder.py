"""Where a profile's data lives: one folder with the database and what belongs to it."""

from __future__ import annotations

from pathlib import Path

DATABASE_NAME = "playteach.sqlite3"
LOCK_NAME = "playteach.lock"
BACKUP_FOLDER = "backups"


def default_data_folder() -> Path:
    """Return the platform's data folder for Playteach; it may not exist yet."""
    from platformdirs import user_data_dir

    return Path(user_data_dir("Playteach", appauthor=False))


def database_path(folder: Path) -> Path:
    """Return the database file of a data folder."""
    return folder / DATABASE_NAME


def adapters_path(folder: Path) -> Path:
    """Return the folder that holds the adapters of a data folder."""
    return folder / "adapters"


def eyes_path(folder: Path) -> Path:
    """Return the folder of a data folder that holds what judges the person's own sentences."""
    return folder / "eyes"


def logs_path(folder: Path) -> Path:
    """Return the folder that holds the log files of a data folder."""
    return folder / "logs"


def lock_path(folder: Path) -> Path:
    """Return the file whose lock says that a Playteach writes to this folder."""
    return folder / LOCK_NAME


def backups_path(folder: Path) -> Path:
    """Return the folder that holds the copies made before a migration."""
    return folder / BACKUP_FOLDER


def name_in(folder: Path, path: Path) -> str:
    """Return the name under which the database keeps a path.

    Inside the data ``folder`` it is relative to it, with slashes, so that the folder can be
    moved and copied; elsewhere it is absolute.
    """
    # First as it is written: a link inside the folder belongs to the folder.
    for place, whole in (
        (path.absolute(), folder.absolute()),
        (path.resolve(), folder.resolve()),
    ):
        if ".." not in place.parts and place.is_relative_to(whole):
            return place.relative_to(whole).as_posix()
    return str(path.resolve())


def path_of(folder: Path, name: str) -> Path:
    """Return the absolute path of a name that :func:`name_in` gave."""
    return folder.absolute() / name
