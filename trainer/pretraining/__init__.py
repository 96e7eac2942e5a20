"""The default checkpoints from nothing. Never imported by the product."""
