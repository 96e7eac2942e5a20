"""LoRA adapters: folders on disk, and which of them plays with which base."""
