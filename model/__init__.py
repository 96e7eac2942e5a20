"""The player: tokens, prompts, preprocessing, policies, the VLA and its adapters."""
