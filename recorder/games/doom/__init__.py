"""The practice yard: a small real Doom world, built from a seed and judged by the engine."""
