"""SHA-256 without OpenSSL: `hashlib` takes 3 ms to load it, which is more than the name of one file is worth."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:
        from _sha256 import sha256  # until Python 3.11; the standard library's own `random` imports its sister so
    except ImportError:
        try:
            from _sha2 import sha256  # since 3.12
        except ImportError:  # a Python that has neither
            from hashlib import sha256


def hexadecimal(data: bytes) -> str:
    """The SHA-256 of these bytes, in 64 digits."""
    return sha256(data).hexdigest()
