"""Durations, sizes and clock times as a person reads them.  Pure."""

from __future__ import annotations

from datetime import datetime


def spoken_duration(seconds: float) -> str:
    """Return "42 s", "about 2 min" or "1 h 10 min"; rounded the way a person would say it."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def spoken_size(size: int) -> str:
    """Return a size in bytes as "812 KB", "1.4 GB"; powers of 1000 as disks are sold."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def when(wall_s: float, now_s: float) -> str:
    """Return "14:05" for today, else "12 Nov 14:05", in local time."""
    then = datetime.fromtimestamp(wall_s).astimezone()
    if then.date() == datetime.fromtimestamp(now_s).astimezone().date():
        return f"{then:%H:%M}"
    return f"{then.day} {then:%b %H:%M}"


def clock_text(seconds: float) -> str:
    """Return "00:42" or "1:02:03"."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    text = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{text}" if hours else text
