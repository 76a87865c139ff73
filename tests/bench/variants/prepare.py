"""The rivals' own rows: users, memberships and tokens. `python -m tests.bench.variants.prepare CAST`"""

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402  # after setup
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from oauth2_provider.models import AccessToken, Application  # noqa: E402

from tests.bench.variants.models import Membership  # noqa: E402

call_command("migrate", run_syncdb=True, verbosity=0)
client = Application.objects.create(
    name="bench", client_type="confidential", authorization_grant_type="client-credentials"
)
for name, one in json.loads(sys.argv[1]).items():
    user = User.objects.create(username=name)
    Membership.objects.create(user=user, tenant_id=one["tenant"])
    AccessToken.objects.create(
        user=user,
        application=client,
        token=one["token"],
        scope="read write",
        expires=timezone.now() + timedelta(days=1),
    )
