"""What importing the package sets, in a process of its own."""

import os
import subprocess
import sys

import pytest


def spins(package: str, given: str | None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    if given is not None:
        environment["GOMP_SPINCOUNT"] = given
    code = (
        f"import os, sys, {package}; assert 'torch' not in sys.modules;"
        " print(os.environ['GOMP_SPINCOUNT'])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


@pytest.mark.parametrize("package", ["model", "trainer"])
def test_waiting_threads_spin_shortly_unless_told_otherwise(package: str) -> None:
    assert spins(package, None) == "1000"
    assert spins(package, "5") == "5"
