"""Writes the yard's list of tasks from its templates: `python -m trainer.pretraining.curriculum`.

What is held out is decided here, once, by fixed rules: 15 % of the combinations of verb
and thing by the order of their ids' hashes, the templates named so in templates.json, and
every seed outside of the training range (recorder/games/seeds.py).  The twelve instructions of
the default suite are always trained.  The result is data: assets/tasks/tasks.json and suites.json.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import TypedDict

from model.language.paraphrase import TAUGHT_FILE
from recorder.games.doom import goals
from recorder.games.doom.goals import Goal, Step, parse_goal
from recorder.games.doom.things import (
    CARRIED,
    DOOR,
    FIXTURES,
    KIND_BY_KEY,
    KINDS,
    LANDMARK,
    MONSTER,
    PICKUP,
    SWITCH,
    WEAPON_SLOTS,
)
from recorder.shipped_assets import shipped_assets

DEFAULT_SUITE = (
    *(f"go_to:{key}" for key in ("red_torch", "green_torch", "blue_torch", "barrel")),
    *(f"pick_up:{key}" for key in ("medkit", "shotgun", "green_armor", "blue_keycard")),
    *(f"shoot:{key}" for key in ("imp", "zombie", "demon", "barrel")),
)
HELDOUT_SHARE = 0.15
TWO_STEPS = 120
SUITE_SIZE = 60
NOT_HELD_OUT = (goals.SWITCH_TO, *goals.TURNS, *goals.WALKS)
"""Which number a weapon lies on cannot be guessed, and a turn has no thing to combine with."""


def curriculum_folder() -> Path:
    """Return where the list of tasks lies."""
    return shipped_assets() / "tasks"


def atomic_ids() -> list[str]:
    """Return the id of every one-step task, the default suite first."""
    by_class = {
        family: [kind.key for kind in KINDS if kind.family == family]
        for family in (LANDMARK, PICKUP, MONSTER)
    }
    everything = [kind.key for kind in (*KINDS, *FIXTURES)]
    near = (goals.NEAREST, goals.LEFT, goals.RIGHT, goals.BEHIND)
    ids = [*DEFAULT_SUITE]
    ids += [f"{verb}:{key}" for verb, key in product(("go_to", "face"), everything)]
    ids += [f"pick_up:{kind.key}" for kind in KINDS if kind.family in CARRIED]
    ids += [f"shoot:{key}" for key in (*by_class[MONSTER], "barrel")]
    ids += [f"keep_away_from:{key}" for key in by_class[MONSTER]]
    ids += [f"stand_still:{key}" for key in by_class[LANDMARK]]
    for verb, family in (("open", DOOR), ("press", SWITCH)):
        ids += [f"{verb}:{kind.key}" for kind in FIXTURES if kind.family == family]
    ids += [f"switch_to:{key}" for key in WEAPON_SLOTS]
    ids += [verb.replace(" ", "_") for verb in (*goals.TURNS, goals.WALK_FORWARD, goals.WALK_BACK)]
    ids += [f"walk_sideways:{side}" for side in goals.SIDES]
    ids += [f"go_to:{r}:{key}" for r, key in product(near, by_class[LANDMARK])]
    ids += [f"pick_up:{r}:{key}" for r, key in product(near, by_class[PICKUP])]
    ids += [f"shoot:{r}:{key}" for r, key in product(goals.RELATIONS, by_class[MONSTER])]
    ids += [f"face:{r}:{key}" for r, key in product(goals.RELATIONS, by_class[LANDMARK])]
    return list(dict.fromkeys(ids))


def two_step_ids() -> list[str]:
    """Return the two-step tasks: what is done first can be seen to be done."""
    plain = [text for text in atomic_ids() if text.count(":") == 1]
    firsts = [t for t in plain if t.startswith(("pick_up:", "shoot:", "open:", "press:"))]
    seconds = [
        t
        for t in plain
        if t.startswith(
            ("pick_up:", "shoot:", "open:", "press:", "go_to:", "face:", "stand_still:")
        )
    ]
    pairs = []
    for a, b in product(firsts, seconds):
        one, two = KIND_BY_KEY[a.partition(":")[2]], KIND_BY_KEY[b.partition(":")[2]]
        # Doors beside switches would need a wall for each; one family at a time is enough.
        mixed = {one.family, two.family} == {DOOR, SWITCH}
        if one is not two and not mixed:
            pairs.append(f"{a}+{b}")
    kinds: dict[tuple[str, str], list[str]] = {}
    for pair in sorted(pairs, key=_order):
        a, b = pair.split("+")
        kinds.setdefault((a.partition(":")[0], b.partition(":")[0]), []).append(pair)
    return _round_robin([kinds[key] for key in sorted(kinds)], TWO_STEPS)


class Ways(TypedDict):
    """The sentences for a verb, by what they are for; ``{thing}`` stands for the noun."""

    train: list[str]
    heldout: list[str]
    understood: list[str]


class Templates(TypedDict):
    """What templates.json holds: sentences by verb, nouns by kind, patterns by relation."""

    verbs: dict[str, Ways]
    nouns: dict[str, list[str]]
    relations: dict[str, list[str]]
    understood_relations: dict[str, list[str]]


class TaskRow(TypedDict):
    """A task as it stands in tasks.json; ``split`` is "train" or "heldout"."""

    id: str
    verb: str
    thing: str
    split: str
    phrasings: list[str]
    heldout_phrasings: list[str]


def expand(templates: Templates) -> list[TaskRow]:
    """Return every task as it stands in tasks.json."""
    atomic, pairs = atomic_ids(), two_step_ids()
    heldout = _held_out(atomic)
    # A pair with a part that is held out would train on it.
    heldout |= {p for p in pairs if set(p.split("+")) & heldout}
    rest = [pair for pair in pairs if pair not in heldout]
    missing = round(HELDOUT_SHARE * len(pairs)) - (len(pairs) - len(rest))
    heldout |= set(sorted(rest, key=_order)[: max(0, missing)])
    return [_row(text, templates, text in heldout) for text in (*atomic, *pairs)]


def _held_out(atomic: Sequence[str]) -> set[str]:
    """Choose the combinations that are never trained on, in the order of their hashes.

    No verb loses more than a quarter, and every thing keeps two sentences of its own.
    """
    combinations = [t for t in atomic if _goal(t).verb not in (*goals.TURNS, *goals.WALKS)]
    verbs = Counter(_goal(text).verb for text in combinations)
    things = Counter(text.rpartition(":")[2] for text in combinations)
    held: Counter[str] = Counter()
    heldout: set[str] = set()
    for text in sorted(combinations, key=_order):
        verb, thing = _goal(text).verb, text.rpartition(":")[2]
        if len(heldout) == round(HELDOUT_SHARE * len(combinations)):
            break
        if text in DEFAULT_SUITE or verb in NOT_HELD_OUT:
            continue
        if held[verb] + 1 > 0.25 * verbs[verb] or things[thing] <= 2:
            continue
        held[verb] += 1
        things[thing] -= 1
        heldout.add(text)
    return heldout


def draw_suites(
    rows: Sequence[TaskRow], free: Sequence[dict[str, str]]
) -> dict[str, list[dict[str, str]]]:
    """Return every suite: a list of {"task", "say"}; "say" is empty for the task's own words.

    ``free`` are sentences written by somebody who had seen no template; they are a suite
    as they are.
    """
    atomic = [row for row in rows if row["verb"] != goals.TWO_STEP]
    trained = [row for row in atomic if row["split"] == "train"]
    own = {
        "default": [row for row in rows if row["id"] in DEFAULT_SUITE],
        "seen": _draw(trained, "seen"),
        "heldout-combinations": _draw([r for r in atomic if r["split"] == "heldout"], "held out"),
        "two-step": _draw([row for row in rows if row["verb"] == goals.TWO_STEP], "two"),
    }
    suites = {
        name: [{"task": row["id"], "say": ""} for row in chosen] for name, chosen in own.items()
    }
    suites["heldout-phrasings"] = [
        {
            "task": row["id"],
            "say": row["heldout_phrasings"][number % len(row["heldout_phrasings"])],
        }
        for number, row in enumerate(_draw(trained, "phrasings"))
    ]
    suites["free"] = [dict(entry) for entry in free]
    return suites


def _goal(text: str) -> Goal:
    goal = parse_goal(text)
    if goal is None:
        raise ValueError(f"{text!r} spells no goal")
    return goal


def _order(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _round_robin(groups: Iterable[Sequence[str]], count: int) -> list[str]:
    """Take one of each group in turn until ``count`` are taken."""
    left = [list(group) for group in groups]
    taken: list[str] = []
    while len(taken) < count and any(left):
        for group in left:
            if group and len(taken) < count:
                taken.append(group.pop(0))
    return taken


def _draw(rows: Sequence[TaskRow], salt: str) -> list[TaskRow]:
    """Draw SUITE_SIZE rows: two of every verb, the others by chance, in the list's order."""
    by_verb: dict[str, list[str]] = {}
    ids = sorted((row["id"] for row in rows), key=lambda text: _order(f"{salt}/{text}"))
    verb_of = {row["id"]: row["verb"] for row in rows}
    for text in ids:
        by_verb.setdefault(verb_of[text], []).append(text)
    chosen = {text for group in by_verb.values() for text in group[:2]}
    for text in ids:
        if len(chosen) >= SUITE_SIZE:
            break
        chosen.add(text)
    return [row for row in rows if row["id"] in chosen]


def _row(text: str, templates: Templates, heldout: bool) -> TaskRow:
    goal = _goal(text)
    if len(goal.steps) == 2:
        verb = goals.TWO_STEP
        first, second = (
            templates["verbs"][s.verb]["train"][0].format(thing=_things(s, templates)[0])
            for s in goal.steps
        )
        nouns = [{"first": first, "second": second}]
        thing = ", ".join(_things(step, templates)[0] for step in goal.steps)
    else:
        (step,) = goal.steps
        verb = step.verb
        nouns = [{"thing": noun} for noun in _things(step, templates)]
        thing = nouns[0]["thing"]
    ways = templates["verbs"][verb]
    train, held = ways["train"], ways["heldout"]
    # Every template with the thing's own name, and every other name in some templates.
    said = [template.format(**nouns[0]) for template in train]
    said += [
        template.format(**noun)
        for number, template in enumerate(train)
        for which, noun in enumerate(nouns[1:])
        if (number + which) % 2 == 0
    ]
    phrasings = list(dict.fromkeys(said))
    return {
        "id": text,
        "verb": verb,
        "thing": thing,
        "split": "heldout" if heldout else "train",
        "phrasings": phrasings,
        "heldout_phrasings": [template.format(**nouns[0]) for template in held],
    }


def _things(step: Step, templates: Templates) -> list[str]:
    """Return the noun phrases for what a step is about, its own name first."""
    nouns = templates["nouns"]
    if step.slot:
        return nouns[next(key for key, slot in WEAPON_SLOTS.items() if slot == step.slot)]
    if step.kind is None:
        return [step.relation]
    own = nouns[step.kind.key]
    if not step.relation:
        return own
    patterns = templates["relations"][step.relation]
    return [pattern.format(noun=own[0]) for pattern in patterns] + [
        patterns[0].format(noun=noun) for noun in own[1:2]
    ]


def taught_ways(templates: Templates) -> dict[str, object]:
    """Return the ways in which the model is spoken to, for :mod:`model.language.paraphrase`.

    Nothing that is held out is among them.
    """
    frames: dict[str, list[str]] = {}
    understood: dict[str, list[str]] = {}
    for verb, ways in templates["verbs"].items():
        if verb == goals.TWO_STEP:
            continue
        for side in goals.SIDES if verb == goals.WALK_SIDEWAYS else ("{thing}",):
            first, *others = [way.format(thing=side) for way in ways["train"]]
            frames[first] = others
            understood[first] = [way.format(thing=side) for way in ways["understood"]]
    nouns = templates["nouns"]
    names = [name for key, own in nouns.items() if key not in goals.SIDES for name in own]
    names += [
        pattern.format(noun=name)
        for key, own in nouns.items()
        if key in KIND_BY_KEY and KIND_BY_KEY[key].family not in (DOOR, SWITCH)
        for patterns in templates["relations"].values()
        for pattern, name in [*((p, own[0]) for p in patterns), (patterns[0], own[1])]
    ]
    relations = {
        patterns[0]: templates["understood_relations"][relation]
        for relation, patterns in templates["relations"].items()
    }
    return {
        "frames": frames,
        "understood": understood,
        "relations": relations,
        "takes": _takes(templates),
        "names": sorted(names),
    }


def _takes(templates: Templates) -> dict[str, list[str]]:
    """Return what may be said of which nouns; what is said of every sort of thing is left out.

    A combination that is held out may be said as well: the noun is of a sort that was taught.
    """
    sorts: dict[str, set[str]] = {}
    for text in atomic_ids():
        (step,) = _goal(text).steps
        if step.slot:
            sorts.setdefault(step.verb, set()).update(WEAPON_SLOTS)
        elif step.kind is not None:
            family = step.kind.family
            of_it = {kind.key for kind in (*KINDS, *FIXTURES) if kind.family == family}
            # Of the landmarks the barrel alone is shot at.
            alone = step.verb == goals.SHOOT and family == LANDMARK
            sorts.setdefault(step.verb, set()).update({step.kind.key} if alone else of_it)
    everything = {kind.key for kind in (*KINDS, *FIXTURES)}
    return {
        templates["verbs"][verb]["train"][0]: sorted(
            noun for key in keys for noun in templates["nouns"][key]
        )
        for verb, keys in sorts.items()
        if not everything <= keys
    }


def write_taught(checkpoint: Path) -> None:
    """Write into a checkpoint's folder how it is spoken to."""
    templates = json.loads((curriculum_folder() / "templates.json").read_text(encoding="utf-8"))
    text = json.dumps(taught_ways(templates), indent=1, ensure_ascii=False) + "\n"
    (checkpoint / TAUGHT_FILE).write_text(text, encoding="utf-8")


def render(rows: Sequence[TaskRow]) -> str:
    """Return rows as JSON with one row a line, so that a change is one line of a diff."""
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


def render_suites(suites: dict[str, list[dict[str, str]]]) -> str:
    """Return the suites as JSON with one entry a line."""
    parts = [
        f'"{name}": [\n' + ",\n".join(json.dumps(entry) for entry in entries) + "\n]"
        for name, entries in suites.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Write tasks.json and suites.json."""
    folder = curriculum_folder()
    templates = json.loads((folder / "templates.json").read_text(encoding="utf-8"))
    free = json.loads((folder / "said.json").read_text(encoding="utf-8"))["free"]
    rows = expand(templates)
    (folder / "tasks.json").write_text(render(rows), encoding="utf-8")
    (folder / "suites.json").write_text(render_suites(draw_suites(rows, free)), encoding="utf-8")


if __name__ == "__main__":
    main()
