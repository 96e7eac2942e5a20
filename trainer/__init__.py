"""Learning: teachers, datasets, post-training, LoRA rounds, evaluation, verdicts."""

import model as _model  # noqa: F401  # its setting for threads comes before torch is loaded
