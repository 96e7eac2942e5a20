"""Models beyond the default on the command line: what is named is what plays and is taught."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from toy_game import WalkPolicy

from app.__main__ import main
from app.backend.models.choice import RELEASED, ModelChoice
from app.cli import model_flags, models
from app.cli.model_flags import window_choice
from app.command_line import build_parser
from model.adapters.folders import META_FILE, WEIGHTS_FILE, AdapterMeta, fingerprint
from model.vla.play_options import PlayOptions
from model.vla.vla import VlaPolicy
from recorder.errors import ExitCode, ModelError, UsageError
from recorder.store import NewAdapter, RoundStatus, Store
from trainer.rounds import client
from trainer.rounds.books import RoundResult


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "base")


def checkpoint(folder: Path) -> Path:
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(folder.name.encode())
    return folder


def options(*arguments: object) -> argparse.Namespace:
    return build_parser().parse_args([str(each) for each in arguments])


class Rounds:
    """Stands for the round client and notes what it is asked."""

    asked: tuple[Path, PlayOptions, str, str]

    def __init__(self, _data: Path, _store: Store, base: Path, options: PlayOptions) -> None:
        self._base, self._options = base, options

    def run(self, query: str, *, game: str, say: object) -> RoundResult:
        del say
        Rounds.asked = (self._base, self._options, query, game)
        return RoundResult(1, RoundStatus.DONE, "It is done.", 1, Path("a"), (), None, True)

    def cancel(self) -> None:
        """Never asked for."""


@pytest.mark.parametrize("flag", ["--policy", "--base"])
def test_a_round_teaches_the_model_and_game_that_are_named(
    flag: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RoundClient", Rounds)
    arguments = [
        "--data", str(tmp_path / "data"), "round", flag, str(base), "--game", "minerl",
        "--history", "2", "--chunk", "2", "--precision", "4bit", "--prompt", "jarvis-simple",
        "--as-typed",
    ]  # fmt: skip
    assert main(arguments) == 0
    taught = PlayOptions(
        history=2, chunk=2, prompt="jarvis-simple", rewrite=False, precision="4bit"
    )
    assert Rounds.asked == (base, taught, "since:last-round", "minerl")


def test_a_model_of_the_hub_is_taught_by_its_name(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RoundClient", Rounds)
    monkeypatch.setattr(models, "checkpoint_from_hub", lambda _name, *, agreed: base)
    assert main(["--data", str(tmp_path / "data"), "round", "--policy", RELEASED]) == 0
    assert Rounds.asked[0] == base
    assert Rounds.asked[3] == "doom"


def test_the_window_opens_with_the_model_that_is_named(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "checkpoint_from_hub", lambda _name, *, agreed: base)
    assert window_choice(options("play")) is None
    named = window_choice(options("play", "--policy", RELEASED, "--history", 3))
    assert named == ModelChoice("hub", hub=RELEASED, history=3)
    named = window_choice(options("play", "--policy", base, "--temperature", 0.6))
    assert named == ModelChoice("folder", folder=base, temperature=0.6)
    named = window_choice(
        options("play", "--server", "http://127.0.0.1:8000", "--policy", "x", "--actions", "text")
    )
    assert named == ModelChoice(
        "server", server="http://127.0.0.1:8000", server_model="x", actions="text"
    )
    for wrong in (["--policy", "expert"], ["--policy", base, "--adapter", "none"]):
        with pytest.raises(UsageError, match="The window cannot take"):
            window_choice(options("play", *wrong))
    server = ("--server", "http://127.0.0.1:8000")
    for unfit in (
        ["--temperature", 0.5], ["--history", 1], ["--as-typed"], ["--actions", "text"],
        [*server, "--precision", "8bit"],
    ):  # fmt: skip
        with pytest.raises(UsageError, match="takes no"):
            window_choice(options("play", *unfit))


def in_use(data: Path, tmp_path: Path, *bases: Path) -> dict[Path, int]:
    """Put an adapter of each base in use, one after the other; return their numbers."""
    numbers = {}
    with Store.open(data) as store:
        for owner in bases:
            folder = tmp_path / f"for-{owner.name}"
            folder.mkdir()
            meta = AdapterMeta(name=folder.name, base=fingerprint(owner))
            (folder / META_FILE).write_text(json.dumps(asdict(meta)), encoding="utf-8")
            (folder / WEIGHTS_FILE).write_bytes(b"")
            new = NewAdapter(folder=str(folder), base=owner.name)
            numbers[owner] = store.add_adapter(new)
            store.set_active_adapter(numbers[owner])
    return numbers


def test_a_roll_back_speaks_of_the_base_that_it_changed(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, other = tmp_path / "data", checkpoint(tmp_path / "other")
    numbers = in_use(data, tmp_path, base, other)
    assert main(["--data", str(data), "adapters", "rollback"]) == 0
    assert capsys.readouterr().out == "From now on other without an adapter plays.\n"
    row = model_flags._adapter(options("--data", data, "play"), base)
    assert row is not None
    assert row.id == numbers[base]
    assert model_flags._adapter(options("--data", data, "play"), other) is None


def test_a_checkpoint_plays_with_its_own_adapter_in_use(base: Path, tmp_path: Path) -> None:
    data, other = tmp_path / "data", checkpoint(tmp_path / "other")
    assert model_flags._adapter(options("--data", data, "play"), base) is None
    numbers = in_use(data, tmp_path, base, other)
    for owner, number in numbers.items():
        row = model_flags._adapter(options("--data", data, "play"), owner)
        assert row is not None
        assert row.id == number
        assert (
            model_flags._adapter(options("--data", data, "play", "--adapter", "none"), owner)
            is None
        )
    row = model_flags._adapter(options("--data", data, "play", "--adapter", numbers[base]), base)
    assert row is not None
    with pytest.raises(ModelError, match=f"'base' has no adapter {numbers[other]}"):
        model_flags._adapter(options("--data", data, "play", "--adapter", numbers[other]), base)


SAID = "the system turn “You dig.” by its chat template"


@pytest.fixture
def disagreeing(base: Path) -> Path:
    """A released model whose own files say another system turn than it is played with."""
    text = "<|im_start|>system\nYou dig.<|im_end|>\n"
    (base / "chat_template.jinja").write_text(text, encoding="utf-8")
    return base


def test_an_evaluation_says_where_a_models_files_do_not_agree_with_its_play(
    disagreeing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path / "data")]
    # It is said before anything is played, and here nothing is: there is no such suite.
    asked = ["evaluate", "--policy", str(disagreeing), "--suite", "best"]
    assert main([*data, *asked]) == ExitCode.USAGE
    assert SAID in capsys.readouterr().err


def test_play_without_a_window_says_it_too(
    disagreeing: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Loaded(WalkPolicy):
        disagreement = f"They do not agree: {SAID}."

    monkeypatch.setattr(VlaPolicy, "load", lambda folder, **_more: Loaded())
    play = model_flags.large_policy(options("play", "--headless", "--policy", disagreeing))
    assert play is not None
    assert isinstance(play(), model_flags.LargePlayer)
    assert SAID in capsys.readouterr().err
