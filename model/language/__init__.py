"""What a typed sentence becomes before a model hears it.  No torch.

``instructions.py`` words it for released JARVIS-VLA models, ``paraphrase.py`` for the small default
models, ``prompts.py`` puts it into the prompt.  A change of what is told counts
``trainer/evaluation/play_version.py`` up: attempts measured before are another play.
"""
