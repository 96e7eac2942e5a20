"""Doom, the practice yard: a small world built from a seed and judged by the engine."""
