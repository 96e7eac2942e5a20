"""The action vocabulary as tokens: JARVIS-VLA's codecs. An action space is added here."""
