"""The player: tokens, prompts, preprocessing, policies, the VLA and its adapters."""

import os

# How long torch's threads (GNU OpenMP) spin while they wait for each other, read when torch
# is loaded.  With the default, two threads beside one busy process do a seventh of the work
# of this setting; on an idle machine this one costs 3 % (docs/log.md).
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
