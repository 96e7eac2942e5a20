"""One LoRA round as a process: ``python -m trainer.rounds --help``."""

import sys

from trainer.rounds.child import own_stdout
from trainer.rounds.round import main

if __name__ == "__main__":
    sys.exit(main(speech=own_stdout()))
