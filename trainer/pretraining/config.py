"""Every number of the default model's training, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from recorder.games.doom.tasks import TRAINED_TASKS
from trainer.pretraining.vision_language import paraphrase_pairs, rule_pairs

WORDS = """
a about above after again against all along also always an and another any are around as ask
at away back be because been before behind below beside better between big black blue both
box bring brown but by can careful carefully center chase chop circle climb close closest
come corner could cross dark destroy did do door down drop each eat end enemy enter every
exit face far farthest fast find fire first five floor follow for forward found four from
front full get give go gold good grab green grey ground gun had half hall hand have head
health help her here hide high hit hold home how if in inside into is it item its just keep
key kill large last later leave left less let light like little locate lock long look low
make map me middle mine more most move much my near nearest need never new next no north not
now nothing of off old on once one only open orange other our out outside over pass path
pick pillar place play please point position press pull push put quick quickly reach red
remain rest return right room run same search second see shoot should side slow slowly small
some south stand start stay step still stop straight switch take target than that the their
them then there these thing this those three through to toward towards travel turn two under
until up upon use very wait walk wall want was watch way weapon well west what when where
which while white who why will with within without wood would yard yellow yes you your
armor armour ammunition barrel bed bench block blue boots bottle bridge bullet button candle
card cat chest chicken clip coal cobblestone column cow craft creeper demon diamond dirt dog
dragon drum egg explosive fence flower furnace gate ghost glass goblin grass guard hammer
helmet horse house imp ingot iron jar keycard kit knife ladder lamp lantern lava lever log
lizard medical medicine medikit medkit monster mushroom oak orb ore ox paper pig pinky pistol
plank plate plank portal potion rabbit rail river rock rocket sand sapling sheep shelf shield
shotgun shovel skeleton skull snow soldier spider stair statue stick stone sugar sword table
tank teleporter torch trap tree vest village villager wagon water wheat window wolf wool
zombie
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training.

    ``share`` is its part of the whole time.  Every step is of one sort: ``text`` (words
    only), ``looks`` (what is where in pictures, without words), ``pictures`` (questions in
    words about pictures) or ``actions``, drawn with these probabilities.  The weights are
    those of the two helping losses: which thing each part of the picture holds, and in
    which column the asked-for thing stands.
    ``tower`` scales what the questions' losses change in the vision tower; at 0 it learns
    from ``looks`` only.  ``acts`` False keeps the action answers out of an ``actions``
    step's loss, so that only the column is learnt of it.
    """

    name: str
    share: float
    text: float = 0.0
    looks: float = 0.0
    pictures: float = 0.0
    actions: float = 0.0
    acts: bool = True
    presence_weight: float = 0.0
    column_weight: float = 0.0
    tower: float = 1.0


STAGES: tuple[Stage, ...] = (
    Stage("I language", 0.02, text=1.0),
    Stage("II seeing", 0.26, text=0.03, looks=0.97, presence_weight=1.0),
    Stage("II vision-language", 0.08, text=0.05, looks=0.15, pictures=0.2, actions=0.6,
          acts=False, column_weight=0.5, tower=0.0),
    Stage("III actions", 0.64, text=0.02, looks=0.15, pictures=0.05, actions=0.78,
          presence_weight=0.6, column_weight=0.3, tower=0.2),
)  # fmt: skip
"""ActVLP (JARVIS-VLA): language, then vision and language, then actions.

Its second stage has a part before it in which only the vision tower learns, which things
are where: a picture costs less than half there of what it costs with its questions.
Questions, whose answers the language model cannot give yet, would undo it: they change the
tower only after that, and a little.

The vision tower starts from nothing here, so that no stage freezes it, as the paper does
with its pretrained one; docs/evidence.md measures the third stage both ways.
"""


@dataclass(frozen=True, slots=True)
class PosttrainConfig:
    """Hyper-parameters.  Shares are 0..1, rates per second, sizes in samples.

    ``muon_rate``: how many times AdamW's learning rate that of Muon is.
    """

    stages: tuple[Stage, ...] = field(default=STAGES)
    vocabulary: int = 2048
    batch_frames: int = 12
    look_frames: int = 32
    actions_per_frame: int = 8
    pairs_per_frame: int = 4
    texts_per_step: int = 64
    learning_rate: float = 1.2e-3
    muon_rate: float = 6.0
    final_rate: float = 3e-5
    warmup_steps: int = 200
    weight_decay: float = 0.02
    gradient_norm: float = 1.0
    betas: tuple[float, float] = (0.9, 0.98)
    ring_frames: int = 12_000
    first_batch_frames: int = 1_500
    makers: int = 1
    maker_nice: int = 2
    frames_per_second: float = 26.0
    learner_share: float = 0.5
    bare_share: float = 0.3
    first_crowd_share: float = 0.8
    crowd_share: float = 0.3
    checkpoint_every_s: float = 150.0
    seed: int = 0


def stage_at(stages: tuple[Stage, ...], share_done: float) -> Stage:
    """Return the stage that is due after ``share_done`` (0 to 1) of the whole time."""
    whole = sum(stage.share for stage in stages)
    end = 0.0
    for stage in stages:
        end += stage.share / whole
        if share_done < end:
            return stage
    return stages[-1]


def tokenizer_corpus() -> list[str]:
    """Return the text that the tokenizer's BPE is trained on."""
    sentences = [said for task in TRAINED_TASKS for said in task.phrasings]
    pairs = [*rule_pairs(), *paraphrase_pairs()]
    return [
        *sentences,
        *(f"{pair.question} {pair.answer}" for pair in pairs),
        WORDS,
        "user\n",
        "assistant\n",
        "\n",
        *WORDS.split(),
    ]
