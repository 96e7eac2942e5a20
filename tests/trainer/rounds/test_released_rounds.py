"""Rounds on a base that came from elsewhere: its prompts, its memory, what it may forget."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch  # the tests of what needs torch
from lessons import record_lessons
from toy_game import TASKS

from model.actions.tokens import decode_ids, encode, encode_ids
from model.play.policy import Observation
from model.vla.device import DeviceChoice
from model.vla.memory import predict
from model.vla.play_options import PlayOptions
from model.vla.preprocess import CheckpointSpec, resize
from model.vla.tiny import build_model, build_tokenizer, save_checkpoint
from model.vla.vla import VlaPolicy
from recorder.errors import ModelError, UsageError
from recorder.store import Reader, Store
from recorder.types import NO_ACTION, Action, Frame
from trainer.data.earlier_lessons import earlier_examples, earlier_rows, thinned
from trainer.data.examples import Example, Past, read_examples
from trainer.rounds import protocol
from trainer.rounds.client import RoundClient
from trainer.rounds.measuring.decision import NOT_MEASURED
from trainer.rounds.process import FEW_BITS
from trainer.rounds.round import RoundPlan, run_round
from trainer.rounds.training import memory
from trainer.rounds.training.lora import LoraConfig, LoraTask
from trainer.rounds.training.memory import predict_round

SPEC = CheckpointSpec(
    pixels="coordinates", width=64, height=64, patch_size=16, prompt="jarvis", history=0
)
CPU = DeviceChoice("cpu", "float32", "")
NEVER_SEEN = np.zeros((64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint that is prompted as the released one is."""
    folder = tmp_path_factory.mktemp("released") / "jarvis"
    tokenizer = build_tokenizer(["Mine the oak log.", "observation:"] * 4, vocabulary=600)
    save_checkpoint(folder, build_model(tokenizer, SPEC, seed=3, layers=2), tokenizer, SPEC, {})
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    record_lessons(folder, episodes=8, ticks=32)
    return folder


def plan(data: Path, base: Path, tmp_path: Path, **more: object) -> RoundPlan:
    given = RoundPlan(
        data, base, tmp_path / "adapter", tmp_path / "work", query="", max_steps=2, threads=1
    )
    return replace(given, **more)  # type: ignore[arg-type]


def gates_of(told: list[protocol.Message]) -> dict[str, protocol.Gate]:
    return {each.name: each for each in told if isinstance(each, protocol.Gate)}


@pytest.mark.long(9, "a round with long prompts and earlier pictures")
def test_nothing_earlier_is_said_and_is_no_pass(
    recorded: Path, released: Path, tmp_path: Path
) -> None:
    told: list[protocol.Message] = []
    done = run_round(plan(recorded, released, tmp_path, history=1, chunk=2), told.append)
    gate = gates_of(told)["old tasks"]
    assert gate.passed is None
    assert "was not checked" in gate.sentence
    assert done.passed == all(each.passed is not False for each in gates_of(told).values())
    assert "replay" not in done.metrics["shares"]


def test_what_was_taught_earlier_is_replayed_and_checked(
    recorded: Path, released: Path, tmp_path: Path
) -> None:
    with Reader.open(recorded) as reader:
        rows = reader.episodes()
        own = [row for row in rows if row.task_id == TASKS[0].id]
        before = earlier_rows(reader, own, None)
        found = earlier_examples(reader, before, SPEC, 40)
        sides = {row.id: str(row.split) for row in rows}
    assert [row.task_id for row in before] == [TASKS[1].id] * 4
    few = thinned(found, 40)
    for name, side, most in (
        ("train", few.train, 40), ("select", few.select, 5), ("gate", few.gate, 10),
    ):  # fmt: skip
        assert 1 <= len(side) <= most
        assert {each.kind for each in side} == {"replay"}
        assert {sides[each.episode_id or 0] for each in side} == {name}
    told: list[protocol.Message] = []
    query = " ".join(f"id:{row.id}" for row in own)
    done = run_round(plan(recorded, released, tmp_path, query=query, replay=40), told.append)
    gate = gates_of(told)["old tasks"]
    # One earlier start is on the gate's side, and one alone has no error to be told with.
    assert gate.passed is None
    assert math.isfinite(gate.figures["before"] or math.nan)
    assert gate.sentence.startswith("Whether what you taught it before is kept is not sure")
    assert "was not checked" in gate.sentence
    assert done.metrics["shares"]["replay"] > 0


def test_an_adapter_of_few_bits_is_listed_and_not_put_in_use(
    recorded: Path, released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[list[str]] = []

    def listen(client: RoundClient, command: list[str], *_: object) -> protocol.Done:
        heard.append(command)
        folder = Path(command[command.index("--out") + 1])
        folder.mkdir(parents=True)
        (folder / "adapter_model.safetensors").write_bytes(b"weights")
        return protocol.Done(str(folder), True, {"samples": [], "manifest": {}})

    monkeypatch.setattr(RoundClient, "_listen", listen)
    data = Path(shutil.copytree(recorded, tmp_path / "data"))
    options = PlayOptions(history=2, chunk=2, prompt="jarvis-simple", precision="4bit")
    with Store.open(data) as store:
        result = RoundClient(data, store, released, options).run("", game="doom")
        again = RoundClient(data, store, released, PlayOptions(rewrite=False)).run("", game="doom")
    assert (result.activated, result.sentence) == (False, FEW_BITS)
    assert (again.activated, again.sentence) == (False, NOT_MEASURED)
    told = " ".join(heard[0])
    for part in ("--precision 4bit", "--chunk 2", "--prompt jarvis-simple", "--history 2"):
        assert part in told
    assert "--as-typed" not in heard[0]
    assert heard[1][-1] == "--as-typed"


def test_a_round_that_does_not_fit_is_refused_before_it_loads(
    recorded: Path, released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda _device: 1_000_000)
    told: list[protocol.Message] = []
    with pytest.raises(ModelError, match=r"A round on 'jarvis' needs about .* GB are free"):
        run_round(plan(recorded, released, tmp_path), told.append)
    assert "seeing" not in [each.name for each in told if isinstance(each, protocol.Stage)]
    assert not (tmp_path / "adapter").exists()


def test_what_a_round_needs_grows_with_what_it_holds(released: Path) -> None:
    def need(examples: int = 100, history: int = 0, precision: str | None = None) -> int:
        spec = replace(SPEC, history=history)
        return predict_round(released, CPU, precision, spec, examples).total

    assert need() > predict(released, "float32").weights
    assert need(200) - need(100) == 100 * (SPEC.image_tokens * 192 * 4 + 64 * 64 * 3)
    assert need(history=2) > need()
    # What is not packed goes to float32, so little of a model gains nothing from few bits.
    assert need(precision="4bit") < need()


@pytest.mark.parametrize("wrong", [{"prompt": "poem"}, {"chunk": 0}, {"history": 9}])
def test_options_out_of_range_are_refused(
    recorded: Path, released: Path, tmp_path: Path, wrong: dict[str, object]
) -> None:
    with pytest.raises(UsageError):
        run_round(plan(recorded, released, tmp_path, **wrong), lambda _message: None)


@pytest.mark.parametrize("form", ["jarvis", "jarvis-recipe", "jarvis-simple"])
@pytest.mark.parametrize(("history", "chunk"), [(0, 1), (2, 1), (2, 2)])
def test_a_round_sees_and_hears_what_play_does(
    released: Path, form: str, history: int, chunk: int
) -> None:
    """The logits of the answer's first choice are those of play, to float32's rounding."""
    said = "could you please chop down some oak_log"
    options = PlayOptions(history=history, chunk=chunk, prompt=form)
    policy = VlaPolicy.load(released, device="cpu", threads=1, options=options)
    rng = np.random.default_rng(2)
    frames = [Frame(i, i, rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)) for i in range(4)]
    policy.reset(said)
    past = Past(policy.spec)
    for frame in frames[:-1]:
        answer = policy.propose(Observation(frame, said))
        assert len(answer.actions) == chunk
        # The pictures between two questions are never seen.
        for number, action in enumerate(answer.actions):
            past.add(resize(frame.rgb, policy.spec) if not number else NEVER_SEEN, action)
    policy.guessing = False
    policy.propose(Observation(frames[-1], said))
    assert policy.answer is not None
    with torch.inference_mode():
        length, position = policy.reader._length, policy.reader._position
        policy.reader.language.truncate(length)
        assert position < length or not history
        played = policy.reader.language.logits(policy.reader._begin_state[0])
    task = LoraTask(policy.model, policy.tokenizer, policy.spec, LoraConfig(rank=1), policy.options)
    example = Example(
        image=resize(frames[-1].rgb, policy.spec),
        instruction=said,
        answer=encode_ids(policy.answer.actions[0]),
        kind="demonstration",
        earlier=past.seen_with(resize(frames[-1].rgb, policy.spec)),
    )
    logits, _ = task.logits([example], task.see([example]))
    # Row 0 speaks of begin itself, row 1 of what follows it.
    torch.testing.assert_close(logits[1].detach(), played, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_earlier_pictures_are_those_that_play_would_have_asked_about(chunk: int) -> None:
    """Every tick of an episode against the player's own book-keeping, asked from there back."""
    spec = replace(SPEC, history=2, chunk=chunk)
    images = [np.full((2, 2, 3), tick, np.uint8) for tick in range(11)]
    done = [Action(hotbar=1 + tick % 9) for tick in range(11)]
    past = Past(spec)
    for tick, image in enumerate(images):
        first = tick % chunk
        played = [(images[first], encode(NO_ACTION))] * spec.history
        for asked in range(first, tick, chunk):
            said = "".join(map(encode, done[asked : asked + chunk]))
            played = [*played[1:], (images[asked], said)]
        found = past.seen_with(image)
        assert [said for _, said in found] == [said for _, said in played]
        assert all(a is b for (a, _), (b, _) in zip(found, played, strict=True))
        past.add(image, done[tick])


def test_a_round_teaches_one_game_unless_all_are_asked_for(released: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    record_lessons(data, episodes=3, ticks=26)
    record_lessons(data, episodes=3, ticks=26, game="other")
    with pytest.raises(UsageError, match=r"several games \(other, toy\).*game:other"):
        run_round(plan(data, released, tmp_path), lambda _message: None)
    done = run_round(plan(data, released, tmp_path, query="game:toy"), lambda _message: None)
    with Reader.open(data) as reader:
        games = {row.id: row.game for row in reader.episodes()}
    taught = {sample[0] for sample in done.metrics["samples"]}
    replayed = done.metrics["shares"].get("replay", 0)
    assert taught
    assert {games[episode] for episode in taught} == {"toy"}
    assert replayed == 0


def test_the_window_s_round_is_of_its_game(
    recorded: Path, released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[list[str]] = []

    def listen(_client: RoundClient, command: list[str], *_: object) -> protocol.Done:
        heard.append(command)
        raise ModelError("enough")

    monkeypatch.setattr(RoundClient, "_listen", listen)
    data = Path(shutil.copytree(recorded, tmp_path / "data"))
    with Store.open(data) as store:
        for query, game in (("since:last-round", "minerl"), ("game:* id:1-3", "minerl")):
            with pytest.raises(ModelError, match="enough"):
                RoundClient(data, store, released).run(query, game=game)
    asked = [command[command.index("--query") + 1] for command in heard]
    assert asked == ["since:last-round game:minerl", "game:* id:1-3"]


def test_examples_hold_the_pictures_before_them_from_their_own_episode(recorded: Path) -> None:
    with Reader.open(recorded) as reader:
        split = read_examples(reader, reader.episodes(), replace(SPEC, history=3))
    for example in (*split.train, *split.select, *split.gate):
        assert len(example.earlier) == 3
        answers = [said for _, said in example.earlier]
        if example.tick == 0:
            assert answers == [encode(NO_ACTION)] * 3
            assert all(picture is example.image for picture, _ in example.earlier)
        if example.tick >= 3:
            assert encode(NO_ACTION) not in answers
    assert decode_ids(split.train[0].answer) == [Action(right=True)]
