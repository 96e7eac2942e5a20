"""The demo's report: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

from app.automation.demo import DemoResult
from recorder.types import RGBImage

_STYLE = """
:root { color-scheme: light dark; --agent: #1d78c1; --person: #b06a00; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --agent: #4fb3ff; --person: #ffb454; } }
body { font: 15px/1.5 Inter, system-ui, sans-serif; max-width: 960px; margin: 40px auto;
  padding: 0 20px; }
h1 { font-size: 26px; } h2 { font-size: 18px; margin-top: 36px; }
.verdict { border: 1px solid var(--line); border-radius: 12px; padding: 16px 20px;
  font-size: 19px; }
.film { display: flex; gap: 4px; } .film img { width: 12%; border-radius: 4px; }
table { border-collapse: collapse; } td, th { text-align: left; padding: 4px 18px 4px 0;
  border-bottom: 1px solid var(--line); }
.quiet { opacity: .75; }
"""


def report_html(result: DemoResult) -> str:
    """Return the report as one HTML document."""
    verdict = result.round.verdict
    parts = [f"<h1>{html.escape(result.lesson.instruction)}</h1>"]
    parts.append(f'<p class="verdict">{html.escape(result.round.sentence)}</p>')
    if verdict is not None:
        parts.append(
            f"<p>{verdict.before} of {verdict.n} before, {verdict.after} of {verdict.n} after: "
            f"{100 * verdict.difference:+.0f} points, 95 % interval {100 * verdict.low:+.0f} to "
            f"{100 * verdict.high:+.0f} (paired starts, valid when play stops).</p>"
        )
        parts.append("<table><tr><th>measured<th>before<th>after<th>starts<th>what it says</tr>")
        for line in verdict.lines:
            parts.append(
                f"<tr><td>{html.escape(line.name)} ({line.part})<td>{line.before}<td>{line.after}"
                f"<td>{line.n}<td>{html.escape(line.sentence)}</tr>"
            )
        parts.append("</table>")
    activated = "is in use" if result.round.activated else "is not in use"
    parts.append(f"<p>The new adapter {activated}.</p>")
    parts.append("<h2>Before and after, from the same start</h2>")
    for side, frames in result.films.items():
        parts.append(f"<p>{side}</p><div class=film>{_pictures(frames)}</div>")
    parts.append("<h2>Learning</h2>" + _curve(result.losses))
    parts.append("<h2>Gates</h2><table><tr><th>gate<th>passed<th>why</tr>")
    for gate in result.round.gates:
        passed = {True: "yes", False: "no", None: "not checked"}[gate.passed]
        parts.append(
            f"<tr><td>{html.escape(gate.name)}<td>{passed}<td>{html.escape(gate.sentence)}</tr>"
        )
    parts.append("</table><h2>What was recorded</h2>")
    parts.append(
        f"<p>{result.demonstrations} demonstrations and {result.corrections} takeovers, "
        f"{result.person_ticks} ticks of the expert at the keyboard.</p>"
    )
    parts.append("<h2>How the lesson was chosen</h2><table><tr><th>task<th>successes</tr>")
    for text, (good, n) in sorted(result.looked.items(), key=lambda item: item[1]):
        parts.append(f"<tr><td>{html.escape(text)}<td>{good} of {n}</tr>")
    parts.append("</table><h2>Time</h2><table>")
    for name, seconds in result.seconds.items():
        parts.append(f"<tr><td>{html.escape(name)}<td>{seconds:.1f} s</tr>")
    parts.append("</table>")
    body = "\n".join(parts)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Playteach demo</title>"
        f"<style>{_STYLE}</style><body>{body}</body></html>\n"
    )


def _pictures(frames: Sequence[RGBImage]) -> str:
    from PIL import Image

    made = []
    for number, rgb in enumerate(frames):
        buffer = io.BytesIO()
        Image.fromarray(rgb).resize((320, 180)).save(buffer, "JPEG", quality=80)
        data = base64.b64encode(buffer.getvalue()).decode("ascii")
        made.append(f'<img alt="picture {number + 1}" src="data:image/jpeg;base64,{data}">')
    return "".join(made)


def _curve(losses: Sequence[tuple[int, float, float | None]]) -> str:
    """Return the loss curve as SVG, or a sentence where nothing was trained."""
    if len(losses) < 2:
        return "<p>Nothing was trained.</p>"
    width, height, pad = 640, 200, 30
    last = losses[-1][0]
    held_out = [held for _, _, held in losses if held is not None]
    top = max(0.01, *(loss for _, loss, _ in losses), *held_out)

    def points(values: Sequence[tuple[int, float]]) -> str:
        return " ".join(
            f"{pad + (width - 2 * pad) * step / last:.1f},"
            f"{height - pad - (height - 2 * pad) * value / top:.1f}"
            for step, value in values
        )

    trained = points([(step, loss) for step, loss, _ in losses])
    held = points([(step, held) for step, _, held in losses if held is not None])
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="loss by step">'
        f'<polyline fill="none" stroke="var(--person)" stroke-width="2" points="{trained}"/>'
        f'<polyline fill="none" stroke="var(--agent)" stroke-width="2" stroke-dasharray="5 4" '
        f'points="{held}"/>'
        f'<text x="{pad}" y="18" fill="currentColor" font-size="12">nats per token, from 0 to '
        f"{top:.2f}; solid: trained on, dashed: held out; {last} steps</text></svg>"
    )
