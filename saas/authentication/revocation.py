"""Credentials end when what they stood on ends: who removes a member says so, and the owner of the
keys listens.
"""

from django.dispatch import Signal

# Sent inside the transaction that ends a membership, with `actor` and `user_id`.
membership_ended = Signal()

# Sent with its tenant bound and a trail recording, with `principal_id`, `reason` and `person_only`:
# a caller looks wrong. Whose credentials these are ends a person's tokens, so that they sign in
# again, and, unless `person_only`, a key or a service's tokens; and answers whether there were any.
suspected = Signal()
