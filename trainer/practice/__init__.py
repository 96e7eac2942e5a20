"""Practice: the agent plays by itself and learns from what succeeded.

What a success is says the game's judge (``recorder/games/*/judge.py``) or the agent's own eye
(``trainer/evaluation/eye``); what is tried beside the sentence itself says ``known_words.py``.
"""
