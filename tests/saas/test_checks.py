"""What is not protected does not start: every check fires on what it is there for."""

import gc
import re
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from django.apps.registry import apps
from django.core.checks import run_checks
from django.db import models
from django.http import HttpResponse
from django.test.utils import isolate_apps, override_settings
from django.urls import include, path, re_path
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from apps.organizations.models import Organization
from config.settings.security import Rate, Stuffing
from saas import checks
from saas.authorization.fields import FieldAccess
from saas.authorization.operations import Allow
from saas.disclosure.outputs import Output
from saas.persistence.tenant import TenantModel, tenant_reference
from saas.validation.inputs import Input
from saas.view import SecureViewSet
from tests.toy.access import NOTE_FIELDS, Notes
from tests.toy.models import Note
from tests.toy.serializers import NoteInput, NoteOutput
from tests.toy.views import NoteViewSet

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-01")]


class Good(SecureViewSet):
    """A view that says what every view must say."""

    resource = "good"
    operations = {"list": Allow(Notes.READ), "create": Allow(Notes.WRITE)}
    inputs = {"create": NoteInput}
    outputs = NoteOutput


def routed(view: Any, route: str = "api/v1/good", **actions: Any) -> ModuleType:
    """A urlconf with one route."""
    conf = ModuleType("urlconf")
    if isinstance(view, type) and issubclass(view, SecureViewSet):
        view = view.as_view(actions or {"get": "list"})
    conf.urlpatterns = [path(route, view)]  # type: ignore[attr-defined]  # as Django reads it
    return conf


def fired(**options: Any) -> set[str]:
    """The ids of our own checks that fire where no operator's name is believed."""
    with override_settings(SAAS_OPERATOR_KEYS={}):
        found = run_checks(include_deployment_checks=True, **options)
    return {str(message.id) for message in found if str(message.id).startswith("saas.")}


def fired_on(conf: ModuleType) -> set[str]:
    """The ids that fire with these routes."""
    with override_settings(ROOT_URLCONF=conf):
        return fired()


@pytest.mark.parametrize("urls", ["tests.toy.urls", routed(Good)], ids=["toy", "good"])
def test_nothing_fires_where_nothing_is_wrong(urls):
    assert fired_on(urls) == set()


@pytest.mark.django_db
def test_what_is_installed_is_in_order():
    assert fired(databases=["default"]) == set()


def plain(request):
    """A view that no corridor protects."""
    return HttpResponse("hello")


@pytest.mark.parametrize("view", [plain, APIView.as_view()], ids=["function", "drf"])
@pytest.mark.parametrize("route", ["api/v1/open", "api/open", "api/v1/<path:rest>"])
def test_e001_a_view_outside_the_corridor(view, route):
    assert fired_on(routed(view, route)) == {"saas.E001"}


def test_e001_a_route_in_a_regular_expression_or_included_from_elsewhere():
    for patterns in (
        [re_path(r"^api/v1/open$", plain)],
        [re_path(r"^api/", include([re_path(r"^v1/open$", plain)]))],
        [path("api/", include([path("v1/", include([path("open", plain)]))]))],
    ):
        conf = ModuleType("urlconf")
        conf.urlpatterns = patterns  # type: ignore[attr-defined]  # as above
        assert fired_on(conf) == {"saas.E001"}


def test_e001_a_route_that_is_open_on_purpose_is_named_with_its_reason(settings):
    settings.SAAS_OPEN_ROUTES = {"api/v1/open": "a reason"}
    assert fired_on(routed(plain, "api/v1/open")) == set()
    assert fired_on(routed(plain, "api/v1/open2")) == {"saas.E001"}


def test_e002_a_route_outside_the_versions():
    assert fired_on(routed(Good, "api/v9/good")) == {"saas.E002"}
    assert fired_on(routed(Good, "api/good/v1")) == {"saas.E002"}


def test_e003_an_operation_that_nobody_declared():
    class Undeclared(Good):
        operations: ClassVar[Any] = {"create": Allow(Notes.WRITE)}

    class HalfDeclared(Good):
        operations: ClassVar[Any] = {"list": Notes.READ}

    assert fired_on(routed(Undeclared)) == {"saas.E003"}
    assert fired_on(routed(HalfDeclared)) == {"saas.E003"}
    assert fired_on(routed(Good, get="list", patch="partial_update")) == {"saas.E003"}


@pytest.mark.practice("AUTHZ-05")
def test_e004_a_permission_that_no_role_holds():
    class Misspelt(Good):
        operations: ClassVar[Any] = {"list": Allow("notes:raed")}

    class Output2(NoteOutput):
        access = FieldAccess(NOTE_FIELDS.public, {"body": "notes:read-bdoy"})

    class Guarded(Good):
        outputs = Output2

    assert fired_on(routed(Misspelt)) == {"saas.E004"}
    assert fired_on(routed(Guarded)) == {"saas.E004"}


@pytest.mark.practice("X-26")
def test_a_sensitive_act_that_asks_for_no_step_up_does_not_start(settings):
    class Hasty(Good):
        operations: ClassVar[Any] = {"list": Allow(Notes.READ), "create": Allow(Notes.WRITE)}

    class Careful(Good):
        operations: ClassVar[Any] = {
            "list": Allow(Notes.READ),
            "create": Allow(Notes.WRITE, step_up=True),
        }

    both = {"get": "list", "post": "create"}
    assert fired_on(routed(Hasty, **both)) == set()
    settings.SAAS_SENSITIVE_SCOPES = {Notes.WRITE}
    assert fired_on(routed(Hasty, **both)) == {"saas.E032"}
    assert fired_on(routed(Careful, **both)) == set()


@pytest.fixture
def gone_afterwards():
    """Classes of this test are found by their base; they must not be found by the next."""
    yield
    gc.collect()


@pytest.mark.practice("AUTHZ-11")
@pytest.mark.practice("DATA-03")
def test_e005_a_field_that_nobody_decided_about(gone_afterwards):
    class Leaking(NoteOutput):
        author = serializers.CharField()

    assert fired() == {"saas.E005"}
    del Leaking
    gc.collect()
    assert fired() == set()


def test_e006_an_answer_that_is_no_output():
    class Free(serializers.Serializer[Any]):
        access = NOTE_FIELDS

    class Answering(Good):
        outputs = Free  # type: ignore[assignment]  # that is the mistake

    assert fired_on(routed(Answering)) == {"saas.E006"}


@pytest.mark.practice("INPUT-07")
def test_e007_a_body_that_is_no_input():
    class Taking(Good):
        inputs: ClassVar[Any] = {"create": NoteOutput}

    assert fired_on(routed(Taking)) == {"saas.E007"}


@pytest.mark.practice("INPUT-07")
def test_e008_a_serializer_that_takes_its_fields_from_a_model(gone_afterwards):
    class Everything(serializers.ModelSerializer[Note]):
        class Meta:
            model = Note
            fields = "__all__"

    assert fired() == {"saas.E008"}
    del Everything
    gc.collect()
    assert fired() == set()


def fired_with(monkeypatch, *extra):
    """The ids that fire when these models are installed too."""
    real = apps.get_models
    for model in extra:
        if issubclass(model, TenantModel):  # nobody resolves names among isolated models
            model._meta.get_field("tenant").remote_field.model = Organization

    class More:
        def get_models(self):
            return [*real(), *extra]

    monkeypatch.setattr(checks, "apps", More())
    return {message.id for message in checks.every_model_has_a_tenant_or_a_reason()}


@pytest.mark.practice("AUTHZ-02")
@isolate_apps("tests.toy")
def test_e009_to_e012_models_outside_the_walls(monkeypatch, settings):
    class Owned(TenantModel):
        class Meta(TenantModel.Meta):
            app_label = "toy"
            constraints = [tenant_reference()]

    class WithoutMeta(TenantModel):
        class Meta:
            app_label = "toy"

    class Nobodys(models.Model):  # noqa: DJ008  # it is never shown
        class Meta:
            app_label = "toy"

    class Target(TenantModel):
        class Meta(TenantModel.Meta):
            app_label = "toy"

    class Pointing(TenantModel):
        target = models.ForeignKey(Target, on_delete=models.CASCADE)

        class Meta(TenantModel.Meta):
            app_label = "toy"

    assert fired_with(monkeypatch, Owned) == set()
    assert fired_with(monkeypatch, WithoutMeta) == {"saas.E010"}
    assert fired_with(monkeypatch, Nobodys) == {"saas.E011"}
    assert fired_with(monkeypatch, Pointing) == {"saas.E012"}
    settings.GLOBAL_MODELS = settings.GLOBAL_MODELS | {"toy.Owned": "a reason"}
    assert fired_with(monkeypatch, Owned) == {"saas.E009"}
    settings.GLOBAL_MODELS = settings.GLOBAL_MODELS | {"toy.Nobodys": "a reason"}
    assert fired_with(monkeypatch, Nobodys) == set()


def test_e013_and_e021_are_about_the_database_and_stand_with_the_guards():
    """tests/saas/persistence/test_guards.py takes each guard away in turn."""
    assert checks.every_guard_stands(databases=None) == []


@pytest.mark.practice("AUTHN-01")
def test_e014_drf_would_authenticate(settings):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"]
    }
    assert fired() == {"saas.E014"}


@pytest.mark.practice("AUTHN-01")
@pytest.mark.parametrize(
    "own",
    [
        {"permission_classes": [BasePermission]},
        {"throttle_classes": [BaseThrottle]},
        {"authentication_classes": [object]},
    ],
    ids=lambda own: next(iter(own)),
)
def test_e015_a_view_with_classes_of_its_own(own):
    assert fired_on(routed(type("Own", (Good,), own))) == {"saas.E015"}


@pytest.mark.parametrize("name", ["dispatch", "initial"])
def test_e016_a_view_that_replaces_the_spine(name):
    replaced = type("Replaced", (Good,), {name: lambda self, request, *a, **k: None})
    assert fired_on(routed(replaced)) == {"saas.E016"}


@pytest.mark.practice("AUTHN-17")
@pytest.mark.parametrize("name", ["access_token", "api_key", "rotation_overlap"])
def test_e017_a_lifetime_that_is_too_long(settings, name):
    settings.LIFETIMES = settings.LIFETIMES._replace(**{name: timedelta(days=91)})
    assert fired() == {"saas.E017"}


@pytest.mark.practice("TRANS-03")
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECURE_HSTS_SECONDS", 31_535_999, "saas.E018"),
        ("SAAS_REQUIRE_HTTPS", False, "saas.E019"),
        ("SAAS_ORIGIN", "http://api.strongroom.example", "saas.E020"),
    ],
)
def test_e018_to_e020_a_wire_that_can_be_read(settings, name, value, expected):
    setattr(settings, name, value)
    assert fired() == {expected}
    without_deploy = run_checks()
    assert expected not in {message.id for message in without_deploy}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAAS_OPERATORS", ["night@house.example", "day"]),
        ("STUFFING", Stuffing(names=201, share=0.2, seconds=3600, lasts=3600)),
        ("STUFFING", Stuffing(names=100, share=1.0, seconds=3600, lasts=3600)),
        ("STUFFING", Stuffing(names=100, share=0.2, seconds=3600, lasts=0)),
    ],
)
def test_e035_an_attack_that_nobody_sees(settings, name, value):
    setattr(settings, name, value)
    assert fired() == {"saas.E035"}


@pytest.mark.practice("TRANS-01")
def test_e040_a_wire_behind_us_that_can_be_read(settings):
    settings.REDIS_URL = "redis://:secret@cache.example/0"
    (found,) = checks.nobody_listens_in_behind_us()
    assert found.id == "saas.E040"
    assert "cache.example" in found.msg
    assert "secret" not in found.msg
    assert "saas.E040" in {message.id for message in run_checks(include_deployment_checks=True)}
    assert "saas.E040" not in {message.id for message in run_checks()}


@pytest.mark.practice("RATE-11")
@pytest.mark.parametrize("name", ["SAAS_TRUSTED_PROXIES", "SAAS_ORIGIN_NETWORKS"])
@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "10.0.0.1/8", "example.com", "*"])
def test_e041_an_address_that_is_no_network(settings, name, text):
    assert checks.addresses_are_networks() == []
    setattr(settings, name, ["10.0.0.0/8", text])
    assert [message.id for message in checks.addresses_are_networks()] == ["saas.E041"]


@pytest.mark.practice("X-22")
def test_e030_a_class_of_limits_that_says_nothing_of_the_stores_end(settings, monkeypatch):
    rates, store = settings.RATES, settings.RATES_WITHOUT_STORE

    def found():
        return [message.id for message in checks.every_rate_is_declared()]

    assert found() == []
    settings.RATES = rates | {"costly": Rate(1, 60)}
    assert found() == ["saas.E030"]
    settings.RATES_WITHOUT_STORE = store | {"costly": "open"}
    assert found() == ["saas.E030"]
    settings.RATES_WITHOUT_STORE = store | {"costly": "wait"}
    assert found() == []
    declared = NoteViewSet.operations | {"list": Allow(Notes.READ, rate="costy")}
    monkeypatch.setattr(NoteViewSet, "operations", declared)
    assert found() == ["saas.E030"]


def test_e031_a_limit_that_allows_nothing(settings):
    settings.RATES = settings.RATES | {"read": Rate(0, 60)}
    settings.IN_FLIGHT = Rate(0, 30)
    assert [message.id for message in checks.every_rate_is_declared()] == ["saas.E031"] * 2


def test_e033_a_plan_that_does_not_say_how_much(settings, monkeypatch):
    def found():
        return [message.id for message in checks.every_plan_says_how_much()]

    monkeypatch.setattr(checks, "ACTS", {"invoices"})  # as the product's apps join
    assert found() == []
    settings.PLANS = {"free": {}}
    assert found() == ["saas.E033"]
    settings.PLANS = {"free": {"invoices": -1}}
    assert found() == ["saas.E033"]
    settings.PLANS = {"large": {"invoices": 1}}
    assert found() == ["saas.E033"]
    settings.PLANS = {"free": {"invoices": 1, "an-act-of-no-module": 0}}
    assert found() == []


def test_every_id_is_tested_here_or_with_the_guards():
    known = set(re.findall(r"saas\.E\d{3}", Path(checks.__file__).read_text()))
    here = (
        Path(__file__).read_text()
        + (Path(__file__).parent / "persistence" / "test_guards.py").read_text()
    )
    assert known <= set(re.findall(r"saas\.E\d{3}", here))


def test_a_form_is_found_however_deep_it_inherits(gone_afterwards):
    class One(Input):
        pass

    class Two(One):
        pass

    assert {One, Two} <= set(checks.forms(Input))
    assert Output not in set(checks.forms(Output))
