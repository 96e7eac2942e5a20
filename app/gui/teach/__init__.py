"""The round in the window: what was collected, the loss curve, the verdict."""
