"""Tokens that are worth nothing without the key that they were made for (DPoP, RFC 9449)."""
