"""The things that stand in the practice yard, and what each is good for."""

from __future__ import annotations

from dataclasses import dataclass

LANDMARK, PICKUP, KEY, WEAPON, MONSTER = CLASSES = (
    "landmark",
    "pickup",
    "key",
    "weapon",
    "monster",
)
DOOR, SWITCH = ("door", "switch")
CARRIED = (PICKUP, KEY, WEAPON)
"""What disappears into the player's pocket when walked over."""
FIRST_TYPE = 20100
STALKER_OFFSET = 100
"""A monster that comes nearer has its type number plus this."""
MONSTER_HEALTH = 20
"""In points: about two pistol bullets."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing.

    ``actor`` is the class name that the engine reports, ``type_number`` its editor
    number (0 for what is part of a wall), ``radius`` its half width in map units (one
    unit is about 3 cm).  ``family`` groups what can be mistaken for it: a scene always
    holds a second one.
    """

    key: str
    phrase: str
    actor: str
    type_number: int
    radius: float
    family: str


@dataclass(frozen=True, slots=True)
class _Make:
    """How the engine is told of a kind: its base class or sprite, size and recolouring."""

    key: str
    phrase: str
    family: str
    base: str
    radius: float
    scale: float = 1.0
    frames: str = "A"
    recolour: str = ""


# What lies on the floor is drawn larger than life: half the pictures are 320 wide.
_MAKES = (
    _Make("red_torch", "red torch", LANDMARK, "RedTorch", 16),
    _Make("green_torch", "green torch", LANDMARK, "GreenTorch", 16),
    _Make("blue_torch", "blue torch", LANDMARK, "BlueTorch", 16),
    _Make("barrel", "barrel", LANDMARK, "ExplosiveBarrel", 10, 1.2),
    _Make("red_pillar", "red pillar", LANDMARK, "TallRedColumn", 16),
    _Make("green_pillar", "green pillar", LANDMARK, "TallGreenColumn", 16),
    _Make("tree", "tree", LANDMARK, "BigTree", 24, 0.7),
    _Make("candelabra", "candelabra", LANDMARK, "Candelabra", 16, 1.2),
    _Make("evil_eye", "evil eye", LANDMARK, "EvilEye", 16, 1.3),
    _Make("statue", "statue", LANDMARK, "Stalagmite", 16, 1.4),
    _Make("medkit", "medkit", PICKUP, "MEDI", 20, 1.5),
    _Make("green_armor", "green armor", PICKUP, "ARM1", 20, 1.4),
    _Make("red_armor", "red armor", PICKUP, "ARM2", 20, 1.4),
    _Make("gold_mask", "gold mask", PICKUP, "SOUL", 20, 1.5),
    _Make("backpack", "backpack", PICKUP, "BPAK", 20, 1.5),
    _Make("ammo_crate", "ammo crate", PICKUP, "BROK", 20, 1.2),
    _Make("space_suit", "space suit", PICKUP, "SUIT", 20, 1.1),
    _Make("green_orb", "green orb", PICKUP, "PINV", 20, 1.5),
    _Make("red_keycard", "red keycard", KEY, "RKEY", 20, 2.0, "AB"),
    _Make("blue_keycard", "blue keycard", KEY, "BKEY", 20, 2.0, "AB"),
    _Make("yellow_keycard", "yellow keycard", KEY, "YKEY", 20, 2.0, "AB"),
    _Make("red_skull", "red skull", KEY, "RSKU", 20, 2.2, "AB"),
    _Make("blue_skull", "blue skull", KEY, "BSKU", 20, 2.2, "AB"),
    _Make("yellow_skull", "yellow skull", KEY, "YSKU", 20, 2.2, "AB"),
    _Make("shotgun", "shotgun", WEAPON, "SHOT", 20, 1.6),
    _Make("chaingun", "chaingun", WEAPON, "MGUN", 20, 1.6),
    # The art of the big guns is grey on grey; each gets a colour of its own.
    _Make("rocket_launcher", "rocket launcher", WEAPON, "LAUN", 20, 1.6, "A", "80:111=176:191"),
    _Make("plasma_rifle", "plasma rifle", WEAPON, "PLAS", 20, 1.7, "A", "80:111=192:207"),
    _Make("chainsaw", "chainsaw", WEAPON, "CSAW", 20, 1.6, "A", "80:111=224:231"),
    _Make("bfg", "BFG", WEAPON, "BFUG", 20, 1.6, "A", "80:111=112:127"),
    _Make("imp", "imp", MONSTER, "DoomImp", 20, 1.0, "TROO"),
    _Make("zombie", "zombie", MONSTER, "ZombieMan", 20, 1.0, "POSS"),
    _Make("demon", "demon", MONSTER, "Demon", 24, 1.0, "SARG"),
    _Make("cacodemon", "cacodemon", MONSTER, "Cacodemon", 24, 0.9, "HEAD"),
    _Make("lost_soul", "lost soul", MONSTER, "LostSoul", 16, 1.6, "SKUL"),
    _Make("baron", "baron", MONSTER, "BaronOfHell", 24, 1.0, "BOSS"),
    _Make("spider", "spider", MONSTER, "Arachnotron", 24, 0.9, "BSPI"),
    _Make("soldier", "soldier", MONSTER, "WolfensteinSS", 20, 1.0, "SSWV"),
)


def _actor(key: str) -> str:
    return "Yard" + "".join(part.capitalize() for part in key.split("_"))


KINDS: tuple[Kind, ...] = tuple(
    Kind(
        make.key,
        make.phrase,
        _actor(make.key),
        FIRST_TYPE + number,
        make.radius,
        make.family,
    )
    for number, make in enumerate(_MAKES)
)
COLOURS: tuple[str, ...] = ("red", "green", "blue", "yellow")
FIXTURES: tuple[Kind, ...] = tuple(
    Kind(f"{colour}_{family}", f"{colour} {family}", "", 0, radius, family)
    for family, radius in ((DOOR, 48.0), (SWITCH, 24.0))
    for colour in COLOURS
)
ALL_KINDS = KINDS + FIXTURES
KIND_BY_KEY: dict[str, Kind] = {kind.key: kind for kind in ALL_KINDS}
KIND_BY_ACTOR: dict[str, Kind] = {
    **{kind.actor: kind for kind in KINDS},
    **{f"{kind.actor}Stalker": kind for kind in KINDS if kind.family == MONSTER},
}
WEAPON_SLOTS: dict[str, int] = {
    "fists": 1,
    "pistol": 2,
    "shotgun": 3,
    "chaingun": 4,
    "rocket_launcher": 5,
    "plasma_rifle": 6,
    "bfg": 7,
}
"""Weapons that can be held, and the hotbar slot of each."""
WEAPON_TYPES = {3: 2001, 4: 2002, 5: 2003, 6: 2004, 7: 2006}
"""The engine's editor numbers of the real weapons by slot; fists and pistol are born with."""


def _decorate(make: _Make, kind: Kind) -> str:
    head = f"actor {kind.actor}"
    # None is so wide that a player at its corner is out of reach of its centre.
    looks = f"Scale {make.scale:g} Radius {make.radius:g}"
    if make.recolour:
        looks += f' Translation "{make.recolour}"'
    if make.family == LANDMARK:
        return f"{head} : {make.base} {kind.type_number} {{ {looks} }}\n"
    if make.family != MONSTER:
        # A thing of its own that is always taken and changes nothing else.
        return (
            f"{head} : CustomInventory {kind.type_number} {{ {looks} "
            f"+INVENTORY.ALWAYSPICKUP States {{ Spawn: {make.base} {make.frames} 10\n Loop\n"
            f" Pickup: TNT1 A 0\n Stop }} }}\n"
        )
    sprite = make.frames
    # Its look-out state never looks; the stalker walks up to the player and does no harm.
    still = (
        f"States {{ Spawn: {sprite} AB 10\n Loop\n See: Goto Spawn\n Missile: Goto Spawn\n"
        f" Melee: Goto Spawn }}"
    )
    stalk = (
        f'States {{ Spawn: {sprite} A 1 A_LookEx(0, 0, 0, 0, 360, "See")\n Loop\n'
        f' See: {sprite} AABB 2 A_Chase("", "")\n Loop }}'
    )
    return (
        f"{head} : {make.base} {kind.type_number} {{ {looks} Health {MONSTER_HEALTH} "
        f"PainChance 0 Mass 10000 "
        f'DropItem "None" {still} }}\n'
        f"{head}Stalker : {kind.actor} {kind.type_number + STALKER_OFFSET} {{ Speed 5 "
        f"-FLOAT {stalk} }}\n"
    )


DECORATE = "".join(_decorate(make, kind) for make, kind in zip(_MAKES, KINDS, strict=True))
"""The engine's definition of every kind, as text."""
