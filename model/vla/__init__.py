"""The model: weights, vision, language, decoding, one preprocessing for play and training.

A checkpoint of the Qwen2-VL class needs no code, only its spec (``preprocess.py``).  Another
architecture needs ``vla.py``, ``language_model.py``, ``vision.py`` and ``memory.py`` to play, and
``trainer/data/forward_pass.py`` and ``trainer/rounds/training/lora.py`` to be taught.
"""
