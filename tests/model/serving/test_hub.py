"""Downloads from a hub on loopback: size, progress, going on after a break, the cache."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer, hub_server

from model.serving.hub import Hub, is_hub_name
from model.serving.hub_parts import PART, blobs_of
from recorder.errors import ModelError

WEIGHTS = random.Random(1).randbytes(300_000)
FILES = {
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "tokenizer.json": b'{"a": 1}',
    "pytorch_model.bin": b"never",
    "run.py": b"never",
}
KEPT = ("config.json", "model.safetensors", "tokenizer.json")
WANTED = sum(len(FILES[name]) for name in KEPT)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    # Every other test is kept off the network; this one's hub is on loopback.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with hub_server(dict(FILES)) as running:
        yield running


def test_the_size_is_told_before_anything_is_fetched(server: HubServer, tmp_path: Path) -> None:
    hub = Hub(endpoint=server.url, cache=tmp_path)
    assert hub.cached("owner/model") is None
    plan = hub.plan("owner/model")
    assert (plan.total, plan.missing) == (WANTED, WANTED)
    assert "0.00 GB" in plan.question
    assert server.fetched == []


def test_weights_and_words_are_fetched_and_nothing_that_runs(
    server: HubServer, tmp_path: Path
) -> None:
    hub = Hub(endpoint=server.url, cache=tmp_path)
    heard: list[tuple[int, int]] = []
    folder = hub.fetch(hub.plan("owner/model"), lambda done, total: heard.append((done, total)))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert sorted(p.name for p in folder.iterdir()) == [
        "config.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    assert heard[-1] == (WANTED, WANTED)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert hub.cached("owner/model") == folder
    assert hub.plan("owner/model").missing == 0
    before = list(server.fetched)
    hub.fetch(hub.plan("owner/model"))
    assert server.fetched == before


CHUNK = 10_000
KILLED = """
import os, sys
from pathlib import Path
from huggingface_hub import constants
from model.serving.hub import Hub

constants.DOWNLOAD_CHUNK_SIZE = {chunk}
hub = Hub(endpoint=sys.argv[1], cache=Path(sys.argv[2]))
hub.fetch(hub.plan("owner/model"), lambda done, total: done > 0.6 * total and os._exit(9))
"""


@pytest.mark.parametrize("ends", ["killed", "connection lost"])
def test_a_break_goes_on_where_it_ended(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", CHUNK)
    hub = Hub(endpoint=server.url, cache=tmp_path)
    plan = hub.plan("owner/model")
    if ends == "killed":
        child = subprocess.run(
            [sys.executable, "-c", KILLED.format(chunk=CHUNK), server.url, str(tmp_path)],
            check=False,
            env={**os.environ, "HF_HUB_OFFLINE": "0"},
        )
        assert child.returncode == 9
    else:
        # As often as the library itself tries again.
        monkeypatch.setattr("huggingface_hub.file_download.time.sleep", server.cut_again)
        server.cut_again()
        with pytest.raises(ModelError, match="goes on from there"):
            hub.fetch(plan)
        server.cut.clear()
        assert server.sent > 0.6 * WANTED
    assert hub.cached("owner/model") is None
    (part,) = blobs_of("owner/model", tmp_path).glob(f"*{PART}")
    there = part.stat().st_size
    assert 0.5 * len(WEIGHTS) < there < len(WEIGHTS)
    before = server.sent
    heard: list[int] = []
    folder = hub.fetch(hub.plan("owner/model"), lambda done, _total: heard.append(done))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert ("model.safetensors", f"bytes={there}-") == server.ranges[-1]
    assert server.sent - before == len(WEIGHTS) - there
    # What is here counts from the beginning, and nothing unfinished is left.
    assert heard == sorted(heard)
    assert heard[-1] == WANTED
    names = {path.name for path in blobs_of("owner/model", tmp_path).iterdir()}
    assert names == {hashlib.sha256(FILES[name]).hexdigest() for name in KEPT}


def test_a_part_that_is_none_is_told_and_begun_anew(server: HubServer, tmp_path: Path) -> None:
    blobs = blobs_of("owner/model", tmp_path)
    blobs.mkdir(parents=True)
    part = blobs / f"{hashlib.sha256(WEIGHTS).hexdigest()}{PART}"
    part.write_bytes(b"x" * 1000)
    hub = Hub(endpoint=server.url, cache=tmp_path)
    with pytest.raises(ModelError, match=r"model\.safetensors arrived damaged"):
        hub.fetch(hub.plan("owner/model"))
    assert not part.exists()
    # Longer than the file: another one's.
    part.write_bytes(WEIGHTS + b"more")
    folder = hub.fetch(hub.plan("owner/model"))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_without_links_a_file_is_kept_once(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.are_symlinks_supported", lambda *_: False)
    hub = Hub(endpoint=server.url, cache=tmp_path)
    folder = hub.fetch(hub.plan("owner/model"))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert not (folder / "model.safetensors").is_symlink()
    assert list(blobs_of("owner/model", tmp_path).iterdir()) == []
    assert hub.cached("owner/model") == folder
    assert hub.plan("owner/model").missing == 0


def test_what_others_left_unfinished_goes_once_it_is_old(server: HubServer, tmp_path: Path) -> None:
    blobs = blobs_of("owner/model", tmp_path)
    blobs.mkdir(parents=True)
    old, young, ours = (blobs / name for name in ("a.1.incomplete", "b.2.incomplete", f"c{PART}"))
    for path in (old, young, ours):
        path.write_bytes(b"part")
    os.utime(old, (0, 0))
    hub = Hub(endpoint=server.url, cache=tmp_path)
    hub.fetch(hub.plan("owner/model"))
    assert [path.exists() for path in (old, young, ours)] == [False, True, False]


def test_troubles_are_sentences(server: HubServer, tmp_path: Path) -> None:
    hub = Hub(endpoint=server.url, cache=tmp_path)
    with pytest.raises(ModelError, match="knows no checkpoint called owner/other"):
        hub.plan("owner/other")
    plan = hub.plan("owner/model")
    server.down = True
    with pytest.raises(ModelError, match="goes on from there"):
        hub.fetch(plan)
    del server.files["model.safetensors"]
    with pytest.raises(ModelError, match="holds no safetensors"):
        hub.plan("owner/model")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("CraftJarvis/JarvisVLA-Qwen2-VL-7B", True),
        ("default", False),
        ("a/b/c", False),
        ("../etc", False),
        ("https://x/y", False),
        (".", False),
    ],
)
def test_names_of_the_hub(name: str, is_one: bool) -> None:
    assert is_hub_name(name) is is_one
