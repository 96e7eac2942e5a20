"""One LoRA round: its process, its gates, and the parent's side of it."""
