"""Policies by name, for evaluation and play."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model.paths import default_checkpoint
from model.play.policy import Policy
from model.vla.play_options import PlayOptions
from recorder.errors import UsageError
from recorder.games import registered
from recorder.games.base import Game

SCRIPTED = ("expert", "random", "idle")


@dataclass(frozen=True, slots=True)
class PlayerSpec:
    """Who plays: a scripted player's name, or a checkpoint folder with an adapter.

    ``temperature`` 0 is greedy, None what the checkpoint's spec says; ``options`` are those
    that a person set for a checkpoint.  Crosses process borders, so it holds values only.
    """

    name: str
    checkpoint: Path | None = None
    adapter: Path | None = None
    temperature: float | None = None
    options: PlayOptions | None = None

    @property
    def key(self) -> str:
        """The name under which results are kept: equal play, equal key.

        A script's own name; of a checkpoint :func:`fingerprints.play_fingerprint`, which covers
        its weights, spec, tokenizer and taught sentences, the adapter and the play options.
        """
        if self.checkpoint is None:
            return self.name
        from trainer.evaluation.fingerprints import play_fingerprint

        return play_fingerprint(
            self.checkpoint, self.adapter, temperature=self.temperature, options=self.options
        )


def player_spec(
    name: str,
    *,
    active_adapter: Path | None,
    adapters: dict[str, Path],
    game: str = "doom",
) -> PlayerSpec:
    """Resolve what a person typed after ``--policy``.

    "default" is the default model of ``game`` with ``active_adapter``, "base" the same without;
    an adapter's id or name is a key of ``adapters``; else a checkpoint folder.
    Raises UsageError for anything else.
    """
    if name in SCRIPTED:
        return PlayerSpec(name)
    if name == "default":
        return PlayerSpec("default", default_checkpoint(game), active_adapter)
    if name == "base":
        return PlayerSpec("base", default_checkpoint(game))
    if name in adapters:
        return PlayerSpec(name, default_checkpoint(game), adapters[name])
    if Path(name).is_dir():
        return PlayerSpec(Path(name).name, Path(name))
    known = ", ".join(("default", "base", *SCRIPTED, *sorted(adapters)))
    raise UsageError(
        f"There is no policy called {name!r} and no such folder, so nothing was played; "
        f"choose one of: {known}, or a checkpoint's folder."
    )


def make_policy(spec: PlayerSpec, game: Game, *, threads: int | None = None) -> Policy:
    """Build the player; raises ModelError where a checkpoint does not load."""
    if spec.checkpoint is not None:
        from model.vla.decoding import Sampling
        from model.vla.vla import VlaPolicy

        return VlaPolicy.load(
            spec.checkpoint,
            adapter=spec.adapter,
            threads=threads,
            sampling=None if spec.temperature is None else Sampling(spec.temperature),
            options=spec.options,
        )
    if spec.name == "expert":
        return _expert(game)
    from model.play.scripted_policies import IdlePolicy, RandomPolicy

    return RandomPolicy() if spec.name == "random" else IdlePolicy()


def _expert(game: Game) -> Policy:
    """Return the scripted player that the game's entry names; raises UsageError for none."""
    spec = registered(game.name)
    if spec is None or not spec.expert:
        raise UsageError(f"The game {game.name!r} has no expert; choose another policy.")
    module, _, name = spec.expert.partition(":")
    make: Callable[[Game], Policy] = getattr(importlib.import_module(module), name)
    return make(game)


def use_adapter(policy: Policy, adapter: Path | None) -> None:
    """Give a model's player another adapter (None: none) between two episodes.

    Raises TypeError for a player without a model, ModelError for an adapter that does
    not fit.
    """
    from model.vla.vla import VlaPolicy

    if not isinstance(policy, VlaPolicy):
        raise TypeError(f"{policy.name} has no adapters")
    policy.set_adapter(adapter)
