"""A QR code as the path of an inline SVG: no script, no image of another place, no raw markup."""

from typing import NamedTuple

from qrcode.main import QRCode


class Picture(NamedTuple):
    """A square of `size` modules, and the dark ones as SVG draws them."""

    size: int
    path: str


def qr(text: str) -> Picture:
    """The code of `text`, with the quiet zone that scanners want around it."""
    code = QRCode()
    code.add_data(text)
    modules = code.get_matrix()
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(modules) for x, on in enumerate(row) if on)
    return Picture(len(modules), "".join(dark))
