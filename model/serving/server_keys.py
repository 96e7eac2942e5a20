"""Keys of servers: from the environment or the keyring, never from a file of ours."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from recorder.errors import ModelError

KEY_VARIABLE = "PLAYTEACH_SERVER_KEY"
KEYRING_SERVICE = "playteach"


def server_key(url: str) -> str:
    """Return the server's key from the environment or the keyring, "" without one."""
    key = os.environ.get(KEY_VARIABLE, "")
    if key:
        return key
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    try:
        return str(keyring.get_password(KEYRING_SERVICE, urlsplit(url).netloc) or "")
    except KeyringError as error:
        raise ModelError(
            f"The keyring cannot be read ({type(error).__name__}), so the server's key is not "
            f"known; set it in {KEY_VARIABLE}."
        ) from error


def keep_key(url: str, key: str) -> bool:
    """Put a server's key into the keyring ("" takes it out); False where there is none."""
    try:
        import keyring
        from keyring.errors import KeyringError, PasswordDeleteError
    except ImportError:
        return False
    place = urlsplit(url).netloc
    try:
        if key:
            keyring.set_password(KEYRING_SERVICE, place, key)
        else:
            keyring.delete_password(KEYRING_SERVICE, place)
    except PasswordDeleteError:
        return True
    except KeyringError:
        return False
    return True
