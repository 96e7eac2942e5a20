"""What the stages before imitation are worth: `python -m trainer.studies.ablation --out DIR`.

Four trainings with the same third stage (the expert's actions and the two helping losses, the
same states, the same number of samples): without anything before it, after stage I, after
stage II, after both; and a fifth after both, whose third stage leaves the vision tower as it
is, as the paper's does.  Each from several seeds, one seed of all after the other, the
stages before it included.  Every (variant, seed) is a folder that goes on where it was
stopped; `rows.jsonl` holds a row for every attempt that was played.  What came of one that
is finished is in `results.json`, which is all that another machine needs to go on.
`ablation.json`, `ablation.md` and `ablation.png` say after every seed how often each
succeeds, with 95 % intervals.

All sizes are in `AblationSizes`.  SIGTERM saves and ends it; the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from model.vla.device import DEVICES, DeviceChoice, choose_device
from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import TINY_SPEC, build_model, build_tokenizer
from recorder.games.base import Asked
from recorder.games.seeds import SeedRange
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import starts_of
from trainer.evaluation.study_rows import ROWS_FILE, KeptRows, play_kept
from trainer.pretraining.config import STAGES, PosttrainConfig, Stage, tokenizer_corpus
from trainer.pretraining.train_yard_model import Run
from trainer.studies.ablation_data import ACTING, SEEING, FixedStates, check_words, make_states
from trainer.studies.ablation_table import Result, lines, markdown, outcomes
from trainer.studies.action_loss import INSTRUCTIONS, TaughtState, action_loss, taught_states
from trainer.studies.charts import draw_rates

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

FROZEN = "I + II + III, tower frozen"
VARIANTS = {
    "III only": "", "I + III": "I", "II + III": "II", "I + II + III": "I II", FROZEN: "I II",
}  # fmt: skip
"""Which stages come before the third."""
IMITATION = (
    Stage("III actions", 1.0, actions=1.0, presence_weight=0.6, column_weight=0.3, tower=0.2),
)
"""The same for all: the default model's third stage without what it repeats of the others."""
ENDLESS_S = 1e9
SETTINGS_FILE, RESULTS_FILE = "settings.json", "results.json"

Tell = Callable[[str], None]


def frozen(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Return the same stages with nothing that moves the vision tower."""
    return tuple(replace(stage, tower=0.0, presence_weight=0.0) for stage in stages)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class AblationSizes:
    """Every size of the ablation.  Samples are questions, or pictures without one."""

    tasks: int = 12
    seeds: int = 3
    language_samples: int = 6_400
    seeing_samples: int = 12_000
    vision_language_samples: int = 40_000
    imitation_samples: int = 20_000
    evaluation_seeds: int = 25
    seeing_states: int = 4_000
    acting_states: int = 5_000
    batch_frames: int = 12
    seeing_questions: int = 8
    acting_questions: int = 4
    warmup_steps: int = 50
    imitation_rate: float = 1.2e-3
    vocabulary: int = 2048
    loss_seeds: int = 4
    copy_every: int = 5_000

    def config(self, stages: tuple[Stage, ...], seed: int) -> PosttrainConfig:
        """Return a training's hyper-parameters: the default model's, but for the sizes."""
        acting = all(stage.actions and stage.acts for stage in stages)
        whole = PosttrainConfig()
        return replace(
            whole,
            stages=stages,
            vocabulary=self.vocabulary,
            batch_frames=self.batch_frames,
            actions_per_frame=self.acting_questions if acting else self.seeing_questions,
            learning_rate=self.imitation_rate if acting else whole.learning_rate,
            warmup_steps=self.warmup_steps,
            seed=seed,
        )

    def before(self, which: str) -> tuple[tuple[Stage, ...], int]:
        """Return the stages before the third ("I", "II", "I II"), and their samples.

        A stage's share is its samples; where there is no stage I, no text is read at all.
        """
        language = which.split(maxsplit=1)[0] == "I"
        budgets = {
            "I language": self.language_samples,
            "II seeing": self.seeing_samples,
            "II vision-language": self.vision_language_samples,
        }
        stages = tuple(
            replace(stage, share=budgets[stage.name], text=stage.text if language else 0.0)
            for stage in STAGES
            if stage.name in budgets and stage.name.split()[0] in which.split()
        )
        return stages, sum(budgets[stage.name] for stage in stages)


class Ablation:
    """All trainings of one folder."""

    def __init__(
        self,
        out: Path,
        sizes: AblationSizes,
        *,
        spec: CheckpointSpec = TINY_SPEC,
        device: DeviceChoice | None = None,
        workers: int | None = None,
        tell: Tell,
    ) -> None:
        """Open the folder; raises ValueError where it was begun with other settings."""
        self.out = out
        self.sizes = sizes
        self._spec = spec
        self._device = device
        self._workers = workers
        self._tell = tell
        self._tasks = INSTRUCTIONS[: sizes.tasks]
        self._taught: list[TaughtState] = []
        out.mkdir(parents=True, exist_ok=True)
        written = out / SETTINGS_FILE
        # As JSON gives it back, where tuples are lists.
        wanted = json.loads(json.dumps(self.settings()))
        if not written.exists():
            written.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        elif json.loads(written.read_text(encoding="utf-8")) != wanted:
            raise ValueError(f"{out} was begun with other settings, see {written}")
        self.results = _read_results(out / RESULTS_FILE)

    def settings(self) -> dict[str, object]:
        """Return all that the results depend on: sizes, tasks, stages, hyper-parameters."""
        acting, seeing = self.sizes.config(IMITATION, 0), self.sizes.config(STAGES, 0)
        return {
            "sizes": asdict(self.sizes),
            "tasks": [task.id for task in self._tasks],
            "imitation": asdict(acting),
            "before": asdict(seeing),
        }

    def run(self, only: Sequence[str] = ()) -> bool:
        """Train and play what is left, seed by seed; False where a training was stopped."""
        for seed in range(self.sizes.seeds):
            left = [
                variant
                for variant in VARIANTS
                if (not only or variant in only) and _name(variant, seed) not in self.results
            ]
            if not self.train(left, seed):
                return False
            for variant in left:
                self._finish(variant, seed)
            if left:
                self.write()
        self.write()
        return True

    def train(self, variants: Sequence[str], seed: int) -> bool:
        """Train what is left of a seed's variants; False where one of them was stopped."""
        return all(self._train_one(variant, VARIANTS[variant], seed) for variant in variants)

    def _train_one(self, variant: str, which: str, seed: int) -> bool:
        folder = self.out / _name(variant, seed)
        ready = folder / "ready"
        if ready.exists():
            return True
        start_from = None
        if which:
            before = self.out / f"before-{which.replace(' ', '-')}-{seed}"
            if not (before / "ready").exists():
                stages, samples = self.sizes.before(which)
                if not self._train_part(before, stages, samples, seed):
                    return False
                (before / "ready").touch()
            start_from = before / "checkpoint"
        budget = self.sizes.imitation_samples
        stages = frozen(IMITATION) if variant == FROZEN else IMITATION
        if not self._train_part(
            folder / "imitation", stages, budget, seed, start_from, self.sizes.copy_every
        ):
            return False
        ready.touch()
        return True

    def _train_part(
        self,
        folder: Path,
        stages: tuple[Stage, ...],
        samples: int,
        seed: int,
        start_from: Path | None = None,
        copy_every: int | None = None,
    ) -> bool:
        config = self.sizes.config(stages, seed)
        folder.mkdir(parents=True, exist_ok=True)
        states = self._states()
        run = Run(folder, config, start_from, self._device)
        check_words(self.out / "states", run.trainee.tokenizer)
        self._tell(f"{folder.relative_to(self.out)}: {run.samples} of {samples} samples")
        return run.train(ENDLESS_S, budget_samples=samples, states=states, copy_every=copy_every)

    def _states(self) -> FixedStates:
        acting, seeing = self.sizes.config(IMITATION, 0), self.sizes.config(STAGES, 0)

        def fresh() -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
            # The tokenizer is the same in every training: it depends on its texts alone.
            tokenizer = build_tokenizer(tokenizer_corpus(), acting.vocabulary)
            return build_model(tokenizer, self._spec, seed=0), tokenizer

        counts = {SEEING: self.sizes.seeing_states, ACTING: self.sizes.acting_states}
        return make_states(
            self.out / "states",
            fresh,
            self._spec,
            {SEEING: seeing, ACTING: acting},
            self._tasks,
            counts,
            self._tell,
        )

    def _finish(self, variant: str, seed: int) -> None:
        """Play a trained variant, measure its loss, and keep what came of it."""
        name = _name(variant, seed)
        checkpoint = self.out / name / "imitation" / "checkpoint"
        self._tell(f"playing: {variant}, seed {seed}")
        played = play_kept(
            KeptRows(self.out / ROWS_FILE),
            "",
            PlayerSpec(name, checkpoint),
            starts_of(
                map(Asked, self._tasks), SeedRange.VALIDATION.seeds(0, self.sizes.evaluation_seeds)
            ),
            workers=self._workers,
        )
        self._taught = self._taught or taught_states(self._tasks, seeds=self.sizes.loss_seeds)
        loss = round(action_loss(checkpoint, self._taught), 4)
        self.results[name] = {"action_loss": loss, "outcomes": outcomes(played)}
        path = self.out / RESULTS_FILE
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(self.results, indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)

    def write(self) -> dict[str, object]:
        """Write the table (JSON, Markdown) and the picture of all that is finished."""
        finished: dict[str, list[Result]] = {}
        for variant in VARIANTS:
            names = [_name(variant, seed) for seed in range(self.sizes.seeds)]
            if results := [self.results[name] for name in names if name in self.results]:
                finished[variant] = results
        table = lines(finished)
        document: dict[str, object] = {"sizes": asdict(self.sizes), "variants": table}
        text = json.dumps(document, indent=1) + "\n"
        (self.out / "ablation.json").write_text(text, encoding="utf-8")
        (self.out / "ablation.md").write_text(markdown(table), encoding="utf-8")
        if table:
            draw_rates(
                {
                    name: (row["success_rate"], row["interval"][0], row["interval"][1])
                    for name, row in table.items()
                },
                self.out / "ablation.png",
                f"success on {self.sizes.tasks} instructions",
            )
        return document


def _name(variant: str, seed: int) -> str:
    return f"{variant.replace(' + ', '-').replace(',', '').replace(' ', '-')}-{seed}"


def _read_results(path: Path) -> dict[str, Result]:
    if not path.exists():
        return {}
    results: dict[str, Result] = json.loads(path.read_text(encoding="utf-8"))
    return results


def main(arguments: list[str] | None = None) -> int:
    """Run what is left of the ablation; 3 where it was stopped and can go on."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.studies.ablation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="the ablation's folder")
    parser.add_argument(
        "--only", action="append", default=[], choices=VARIANTS, help="only this variant"
    )
    parser.add_argument("--workers", type=int, help="games at once (default: one a core)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the training")
    parser.add_argument("--device", choices=DEVICES, help="default: the fastest that is there")
    given = parser.parse_args(arguments)
    import torch

    torch.set_num_threads(given.threads)
    ablation = Ablation(
        given.out,
        AblationSizes(),
        device=choose_device(given.device, small=False),
        workers=given.workers,
        tell=_say,
    )
    return 0 if ablation.run(given.only) else 3


if __name__ == "__main__":
    sys.exit(main())
