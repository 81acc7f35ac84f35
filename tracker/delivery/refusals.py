"""What a final refusal says of an address. Pure."""

import re

NOBODY = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.1")
"""Enhanced status codes (RFC 3463, and its registry) by which nobody is there: no such mailbox or domain, none that
could be, moved away, one that takes no mail at all (a null MX), disabled; 5.4.1 is how Exchange says no such
mailbox."""
PLAIN = (550, 551, 553)
"""Codes that say so where there is no enhanced one."""
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


def enhanced(answer: str) -> str | None:
    """The enhanced status code that a server's answer begins with: ``5.1.1``."""
    found = _ENHANCED.match(answer)
    return found[1] if found else None


def nobody_there(code: int | None, answer: str) -> bool:
    """Whether a refusal means that no mail will ever arrive at this address; not that this one was too large, was
    taken for spam, or came while the mailbox was full."""
    status = enhanced(answer)
    return code is not None and code // 100 == 5 and (code in PLAIN if status is None else status in NOBODY)
