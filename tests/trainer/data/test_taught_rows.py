"""What a round learns from rows of an earlier version, and what it says of the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded import LUANTI_HAND, brought_up_to_date

from model.actions.tokens import decode_ids, turn_is_cut
from model.language.action_memory import ActionMemory
from model.vla.preprocess import CheckpointSpec
from recorder.store import Reader, Store
from recorder.types import Action, Driver, Outcome
from trainer.data.examples import manifest, read_examples
from trainer.data.material import Material, Why, left_out_sentence, material_of
from trainer.data.sample_cache import FACTS_FILE, gather
from trainer.data.sft_rows import exported_rows, not_as_done
from trainer.rounds.round import learning

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="plain")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    brought_up_to_date(LUANTI_HAND, tmp_path)
    with Reader.open(tmp_path) as reader:
        yield reader


def test_a_round_is_taught_what_followed_each_picture_and_counts_the_rest(reader: Reader) -> None:
    material = material_of(reader, reader.episodes())
    sides = read_examples(reader, reader.episodes(), SPEC)
    ticks = {(row.id, t.index): t for row in reader.episodes() for t in reader.ticks(row.id)}
    taught = [*sides.train, *sides.select, *sides.gate]
    left_out = {place for place, tick in ticks.items() if not tick.paired}
    assert material.left_out[Why.UNPAIRED] == len(left_out) == 13
    assert not left_out & {(each.episode_id, each.tick) for each in taught}
    for each in taught:
        done = ticks[each.episode_id, each.tick].executed
        (told,) = decode_ids(each.answer)
        assert told.held == done.held
        assert told.camera[1] * done.camera[1] >= 0.0
        assert abs(told.camera[1]) <= 10.0
    far = [each for each in taught if each.turn_cut]
    assert material.turns_cut == len(far) > 0
    assert [abs(decode_ids(e.answer)[0].camera[1]) for e in far] == pytest.approx([10.0] * len(far))
    account = material.document()
    assert (account["left_out"][Why.UNPAIRED], account["turns_cut"]) == (13, len(far))
    assert account["ticks"] == manifest(sides)["counts"]
    said = material.not_as_done
    assert said.startswith("13 ticks of yours are left out: ")
    assert f" {len(far)} moments of a faster turn than the agent can make (10 degrees)" in said


def test_what_was_done_before_is_known_of_every_tick_whoever_drove(reader: Reader) -> None:
    sides = read_examples(reader, reader.episodes(), SPEC)
    taught = {(e.episode_id, e.tick): e for e in (*sides.train, *sides.select, *sides.gate)}
    for row in reader.episodes():
        memory, said = ActionMemory(), 0
        for tick in reader.ticks(row.id):
            if tick.instruction_id != said:
                memory, said = ActionMemory(), tick.instruction_id
            if (example := taught.get((row.id, tick.index))) is not None:
                assert example.acts == memory.acts
            memory.see(tick.executed)
    assert {each.acts for each in taught.values()} > {()}


def test_an_export_leaves_the_same_ticks_out_and_says_so(reader: Reader) -> None:
    ids = [row.id for row in reader.episodes()]
    left_out, cut = not_as_done(reader, ids)
    assert left_out == 13
    assert cut > 0
    persons = sum(t.driver is Driver.PERSON for i in ids for t in reader.ticks(i))
    rows = list(exported_rows(reader, ids))
    # What nobody did in the first moments of a correction is no row either.
    idle = sum(
        s.ticks for i in ids for s in reader.segments(i) if s.driver is Driver.PERSON
        and s.kind == "idle"
    )  # fmt: skip
    assert len(rows) == persons - idle - left_out


@pytest.mark.parametrize(
    ("camera", "cut"),
    [((0.0, 0.0), False), ((-10.0, 10.0), False), ((0.0, -10.2), True), ((11.0, 0.0), True)],
)
def test_only_a_turn_beyond_ten_degrees_is_cut(camera: tuple[float, float], cut: bool) -> None:
    assert turn_is_cut(Action(camera=camera)) is cut


def test_a_round_says_so_while_it_learns(reader: Reader) -> None:
    material = material_of(reader, reader.episodes())
    said = learning(material).sentence
    assert said.startswith("Learning. ")
    assert "13 ticks of yours are left out: " in said
    assert f"{material.turns_cut} moments of a faster turn" in said
    assert learning(Material({"train/correction": 9})).sentence == "Learning."


def test_a_training_from_demonstrations_leaves_the_same_ticks_out(tmp_path: Path) -> None:
    brought_up_to_date(LUANTI_HAND, tmp_path)
    with Store.open(tmp_path) as store:
        for episode_id in (1, 2):
            store.set_label(episode_id, Outcome.SUCCESS)
    out = tmp_path / "run"
    out.mkdir()
    with Reader.open(tmp_path) as reader:
        lessons = gather(reader, SPEC, out)
        assert lessons.left_out == 13
        assert lessons.turns_cut > 0
        # What an earlier version gathered holds its rows, and is not used again.
        facts = json.loads((out / FACTS_FILE).read_text(encoding="utf-8"))
        rows = sorted(reader.episodes(), key=lambda row: row.id)
        described = [[row.id, row.ticks, row.began_wall_s] for row in rows]
        text = json.dumps([described, SPEC.width, SPEC.height, SPEC.pixels])
        facts["identity"] = hashlib.sha256(text.encode()).hexdigest()
        facts["answers"] = [[178, 219, 240, 179]] * len(facts["answers"])
        (out / FACTS_FILE).write_text(json.dumps(facts), encoding="utf-8")
        assert gather(reader, SPEC, out).answers == lessons.answers


def test_nothing_is_said_of_a_round_that_leaves_nothing_out() -> None:
    assert left_out_sentence(0, 0) == ""
