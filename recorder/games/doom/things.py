"""The things that stand in the practice yard, and what each is good for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing.

    ``type_number`` is the engine's editor number, ``actor`` the class name that the
    engine reports, ``radius`` its half width in map units (one unit is about 3 cm).
    ``family`` groups what can be mistaken for it: a scene always holds a second one.
    """

    key: str
    phrase: str
    actor: str
    type_number: int
    radius: float
    family: str
    solid: bool


KINDS: tuple[Kind, ...] = (
    Kind("red_torch", "red torch", "RedTorch", 46, 16, "landmark", True),
    Kind("green_torch", "green torch", "GreenTorch", 45, 16, "landmark", True),
    Kind("blue_torch", "blue torch", "BlueTorch", 44, 16, "landmark", True),
    Kind("barrel", "barrel", "ExplosiveBarrel", 2035, 10, "landmark", True),
    Kind("medkit", "medkit", "YardMedikit", 2012, 20, "pickup", False),
    Kind("shotgun", "shotgun", "Shotgun", 2001, 20, "pickup", False),
    Kind("green_armor", "green armor", "GreenArmor", 2018, 20, "pickup", False),
    Kind("blue_keycard", "blue keycard", "BlueCard", 5, 20, "pickup", False),
    Kind("imp", "imp", "YardImp", 3001, 20, "monster", True),
    Kind("zombie", "zombie", "YardZombie", 3004, 20, "monster", True),
    Kind("demon", "demon", "YardDemon", 3002, 30, "monster", True),
)
KIND_BY_KEY: dict[str, Kind] = {kind.key: kind for kind in KINDS}
KIND_BY_ACTOR: dict[str, Kind] = {kind.actor: kind for kind in KINDS}

_MONSTERS = (
    ("YardImp", "DoomImp", "TROO"),
    ("YardZombie", "Zombieman", "POSS"),
    ("YardDemon", "Demon", "SARG"),
)

# A medkit is left lying by a player in full health; the yard's own always comes along.
# The yard's monsters stand where they are: their look-out state never looks.
DECORATE = "actor YardMedikit : Medikit replaces Medikit { +INVENTORY.ALWAYSPICKUP }\n" + "".join(
    f"actor {own} : {base} replaces {base} {{ States {{ Spawn: {sprite} AB 10\n Loop\n"
    " See: Goto Spawn } }\n"
    for own, base, sprite in _MONSTERS
)
