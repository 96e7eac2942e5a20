"""``playteach benchmark NAME``: the figures of the README, measured on this machine."""
