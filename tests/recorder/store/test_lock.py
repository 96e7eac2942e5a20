"""Why a data folder cannot be locked: somebody has it, or its disk keeps no locks."""

from __future__ import annotations

import errno
import os
from io import BufferedRandom
from pathlib import Path

import pytest

from recorder.data_folder import database_path
from recorder.errors import DataBusyError, DataError
from recorder.store import Store, lock
from recorder.store.lock import FolderLock


def test_a_folder_is_locked_once_until_it_is_let_go(tmp_path: Path) -> None:
    first = FolderLock(tmp_path / "lock")
    with pytest.raises(DataBusyError, match="Another Playteach is using the data folder") as caught:
        FolderLock(tmp_path / "lock")
    assert str(tmp_path) in caught.value.sentence
    first.release()
    first.release()
    FolderLock(tmp_path / "lock").release()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.EIO])
def test_a_disk_that_keeps_no_locks_is_not_taken_for_another_playteach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_file: BufferedRandom) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(lock, "_lock", refuse)
    with pytest.raises(DataError, match=r"keeps no locks \(.+\)") as caught:
        Store.open(tmp_path / "data")
    assert not isinstance(caught.value, DataBusyError)
    sentence = caught.value.sentence
    assert os.strerror(number) in sentence
    assert str(tmp_path / "data") in sentence
    assert sentence.endswith("choose a folder on a disk of this machine with --data.")
    assert not database_path(tmp_path / "data").exists()


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK])
def test_every_systems_word_for_a_lock_that_somebody_has_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_file: BufferedRandom) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(lock, "_lock", refuse)
    with pytest.raises(DataBusyError, match="only one at a time may write to it"):
        Store.open(tmp_path)
