"""For released JARVIS-VLA models: free text in the style of the sentences they were trained on.

The released model knows short imperative sentences about one thing of Minecraft ("Mine the
oak log.", "Craft a crafting table.").  The rule, in order:

1. what only makes a request polite goes ("please", "could you", "I want you to", "now");
2. a task key of the library ("mine_block:oak_log") is put into words;
3. the first word, or its first two, decide the category by the table of verbs, and are
   replaced by the category's own verb;
4. "me" goes ("make me a chest"), counts and "some" become an article, underscores become spaces;
5. what is left behind verb and article has to be a name: a few words, of which none is a pronoun,
   a preposition or the like;
6. every other sentence stays as it is, with a capital and a full stop.

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
_TRAILING = re.compile(r"(?:(?:^|[ ,]+)(?:please|for me|thanks|thank you|now))*[ ,.!?]*$")
_KEY = re.compile(r"^([a-z_]+):([a-z0-9_]+)$")
_FOR_WHOM = re.compile(r"^(?:me|us|yourself) +(?=\S)")
_COUNT = re.compile(
    r"^(?:(?P<count>(?:some|any|another|several|a few|a couple of|\d+|one|two|three|four|five|six|"
    r"seven|eight|nine|ten)(?: more)?|more)|"
    r"(?P<article>an?|the|your|my|that|this|these|those)) +(?=\S)"
)
_NAME = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*(?: [^\W_]+(?:['\u2019-][^\W_]+)*){0,5}")
"""One to six words; the longest of Minecraft's names have five."""
_NO_NAME = frozenset({
    # Pronouns, articles and what counts.
    "i", "me", "you", "he", "she", "it", "we", "us", "they", "them", "him", "her", "his", "its",
    "my", "your", "our", "their", "mine", "yours", "yourself", "myself", "itself", "who", "whom",
    "which", "what", "whatever", "something", "anything", "everything", "nothing", "someone",
    "somebody", "anyone", "anybody", "everyone", "everybody", "a", "an", "the", "this", "that",
    "these", "those", "some", "any", "all", "each", "every", "both", "another", "other", "others",
    "more", "most", "much", "many", "several", "enough", "no", "none",
    # Prepositions and particles.
    "about", "above", "across", "after", "against", "along", "around", "as", "at", "away", "back",
    "before", "behind", "below", "beneath", "beside", "between", "by", "down", "during", "for",
    "from", "in", "inside", "into", "like", "near", "next", "off", "onto", "out", "outside",
    "over", "past", "round", "through", "to", "toward", "towards", "under", "until", "up", "upon",
    "using", "via", "with", "within", "without",
    # Conjunctions and adverbs.
    "or", "but", "if", "so", "because", "while", "when", "where", "than", "then", "not", "here",
    "there", "again", "once", "twice", "always", "never", "now", "soon", "later", "first",
    "quickly", "slowly", "carefully", "immediately", "together", "everywhere", "anywhere",
    "nearby", "home", "too", "also", "only", "just",
    # What is no thing behind "get", "take", "make" and "use".
    "be", "is", "are", "was", "do", "does", "did", "go", "sure", "ready", "rid", "care", "hold",
    "started", "going", "lost", "stuck", "better", "closer", "turns",
})  # fmt: skip
"""Words that no name of a thing has."""
_NAMES_WITH_SMALL_WORDS = frozenset({
    "flint and steel", "book and quill", "carrot on a stick", "warped fungus on a stick",
})  # fmt: skip


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
        ("kill", "attack", "fight", "slay", "hunt", "defeat", "combat", "hunt down", "fight off",
         "fight against", "kill off"),
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
            return _worded(category, category.verb, "", key[2].replace("_", " "))
    for category in _CATEGORIES:
        for words in sorted(category.words, key=len, reverse=True):
            thing = _behind(words, said)
            if thing:
                article, name = _taken_apart(category, thing)
                if _is_name(name):
                    verb = words if words in _KEPT_VERBS else category.verb
                    return _worded(category, verb, article, name)
    tidy = _TRAILING.sub("", bare) or bare
    sentence = tidy[0].upper() + tidy[1:] + ("" if tidy[-1] in ".!?" else ".")
    return Rewritten(sentence, sentence[0].lower() + sentence[1:])


def _behind(verb: str, said: str) -> str:
    """Return what a sentence says behind a verb, "" if it has another one.

    The second word of a verb may come last: "pick the flower up".
    """
    if said.startswith(verb + " "):
        return said.removeprefix(verb).strip()
    first, _, second = verb.partition(" ")
    if second and said.startswith(first + " ") and said.endswith(" " + second):
        return said.removeprefix(first).removesuffix(second).strip()
    return ""


def _taken_apart(category: _Category, thing: str) -> tuple[str, str]:
    """Return the article that is said of a thing, and the thing without it and counts."""
    thing = _FOR_WHOM.sub("", " ".join(thing.replace("_", " ").split()))
    match = _COUNT.match(thing)
    if match is None:
        return category.article, thing
    own = match["article"] in ("a", "an", "the")
    return match["article"] if own else category.article, thing[match.end() :]


def _is_name(thing: str) -> bool:
    """Return whether words look like the name of a thing."""
    if thing in _NAMES_WITH_SMALL_WORDS:
        return True
    small = {"and", "on"} | _NO_NAME
    return _NAME.fullmatch(thing) is not None and small.isdisjoint(thing.split())


def _worded(category: _Category, verb: str, article: str, thing: str) -> Rewritten:
    article = article or category.article
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
