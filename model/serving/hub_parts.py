"""Files of the hub that arrive part by part: what is here already is not asked for again.

``huggingface_hub`` writes each try into a file of its own and removes it when the try fails, so
that a shard of gigabytes begins at zero after every break.  Here a file gathers under its own
hash beside its place in the hub's cache, whatever ends the program; the library finds it there
once it is whole.
"""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path
from typing import Any

PART = ".playteach-part"
"""What the name of an unfinished file ends in, behind its hash."""
STALE_S = 24 * 3600.0
"""An unfinished file of the library's own that is older was left by a program that was killed."""
_HASH = re.compile(r"[0-9a-zA-Z]{8,128}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_READ_BYTES = 1 << 20


class DamagedError(Exception):
    """What arrived is not the file that the hub names; it was removed."""


def gather(
    repo: str, name: str, *, revision: str, endpoint: str | None, cache: Path, bar: type[Any]
) -> Path | None:
    """Fetch what is missing of a file into the hub's ``cache``, after what a break has left.

    Returns where it lies under its hash, None if the hub does not tell its size and hash.
    ``bar`` is the class of the progress bar, which is told first of the bytes that are here.
    Raises DamagedError for another content than the hub names, OSError where it cannot be
    written, and what ``huggingface_hub`` raises.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # not named in __all__
        WeakFileLock,
        build_hf_headers,
    )

    url = hf_hub_url(repo, name, revision=revision, endpoint=endpoint)
    facts = get_hf_file_metadata(url, endpoint=endpoint)
    if facts.size is None or _HASH.fullmatch(facts.etag or "") is None:
        # Nothing says what a part is a part of; the library fetches it whole.
        return None
    place = blobs_of(repo, cache) / str(facts.etag)
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = cache / ".locks" / place.parent.parent.name / f"{facts.etag}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if place.exists():
            return place
        part = place.with_name(f"{place.name}{PART}")
        with part.open("ab") as file:
            if file.tell() > facts.size:
                file.seek(0)
                file.truncate()
            # From the hub's own address: a redirect to where the file lies takes no token along.
            http_get(
                url,
                file,
                resume_size=file.tell(),
                headers={**build_hf_headers(), "Accept-Encoding": "identity"},
                expected_size=facts.size,
                tqdm_class=bar,
            )
        if _SHA256.fullmatch(place.name) and _sha256(part) != place.name:
            part.unlink()
            raise DamagedError(f"{name} arrived damaged")
        part.replace(place)
    return place


def sweep(repo: str, cache: Path) -> None:
    """Remove unfinished files of a repository once all that is wanted of it is here.

    Those of ours are of files that the hub holds no more.  Another program may be fetching with
    the library, so of the library's own only those go that are older than STALE_S.
    """
    for path in blobs_of(repo, cache).iterdir():
        old = time.time() - path.stat().st_mtime > STALE_S
        if path.suffix == PART or (path.suffix == ".incomplete" and old):
            path.unlink(missing_ok=True)


def blobs_of(repo: str, cache: Path) -> Path:
    """Return the folder of the hub's cache that holds a model's files, each under its hash."""
    return cache / f"models--{repo.replace('/', '--')}" / "blobs"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
