"""Our client against a server of others: ``transformers serve`` on loopback.

It lists what the hub's cache holds, takes text actions, and has no way to leave special tokens
in its answers.  ``PLAYTEACH_TEST_SERVE`` names a Python that has what it needs
(``pip install 'transformers[serving]' torchvision``).
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest
from hub_cache import put_in_cache
from small_jarvis import REPO, write_small_jarvis

from model.play.policy import Observation
from model.serving.remote import Client, RemotePolicy, Server
from model.vla.preprocess import CheckpointSpec
from recorder.errors import ModelError
from recorder.types import Action, Frame

PATIENCE_S = 600.0
"""For one answer on a busy machine; nothing here depends on how long it takes."""

pytestmark = [
    pytest.mark.skipif(
        "PLAYTEACH_TEST_SERVE" not in os.environ,
        reason="set PLAYTEACH_TEST_SERVE to a Python that can run `transformers serve`",
    ),
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("serve")
    checkpoint = write_small_jarvis(place / "small", says="Action: press(w) and click(left)")
    put_in_cache(checkpoint, REPO, place / "hub")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        os.environ["PLAYTEACH_TEST_SERVE"], "-m", "transformers.cli.transformers", "serve",
        "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32",
    ]  # fmt: skip
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            env={**os.environ, "HF_HUB_CACHE": str(place / "hub"), "HF_HUB_OFFLINE": "1"},
        )

        def until_it_listens(_seconds: float) -> None:
            try:
                server.wait(1)
            except subprocess.TimeoutExpired:
                return
            raise AssertionError((place / "log").read_text(errors="replace")[-2000:])

        try:
            address = f"http://127.0.0.1:{port}"
            health = Client(Server(address, retries=1000), wait=until_it_listens)
            assert health.models() == (REPO,)
            yield address
        finally:
            server.terminate()
            server.wait()


def seen(number: int) -> Observation:
    rgb = np.full((360, 640, 3), 40 * number, np.uint8)
    return Observation(Frame(number, number, rgb), "mine the oak log")


@pytest.mark.parametrize("history", [0, 1])
def test_text_actions_are_played(url: str, history: int) -> None:
    client = Client(Server(url, timeout_s=PATIENCE_S, retries=0, codec="text"))
    policy = RemotePolicy(client, spec=CheckpointSpec(history=history))
    policy.reset("mine the oak log", seed=1)
    for number in range(2):
        chunk = policy.propose(seen(number))
        assert (chunk.actions, chunk.invalid) == ((Action(forward=True, attack=True),), 0)


def test_action_tokens_are_refused_in_its_own_words(url: str) -> None:
    policy = RemotePolicy(Client(Server(url, timeout_s=PATIENCE_S, retries=0)))
    with pytest.raises(ModelError, match=r"answered 422: .*skip_special_tokens.*text actions"):
        policy.propose(seen(0))


def test_time_outs_and_names_are_sentences(url: str) -> None:
    hasty = Client(Server(url, timeout_s=1e-4, retries=2), wait=lambda _seconds: None)
    with pytest.raises(ModelError, match="no answer within"):
        hasty.models()
    with pytest.raises(ModelError, match=f"no model called 'other'.*{REPO}"):
        RemotePolicy(Client(Server(url, "other", timeout_s=PATIENCE_S)))
