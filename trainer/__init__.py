"""Learning: teachers, datasets, post-training, LoRA rounds, evaluation, verdicts."""
