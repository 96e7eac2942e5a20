"""A lesson in own words that the agent hears as another sentence."""

from __future__ import annotations

from pathlib import Path

from app.backend.sentences.heard_as import changed_note, heard_by
from model.paths import default_checkpoint
from recorder.games import judged_task, task_list

TASKS = task_list("doom")


def judged(said: str) -> bool:
    return judged_task(TASKS, said) is not None


def note(*sentences: str, rewrite: bool = True) -> str:
    return changed_note(sentences, heard_by(default_checkpoint(), rewrite=rewrite), judged)


def test_what_the_base_was_taught_in_other_words_is_changed_by_such_a_lesson() -> None:
    told = note("retreat at a run", "retreat at a run", "dance around the barrel")
    assert told == (
        "For the agent “retreat at a run” means the same as “walk back”, so this lesson changes "
        "that too. To keep both, say it in very different words."
    )
    # It is heard part by part.
    assert note("go to the barrel, then retreat at a run") == told
    # Told as it is typed, it is a sentence of its own.
    assert note("retreat at a run", rewrite=False) == ""


def test_another_way_to_say_what_the_game_judges_is_that_very_sentence() -> None:
    assert note("use your gun on the barrel", "Shoot the barrel!", "walk back") == ""


def test_a_model_without_a_list_hears_every_sentence_as_it_is(tmp_path: Path) -> None:
    heard = heard_by(tmp_path, rewrite=True)
    assert heard("retreat at a run") == "retreat at a run"
