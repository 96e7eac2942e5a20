"""Which play an attempt was kept of: with the same weights it can come out otherwise."""

PLAY_VERSION = "play-3"
"""Counted up whenever the practice yard, its judge, or what the model is told and shown change
in a way that can change an outcome: attempts of another version are never mixed with new ones.

1: until the judge of "keep away" asked for having moved.
2: until a sentence for several things, or one that leaves out which is meant, was told as typed.
"""
