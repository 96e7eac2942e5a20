"""What cloning keeps of recordings is gathered anew as soon as something else would come of it."""

from __future__ import annotations

from pathlib import Path

from lessons import record_lessons

from model.vla.preprocess import CheckpointSpec
from recorder.store import Reader, Split, Store, Wish
from trainer.data.sample_cache import gather

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="plain")


def test_what_the_person_wants_left_out_is_left_out_of_what_was_kept(tmp_path: Path) -> None:
    data, kept = tmp_path / "data", tmp_path / "kept"
    kept.mkdir()
    record_lessons(data, episodes=6, ticks=30)
    with Reader.open(data) as reader:
        whole = gather(reader, SPEC, kept)
        row = next(each for each in reader.episodes() if each.split is Split.TRAIN)
    with Store.open(data) as store:
        store.set_wish(row.id, Wish(use=False))
    with Reader.open(data) as reader:
        assert len(gather(reader, SPEC, kept).answers) == len(whole.answers) - row.ticks
