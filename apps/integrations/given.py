"""What the person in front of the browser has allowed: a list, and an end to each."""

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.models import User
from apps.integrations import queries
from apps.integrations.consent import sent_to
from apps.organizations.queries import organizations_of
from saas.authentication.oauth import families


@login_required
@require_GET
def given(request: HttpRequest) -> HttpResponse:
    """Each grant that lives: for whom, in which organization, what for, and when it was used."""
    person = cast(User, request.user)
    names = {one.pk: one.name for one in organizations_of(person.pk)}
    grants = [
        {"grant": grant, "organization": names.get(grant.organization_id, "")}
        for grant in queries.living_grants().filter(user=person).order_by("-created")
    ]
    return render(request, "integrations/given.html", {"grants": grants})


@login_required
@require_POST
def end(request: HttpRequest, id: UUID) -> HttpResponse:
    """Every token of this grant opens nothing from now on; somebody else's is none."""
    with transaction.atomic():
        grant = families.locked(pk=id, user=request.user)
        if grant is None:
            raise Http404
        families.end_and_tell(grant, "revoked")
    return sent_to(reverse("grants"))
