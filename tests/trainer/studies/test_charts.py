"""Charts are drawn from what the training and `evaluate --json` write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from trainer.studies.charts import main, read_curve


def test_a_curve_is_drawn(tmp_path: Path) -> None:
    curve = tmp_path / "curve.csv"
    curve.write_text(
        "step,seconds,samples,made,stage,text,pair,action,presence,column\n"
        "25,60,1,1,I,0.5,,,,\n50,120,2,2,III,,0.4,0.3,0.2,0.1\n75,180,2,2,III,,,0.2,0.2,0.1\n"
    )
    assert read_curve(curve)["action"] == [(2.0, 0.3), (3.0, 0.2)]
    assert main(["curve", str(curve), "--out", str(tmp_path / "curve.png")]) == 0
    with Image.open(tmp_path / "curve.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 10


def test_what_is_no_curve_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no curve"):
        read_curve(tmp_path / "other.csv")


def test_success_by_verb_is_drawn(tmp_path: Path) -> None:
    rates = {"open": {"success_rate": 0.5, "interval": [0.3, 0.7]}}
    for suite in ("seen", "two-step"):
        (tmp_path / f"{suite}.json").write_text(json.dumps({"by_verb": rates}))
        rates = {**rates, "shoot": {"success_rate": 0.9, "interval": [0.8, 1.0]}}
    out = tmp_path / "verbs.png"
    assert main(["verbs", *map(str, tmp_path.glob("*.json")), "--out", str(out)]) == 0
    with Image.open(out) as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 10
