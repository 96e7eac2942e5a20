"""Where the repository and its test helpers lie, whatever file asks."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
HELPERS = Path(__file__).parent
