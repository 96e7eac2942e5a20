"""Which episodes an adapter knows: those of its own round and of those before."""

from __future__ import annotations

from pathlib import Path

from recorder.store import NewAdapter, Reader, Store
from trainer.data.earlier_lessons import PRACTISED, practised_by, taught_by


def taught(store: Store, folder: Path, episode: int, parent: int | None = None) -> int:
    """List an adapter whose round learnt from an episode."""
    number = store.add_round()
    store.add_round_samples(number, [(episode, 0, 1.0, 1)])
    return store.add_adapter(
        NewAdapter(str(folder), base="small", round_id=number, parent_id=parent)
    )


def test_adapters_whose_folders_have_one_name_are_told_apart(tmp_path: Path) -> None:
    """As another machine's round-001 that was added beside one's own."""
    own, theirs = tmp_path / "adapters" / "round-001", tmp_path / "elsewhere" / "round-001"
    with Store.open(tmp_path) as store:
        parent = taught(store, tmp_path / "adapters" / "round-000", 1)
        taught(store, own, 2, parent)
        taught(store, theirs, 3)
    with Reader.open(tmp_path) as reader:
        assert taught_by(reader, None) == frozenset()
        assert taught_by(reader, own) == {1, 2}
        assert taught_by(reader, theirs) == {3}
        # A copy is known by its name only if that is one adapter's.
        assert taught_by(reader, tmp_path / "copied" / "round-000") == {1}
        assert taught_by(reader, tmp_path / "copied" / "round-001") == frozenset()


def test_what_an_adapter_has_practised_is_known_of_its_children_too(tmp_path: Path) -> None:
    first, second = tmp_path / "adapters" / "round-001", tmp_path / "adapters" / "round-002"
    with Store.open(tmp_path) as store:
        number = store.add_round(manifest={PRACTISED: ["shoot the imp", "hop", 3]})
        parent = store.add_adapter(NewAdapter(str(first), base="small", round_id=number))
        taught(store, second, 1, parent)
        elsewhere = store.add_round(manifest={PRACTISED: ["swim"]})
        store.add_adapter(NewAdapter(str(tmp_path / "other"), base="small", round_id=elsewhere))
    with Reader.open(tmp_path) as reader:
        assert practised_by(reader, None) == ()
        assert practised_by(reader, first) == ("shoot the imp", "hop")
        assert practised_by(reader, second) == ("shoot the imp", "hop")
