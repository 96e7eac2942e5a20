"""Learning and measuring: data, experts, evaluation, rounds, practice, pretraining, studies."""

import model as _model  # noqa: F401  # its setting for threads comes before torch is loaded
