"""Practice: the agent plays by itself and learns from what came of it."""
