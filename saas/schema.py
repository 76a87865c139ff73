"""OpenAPI is drawn from the same declarations that are enforced, so the documents cannot
disagree.
"""

from drf_spectacular.openapi import AutoSchema


class SecureSchema(AutoSchema):
    """The document of one operation."""
