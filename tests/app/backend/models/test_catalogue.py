"""Another model is looked up, fetched and put to play, by the real parts behind the page."""

from __future__ import annotations

import logging
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import hub_server
from openai_server import ChatServer, chat_server
from PySide6.QtWidgets import QApplication
from toy_game import SIZE, ToyGame

from app.application import log_to
from app.backend.models.catalogue import KEY_FOR_NOW, KEY_IN_KEYRING, Models
from app.backend.models.choice import ModelChoice
from app.backend.settings import Settings, load_settings
from app.backend.window_backend import WindowBackend
from app.gui.dialogs.diagnostics import report
from app.session.control_loop import LiveSession
from app.session.wiring import store_recording
from model.actions.tokens import encode
from model.play.runner import LockStepRunner
from model.serving.hub import Hub
from model.serving.server_keys import KEY_VARIABLE
from recorder.clock import ManualClock
from recorder.errors import ModelError, UsageError
from recorder.store import Reader, Store
from recorder.types import Action

FORWARD = encode(Action(forward=True))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    # Whatever keyring this machine has must not take part.
    monkeypatch.setitem(sys.modules, "keyring", None)
    with chat_server() as running:
        running.text = FORWARD
        yield running


class Place:
    """A backend over the toy game, without a checkpoint."""

    def __init__(self, folder: Path) -> None:
        self.data, self.config = folder / "data", folder / "config"
        self.store = Store.open(self.data)
        self.reader = Reader.open(self.data)
        game = ToyGame(distance=30)
        _, record = store_recording(self.store, game, wait_when_full=True, width=SIZE, height=SIZE)
        self.session = LiveSession(
            game,
            make_recording=record,
            make_runner=LockStepRunner,
            clock=ManualClock(),
            threaded=False,
        ).start()
        self.backend = WindowBackend(
            self.session, self.store, self.reader, Settings(), data=self.data,
            base=folder / "none", game=game, config=self.config,
        )  # fmt: skip

    def close(self) -> None:
        self.session.close()
        self.reader.close()
        self.store.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def test_a_server_plays_and_stays_set_without_its_key(
    qapp: QApplication, place: Place, server: ChatServer
) -> None:
    server.key = "sesame"
    with log_to(place.data / "logs" / "playteach.log"):
        _play_with_a_key(place, server)
    place.store.wait()
    written = [path for path in place.data.parent.rglob("*") if path.is_file()]
    assert {"playteach.sqlite3", "playteach.log", "settings.toml"} <= {p.name for p in written}
    assert all(b"sesame" not in path.read_bytes() for path in written)
    told = report(
        snapshot=place.session.snapshot(),
        agent=place.backend.agent(),
        storage=place.backend.storage(),
        log_file=place.data / "logs" / "playteach.log",
    )
    assert "is no key" in told
    assert "sesame" not in told


def _play_with_a_key(place: Place, server: ChatServer) -> None:
    catalogue = place.backend.model_catalogue()
    assert catalogue.check_server(server.url, "sesame") == ("jarvisvla", "jarvisvla-round-001")
    assert catalogue.keep_key(server.url, "sesame") == KEY_FOR_NOW
    choice = ModelChoice("server", server=server.url, server_model="jarvisvla-round-001")
    catalogue.use(choice)
    assert catalogue.choice() == choice
    assert place.backend.remote_server == server.url.removeprefix("http://")
    facts = place.backend.agent()
    assert (facts.base, facts.remote) == ("jarvisvla-round-001", place.backend.remote_server)
    place.session.play("reach the red dot")
    for _ in range(8):
        place.session.step()
    assert place.session.snapshot().executed == Action(forward=True)
    assert server.asked[-1]["temperature"] == 0.7
    assert load_settings(place.config).settings.model == choice
    # Other settings leave the model alone.
    place.backend.save_preferences(place.backend.preferences())
    assert load_settings(place.config).settings.model == choice
    # A refusal is logged with what the server says, which may be the key itself.
    server.failures, server.words = [500] * 9, {"detail": "sesame is no key"}
    with pytest.raises(ModelError) as refused:
        catalogue.check_server(server.url, "sesame")
    logging.getLogger("playteach").warning("%s", refused.value.sentence)
    assert "… is no key" in refused.value.sentence


def test_a_server_cannot_be_taught(place: Place, server: ChatServer) -> None:
    assert "cannot be taught" not in place.backend.teach().blocked
    place.backend.model_catalogue().use(ModelChoice("server", server=server.url))
    assert "cannot be taught" in place.backend.teach().blocked


def test_a_model_that_cannot_be_had_leaves_what_was(place: Place, tmp_path: Path) -> None:
    catalogue = place.backend.model_catalogue()
    for wrong in (
        ModelChoice("folder", folder=tmp_path / "nothing"),
        ModelChoice("server", server="ftp://here"),
        ModelChoice("server", server="http://127.0.0.1:8000/?key=sesame"),
    ):
        with pytest.raises(ModelError):
            catalogue.use(wrong)
    for empty in (ModelChoice("folder"), ModelChoice("server"), ModelChoice("hub", hub="x")):
        with pytest.raises(UsageError):
            catalogue.use(empty)
    assert catalogue.choice() == ModelChoice()
    assert not (place.config / "settings.toml").exists()


def test_a_key_goes_into_the_keyring_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept: dict[tuple[str, str], str] = {}
    ring = types.ModuleType("keyring")
    errors = types.ModuleType("keyring.errors")
    error = type("KeyringError", (Exception,), {})
    errors.KeyringError = error  # type: ignore[attr-defined]
    errors.PasswordDeleteError = type("PasswordDeleteError", (error,), {})  # type: ignore[attr-defined]

    def put(service: str, place: str, key: str) -> None:
        kept[service, place] = key

    ring.set_password = put  # type: ignore[attr-defined]
    ring.get_password = lambda service, place: kept.get((service, place))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    keys = Models(tmp_path).keys
    assert keys.keep("http://127.0.0.1:8000", "sesame") == KEY_IN_KEYRING
    assert kept == {("playteach", "127.0.0.1:8000"): "sesame"}
    assert Models(tmp_path).keys.find("http://127.0.0.1:8000/v1") == "sesame"

    def locked(*_: str) -> None:
        raise error("locked")

    ring.set_password = locked  # type: ignore[attr-defined]
    assert keys.keep("http://127.0.0.1:9000", "other") == KEY_FOR_NOW
    ring.get_password = lambda service, place: None  # type: ignore[attr-defined]
    assert keys.find("http://127.0.0.1:9000") == "other"


def test_the_hub_s_checkpoint_is_sized_stopped_and_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    files = {"config.json": b"{}", "model.safetensors": bytes(300_000)}
    choice = ModelChoice("hub", hub="owner/model")
    with hub_server(files) as running:
        models = Models(tmp_path, Hub(endpoint=running.url, cache=tmp_path / "cache"))
        facts = models.look(choice)
        assert (facts.here, facts.missing) == (False, 300_002)
        with pytest.raises(ModelError, match="not on this machine yet"):
            models.folder(choice)
        with pytest.raises(ModelError, match="you stopped it"):
            models.fetch("owner/model", lambda done, total: False)
        told: list[tuple[int, int]] = []
        models.fetch("owner/model", lambda done, total: told.append((done, total)) is None)
        assert told[-1] == (300_002, 300_002)
        folder = models.folder(choice)
        assert folder is not None
        assert (folder / "model.safetensors").stat().st_size == 300_000
    with pytest.raises(UsageError, match="owner/model"):
        models.look(ModelChoice("hub", hub="no name"))
