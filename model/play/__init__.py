"""The policy protocol, and the episode loop of every game and policy. No torch."""
