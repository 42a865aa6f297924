"""What a team's database complains of, in words for people: what is wrong, where, and what to do next."""

import re

from claude_local_plugin.core.shell import Words, command
from claude_local_plugin.errors import ClaudeLocalError
from claude_local_plugin.team import certificate


def explained(where: str, fault: Exception, *, sending: bool = False) -> ClaudeLocalError:
    """What psycopg has raised at this address, as an error for people: one who sends is told what becomes of it."""
    complaint, hint, waits = _explained(where, fault)
    if waits and sending:
        hint += f"{'' if hint.endswith('?') else ';'} {_LATER}"
    return ClaudeLocalError(complaint, hint)


def _explained(where: str, fault: Exception) -> tuple[str, str, bool]:
    """What is wrong, what to do next, and whether what is to be sent then goes by itself."""
    state = getattr(fault, "sqlstate", None) or ""
    said = _said(fault)
    if state == "42501":
        hint = f"roles are made by: {_roles()}   (--reader NAME: one that reads)"
        return f"{where}: this role may not do that: {said}", hint, False
    for states, words, hint, waits in _COMPLAINTS:
        if state and re.fullmatch(states, state):
            return f"{where}: {words}: {said}", hint, waits
    if not state:
        if "certificate verify failed" in said and (why := _not_trusted(fault)):
            return f"{where}: {why[0]}", why[1], True
        if other := _ANOTHER_HOST.search(said):
            named, more_names, host = other.groups()
            more = f"ask for {named}, if that is its name for this machine, or have one made for {host}"
            return f"{where}: its certificate is for {named}{more_names}, not for {host}", more, True
        for pattern, words, hint, waits in _WITHOUT_STATE:
            if re.search(pattern, said):
                return f"{where}: {words}: {said}", hint, waits
    return f"{where}: the database complains: {said}", "the database's own log may say more", False


def _roles() -> str:
    return command("claude-local", "sessions", "team", "init", Words("URL"), "--writer", Words("NAME"))


_LATER = "nothing is lost: what is not there yet is sent by the next push"
_TRUST = "sslrootcert=FILE in the URL names the authority to trust, sslrootcert=system those of this system"
#: A pattern for what it says, what that is, what to do next, and whether what is to be sent then goes by itself.
_Complaint = tuple[str, str, str, bool]
_ANOTHER_HOST = re.compile(r'server certificate for "([^"]*)"(.*) does not match host name "([^"]*)"')
_COMPLAINTS: tuple[_Complaint, ...] = (
    ("28P01|28000", "it does not let us in", "the role and its password: ~/.pgpass, PGPASSWORD or the keyring", False),
    ("3D000", "there is no such database", "the name after the host in the URL, or: createdb NAME", False),
    ("57014|55P03", "it took too long", "the database is busy", True),
    ("53100", "its disk is full", "make room there", True),
    ("53.*", "it has run out of something", "try again later", True),
    ("25006", "it is read-only", "a standby, or a server that was set so: ask for the primary's address", True),
    ("57P0.", "it is being stopped or started", "try again in a moment", True),
    ("40...", "others were in the way", "try again in a moment", False),
    (
        "22.*|23.*",
        "it refuses what was sent",
        "this is a fault of this program or of another one that writes there",
        False,
    ),
)
#: Of a server that lets nobody in there are the words alone, in English as a rule.
_WITHOUT_STATE: tuple[_Complaint, ...] = (
    (
        "^invalid|^missing key|invalid (integer|port)|unrecognized|unexpected (character|spaces)",
        "this is no address of a team's database",
        "postgresql://ROLE@HOST:5432/DATABASE?sslmode=verify-full",
        False,
    ),
    (
        "authentication failed|no pg_hba.conf entry|role .* does not exist|not permitted to log in|^permission denied",
        "it does not let us in",
        "the role and its password: ~/.pgpass, PGPASSWORD or the keyring",
        False,
    ),
    (
        "does not support SSL",
        "it has no TLS, which the URL or PGSSLMODE asks for",
        "whoever administers it switches it on: ssl = on, with ssl_cert_file and ssl_key_file",
        True,
    ),
    ("certificate|SSL|tls", "its certificate, or TLS with it, is not right", _TRUST, False),
    (
        "database .* does not exist",
        "there is no such database",
        "the name after the host in the URL, or: createdb NAME",
        False,
    ),
    (
        "starting up|shutting down|in recovery mode|not (yet )?accepting connections",
        "it is being stopped or started",
        "try again in a moment",
        True,
    ),
    ("too many (clients|connections)|connection slots", "it has run out of something", "try again later", True),
    ("password", "it asks for a password", "~/.pgpass, PGPASSWORD, a service file or the keyring has it", False),
    ("timeout|timed out", "it does not answer", "is it up, and is the network there?", True),
    (
        "refused|denied|could not translate|No such file|resolve|Name or service",
        "it cannot be reached",
        "is it up, and is the URL right?",
        True,
    ),
    ("closed|terminat|lost|reset|EOF", "the connection broke off", "try again in a moment", True),
)


def _said(fault: Exception) -> str:
    """The first thing that it says, on one line."""
    primary = getattr(getattr(fault, "diag", None), "message_primary", None)
    text = primary or str(fault)
    text = re.sub(r"^(connection (failed|is bad): )+", "", text.strip())
    text = re.sub(r"^connection to server (at|on socket) [^\n]*? failed: FATAL: +", "", text)
    return " ".join(text.split("\n")[0].split())[:300] or type(fault).__name__


def _not_trusted(fault: Exception) -> tuple[str, str] | None:
    """What is wrong with a certificate that was refused, and what next; None where that cannot be found out."""
    found = certificate.refused(getattr(fault, "pgconn", None))
    if found is None:
        return None
    if found.expired_at:
        new = "whoever administers it puts a new one there (ssl_cert_file) and reloads it, if the clock here is right"
        return f"its certificate has expired: it was good until {found.expired_at}", new
    if found.begins_at:
        clocks = "the clock here, or that of whoever made it, is wrong"
        return f"its certificate is good from {found.begins_at} on", clocks
    return f"its certificate is not trusted here: {found.said}", _TRUST
