"""A closed list of what may come in, and a pointer to every part that is wrong."""

import pytest
from django.test import RequestFactory
from rest_framework import serializers

from saas.errors import Problem
from saas.validation.fields import Integer, Text
from saas.validation.inputs import Filters, Input, judge, judge_query, read_body
from tests.saas.walls import write
from tests.saas.wire import NOTES, refused, send

pytestmark = [pytest.mark.core]

FOREIGN = [
    "id", "tenant", "tenant_id", "organization", "created_at", "version", "body_index", "author",
    "role", "is_admin", "number", "total", "paid_at", "__class__", "pk", "Title", "title ", "титле",
]  # fmt: skip


class Inner(Input):
    """A row inside."""

    name = Text(max_length=5)
    size = Integer(required=False)


class Outer(Input):
    """Something with rows."""

    title = Text(max_length=5)
    count = Integer(default=7)
    inner = Inner(required=False)
    rows = Inner(many=True, required=False, max_length=2)  # type: ignore[call-arg]  # of a list


def pointers(form, data, **options):
    """The pointers and codes of what is wrong."""
    with pytest.raises(Problem) as caught:
        judge(form, data, **options)
    assert caught.value.code == "invalid-request"
    return {(error.pointer, error.code) for error in caught.value.errors}


@pytest.mark.practice("INPUT-07")
@pytest.mark.practice("INPUT-08")
@pytest.mark.parametrize("name", FOREIGN)
def test_a_field_that_nobody_declared_is_refused_and_nothing_changes(acme, name):
    note = write(acme, "stays")
    tag = acme.owner.get(f"notes/{note.pk}")["ETag"]
    for answer in (
        acme.owner.post("notes", {"title": "x", name: "x"}),
        acme.owner.patch(f"notes/{note.pk}", {"title": "x", name: "x"}, If_Match=tag),
        acme.owner.post(f"notes/{note.pk}/copies", {name: "x"}, Idempotency_Key="k" * 16),
    ):
        errors = refused(answer, 400, "invalid-request")["errors"]
        assert {"code": "unexpected-field", "detail": "This field is not expected here.",
                "pointer": f"/{name}"} in errors  # fmt: skip
    assert [row["title"] for row in acme.owner.get("notes").json()["results"]] == ["stays"]


@pytest.mark.practice("INPUT-01")
def test_every_wrong_part_is_pointed_at():
    assert pointers(Outer, {}) == {("/title", "required")}
    assert pointers(Outer, {"title": None}) == {("/title", "null")}
    assert pointers(Outer, {"title": "x", "a/b~c": 1}) == {("/a~1b~0c", "unexpected-field")}
    assert pointers(
        Outer, {"title": "toolong", "count": "1", "inner": {"size": 1}, "rows": [{"name": "a"}, {}]}
    ) == {("/title", "max-length"), ("/count", "invalid"), ("/inner/name", "required"),
          ("/rows/1/name", "required")}  # fmt: skip
    assert pointers(Outer, {"title": "x", "inner": [], "rows": {}}) == {
        ("/inner", "invalid"), ("/rows", "not-a-list")
    }  # fmt: skip
    assert pointers(Outer, {"title": "x", "rows": [{"name": "a", "x": 1}]}) == {
        ("/rows/0/x", "unexpected-field")
    }
    assert {p for p, _ in pointers(Outer, {"title": "x", "rows": [{"name": "a"}] * 3})} == {"/rows"}


def test_an_answer_never_grows_with_the_request(settings):
    with pytest.raises(Problem) as caught:
        judge(Outer, {str(n): n for n in range(5000)})
    assert len(caught.value.errors) == settings.LIMITS["errors"]


def test_a_partial_change_may_leave_out_fields_of_its_first_level_alone():
    assert judge(Outer, {}, partial=True) == {}  # and no default slips in
    assert judge(Outer, {"inner": {"name": "a"}}, partial=True) == {"inner": {"name": "a"}}
    assert pointers(Outer, {"inner": {}}, partial=True) == {("/inner/name", "required")}
    assert pointers(Outer, {"title": ""}, partial=True) == {("/title", "blank")}
    assert pointers(Outer, {"x": 1}, partial=True) == {("/x", "unexpected-field")}
    assert judge(Outer, {"title": "x"}) == {"title": "x", "count": 7}


def test_a_form_that_was_once_judged_partially_is_whole_again():
    judge(Outer, {}, partial=True)
    assert pointers(Outer, {}) == {("/title", "required")}


@pytest.mark.practice("INPUT-08")
@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD"])
def test_a_method_without_a_body_takes_none(acme, method):
    path = f"{NOTES}/{write(acme).pk}"
    answer = send(method, path, b"{}", key=acme.owner.secret)
    assert answer.status_code == 400
    assert acme.owner.get("notes").json()["results"]


def test_an_absent_body_is_the_empty_object(acme):
    assert read_body(RequestFactory().post("/", b"", content_type="application/json")) == {}
    note = write(acme)
    answer = send("POST", f"{NOTES}/{note.pk}/copies", key=acme.owner.secret, content_type="",
                  headers={"Idempotency-Key": "k" * 16})  # fmt: skip
    assert answer.status_code == 201


class TestQuery:
    """The query is closed too: an ignored filter shows more than was asked for."""

    @pytest.mark.practice("INPUT-02")
    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("nonsense=1", "unknown-parameter"),
            ("title=x&title=y", "repeated-parameter"),
            ("title=x&title=x", "repeated-parameter"),
            ("page_size=1&page_size=2", "repeated-parameter"),
            ("title__contains=x", "unknown-parameter"),
            ("tenant_id=x", "unknown-parameter"),
            ("author=x", "unknown-parameter"),
            ("Title=x", "unknown-parameter"),
            ("title[]=x", "unknown-parameter"),
            ("expand=parent", "unknown-parameter"),
            ("search=x", "unknown-parameter"),
            ("format=api", "unknown-parameter"),
            ("=x", "unknown-parameter"),
            ("title=" + "x" * 101, "max-length"),
            ("title=a%00b", "characters"),
            ("title=%E2%80%AE", "characters"),
            ("ordering=tenant_id", "invalid-choice"),
            ("ordering=--title", "invalid-choice"),
            ("ordering=-", "invalid-choice"),
            ("ordering=", "invalid-choice"),
            ("ordering=title,id", "invalid-choice"),
            ("ordering=parent__title", "invalid-choice"),
            ("ordering=%3F", "invalid-choice"),
        ],
    )
    def test_what_is_not_offered_is_refused_with_its_name(self, acme, query, code):
        document = refused(acme.owner.get(f"notes?{query}"), 400, "invalid-request")
        assert code in {error["code"] for error in document["errors"]}
        assert all("parameter" in error for error in document["errors"])

    @pytest.mark.practice("INPUT-09")
    @pytest.mark.parametrize(
        "size",
        ["", "0", "101", "-1", "+5", "1e2", "0x10", " 5", "5 ", "5.0", "1_0", "\uff11\uff10",
         "\u0665", "²", "9" * 3000, "NaN", "true", "5%00", "01000"],
    )  # fmt: skip
    def test_a_page_size_is_a_plain_number_from_1_to_100(self, acme, size):
        document = refused(acme.owner.get(f"notes?page_size={size}"), 400, "invalid-request")
        assert document["errors"][0]["parameter"] == "page_size"

    def test_a_row_an_act_and_a_creation_take_no_query_at_all(self, acme):
        note = write(acme)
        for answer in (
            acme.owner.get(f"notes/{note.pk}?title=x"),
            acme.owner.get(f"notes/{note.pk}?page_size=1"),
            acme.owner.post("notes?title=x", {"title": "x"}),
            acme.owner.delete(f"notes/{note.pk}?force=1"),
        ):
            refused(answer, 400, "invalid-request")
        assert len(acme.owner.get("notes").json()["results"]) == 1

    @pytest.mark.practice("AUTHZ-11")
    def test_a_field_that_is_hidden_is_as_unknown_as_any_other(self, acme):
        for query in ("body=x", "ordering=body", "ordering=-body"):
            hidden = acme.clerk.get(f"notes?{query}").json()
            absent = acme.clerk.get(f"notes?{query.replace('body', 'nobody')}").json()
            assert str(hidden["errors"]).replace("body", "nobody") == str(absent["errors"])

    def test_values_are_judged_as_strictly_as_a_body(self):
        class Sizes(Filters):
            size = serializers.IntegerField(required=False, max_value=9)

        request = RequestFactory().get("/?size=5")
        assert judge_query(Sizes, request, own=frozenset(), hidden=frozenset()) == {"size": 5}
        with pytest.raises(Problem):
            judge_query(Sizes, RequestFactory().get("/?size=50"), own=set(), hidden=set())
