"""Downloads from a hub on loopback: size, progress, going on after a break, the cache."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer, hub_server

from model.serving.hub import Hub, is_hub_name
from recorder.errors import ModelError

WEIGHTS = random.Random(1).randbytes(300_000)
FILES = {
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "tokenizer.json": b'{"a": 1}',
    "pytorch_model.bin": b"never",
    "run.py": b"never",
}
WANTED = sum(len(FILES[name]) for name in ("config.json", "model.safetensors", "tokenizer.json"))


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


def test_a_break_goes_on_where_it_ended(server: HubServer, tmp_path: Path) -> None:
    server.cut = {"model.safetensors"}
    hub = Hub(endpoint=server.url, cache=tmp_path)
    try:
        folder = hub.fetch(hub.plan("owner/model"))
    except ModelError as error:
        assert "goes on from there" in error.sentence  # noqa: PT017
        folder = hub.fetch(hub.plan("owner/model"))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    asked = [span for name, span in server.ranges if name == "model.safetensors"]
    assert asked[-1].startswith("bytes=") or len(asked) > 1


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
