"""Practice as a process: ``python -m trainer.practice --help``."""

import sys

from trainer.practice.practice import main
from trainer.rounds.child import own_stdout

if __name__ == "__main__":
    sys.exit(main(speech=own_stdout()))
