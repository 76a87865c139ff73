"""The spine: the path of every request under /api/, in order. Read this first."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from typing import Any, ClassVar, cast

from django.conf import settings
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from saas.audit import refusals, trail
from saas.authentication.credentials import identify
from saas.authentication.misuse import tell_later
from saas.authentication.usage import credential_used
from saas.authorization.access import permit, permit_row
from saas.authorization.approval import KEEPERS, Waiting
from saas.authorization.fields import refuse_guarded
from saas.authorization.operations import Allow
from saas.context import Actor, Principal
from saas.disclosure.outputs import Output, disclose, disclose_list
from saas.edge.admission import admit
from saas.edge.log import TracedRequest
from saas.edge.networks import refuse_again
from saas.errors import Problem, problem_response
from saas.ids import as_texts
from saas.persistence import idempotency
from saas.persistence.texts import ID, Text
from saas.responses import etags, expiry, pages
from saas.responses.problems import as_problem
from saas.tenancy.entrance import entered
from saas.throttling import limits
from saas.validation.inputs import Filters, Input, NoInput, judge, judge_query, read_body


class SecureViewSet(ViewSetMixin, APIView):
    """One resource. It declares who may do what; the corridor decides, and what is not declared is
    denied.
    """

    resource: ClassVar[str]
    operations: ClassVar[Mapping[str, Allow]] = {}
    inputs: ClassVar[Mapping[str, type[Input]]] = {}
    outputs: ClassVar[type[Output]] = Output
    filters: ClassVar[type[Filters]] = Filters
    once: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # what no later answer shows, by operation
    sortable: ClassVar[Mapping[str, str]] = {}  # ?ordering= name -> column
    hot: ClassVar[frozenset[str]] = frozenset()  # list, retrieve: whose SQL is compiled only once
    # OPTIONS would tell a stranger what there is; a CORS preflight is answered before us.
    http_method_names = ["get", "head", "post", "patch", "delete"]
    ordering: ClassVar[str | None] = (
        None  # of a list that is asked for none, where not newest first
    )

    actor: Actor
    refusal: Problem | None
    reservation: idempotency.Reservation | None
    waits: bool
    counted: limits.Counted

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Walk the path, and give the place in flight back whatever happens on it."""
        self.begin(cast(TracedRequest, request))
        try:
            response = self.walk(request, *args, **kwargs)
        finally:
            self.counted.leave()
        if self.counted.windows:  # on every answer to a counted caller
            limits.report(response, self.counted.windows)
            expiry.warn(response, self.principal)
        if self.facts.misuse:
            tell_later(self.facts.misuse)
        return response

    def walk(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Run the path in one transaction. A refusal takes it back, and leaves its own record."""
        try:
            with (
                transaction.atomic(),
                ExitStack() as self.leaving,
                trail.recording(self.http.request_id) as self.happened,
            ):
                response = cast(HttpResponse, super().dispatch(request, *args, **kwargs))
                self.close()
        except Exception as fault:  # what the commit itself, or the trail, did not allow
            response = self.refuse(as_problem(fault))
        if self.refusal and self.actor:
            refusals.record(self.actor, self.operation_id, self.refusal, self.http.request_id)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Walk the stages, each in its own room. The first that refuses answers; then the business
        begins.
        """
        admit(self.http, self.allowed_methods)
        refuse_again(self.http)
        self.principal = self.who_is_calling()
        self.actor = self.who_enters()
        self.note_who()
        self.counted = limits.count(self.http, self.principal, self.rate)
        self.refuse_barred()
        permit(self.actor, self.rule)
        self.asked, self.query = self.judged()
        self.reserve()
        if not self.kwargs and not self.is_replay:  # with a row in the path it comes first: row()
            refuse_guarded(self.outputs.access, self.actor, self.guarded_names)

    # The rooms that need more than one line.

    def begin(self, request: TracedRequest) -> None:
        """Nothing is proved yet."""
        self.http = request
        self.facts = request.facts
        self.actor = None  # type: ignore[assignment]  # until tenancy knows better; no view runs before
        self.refusal = None
        self.reservation = None
        self.waits = False
        self.counted = limits.Counted()

    def who_is_calling(self) -> Principal:
        """The principal; who proves nothing is counted against their network before they hear
        so.
        """
        try:
            return identify(self.http)
        except Problem:
            limits.count_stranger(self.http)
            raise

    def who_enters(self) -> Actor:
        """The actor; who does not give what the tenant asks for is counted as a stranger too."""
        try:
            return self.leaving.enter_context(entered(self.principal, self.http))
        except Problem:
            limits.count_stranger(self.http)
            raise

    def refuse_barred(self) -> None:
        """What the house has noted against a proved caller ends their request here: counted, so
        that who is shut out costs no more than who is let in.
        """
        if self.facts.barred:
            raise self.facts.barred

    def judged(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Body and query, judged whole before any row is fetched."""
        body = read_body(self.http)
        listing = self.action == "list"
        self.hidden = self.outputs.access.guarded.keys() - self.outputs.access.visible(self.actor)
        query = judge_query(
            self.filters if listing else Filters,
            self.http,
            own=pages.OWN_PARAMETERS if listing else frozenset(),
            hidden=self.hidden,
        )
        form = self.inputs.get(self.action, NoInput)
        asked = judge(form, body, partial=self.action == "partial_update")
        self.guarded_names = form.guarded_names(body)
        return asked, query

    def reserve(self) -> None:
        """Claim the Idempotency-Key of what must not happen twice; a repeat is answered from its
        row.
        """
        if self.rule is None or not self.rule.idempotent:
            return
        key = idempotency.read_key(self.http.META.get("HTTP_IDEMPOTENCY_KEY"))
        mark = idempotency.fingerprint(
            str(self.http.method), self.http.get_full_path(), self.http.body
        )
        self.reservation = idempotency.reserve(self.actor, self.operation_id, key, mark)
        if not self.reservation.is_new:
            self.post = self.replay

    def close(self) -> None:
        """The last word before the commit: a refusal leaves nothing, a success leaves its event."""
        if self.refusal:
            self.happened.forget()
            transaction.set_rollback(True)
        elif self.owed_event and self.owed_event not in {entry.event for entry in self.happened}:
            raise RuntimeError(f"{self.operation_id} left no {self.owed_event} in the trail.")
        else:
            credential_used.send(sender=type(self), principal=self.principal, facts=self.facts)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # never DRF's own form
        """Every exception of the path becomes a problem document; that something waits is none."""
        if isinstance(exc, Waiting):
            return self.show_waiting(exc.row, exc.once)
        return self.refuse(as_problem(exc))

    def refuse(self, problem: Problem) -> HttpResponse:
        """Answer a problem, and remember it for the trail."""
        self.refusal = problem
        return problem_response(problem, self.http)

    def note_who(self) -> None:
        """For the access log."""
        self.facts.operation_id = self.operation_id
        self.facts.auth_method = self.principal.kind
        self.facts.principal = str(self.principal.id)
        self.facts.credential_id = str(self.principal.credential_id)
        self.facts.user_id = str(self.principal.user_id) if self.principal.user_id else None
        self.facts.org = str(self.principal.tenant_id)
        self.facts.decision = "allow"

    # What the declaration says of this request.

    @property
    def rule(self) -> Allow | None:
        """The line of the table for this operation."""
        return self.operations.get(self.action)

    @property
    def rate(self) -> str:
        """The class of limits that counts this operation."""
        declared = self.rule.rate if self.rule else ""
        return declared or ("read" if self.http.method in ("GET", "HEAD") else "write")

    @property
    def operation_id(self) -> str:
        """The name of the operation in documents, trail and log."""
        return f"{self.resource}.{self.action}"

    @property
    def owed_event(self) -> str | None:
        """What the trail must hold when this request succeeds; a repeat has left it the first
        time.
        """
        undone = self.is_replay or self.waits or self.rule is None
        return None if undone else self.rule.event  # type: ignore[union-attr]  # as just asked

    @property
    def is_replay(self) -> bool:
        """Whether this request repeats one that has succeeded."""
        return self.reservation is not None and not self.reservation.is_new

    # What views use. `rows()` is theirs to write.

    def rows(self) -> models.QuerySet[Any]:
        """The rows of the bound tenant that this resource shows."""
        raise Problem("not-found")

    def row(self, rows: models.QuerySet[Any] | None = None, *, name: str = "id") -> Any:
        """The row that the path names: 404, then 403 by its condition or a guarded field, then 428
        and 412. Where the path names a row above those that are shown, `rows` are its own.
        """
        if self.action == "retrieve" and self.action in self.hot:
            row = self.text_of_one().one(self.kwargs[name])
        else:
            row = self.locked(self.rows() if rows is None else rows).get(pk=self.kwargs[name])
        assert self.rule is not None  # noqa: S101  # permit() has seen to it
        self.facts.object_ids.append(str(row.pk))
        permit_row(self.actor, self.rule, row)
        refuse_guarded(self.outputs.access, self.actor, self.guarded_names)
        if self.rule.precondition:
            etags.require_match(self.http.META.get("HTTP_IF_MATCH"), self.etag(row))
        return row

    def locked(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """The same rows, locked where they are read to be changed."""
        if self.http.method not in ("GET", "HEAD"):
            rows = rows.select_for_update(
                of=("self",)
            )  # two writers: the second sees what the first left
        return rows

    def etag(self, row: Any) -> str:
        """The version of `row` as this reader sees it."""
        return etags.etag(row, self.outputs.shown_to(self.actor))

    def narrow(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Apply the judged filters."""
        return rows.filter(
            **{self.filters.lookups.get(name, name): value for name, value in self.query.items()}
        )

    def page(self) -> Response:
        """One page of `rows()`, with links to its neighbours."""
        query = self.http.GET.dict()
        sortable = {
            name: column for name, column in self.sortable.items() if name not in self.hidden
        }
        order = pages.read_order(query.get("ordering", self.ordering), sortable, self.rows)
        size = pages.read_size(query.get("page_size"))
        context = pages.context_of(self.actor.tenant_id, self.operation_id, self.http.path, query)
        place = pages.read_cursor(query["cursor"], context) if "cursor" in query else None
        if order is pages.NEWEST and "list" in self.hot and not self.query:
            text = self.text_of_page(place is not None, bool(place and place.back), size)
            found = text.run(id=place and place.id)
        else:
            found = list(pages.sought(self.narrow(self.rows()), order, place, size))
        page = pages.cut(found, order, place, size)
        self.facts.object_ids += as_texts(row.pk for row in page.rows)
        return Response(
            {
                "results": disclose_list(self.outputs, self.actor, page.rows),
                "next": pages.link(self.http.path, query, page.next, context),
                "previous": pages.link(self.http.path, query, page.previous, context),
            }
        )

    @classmethod
    def everybodys(cls, action: str) -> models.QuerySet[Any]:
        """`rows()` of a view that has met no caller and no request: what they say is nobody's."""
        view = cls()
        view.action = action
        return view.rows()

    @classmethod
    @cache
    def text_of_one(cls) -> Text:
        """The SQL of one row, whichever it is."""
        return Text.of(lambda: cls.everybodys("retrieve").filter(pk=ID))

    @classmethod
    @cache
    def text_of_page(cls, onwards: bool, back: bool, size: int) -> Text:
        """The SQL of a page: the first, or one that starts at a row, whichever it is."""
        place = pages.Place(None, ID, back) if onwards else None
        return Text.of(lambda: pages.sought(cls.everybodys("list"), pages.NEWEST, place, size))

    def show(self, row: Any, *, status: int = 200, **more: Any) -> Response:
        """One row as this reader may see it, with its ETag and, when it was made, its address."""
        headers = {"ETag": self.etag(row)} if hasattr(row, "version") else {}
        if status == 201:
            headers["Location"] = self.location(row)
            if (made := str(row.pk)) not in self.facts.object_ids:
                self.facts.object_ids.append(made)
        if self.reservation and self.reservation.is_new:
            self.happened.beside = self.reservation.kept(status, row)
        shown = disclose(self.outputs, self.actor, row)
        self.facts.disclosed += sorted(self.outputs.access.guarded.keys() & shown.keys())
        return Response({**shown, **more}, status=status, headers=headers)

    def show_waiting(self, row: Any, once: Mapping[str, str] = {}) -> Response:
        """202: nothing has happened, and here is what waits for a second person."""
        [keeper], self.waits = KEEPERS, True
        if self.reservation and self.reservation.is_new:
            self.happened.beside = self.reservation.kept(202, row)
        self.facts.object_ids.append(str(row.pk))
        where = f"/api/{settings.SAAS_API_VERSION}/{keeper.path}/{row.pk}"
        return Response(
            {**disclose(keeper.output, self.actor, row), **once},
            status=202,
            headers={"Location": settings.SAAS_ORIGIN + where},
        )

    def location(self, row: Any) -> str:
        """Where a new row is found."""
        return f"{settings.SAAS_ORIGIN}{self.http.path}/{row.pk}"

    def replay(self, request: Request, **_: Any) -> Response:
        """Answer a repeated request from the row that the first one made, for today's reader."""
        assert self.reservation is not None  # noqa: S101  # reserve() has seen to it
        id = self.reservation.row_id
        if self.reservation.status == 202:
            for keeper in KEEPERS:
                response = self.show_waiting(keeper.rows().get(pk=id))
                response["Idempotency-Replayed"] = "true"
                return response
        hot = "retrieve" in self.hot
        row = self.text_of_one().one(id) if hot else self.rows().get(pk=id)
        response = self.show(row, status=self.reservation.status or 200)
        response["Idempotency-Replayed"] = "true"
        return response

    def list(self, request: Request, **_: Any) -> Response:
        """A page of the resource."""
        return self.page()

    def retrieve(self, request: Request, **_: Any) -> Response:
        """One row."""
        return self.show(self.row())
