"""A credential that opened something says so; whoever keeps the credential may want to remember
when.
"""

from django.dispatch import Signal

# Sent inside the tenant and the transaction of a request that succeeded, with `principal` and the
# `facts` of its line in the access log. What a listener raises refuses the request.
credential_used = Signal()
