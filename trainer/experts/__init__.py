"""Scripted players that may read a game's hidden state; they stand in for a person."""
