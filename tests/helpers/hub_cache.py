"""A hub cache as a finished download leaves it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

REVISION = "0" * 40


def put_in_cache(checkpoint: Path, repo: str, cache: Path) -> Path:
    """Lay a checkpoint's files down as those of ``repo`` ("owner/name"); return their folder."""
    home = cache / f"models--{repo.replace('/', '--')}"
    snapshot, blobs = home / "snapshots" / REVISION, home / "blobs"
    for folder in (snapshot, blobs, home / "refs"):
        folder.mkdir(parents=True)
    (home / "refs" / "main").write_text(REVISION, encoding="utf-8")
    for path in sorted(checkpoint.iterdir()):
        blob = blobs / hashlib.sha256(path.name.encode()).hexdigest()
        shutil.copyfile(path, blob)
        (snapshot / path.name).symlink_to(blob)
    return snapshot
