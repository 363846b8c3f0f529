"""The account that a server runs under: servers refuse to run as root, so root lends them another.

Called by `process.py`.
"""

from __future__ import annotations

import os
import pwd
from typing import Any

from servers.engine import EngineMissing


def find_account(*preferred: str) -> pwd.struct_passwd | None:
    """Return the first of the accounts that exists, else `nobody`; None where we are not root.

    Raises:
        EngineMissing: root, and no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in (*preferred, "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        if account.pw_uid:
            return account
    raise EngineMissing("servers do not run as root, and there is no account `nobody` to run one")


def identity(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """Return the arguments of `subprocess` that make a child that account."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
