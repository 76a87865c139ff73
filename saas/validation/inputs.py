"""What may come in is a closed list; a field nobody declared is an error, not a surprise."""

from collections.abc import Iterator, Mapping, Set
from functools import cache, cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.settings import api_settings

from saas.errors import FieldError, Problem, invalid
from saas.validation import strict_json


class Input(serializers.Serializer[Any]):
    """The fields that one operation takes. It knows no model, so no column can slip in by its name.

    `writes` says which guarded field a name writes, where the two differ: an `iban` becomes a
    `bank_account`.
    """

    writes: ClassVar[Mapping[str, str]] = {}
    examples: ClassVar[Mapping[str, Any]] = {}  # for the documents

    @classmethod
    def guarded_names(cls, body: Mapping[str, Any]) -> dict[str, str]:
        """The names of a body, each with the field of the resource that it changes."""
        return {name: cls.writes.get(name, name) for name in body}

    @cached_property
    def parts(self) -> dict[str, tuple[Any, Any, Any]]:
        """Each field by its name, with what judges a value that was given, and with the method
        that judges it further, if there is one.
        """
        return {
            name: (field, _judge_of(field), getattr(self, f"validate_{name}", None))
            for name, field in self.fields.items()
        }

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields before looking at the known ones. What may be absent, and is, is
        passed by: DRF raises and catches an exception for each.
        """
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)  # which refuses it
        if unknown := [name for name in data if name not in self.parts]:
            raise serializers.ValidationError(
                {
                    name: [
                        serializers.ErrorDetail(
                            "This field is not expected here.", "unexpected-field"
                        )
                    ]
                    for name in unknown
                }
            )
        values, errors = {}, {}
        for name, (field, given, further) in self.parts.items():
            value = data.get(name, empty)
            if value is empty and not field.required and field.default is empty:
                continue
            try:
                is_there = value is not empty and value is not None
                value = (given if is_there else field.run_validation)(value)
                values[name] = further(value) if further else value
            except serializers.ValidationError as refused:
                errors[name] = refused.detail
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def run_validators(self, value: Any) -> None:
        """None, as a rule; DRF would look through every field for the read-only ones."""
        if self.validators:
            super().run_validators(value)


def _judge_of(field: Any) -> Any:
    """What judges a value that is there: without further validators, and where the field has no
    way of its own, nothing of `run_validation` is left but this.
    """
    is_plain = type(field).run_validation is serializers.Field.run_validation
    return field.to_internal_value if is_plain and not field.validators else field.run_validation


class NoInput(Input):
    """For operations that take nothing."""


class Filters(Input):
    """The query parameters that a list understands; every value arrives as text."""

    lookups: ClassVar[
        Mapping[str, str]
    ] = {}  # name of a parameter -> look-up on the row, where they differ


def read_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of the body; an absent body is the empty object. Raises 400.

    A GET or DELETE with a body would be read differently by a proxy and by us.
    """
    body = request.body
    if request.method in ("GET", "HEAD", "DELETE"):
        if body:
            raise invalid("unexpected-body", "This method takes no body.", pointer="")
        return {}
    return strict_json.parse(body) if body else {}


def judge(form: type[Input], data: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
    """The validated values, or a 400 that points at every part that is wrong.

    `partial` lets fields of the first level be absent, and of that level only: DRF's own option
    would let a nested row come in without the fields that it needs.
    """
    try:
        return dict(_ready(form, partial).run_validation(data))
    except serializers.ValidationError as refused:
        errors = list(pointed(refused.detail, ""))
    raise Problem(
        "invalid-request", "Some fields are not valid.", errors=errors[: settings.LIMITS["errors"]]
    )


@cache
def _ready(form: type[Input], partial: bool = False) -> Input:
    """The form with its fields, made once: DRF copies them for every instance, and an instance
    keeps nothing of what it judges.
    """
    made = form()
    if partial:
        for field in made.fields.values():
            field.required, field.default = False, empty
    return made


def judge_query(
    form: type[Filters], request: HttpRequest, *, own: Set[str], hidden: Set[str]
) -> dict[str, Any]:
    """The validated query parameters of `form`; `own` are those that the page itself reads.

    Unknown and repeated parameters are refused: an ignored filter shows more than was asked
    for. `hidden` names do not exist for this reader, so that no filter can guess at a field.
    """
    query = {name: request.GET.getlist(name) for name in request.GET}
    fields = _ready(form).fields.keys() - hidden
    errors = [
        FieldError("unknown-parameter", "This parameter is not known here.", parameter=name)
        for name in query
        if name not in fields and name not in own
    ]
    errors += [
        FieldError("repeated-parameter", "This parameter may stand only once.", parameter=name)
        for name, values in query.items()
        if len(values) > 1
    ]
    known = {name: values[0] for name, values in query.items() if name in fields}
    try:
        asked = dict(_ready(form).run_validation(known))
    except serializers.ValidationError as refused:
        refusals: Any = refused.detail  # by name, as every form's
        for name, details in refusals.items():
            errors += [FieldError(_code(d), str(d), parameter=name) for d in details]
    if errors:
        raise Problem(
            "invalid-request",
            "Some query parameters are not valid.",
            errors=errors[: settings.LIMITS["errors"]],
        )
    return asked


def pointed(errors: Any, pointer: str) -> Iterator[FieldError]:
    """Errors of nested serializers as a flat list of JSON pointers (RFC 6901)."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            own = (
                pointer
                if name == api_settings.NON_FIELD_ERRORS_KEY
                else f"{pointer}/{_escape(str(name))}"
            )
            yield from pointed(inner, own)
    elif isinstance(errors, list) and any(isinstance(item, (Mapping, list)) for item in errors):
        for index, inner in enumerate(errors):
            yield from pointed(inner, f"{pointer}/{index}")
    else:
        for detail in errors if isinstance(errors, list) else [errors]:
            yield FieldError(_code(detail), str(detail), pointer=pointer)


def _code(detail: Any) -> str:
    """DRF's code of an error in our spelling."""
    return str(getattr(detail, "code", None) or "invalid").replace("_", "-")


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
