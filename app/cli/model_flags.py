"""Shared by commands: the flags of a model beyond the default (checkpoint, hub, server)."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.common import data_folder, has_database, say
from app.command_line import is_named_policy
from model.play.policy import Policy
from model.vla.play_options import PlayOptions
from recorder.errors import ModelError, UsageError

if TYPE_CHECKING:
    from app.backend.models.choice import ModelChoice
    from recorder.store import AdapterRow

_OPTIONS = ("prompt", "history", "chunk", "temperature", "precision", "recipes", "adapter")
_OF_SERVERS = ("actions", "system")
_ANY = "a checkpoint's folder, a name on the hub or a server"
TEMPERATURE = 0.7
"""What the released model's own evaluation draws with where nothing is said."""
TOP_P = 0.99
LOADING_S = 120.0
"""How long a server may take to load an adapter."""


@dataclass(frozen=True, slots=True)
class LargePlayer:
    """Who plays, and the database's number of its adapter."""

    policy: Policy
    adapter_id: int | None = None


def large_policy(options: argparse.Namespace) -> Callable[[], LargePlayer] | None:
    """Return what makes the player, None where nothing beyond the default was asked for.

    Raises UsageError for options that fit no model of the kind.
    """
    _require_fit(options)
    if options.server:
        wanted = options.adapter
        adapter = None if wanted in (None, "none") else _listed(options, wanted)
        return lambda: LargePlayer(_watched(_remote(options, adapter)))
    if is_checkpoint(options.policy):
        return lambda: _local(options)
    return None


def _require_fit(options: argparse.Namespace) -> None:
    """Raise UsageError for an option that what was asked for does not take."""
    if options.server:
        if options.precision is not None:
            raise UsageError(
                "A server's model takes no precision option, so nothing was played; set that "
                "where the server is started."
            )
        return
    _refuse(options, _OF_SERVERS, "a server", "give its address with --server")
    if not is_checkpoint(options.policy):
        _refuse(options, _OPTIONS, _ANY, "")
        if options.as_typed:
            raise _unfit(options.policy, "as-typed", _ANY)


def is_checkpoint(name: str) -> bool:
    """Return whether a policy's name is a folder or a name on the hub."""
    from model.serving.hub import is_hub_name

    return is_hub_name(name) or (not is_named_policy(name) and Path(name).is_dir())


def checkpoint_folder(options: argparse.Namespace) -> Path:
    """Return the folder of a checkpoint that was asked for, fetching it after a yes."""
    from app.cli.models import checkpoint_from_hub
    from model.serving.hub import is_hub_name

    if is_hub_name(options.policy):
        return checkpoint_from_hub(options.policy, agreed=options.yes)
    return Path(options.policy)


def play_options(options: argparse.Namespace) -> PlayOptions:
    """Return how a checkpoint is played, as the command line says."""
    return PlayOptions(
        history=options.history,
        chunk=options.chunk,
        prompt=options.prompt,
        rewrite=not options.as_typed,
        recipes=options.recipes,
        precision=options.precision,
    )


def window_choice(options: argparse.Namespace) -> ModelChoice | None:
    """Return the model that the window shall open with, None for the one that is set there.

    A model of the hub is fetched first, after a yes.  Raises UsageError for a policy that only
    plays without a window, and for options that fit no model of the kind.
    """
    from app.backend.models.choice import ModelChoice
    from model.serving.hub import is_hub_name

    local = not options.server and is_checkpoint(options.policy)
    given = next((n for n in ("recipes", "adapter", "system") if getattr(options, n)), "")
    if given or (options.policy != "default" and not local and not options.server):
        what = given or f"the policy {options.policy!r}"
        raise UsageError(
            f"The window cannot take {what} from the command line, so it was not opened; add "
            "--headless, or choose it in the window."
        )
    _require_fit(options)
    if not local and not options.server:
        return None
    choice = ModelChoice(
        precision=options.precision or "",
        temperature=TEMPERATURE if options.temperature is None else options.temperature,
        prompt=options.prompt or "",
        history=options.history,
        chunk=options.chunk,
        rewrite=not options.as_typed,
        actions=options.actions or "tokens",
    )
    if options.server:
        name = "" if options.policy == "default" else options.policy
        return replace(choice, source="server", server=options.server, server_model=name)
    folder = checkpoint_folder(options)
    if is_hub_name(options.policy):
        return replace(choice, source="hub", hub=options.policy)
    return replace(choice, source="folder", folder=folder.resolve())


def _refuse(options: argparse.Namespace, names: tuple[str, ...], whose: str, how: str) -> None:
    for name in names:
        if getattr(options, name) is not None:
            raise _unfit(options.policy, name, whose, how)


def _unfit(policy: str, option: str, whose: str, how: str = "") -> UsageError:
    return UsageError(
        f"The policy {policy!r} takes no {option} option, so nothing was played; it is for "
        f"{whose}" + (f": {how}." if how else ".")
    )


def _local(options: argparse.Namespace) -> LargePlayer:
    from model.vla.decoding import Sampling
    from model.vla.preprocess import SPEC_FILE
    from model.vla.vla import VlaPolicy

    folder = checkpoint_folder(options)
    row = _adapter(options, folder)
    temperature = options.temperature
    if temperature is None and not (folder / SPEC_FILE).exists():
        # A released checkpoint says nothing of it that may be trusted, and greedy it gets stuck.
        temperature = TEMPERATURE
    policy = VlaPolicy.load(
        folder,
        adapter=None if row is None else Path(row.folder),
        sampling=None if temperature is None else Sampling(temperature, TOP_P),
        options=play_options(options),
    )
    if policy.disagreement:
        say(policy.disagreement)
    return LargePlayer(_watched(policy), None if row is None else row.id)


def _adapter(options: argparse.Namespace, base: Path) -> AdapterRow | None:
    """Return the adapter that was asked for, else the one in use for the base.

    Raises ModelError for a number that is none of this base's adapters.
    """
    from model.adapters.in_use import adapter_in_use, belongs, lost_sentence
    from recorder.store import Reader

    data = data_folder(options)
    wanted = options.adapter
    if wanted == "none" or (wanted is None and not has_database(data)):
        return None
    with Reader.open(data) as reader:
        if wanted is None:
            row = adapter_in_use(reader, base)
            if row is not None and (lost := lost_sentence(row)):
                say(lost)
                return None
            return row
        own = {str(row.id): row for row in reader.adapters() if belongs(row, base)}
    if wanted not in own:
        known = ", ".join(sorted(own)) or "none yet"
        raise ModelError(
            f"{base.name!r} has no adapter {wanted}, so nothing was played; its adapters: {known}."
        )
    return own[wanted]


def _remote(options: argparse.Namespace, adapter: Path | None) -> Policy:
    from model.play.sampling import Sampling
    from model.serving.remote import Client, RemotePolicy, Server
    from model.vla.preprocess import JARVIS_SPEC

    name = "" if options.policy == "default" else options.policy
    if adapter is not None:
        name = Client(Server(options.server, timeout_s=LOADING_S)).load_adapter(adapter)
    spec = replace(
        JARVIS_SPEC,
        prompt=options.prompt or JARVIS_SPEC.prompt,
        history=options.history or 0,
        chunk=options.chunk or 1,
    )
    temperature = TEMPERATURE if options.temperature is None else options.temperature
    server = Server(
        options.server, name, codec=options.actions or "tokens", system=_text(options.system)
    )
    return RemotePolicy(
        Client(server),
        spec=spec,
        sampling=Sampling(temperature, TOP_P),
        options=PlayOptions(rewrite=not options.as_typed, recipes=options.recipes),
    )


def _listed(options: argparse.Namespace, number: str) -> Path:
    """Return the folder of an adapter of whatever base; raises ModelError for no number of one."""
    from recorder.store import Reader

    data = data_folder(options)
    if has_database(data):
        with Reader.open(data) as reader:
            for row in reader.adapters():
                if str(row.id) == number:
                    return Path(row.folder).resolve()
    raise ModelError(
        f"There is no adapter {number}, so nothing was played; see `playteach adapters`."
    )


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The system prompt {path.name!r} cannot be read, so nothing was played; give a text "
            "file."
        ) from error


def _watched(policy: Policy) -> Policy:
    from model.play.stuck_detector import WatchedPolicy

    say(f"{policy.name} plays.")
    return WatchedPolicy(policy)
