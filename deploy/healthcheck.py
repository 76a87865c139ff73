"""Ends well when the server beside it answers; an image without a shell has no curl."""

import os
from urllib.request import Request, urlopen

host = os.environ["ALLOWED_HOSTS"].partition(",")[0]  # another one is refused, here too
port = os.environ.get("PORT", "8000")
asked = Request(f"http://127.0.0.1:{port}/health/live", headers={"Host": host})  # our own
urlopen(asked, timeout=2).close()  # noqa: S310  # as above; anything but 200 raises
