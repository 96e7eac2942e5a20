"""Free text put into the style of the sentences that JARVIS-VLA was trained on.

The released model knows short imperative sentences about one thing of Minecraft ("Mine the
oak log.", "Craft a crafting table.").  The rule, in order:

1. what only makes a request polite goes ("please", "could you", "I want you to", "now");
2. a task key of the library ("mine_block:oak_log") is put into words;
3. the first word, or its first two, decide the category by the table of verbs, and are
   replaced by the category's own verb;
4. counts and "some" become an article, underscores become spaces;
5. a sentence whose verb is in no category stays as it is, with a capital and a full stop.

What comes out is shown to the person, and the rule can be switched off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.language.prompts import Told
from model.language.recipes import recipe_for

_POLITE = re.compile(
    r"^(?:(?:please|now|ok|okay|hey|then|first|next|just|also|try to|go and|let's|let us|"
    r"(?:can|could|would|will) you(?: please)?|you (?:should|must|have to|need to)|"
    r"i(?: would|'d)? (?:want|like|need) you to)[, ]+)+"
)
_TRAILING = re.compile(r"[ ,]*(?:please|for me|thanks|thank you|now)?[ .!?]*$")
_KEY = re.compile(r"^([a-z_]+):([a-z0-9_]+)$")
_COUNT = re.compile(
    r"^(?:(?P<count>some|any|more|several|a few|a couple of|\d+|two|three|four|five|six|seven|"
    r"eight|nine|ten)|(?P<article>an?|the|your|my|that|this)) +(?=\S)"
)


@dataclass(frozen=True, slots=True)
class _Category:
    key: str
    verb: str
    article: str
    words: tuple[str, ...]


_CATEGORIES = (
    _Category(
        "mine_block", "mine", "the",
        ("mine", "break", "dig up", "dig", "chop down", "chop", "cut down", "cut", "harvest",
         "destroy", "fell", "break down"),
    ),
    _Category(
        "kill_entity", "kill", "the",
        ("kill", "attack", "fight", "slay", "hunt", "defeat", "combat", "hunt down"),
    ),
    _Category("smelt_item", "smelt", "a", ("smelt", "melt")),
    _Category("cook_item", "cook", "the", ("cook", "roast")),
    _Category("craft_item", "craft", "a", ("craft", "make", "build", "create", "construct")),
    _Category(
        "pickup", "pick up", "the",
        ("pick up", "collect", "gather", "get", "grab", "obtain", "fetch", "take", "pick"),
    ),
    _Category("drop", "drop", "the", ("drop", "throw away", "toss", "discard")),
    _Category("use_item", "use", "the", ("use", "place", "put down", "eat", "drink", "equip")),
)  # fmt: skip
_KEPT_VERBS = frozenset({"place", "eat", "drink", "equip", "break", "harvest", "cut", "hunt"})
"""Verbs of the library besides a category's own: they say more than it, and stay."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """``sentence`` is said to the model; ``key`` the library's task key, or "" without one.

    ``thought`` is the task in short, as the recipe and simple prompts say it.
    """

    sentence: str
    thought: str
    key: str = ""

    @property
    def item(self) -> str:
        """The thing of the key ("oak_log"), or ""."""
        return self.key.partition(":")[2]


def bare_request(text: str) -> str:
    """Return a sentence in lower case without what only makes it polite; never empty."""
    said = text.lower().replace("\u2019", "'")
    return _TRAILING.sub("", _POLITE.sub("", said)) or said


def rewrite(text: str) -> Rewritten:
    """Return ``text`` (cleaned, not empty) in the library's style; see the module for the rule.

    Rewriting twice is rewriting once.
    """
    bare = " ".join(text.split())
    said = bare_request(bare)
    key = _KEY.match(said)
    for category in _CATEGORIES:
        if key is not None and key[1] == category.key:
            return _worded(category, category.verb, key[2].replace("_", " "))
    for category in _CATEGORIES:
        for words in sorted(category.words, key=len, reverse=True):
            if said.startswith(words + " "):
                verb = words if words in _KEPT_VERBS else category.verb
                return _worded(category, verb, said.removeprefix(words).strip())
    tidy = _TRAILING.sub("", bare) or bare
    sentence = tidy[0].upper() + tidy[1:] + ("" if tidy[-1] in ".!?" else ".")
    return Rewritten(sentence, sentence[0].lower() + sentence[1:])


def _worded(category: _Category, verb: str, thing: str) -> Rewritten:
    thing = thing.replace("_", " ")
    match = _COUNT.match(thing)
    article = category.article
    if match is not None:
        thing = thing[match.end() :]
        if match["article"] in ("a", "an", "the"):
            article = match["article"]
    thing = " ".join(thing.split())
    if article in ("a", "an"):
        article = "an" if thing[:1] in "aeiou" else "a"
        many = thing.endswith("s") and not thing.endswith("ss")
        article = "" if many else article
    plain = " ".join(word for word in (verb, article, thing) if word) + "."
    # The library files what is smelted and cooked under crafting.
    name = "craft_item" if category.key in ("smelt_item", "cook_item") else category.key
    item = re.sub(r"[^a-z0-9]+", "_", thing).strip("_")
    return Rewritten(plain[0].upper() + plain[1:], plain, f"{name}:{item}" if item else "")


@lru_cache(maxsize=64)
def told(text: str, form: str, *, rewriting: bool, recipes: Path | None = None) -> Told:
    """Return what a prompt of ``form`` says for a typed sentence (cleaned).

    Raises ModelError for a recipe file that cannot be read.
    """
    made = rewrite(text)
    sentence = made.sentence if rewriting else text
    recipe = ""
    if form == "jarvis-recipe" and made.key.startswith("craft_item:"):
        recipe = recipe_for(made.item, recipes)
    return Told(sentence, made.thought, recipe)
