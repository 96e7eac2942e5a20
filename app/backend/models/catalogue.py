"""Looks up, fetches and loads models other than the practice model.  torch only late."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.backend.models.choice import ModelChoice
from app.backend.models.ports import FetchProgress, ModelFacts, PrecisionFacts
from model.paths import shipped_checkpoints
from model.vla.memory import PRECISIONS, check_precision, free_bytes, is_small, predict
from model.vla.play_options import PlayOptions
from recorder.errors import KnownError, ModelError, UsageError
from recorder.games import DEFAULT_GAME, game_spec

if TYPE_CHECKING:
    from model.play.policy import Policy
    from model.serving.hub import Hub
    from model.vla.device import DeviceChoice

KEY_IN_KEYRING = "The key is in this system's keyring."
KEY_FOR_NOW = (
    "This system has no keyring that Playteach can use, so the key is known until you close it; "
    "set PLAYTEACH_SERVER_KEY to keep it."
)
STOPPED = "you stopped it"


class ServerKeys:
    """Keys of servers: in the keyring where there is one, else in memory only."""

    def __init__(self) -> None:
        self._for_now: dict[str, str] = {}

    def find(self, url: str) -> str:
        """Return a server's key, "" without one."""
        from model.serving.server_keys import server_key

        return self._for_now.get(urlsplit(url).netloc) or server_key(url)

    def keep(self, url: str, key: str) -> str:
        """Keep a key; return where, as a sentence."""
        from model.serving.server_keys import keep_key

        place = urlsplit(url).netloc
        if keep_key(url, key):
            self._for_now.pop(place, None)
            return KEY_IN_KEYRING
        self._for_now[place] = key
        return KEY_FOR_NOW


SMALL_MODELS = {
    folder.name: f"small {game_spec(game).title} model"
    for game, folder in shipped_checkpoints().items()
    if game != DEFAULT_GAME
}
"""Names of models that ship with Playteach, by their folders."""


class Models:
    """Makes the policy of a choice, and knows what it would need.

    Attributes:
        keys: the servers' keys.

    """

    def __init__(self, practice: Path, hub: Hub | None = None) -> None:
        self.keys = ServerKeys()
        self._practice = practice
        self._given_hub = hub

    def title(self, choice: ModelChoice) -> str:
        """Return a short name for a person."""
        match choice.source:
            case "folder":
                return choice.folder.name if choice.folder else "a checkpoint"
            case "hub":
                return choice.hub.rpartition("/")[2]
            case "server":
                return choice.server_model or urlsplit(choice.server).netloc
        return SMALL_MODELS.get(self._practice.name, "practice model")

    def folder(self, choice: ModelChoice) -> Path | None:
        """Return the checkpoint's folder, None where a server plays.

        Raises UsageError for a choice without one, ModelError where it is not here yet.
        """
        if choice.source == "server":
            return None
        if choice.source == "folder":
            if choice.folder is None:
                raise UsageError("No folder is given, so no model was loaded; choose one.")
            return choice.folder
        if choice.source == "hub":
            here = self._hub.cached(_hub_name(choice.hub))
            if here is None:
                raise ModelError(
                    f"{choice.hub} is not on this machine yet, so it does not play; fetch it in "
                    "the window's model page or with `playteach models fetch`."
                )
            return here
        return self._practice

    def remote(self, choice: ModelChoice) -> Policy:
        """Return a server's model as a policy; raises ModelError where it cannot be asked."""
        from dataclasses import replace

        from model.play.sampling import Sampling
        from model.serving.remote import Client, RemotePolicy, Server
        from model.vla.preprocess import JARVIS_SPEC

        if not choice.server:
            raise UsageError("No server is given, so no model plays; type its address.")
        spec = replace(
            JARVIS_SPEC,
            prompt=choice.prompt or JARVIS_SPEC.prompt,
            history=choice.history or 0,
            chunk=choice.chunk or 1,
        )
        return RemotePolicy(
            Client(
                Server(choice.server, choice.server_model, codec=choice.actions),
                self.keys.find(choice.server),
            ),
            spec=spec,
            sampling=Sampling(choice.temperature, 0.99),
            options=options_of(choice),
        )

    def server_models(self, url: str, key: str) -> tuple[str, ...]:
        """Return a server's models: its health check."""
        from model.serving.remote import Client, Server

        found = Client(Server(url, retries=0), key or self.keys.find(url)).models()
        return tuple(found)

    def look(self, choice: ModelChoice) -> ModelFacts:
        """Return what is known of a checkpoint; fetches nothing."""
        if choice.source == "hub":
            name = _hub_name(choice.hub)
            folder = self._hub.cached(name)
            if folder is None:
                plan = self._hub.plan(name)
                return ModelFacts(here=False, total=plan.total, missing=plan.missing)
        else:
            folder = self.folder(choice)
        if folder is None:
            raise UsageError("A server's model takes no memory here; check the server instead.")
        return _needs(folder)

    def fetch(self, name: str, progress: FetchProgress) -> None:
        """Fetch a checkpoint; raises ModelError where it breaks off or was stopped."""

        def told(done: int, total: int) -> None:
            if not progress(done, total):
                raise _StoppedError(STOPPED)

        self._hub.fetch(self._hub.plan(_hub_name(name)), told)

    @property
    def _hub(self) -> Hub:
        from model.serving.hub import Hub

        return self._given_hub or Hub()


class WindowModelCatalogue:
    """Implements :class:`app.backend.models.ports.ModelCatalogue`."""

    def __init__(
        self,
        models: Models,
        current: Callable[[], ModelChoice],
        use: Callable[[ModelChoice], None],
    ) -> None:
        self._models = models
        self._current = current
        self._use = use

    def choice(self) -> ModelChoice:
        """Return what plays now."""
        return self._current()

    def look(self, choice: ModelChoice) -> ModelFacts:
        """Return what is known of a checkpoint."""
        return self._models.look(choice)

    def fetch(self, name: str, progress: FetchProgress) -> None:
        """Fetch a checkpoint that the person agreed to."""
        self._models.fetch(name, progress)

    def check_server(self, url: str, key: str) -> tuple[str, ...]:
        """Return the models of a server."""
        return self._models.server_models(url, key)

    def keep_key(self, url: str, key: str) -> str:
        """Keep a server's key; return where."""
        return self._models.keys.keep(url, key)

    def use(self, choice: ModelChoice) -> None:
        """Load a model and let it play."""
        self._use(choice)


class _StoppedError(Exception):
    """The person stopped the download; the hub turns it into its sentence on resuming."""


def _hub_name(name: str) -> str:
    from model.serving.hub import is_hub_name

    if not is_hub_name(name.strip()):
        raise UsageError(f"{name!r} is no name on the hub; write it like owner/model.")
    return name.strip()


def options_of(choice: ModelChoice) -> PlayOptions:
    """Return how the model of a choice is played; the practice model as it is."""
    if choice.source == "practice":
        return PlayOptions()
    return PlayOptions(
        history=choice.history,
        chunk=choice.chunk,
        prompt=choice.prompt or None,
        rewrite=choice.rewrite,
        precision=choice.precision or None,
    )


def device_of(folder: Path, precision: str | None = None) -> DeviceChoice:
    """Return where a checkpoint plays, and in which numbers.

    Raises ModelError for a folder that is no checkpoint or bits that cannot be had here.
    """
    from model.vla.device import choose_device
    from model.vla.vla import check_checkpoint

    check_checkpoint(folder)
    return check_precision(precision, choose_device(small=is_small(folder)))


def round_need(folder: Path, options: PlayOptions, ticks: int) -> int:
    """Return the bytes that a round on ``ticks`` of the person's, and its play, will take.

    Raises ModelError for a folder that is no checkpoint or bits that cannot be had here.
    """
    from model.vla.preprocess import load_spec
    from trainer.rounds.round import REPLAY_EXAMPLES
    from trainer.rounds.training.memory import predict_round

    device = device_of(folder, options.precision)
    spec = options.applied_to(load_spec(folder))
    examples = ticks + REPLAY_EXAMPLES * 5 // 4
    round_ = predict_round(folder, device, options.precision, spec, examples).total
    play = predict(folder, device.dtype, options.precision, device.device).total
    return max(round_, play)


def play_need(folder: Path, options: PlayOptions) -> int:
    """Return the bytes that playing takes; raises what :func:`round_need` raises."""
    device = device_of(folder, options.precision)
    return predict(folder, device.dtype, options.precision, device.device).total


def _needs(folder: Path) -> ModelFacts:
    from model.vla.preprocess import load_spec

    device = device_of(folder)
    free = free_bytes(device.device)
    needs = []
    for precision in ("", *PRECISIONS):
        wanted = precision or None
        problem = ""
        need = predict(folder, device.dtype, wanted, device.device).total
        try:
            check_precision(wanted, device)
        except KnownError as error:
            problem = error.sentence
        if not problem and need > free:
            problem = f"It needs {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free."
        needs.append(PrecisionFacts(precision, need, problem))
    spec = load_spec(folder)
    total = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return ModelFacts(
        here=True,
        total=total,
        missing=0,
        needs=tuple(needs),
        free=free,
        device=device.reason,
        prompt=spec.prompt,
        history=spec.history,
    )
