"""``playteach demo``: the whole loop, headless, with a report."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path

from app.cli.common import emit, say
from recorder.errors import DataError, ExitCode

REPORT = "playteach-demo.html"


def run(options: argparse.Namespace) -> int:
    """Teach one lesson and write the report; the verdict is shown whatever it is.

    Works in a data folder of its own, so that nothing of the person's is touched.
    """
    from app.automation.demo import run_demo
    from app.automation.report import report_html

    out = Path.cwd() if options.out is None else Path(options.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"The folder for the report cannot be made ({error.strerror}), so the demo was not "
            "started; choose another one with --out."
        ) from error
    with tempfile.TemporaryDirectory(prefix="playteach-demo-") as folder:
        result = run_demo(
            Path(folder),
            quick=options.quick,
            say=say,
            game=options.game,
            wanted=options.lesson or "",
        )
        path = out / REPORT
        path.write_text(report_html(result), encoding="utf-8")
    verdict = result.round.verdict
    document = {
        "lesson": result.lesson.instruction,
        "looked": {text: list(counts) for text, counts in result.looked.items()},
        "demonstrations": result.demonstrations,
        "corrections": result.corrections,
        "person_ticks": result.person_ticks,
        "status": str(result.round.status),
        "sentence": result.round.sentence,
        "gates": {gate.name: gate.passed for gate in result.round.gates},
        "verdict": None if verdict is None else asdict(verdict),
        "activated": result.round.activated,
        "seconds": result.seconds,
        "report": str(path),
    }
    emit(options, document, [result.round.sentence, f"The report is {path}."])
    return int(ExitCode.OK)
