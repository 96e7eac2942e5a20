"""What of the suites was never trained on, taken strictly."""

from __future__ import annotations

import pytest

from recorder.games.doom.tasks import SUITES
from trainer.studies.held_out import is_untouched


@pytest.mark.parametrize(
    ("task", "said", "untouched"),
    [
        ("shoot:spider", "shoot the spider", False),  # "shoot the nearest spider" is trained
        ("go_to:tree", "go to the tree", False),
        ("go_to:space_suit", "go to the space suit", True),
        ("pick_up:medkit", "go and pick up the medkit", False),
        ("pick_up:medkit", "get me the medkit", True),
        ("go_to:barrel", "make your way to the barrel", True),
    ],
)
def test_an_entry_is_untouched_or_not(task: str, said: str, untouched: bool) -> None:
    assert is_untouched(task, said) is untouched


@pytest.mark.parametrize(
    ("suite", "untouched"), [("heldout-combinations", 19), ("heldout-phrasings", 46)]
)
def test_the_documents_count_right(suite: str, untouched: int) -> None:
    entries = [(asked.task.id, asked.say or asked.task.instruction) for asked in SUITES[suite]]
    assert sum(is_untouched(*entry) for entry in entries) == untouched
