"""What is wrong with the certificate of a PostgreSQL that libpq has refused.

libpq does not say it, so the certificate is looked at again. Nothing is sent but the wish to speak TLS.
"""

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

#: How long each step of looking may take, in seconds.
_PATIENCE_S = 5
#: PostgreSQL's SSLRequest, and what it answers where it speaks TLS.
_REQUEST, _YES = b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"S"
#: OpenSSL's X509_V_FLAG_NO_CHECK_TIME: else it shows nothing of a certificate whose time is over.
_AT_ANY_TIME = 0x200000


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a certificate is none to trust, in OpenSSL's words; or until when, or from when on, it is one."""

    said: str = ""
    expired_at: str | None = None
    begins_at: str | None = None


def refused(connection: Any) -> Refused | None:
    """Why the server's certificate was refused in this attempt to connect (libpq's); None where it cannot be seen."""
    try:
        said = {
            option.keyword.decode(): option.val.decode()
            for option in connection.info
            if option.val is not None and option.keyword != b"password"
        }
        host, port = connection.host.decode(), int(connection.port)
        return _looked_at(connection.hostaddr.decode() or host, port, host, said.get("sslrootcert", ""))
    except (AttributeError, OSError, ValueError):  # no attempt, a socket's folder, nobody there any more, no time
        return None


def _looked_at(address: str, port: int, host: str, authorities: str) -> Refused | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # what was refused is not the name
    context.verify_flags |= _AT_ANY_TIME
    if authorities == "system":
        context.load_default_certs()
    else:
        context.load_verify_locations(authorities or Path("~/.postgresql/root.crt").expanduser())
    with socket.create_connection((address, port), _PATIENCE_S) as line:
        line.sendall(_REQUEST)
        if line.recv(1) != _YES:
            return None
        try:
            with context.wrap_socket(line, server_hostname=host) as speaking:
                shown = speaking.getpeercert() or {}
        except ssl.SSLCertVerificationError as fault:
            return Refused(fault.verify_message)
    now = datetime.now(UTC)
    begins, ends = (_moment(shown[name]) for name in ("notBefore", "notAfter"))
    if now > ends:
        return Refused(expired_at=_spelled(ends))
    if now < begins:
        return Refused(begins_at=_spelled(begins))
    # of those that signed it libpq sees the time, and here they are not shown
    return Refused("one of those that signed it has expired, or is not good yet")


def _moment(text: object) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(text)), UTC)


def _spelled(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
