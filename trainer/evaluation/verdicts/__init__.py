"""From paired outcomes to a verdict: the sequential test, its interval, a line a sentence."""
