"""The model: weights, vision, language, decoding, one preprocessing for play and training."""
