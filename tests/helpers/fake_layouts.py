"""Layouts as an X server tells of them after `setxkbmap fr`, `cz` and `de`."""

from recorder.input.keys import CODES
from recorder.input.layout import Layout

_PLACES = "1234567890-=QWERTYUIOP[]ASDFGHJKL;'`\\ZXCVBNM,./"


def _layout(plain: str, shifted: str) -> Layout:
    codes = [CODES[name] for name in _PLACES]
    return Layout(
        dict(zip(codes, plain, strict=True)),
        dict(zip(codes, shifted, strict=True)),
    )


FR = _layout(
    "&É\"'(-È_ÇÀ)=AZERTYUIOP^$QSDFGHJKLMÙ²*WXCVBN,;:!",
    "1234567890°+AZERTYUIOP¨£QSDFGHJKLM%~µWXCVBN?./§",
)
CZ = _layout(
    "+ĚŠČŘŽÝÁÍÉ=´QWERTZUIOPÚ)ASDFGHJKLŮ§;¨YXCVBNM,.-",
    "1234567890%ˇQWERTZUIOP/(ASDFGHJKL\"!°'YXCVBNM?:_",
)
DE = _layout(
    "1234567890ß´QWERTZUIOPÜ+ASDFGHJKLÖÄ^#YXCVBNM,.-",
    "!\"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖÄ°'YXCVBNM;:_",
)
