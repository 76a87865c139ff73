"""Scanners that find our credentials in public places say so, and they end."""
