"""Adapters, rounds and measured attempts in the database."""
