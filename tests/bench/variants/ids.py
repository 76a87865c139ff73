"""Keys as our own tables have them: neither side has the better index."""

import time
import uuid


def new_id() -> uuid.UUID:
    """A UUID of version 7."""
    low = uuid.uuid4().int & (1 << 62) - 1
    return uuid.UUID(int=int(time.time() * 1000) << 80 | 0x7 << 76 | 0b10 << 62 | low)
