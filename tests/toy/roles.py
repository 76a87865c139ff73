"""Where the toy's roles meet its permissions."""

from tests.toy.access import Notes

READER = frozenset({Notes.READ})
WRITER = READER | {Notes.WRITE}
KEEPER = WRITER | {Notes.READ_BODY}

ROLES: dict[str, frozenset[str]] = {
    "viewer": READER,
    "clerk": WRITER,
    "accountant": KEEPER,
    "admin": KEEPER,
    "owner": KEEPER,
}
