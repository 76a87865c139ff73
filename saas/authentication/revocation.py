"""Credentials end when what they stood on ends: who removes a member says so, and the owner of the
keys listens.
"""

from django.dispatch import Signal

# Sent inside the transaction that ends a membership, with `actor` and `user_id`.
membership_ended = Signal()
