"""How actions are written as tokens.

A server's model names one of ``codecs.CODECS``: add one there, and its name for people to
``WRITTEN`` in ``app/gui/dialogs/model_options.py``.  A local model has those of
``tokens.py`` only: others also change ``decoding.py``, ``vla.py`` and ``tokenizers.py`` in
``model/vla``, and what ``trainer/data`` and ``trainer/rounds/training`` take from it.
"""
