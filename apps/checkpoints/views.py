"""What a customer needs who wants to verify the trail without us."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.activity.access import Audit
from apps.checkpoints import queries, signing
from apps.checkpoints.models import Checkpoint
from apps.checkpoints.serializers import CheckpointOutput
from saas.authorization.operations import Allow
from saas.edge.admission import admit_method
from saas.errors import Problem, problem_response
from saas.view import SecureViewSet


class CheckpointViewSet(SecureViewSet):
    """The checkpoints of the organization's trail, the newest first."""

    resource = "audit-checkpoints"
    operations = {"list": Allow(Audit.READ)}
    outputs = CheckpointOutput
    sortable = {"number": "number"}
    ordering = "-number"

    def rows(self) -> QuerySet[Checkpoint]:
        """Those of the bound organization."""
        return queries.checkpoints()


def keys(request: HttpRequest) -> HttpResponse:
    """The public keys, for everybody (RFC 7517)."""
    try:
        admit_method(request, ["GET"])
    except Problem as problem:
        return problem_response(problem, request)
    return JsonResponse(signing.key_set())
