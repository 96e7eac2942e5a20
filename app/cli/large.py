"""A policy beyond the default: a checkpoint with options, one from the hub, or a server."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from app.cli.common import say
from model.policy import Policy
from recorder.errors import UsageError

_OPTIONS = ("prompt", "history", "chunk", "temperature", "precision", "recipes")


def large_policy(options: argparse.Namespace) -> Callable[[], Policy] | None:
    """Return what makes the policy, None where nothing beyond the default was asked for.

    Raises UsageError for options that fit no model of the kind.
    """
    from model.hub import is_hub_name

    if options.server:
        return lambda: _watched(_remote(options))
    hub = is_hub_name(options.policy)
    if not hub and not Path(options.policy).is_dir():
        given = [name for name in _OPTIONS if getattr(options, name) is not None]
        if given or options.as_typed:
            raise UsageError(
                f"The policy {options.policy!r} takes no {given[0] if given else 'as-typed'} "
                "option, so nothing was played; they are for a checkpoint's folder, a name on the "
                "hub or a server."
            )
        return None
    return lambda: _watched(_local(options, hub))


def _local(options: argparse.Namespace, hub: bool) -> Policy:
    from app.cli.models import checkpoint_from_hub
    from model.decoding import Sampling
    from model.play_options import PlayOptions
    from model.vla import VlaPolicy

    folder = Path(options.policy)
    if hub:
        folder = checkpoint_from_hub(options.policy, agreed=options.yes)
    return VlaPolicy.load(
        folder,
        sampling=None if options.temperature is None else Sampling(options.temperature),
        options=PlayOptions(
            history=options.history,
            chunk=options.chunk,
            prompt=options.prompt,
            rewrite=not options.as_typed,
            recipes=options.recipes,
            precision=options.precision,
        ),
    )


def _remote(options: argparse.Namespace) -> Policy:
    from dataclasses import replace

    from model.decoding_options import Sampling
    from model.play_options import PlayOptions
    from model.preprocess import JARVIS_SPEC
    from model.remote import Client, RemotePolicy, Server

    name = "" if options.policy == "default" else options.policy
    spec = replace(
        JARVIS_SPEC,
        prompt=options.prompt or JARVIS_SPEC.prompt,
        history=options.history or 0,
        chunk=options.chunk or 1,
    )
    temperature = 0.7 if options.temperature is None else options.temperature
    return RemotePolicy(
        Client(Server(options.server, name)),
        spec=spec,
        sampling=Sampling(temperature, 0.99),
        options=PlayOptions(rewrite=not options.as_typed, recipes=options.recipes),
    )


def _watched(policy: Policy) -> Policy:
    from model.watchers import WatchedPolicy

    say(f"{policy.name} plays.")
    return WatchedPolicy(policy)
