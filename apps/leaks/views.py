"""The endpoint of secret scanners, in the form of GitHub's partner program."""

from django.http import HttpRequest, HttpResponse

from apps.leaks.reporters import KEY_ID, SIGNATURE, reporter_of
from apps.leaks.reports import leaks_in
from apps.leaks.tasks import examine_report
from saas.authentication.attempts import count_network
from saas.authentication.oauth.answers import machine_endpoint
from saas.edge.admission import admit


@machine_endpoint("leaks.disclose-token")
def disclose_token(request: HttpRequest) -> HttpResponse:
    """204 for every signed report, whatever it found. The signature is over the bytes of the body,
    so it is judged before they are read.
    """
    admit(request, ["POST"])
    count_network(request, "leak-report")
    signed = request.headers.get(KEY_ID, ""), request.headers.get(SIGNATURE, "")
    reporter = reporter_of(*signed, request.body)
    examine_report.enqueue(reporter, [list(leak) for leak in leaks_in(request.body)])
    answer = HttpResponse(status=204)
    del answer["Content-Type"]  # there is nothing that could have one
    return answer
