"""Where the recordings of earlier versions are; copy them, never open them where they lie."""

from pathlib import Path

LUANTI_HAND = Path(__file__).parents[1] / "data" / "luanti_hand"
