"""One name for everything of a checkpoint, an adapter and the settings that shapes play.

Results are kept under it: whatever it leaves out could change and old results would be
taken for the changed player's.  So it covers every file of a checkpoint but those that only
describe it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path

from model.adapters.folders import CONFIG_FILE, META_FILE, fingerprint, read_meta
from model.vla.play_options import PlayOptions
from recorder.errors import ModelError

DESCRIBING = frozenset({"card.json"})
"""Files of a checkpoint that nothing that plays reads: how it was trained."""
SHAPING = frozenset({".json", ".jinja", ".model", ".txt"})
"""Endings of a checkpoint's other files: configuration, ``playteach.json`` (picture, prompt,
temperature, parts), ``taught.json``, the tokenizer's."""
LETTERS = 16


def play_fingerprint(
    checkpoint: Path,
    adapter: Path | None = None,
    *,
    temperature: float | None = None,
    options: PlayOptions | None = None,
) -> str:
    """Return the key of a model's player: ``weights:settings`` or ``weights:settings:adapter``.

    Each part is the beginning of a SHA-256 in hexadecimal.  Where folders lie makes no
    difference.  Raises ModelError for a folder without weights or a file that cannot be read.
    """
    # First, as it says in a sentence that a folder is no checkpoint.
    weights = fingerprint(checkpoint)[:LETTERS]
    settings = hashlib.sha256()
    for path in _shaping_files(checkpoint):
        _add(settings, path.name, _content(path))
    _add(settings, "temperature", repr(temperature).encode())
    for name, value in _set_options(options or PlayOptions()):
        _add(settings, f"option {name}", value)
    parts = [weights, settings.hexdigest()[:LETTERS]]
    if adapter is not None:
        taught = hashlib.sha256(fingerprint(adapter).encode())
        if (config := adapter / CONFIG_FILE).is_file():
            _add(taught, CONFIG_FILE, _content(config))
        if (adapter / META_FILE).is_file() and (remembers := read_meta(adapter).remembers):
            _add(taught, "remembers", json.dumps(remembers, sort_keys=True).encode())
        parts.append(taught.hexdigest()[:LETTERS])
    return ":".join(parts)


def _shaping_files(checkpoint: Path) -> list[Path]:
    return sorted(
        path
        for path in checkpoint.iterdir()
        if path.suffix in SHAPING and path.name not in DESCRIBING and path.is_file()
    )


def _set_options(options: PlayOptions) -> list[tuple[str, bytes]]:
    """Return what is set otherwise than by default; recipes by what their files say."""
    default = PlayOptions()
    found = []
    for name in sorted(each.name for each in fields(PlayOptions)):
        value = getattr(options, name)
        if value == getattr(default, name):
            continue
        if isinstance(value, Path):
            digest = hashlib.sha256()
            for path in sorted(value.glob("*.json")):
                _add(digest, path.name, _content(path))
            found.append((name, digest.digest()))
        else:
            found.append((name, repr(value).encode()))
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The file {path.name} of {path.parent.name!r} cannot be read ({error.strerror}), so "
            "it is not known which results are this player's; take a fresh copy of the folder."
        ) from error


def _add(digest: hashlib._Hash, name: str, content: bytes) -> None:
    """Add a name and a content so that no two lists of them give the same bytes."""
    for part in (name.encode(), content):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
