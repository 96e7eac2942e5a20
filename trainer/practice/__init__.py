"""Practice: the agent plays by itself and learns from what came of it.

What a success is says the game's judge (``recorder/games/*/judge.py``) or the agent's own eye
(``trainer/evaluation/eye``); what an attempt is worth says ``groups.py``.
"""
