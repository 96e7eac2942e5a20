"""A model on a server: what is sent, what is read, and every trouble as one sentence."""

from __future__ import annotations

import base64
import io
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from openai_server import ChatServer, chat_server
from PIL import Image

from model.actions.tokens import encode
from model.adapters.folders import WEIGHTS_FILE
from model.play.policy import Observation, Policy
from model.serving.remote import Client, RemotePolicy, Server, served_name
from model.serving.server_keys import KEY_VARIABLE
from model.vla.preprocess import JARVIS_SPEC
from recorder.errors import ModelError
from recorder.types import NO_ACTION, Action, Frame

JUMP = encode(Action(jump=True))
DIG = encode(Action(attack=True))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with chat_server() as running:
        running.text = JUMP
        yield running


def client(server: ChatServer, **options: object) -> Client:
    return Client(replace(Server(server.url), **options), wait=lambda seconds: None)  # type: ignore[arg-type]


def seen(number: int = 0) -> Observation:
    rgb = np.full((360, 640, 3), 40 * number, np.uint8)
    return Observation(Frame(number, number, rgb), "chop a tree")


def test_one_question_and_its_answer(server: ChatServer) -> None:
    policy = RemotePolicy(client(server))
    assert isinstance(policy, Policy)
    policy.reset("chop a tree", seed=7)
    chunk = policy.propose(seen(3))
    assert (chunk.actions, chunk.frame_id, chunk.invalid) == ((Action(jump=True),), 3, 0)
    body = server.asked[0]
    assert body["model"] == "jarvisvla"
    assert body["skip_special_tokens"] is False
    assert (body["top_k"], body["top_p"], body["repetition_penalty"]) == (-1, 0.99, 1.0)
    assert (body["seed"], body["stop_token_ids"]) == (7, [151_836])
    words, picture = body["messages"][0]["content"]
    assert words == {"type": "text", "text": "Mine a tree.\nobservation: \n"}
    encoded = picture["image_url"]["url"].removeprefix("data:image/jpeg;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (644, 364)
    assert "Authorization" not in server.headers[-1]


def test_earlier_frames_are_turns_and_chunks_are_kept_whole(server: ChatServer) -> None:
    server.text = JUMP + DIG + JUMP
    policy = RemotePolicy(client(server), spec=replace(JARVIS_SPEC, history=2, chunk=2))
    policy.reset("chop a tree")
    chunk = policy.propose(seen())
    assert chunk.actions == (Action(jump=True), Action(attack=True))
    policy.propose(seen(1))
    roles = [message["role"] for message in server.asked[1]["messages"]]
    assert roles == ["user", "assistant"] * 2 + ["user"]
    said = [m["content"] for m in server.asked[1]["messages"] if m["role"] == "assistant"]
    assert said == [encode(NO_ACTION) + "\n", server.text + "\n"]
    texts = [m["content"][0]["text"] for m in server.asked[1]["messages"] if m["role"] == "user"]
    assert texts == ["Mine a tree.\nobservation: \n"] + ["\nobservation: \n"] * 2
    assert "stop_token_ids" not in server.asked[1]


def test_an_adapter_is_a_model_with_its_name(server: ChatServer) -> None:
    policy = RemotePolicy(client(server, model="jarvisvla-round-001"))
    assert policy.name == "jarvisvla-round-001"
    with pytest.raises(ModelError, match=r"no model called 'other'.*jarvisvla"):
        RemotePolicy(client(server, model="other"))


def test_text_actions_go_through_their_own_codec(server: ChatServer) -> None:
    server.text = "Action: press(space) and click(left)"
    chunk = RemotePolicy(client(server, codec="text")).propose(seen())
    assert chunk.actions == (Action(jump=True, attack=True),)


def test_an_answer_without_an_action_is_counted(server: ChatServer) -> None:
    server.text = "I would jump."
    chunk = RemotePolicy(client(server)).propose(seen())
    assert (chunk.actions, chunk.invalid) == ((NO_ACTION,), 1)


def test_a_server_that_strips_special_tokens_is_named(server: ChatServer) -> None:
    policy = RemotePolicy(client(server))
    body = {"messages": [], "skip_special_tokens": True}
    with pytest.raises(ModelError, match=r"4 tokens|5 tokens.*strips special tokens"):
        policy._client.complete(body)


def test_failures_are_tried_again_within_limits(server: ChatServer) -> None:
    policy = RemotePolicy(client(server))
    server.failures = [503, 500]
    assert policy.propose(seen()).actions == (Action(jump=True),)
    server.failures = [503] * 3
    with pytest.raises(ModelError, match="it answered 503"):
        policy.propose(seen())
    server.failures = [404, 200]
    with pytest.raises(ModelError, match="it answered 404"):
        policy.propose(seen())
    assert server.failures == [200]


def test_settings_go_where_the_server_takes_them(server: ChatServer) -> None:
    server.text = "Action: press(space)"
    policy = RemotePolicy(client(server, codec="text"))
    server.failures = [422]
    assert policy.propose(seen()).actions == (Action(jump=True),)
    policy.propose(seen())
    refused, *taken = server.asked
    assert refused["top_k"] == -1
    for body in taken:
        assert not {"top_k", "skip_special_tokens", "repetition_penalty"} & set(body)
        own = json.loads(body["generation_config"])
        assert own == {"do_sample": True, "top_k": 0, "repetition_penalty": 1.0}
    server.failures = [400]
    policy.propose(seen())
    assert "generation_config" not in server.asked[-1]
    server.failures = [400]
    with pytest.raises(ModelError, match="does not take the request"):
        policy.propose(seen())


def test_a_server_s_own_words_are_repeated_without_the_key(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "sesame")
    policy = RemotePolicy(client(server))
    server.failures, server.words = [422], {"detail": "no field\ntop_k for sesame"}
    with pytest.raises(ModelError, match=r"it answered 422: no field top_k for …\)"):
        policy.propose(seen())


def adapter(folder: Path, content: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    (folder / WEIGHTS_FILE).write_bytes(content)
    return folder


def test_an_adapter_is_loaded_where_the_server_can(server: ChatServer, tmp_path: Path) -> None:
    folder = adapter(tmp_path / "round-007")
    asking = client(server)
    server.failures = [200, 404]
    server.words = {"data": [{"id": "jarvisvla"}]}  # type: ignore[dict-item]
    with pytest.raises(ModelError, match=r"does not load the adapter 'round-007'.*answered 404"):
        asking.load_adapter(folder)
    name = asking.load_adapter(folder)
    assert name == served_name(folder)
    assert name.startswith("round-007-")
    assert server.asked[-1] == {"lora_name": name, "lora_path": str(folder)}
    assert RemotePolicy(client(server, model=name)).name == name
    asked = len(server.asked)
    assert asking.load_adapter(folder) == name
    assert len(server.asked) == asked


def test_adapters_of_one_name_from_two_places_are_two(server: ChatServer, tmp_path: Path) -> None:
    """Every data folder has a first round; the server plays the one that is asked for."""
    one, other = (adapter(tmp_path / where / "round-001", where.encode()) for where in "ab")
    asking = client(server)
    names = [asking.load_adapter(folder) for folder in (one, other, one)]
    assert names[0] == names[2] != names[1]
    assert [server.roots[name] for name in names[:2]] == [str(one), str(other)]
    # Of the same place, other numbers are another adapter as well.
    (one / WEIGHTS_FILE).write_bytes(b"taught anew")
    assert asking.load_adapter(one) not in names


def test_an_adapter_that_the_server_was_started_with_is_known_by_its_folder(
    server: ChatServer, tmp_path: Path
) -> None:
    mine, others = adapter(tmp_path / "a" / "round-001"), adapter(tmp_path / "b" / "round-001", b"")
    server.models.append("round-001")
    server.roots["round-001"] = str(others)
    assert client(server).load_adapter(mine) == served_name(mine)
    server.models = ["jarvisvla", "mine"]
    server.roots["mine"] = str(mine)
    assert client(server).load_adapter(mine) == "mine"


def test_a_system_prompt_goes_first(server: ChatServer) -> None:
    server.text = "Action: no_op"
    policy = RemotePolicy(client(server, codec="text", system="You play."))
    policy.propose(seen())
    roles = [(m["role"], m["content"]) for m in server.asked[-1]["messages"]]
    assert roles[0] == ("system", "You play.")
    assert [role for role, _ in roles] == ["system", "user"]


def test_a_redirect_is_not_followed(server: ChatServer) -> None:
    server.failures = [307]
    with pytest.raises(ModelError, match="it answered 307"):
        client(server, retries=0).models()


def test_the_key_comes_from_the_environment(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.key = "a-secret"
    with pytest.raises(ModelError, match=KEY_VARIABLE):
        client(server).models()
    monkeypatch.setenv(KEY_VARIABLE, "a-secret")
    asking = client(server)
    assert asking.models() == ("jarvisvla", "jarvisvla-round-001")
    assert "a-secret" not in repr(asking.server)


def test_an_answer_says_how_long_it_took_and_the_notice_what_is_told(server: ChatServer) -> None:
    times = iter([0.0, 0.4])
    policy = RemotePolicy(client(server), clock=lambda: next(times))
    assert policy.propose(seen()).latency_ms == pytest.approx(400)
    assert policy.notice == "The model is told \u201cMine a tree.\u201d, as it was taught."


def test_no_server_and_no_answer_are_sentences() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ModelError, match=r"within 0\.05 s"):
            Client(Server(url, timeout_s=0.05, retries=0)).models()
    with pytest.raises(ModelError, match="cannot be asked"):
        Client(Server(url, retries=0)).models()


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://", "http://[::1", "http://127.0.0.1:many", "http://a:99999",
     "http://me:word@host"],
)  # fmt: skip
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(ModelError, match="address is none"):
        Client(Server(url))


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{",
    ],
    ids=["another protocol", "half an answer"],
)
def test_what_is_no_server_of_models_is_a_sentence(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def reply() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(ModelError, match="cannot be asked"):
            Client(Server(url, timeout_s=30.0, retries=0)).models()
        thread.join()
