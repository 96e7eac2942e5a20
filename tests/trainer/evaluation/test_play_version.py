"""Attempts of another play are not taken for this one's."""

from __future__ import annotations

import hashlib

from places import ROOT

SHAPES_PLAY = (
    *(f"recorder/games/doom/{name}.py" for name in (
        "draft", "game", "goals", "judge", "layout", "named", "projection", "scene", "state",
        "tasks", "textures", "things", "wad",
    )),
    *(f"model/{name}.py" for name in (
        "vla/cuda_graphs", "vla/decoding", "play/episode", "language/instructions",
        "vla/language_model", "language/action_memory", "language/subgoals",
        "play/scripted_policies", "vla/preprocess",
        "language/prompts", "language/paraphrase", "play/damping", "actions/tokens",
        "vla/vision", "vla/vla",
    )),
    "recorder/games/controls.py",
    "recorder/types.py",
    "trainer/evaluation/worker.py",
    "trainer/experts/yard.py",
    "assets/checkpoint/playteach.json",
    "assets/checkpoint/taught.json",
    "assets/tasks/tasks.json",
)  # fmt: skip
KNOWN = "85ea51281c91e5a3"


def test_a_change_of_what_shapes_play_is_looked_at() -> None:
    """If this fails: count PLAY_VERSION up where an outcome can change, then write KNOWN anew."""
    seen = hashlib.sha256()
    for name in SHAPES_PLAY:
        seen.update((ROOT / name).read_bytes().replace(b"\r\n", b"\n"))
    assert seen.hexdigest()[:16] == KNOWN, "see this test's docstring"
