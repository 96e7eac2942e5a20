"""Pictures as short, closed H.264 segments that stand alone, and back.

Full-range BT.709 in 4:4:4: games put coloured pixels side by side, and halving the
colour's resolution costs more fidelity than it saves bytes.  ``tune=psnr`` because a
model looks at these pictures, not an eye.  On simulated play in the practice yard at
640 x 360 and 20 Hz, 4:2:0 at the same size kept RGB about 2 dB lower.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from recorder.errors import DataError
from recorder.types import RGBImage

# PyAV is imported where it is first needed: a list of episodes needs no codec.
if TYPE_CHECKING:
    import av

SEGMENT_S = 0.75
"""Longest stretch of play in one segment, which is also what a crash can cost."""
CODEC_NAME = "h264-annexb-yuv444p-bt709-full"
"""Stored with each segment, so that a later codec can stand beside this one."""
CRF = 21.8
PRESET = "veryfast"
# One key frame, at the start, so a segment is its own closed group.  One B frame and
# hardly any look-ahead: what is still to be encoded when a segment closes delays its
# commit.  Trellis and a second reference are worth 8 % of the bytes at equal fidelity,
# the B frame and coarser colour 6 %; a weighted prediction and a wider search were worth
# nothing on game frames, and nor was thinking about where a B frame belongs (b-adapt).
_X264 = (
    "keyint=infinite:scenecut=0:open-gop=0:bframes=1:b-adapt=0:rc-lookahead=3:"
    "trellis=1:ref=2:mixed-refs=1:weightp=0:me=dia:chroma-qp-offset=2:log-level=error"
)
# Games of hard-edged texels: smoothing over the blocks' borders takes edges away that are the
# game's.  Without it, and without the trellis, pictures of a turning player in Luanti were 3 %
# smaller and their luma 0.2 dB truer for four fifths of the time; the yard's 0.3 dB worse.
_X264_BLOCKY = _X264.replace("trellis=1", "trellis=0") + ":no-deblock=1"
CRF_BLOCKY = 21.5
_PIXELS = "yuv444p"
_BT709 = 1
_FULL_RANGE = 2


def frames_per_segment(tick_rate_hz: float) -> int:
    """Return how many frames a full segment has: at most 0.75 s, at least one."""
    return max(1, int(SEGMENT_S * tick_rate_hz))


class SegmentEncoder:
    """Encodes the frames of one segment.  One thread at a time.

    Frames are uint8 height x width x 3, all of one size.  ``blocky`` suits games that show
    large texels with hard edges.  ``crf`` is x264's quality, None for what a model learns from;
    more is coarser and smaller.
    """

    def __init__(
        self,
        width: int,
        height: int,
        tick_rate_hz: float,
        *,
        blocky: bool = False,
        crf: float | None = None,
    ) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        self.frames = 0
        self._shape = (height, width, 3)
        self._parts: list[bytes] = []
        self._to_yuv = VideoReformatter()
        rate = Fraction(tick_rate_hz).limit_denominator(1000)
        # PyAV's own types know neither a codec's colour fields nor its subclass here.
        context: Any = av.CodecContext.create("libx264", "w")
        context.width = width
        context.height = height
        context.pix_fmt = _PIXELS
        context.framerate = rate
        context.time_base = 1 / rate
        context.thread_count = 1
        context.colorspace = _BT709
        context.color_primaries = _BT709
        context.color_trc = _BT709
        context.color_range = _FULL_RANGE
        context.options = {
            "preset": PRESET,
            "tune": "psnr",
            "crf": str((CRF_BLOCKY if blocky else CRF) if crf is None else crf),
            "x264-params": _X264_BLOCKY if blocky else _X264,
        }
        self._context = context

    def add(self, rgb: RGBImage) -> None:
        """Encode the next frame; raises ValueError for another size."""
        if rgb.shape != self._shape:
            raise ValueError(f"frame is {rgb.shape}, the segment's are {self._shape}")
        import av

        # Read where it lies: a copy would cost as much as turning it into YUV.
        given = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(rgb), format="rgb24")
        frame = self._to_yuv.reformat(given, format=_PIXELS, **_same_colours())
        frame.pts = self.frames
        self.frames += 1
        self._parts.extend(bytes(packet) for packet in self._context.encode(frame))

    def finish(self) -> bytes:
        """Return the whole segment as Annex B bytes; the encoder is used up."""
        self._parts.extend(bytes(packet) for packet in self._context.encode(None))
        return b"".join(self._parts)


def decode_segment(data: bytes, width: int, height: int) -> Iterator[RGBImage]:
    """Yield the frames of a segment in order, uint8 height x width x 3.

    Raises DataError where the bytes are no such segment.
    """
    import av
    from av.video.reformatter import VideoReformatter

    context: Any = av.CodecContext.create("h264", "r")
    context.thread_count = 1
    to_rgb = VideoReformatter()
    for frame in _decoded(context, data):
        if (frame.width, frame.height) != (width, height):
            raise DataError(
                f"A stored picture is {frame.width} x {frame.height} where {width} x {height} was "
                "recorded, so this episode is damaged; delete it or restore a backup."
            )
        picture = to_rgb.reformat(frame, format="rgb24", **_same_colours())
        # Asking for the type only tells the type checker: rgb24 is always uint8.
        yield picture.to_ndarray().astype(np.uint8, copy=False)


class _Colours(TypedDict):
    src_colorspace: int
    dst_colorspace: int
    src_color_range: int
    dst_color_range: int


def _same_colours() -> _Colours:
    """Return what keeps a conversion within full-range BT.709 on both sides."""
    from av.video.reformatter import ColorRange, Colorspace

    return {
        "src_colorspace": Colorspace.ITU709,
        "dst_colorspace": Colorspace.ITU709,
        "src_color_range": ColorRange.JPEG,
        "dst_color_range": ColorRange.JPEG,
    }


def _decoded(context: Any, data: bytes) -> Iterator[av.VideoFrame]:
    import av

    try:
        for packet in (*context.parse(data), *context.parse(b"")):
            yield from context.decode(packet)
        yield from context.decode(None)
    except av.FFmpegError as error:
        raise DataError(
            "A stored stretch of pictures cannot be decoded, so this episode is damaged; "
            "delete it or restore a backup of the database."
        ) from error
