"""What an import contract cannot say: lines that no file of the project may hold, and bad code that
each rule must catch.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from tests.practices import ROOT

CODE = ("saas", "apps", "config")
HIDDEN = ("post_save", "pre_save", "post_delete", "pre_delete", "m2m_changed")


@dataclass(frozen=True)
class Rule:
    """Nodes that may not stand in some folders; `exceptions` are files, each with its reason."""

    breaks: Callable[[ast.AST], bool]
    bad: list[str]
    fine: list[str]
    folders: tuple[str, ...] = CODE
    exceptions: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> Iterator[Path]:
        """The files that it holds for."""
        for folder in self.folders:
            yield from sorted((ROOT / folder).rglob("*.py"))


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Everything that stands in a file."""
    return list(ast.walk(ast.parse(path.read_text())))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or an attribute; "" for what has none."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def called(node: ast.AST) -> str:
    """The dotted name of what a call calls."""
    return dotted(node.func) if isinstance(node, ast.Call) else ""


def last(name: str) -> str:
    """The last part of a dotted name."""
    return name.rpartition(".")[2]


def named(*names: str) -> Callable[[ast.AST], bool]:
    """Whether a node uses or imports one of these names, however it came by it."""

    def breaks(node: ast.AST) -> bool:
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            return module in names or bool({alias.name for alias in node.names} & set(names))
        if isinstance(node, ast.Import):
            return bool({alias.name for alias in node.names} & set(names))
        return isinstance(node, (ast.Name, ast.Attribute)) and last(dotted(node)) in names

    return breaks


def attribute_of(owner: str, *names: str) -> Callable[[ast.AST], bool]:
    """Whether a node is one of these attributes of something called `owner`."""
    return lambda node: (
        isinstance(node, ast.Attribute) and node.attr in names and last(dotted(node.value)) == owner
    )


def keyword(name: str, *values: object) -> Callable[[ast.AST], bool]:
    """Whether a call passes one of these values under this name."""

    def breaks(node: ast.AST) -> bool:
        return isinstance(node, ast.keyword) and node.arg == name and (
            isinstance(node.value, ast.Constant) and node.value.value in values
        )  # fmt: skip

    return breaks


def assigned(name: str) -> Callable[[ast.AST], bool]:
    """Whether a node gives this name a value."""
    return lambda node: isinstance(node, ast.Assign) and name in [dotted(t) for t in node.targets]


def fields_by_default(node: ast.AST) -> bool:
    """A serializer's or a form's fields that follow the model."""
    if not isinstance(node, ast.ClassDef) or node.name != "Meta":
        return False
    return any(
        assigned("exclude")(line)
        or (assigned("fields")(line) and getattr(line.value, "value", None) == "__all__")  # type: ignore[attr-defined]  # of an assignment
        for line in node.body
    )


def naive(node: ast.AST) -> bool:
    """A moment without its offset."""
    name, arguments = called(node), getattr(node, "args", [])
    zones = [k for k in getattr(node, "keywords", []) if k.arg in ("tz", "tzinfo")]
    if last(name) in ("utcnow", "utcfromtimestamp") or name.endswith(
        ("date.today", "datetime.today")
    ):
        return True
    if name.endswith("datetime.now"):
        return not arguments and not zones
    return name.endswith("datetime.fromtimestamp") and len(arguments) < 2 and not zones


def inexact(node: ast.AST) -> bool:
    """A number that cannot hold a cent."""
    return (
        called(node) == "float"
        or last(called(node)) == "FloatField"
        or (isinstance(node, ast.Constant) and type(node.value) is float)
    )


def past_the_manager(node: ast.AST) -> bool:
    """A query that begins without the manager, so without the tenant."""
    name = last(called(node))
    if not (name.endswith("QuerySet") or name == "UsableKeys") or not isinstance(node, ast.Call):
        return False
    return bool(node.args or node.keywords)


RULES = {
    "the corridor alone reads what a caller sent": Rule(
        attribute_of("request", "data", "query_params", "body", "COOKIES", "META", "FILES", "POST",
                     "GET"),
        ["title = request.data['title']", "self.request.POST.get('x')", "request.META['HOST']"],
        ["asked = self.asked", "response.data = 1"],
        folders=("apps",),
        exceptions={
            "apps/integrations/consent.py": "a page: a person's browser asks it",
            "apps/leaks/views.py": "a signature is over the bytes of a body",
            "apps/accounts/adapters.py": "hides a form from the library that would keep it",
            "apps/metrics/spans.py": "where a trace goes on is read like the log's own id of it",
            "apps/accounts/pages.py": "the one place where pages read what a form was sent with",
        },
    ),
    "no serializer follows a model": Rule(
        fields_by_default,
        ["class S:\n class Meta:\n  fields = '__all__'",
         "class S:\n class Meta:\n  exclude = ('x',)"],
        ["class S:\n class Meta:\n  fields = ('a',)", "exclude = 1"],
    ),
    "nothing steps out of the protection against forged forms": Rule(
        named("csrf_exempt"),
        ["from django.views.decorators.csrf import csrf_exempt", "@csrf.csrf_exempt\ndef f(): ..."],
        ["csrf_protect(view)"],
        exceptions={
            "saas/authentication/oauth/answers.py": "machines ask it, and no cookie opens it",
        },
    ),
    "nobody is let in by a class of DRF": Rule(
        named("AllowAny", "IsAuthenticated", "SessionAuthentication", "BasicAuthentication",
              "TokenAuthentication", "rest_framework.routers", "rest_framework.generics",
              "ModelViewSet"),
        ["from rest_framework.permissions import AllowAny", "permissions.AllowAny",
         "from rest_framework.routers import DefaultRouter", "class V(viewsets.ModelViewSet): ..."],
        ["from rest_framework.response import Response"],
    ),
    "markup is made by templates, which encode": Rule(
        lambda node: named("mark_safe", "html_safe")(node)
        or last(called(node)) in ("SafeString", "SafeText"),
        ["from django.utils.safestring import mark_safe", "safestring.mark_safe(x)", "SafeText(x)"],
        ["escape(x)", "def shown() -> SafeString: ...", "format_html('<b>{}</b>', x)"],
    ),
    "every peer proves who it is": Rule(
        lambda node: keyword("verify", False)(node) or keyword("check_hostname", False)(node)
        or named("CERT_NONE", "_create_unverified_context")(node),
        ["requests.get(url, verify=False)", "ssl.CERT_NONE", "ssl._create_unverified_context()"],
        ["requests.get(url, verify=bundle)", "b64decode(x, validate=True)"],
    ),
    "every moment knows its offset": Rule(
        naive,
        ["datetime.now()", "datetime.datetime.now()", "datetime.utcnow()", "date.today()",
         "datetime.fromtimestamp(1)", "datetime.datetime.utcfromtimestamp(1)"],
        ["datetime.now(UTC)", "timezone.now()", "datetime.fromtimestamp(1, UTC)",
         "datetime.now(tz=UTC)"],
    ),
    "money is never a float": Rule(
        inexact,
        ["float(total)", "total = models.FloatField()", "rate = 0.19", "serializers.FloatField()"],
        ["Decimal('0.19')", "rate = 19", "isinstance(x, float)"],
        folders=("apps/invoices", "apps/customers"),
    ),
    "nobody prints": Rule(
        lambda node: called(node) in ("print", "pprint", "breakpoint"),
        ["print(secret)", "breakpoint()"],
        ["self.stdout.write('x')", "log.info('x')"],
    ),
    "a query begins with the manager": Rule(
        past_the_manager,
        ["QuerySet(Note)", "models.QuerySet(model=Note)", "UsableKeys(ApiKey)"],
        ["Note.objects.all()", "rows: QuerySet[Note]", "class Q(models.QuerySet[Any]): ..."],
        exceptions={
            "saas/authentication/lookup.py": "a digest names one row before its tenant is known",
            "saas/persistence/guards/proving.py": "a query that is compiled into a guard, and not run",
            "saas/tenancy/person.py": "a person's own memberships, before they chose a tenant",
            "saas/tenancy/across_tenants.py": "the room that is named for it",
        },
    ),
    "no model goes back to a manager that knows no tenant": Rule(
        lambda node: called(node) in ("models.Manager", "Manager"),
        ["objects = models.Manager()", "everything = Manager()"],
        ["objects = TenantManager()", "class TenantManager(models.Manager): ..."],
    ),
    "code does not ask whether it is a developer's machine": Rule(
        attribute_of("settings", "DEBUG"),
        ["if settings.DEBUG: ...", "django.conf.settings.DEBUG"],
        ["settings.SAAS_DEVELOPMENT_PAGES"],
    ),
    "the environment is read in the settings and nowhere else": Rule(
        lambda node: dotted(node) == "os.environ" or called(node) == "os.getenv",
        ["os.environ['SECRET_KEY']", "os.getenv('SECRET_KEY', 'change-me')"],
        ["env.str('SECRET_KEY')", "settings.SECRET_KEY"],
        folders=("saas", "apps"),
        exceptions={"apps/operations/management/commands/quickstart.py": "starts other processes"},
    ),
    "what happens is written where it happens": Rule(
        lambda node: attribute_of("signals", *HIDDEN)(node)
        or (isinstance(node, ast.ImportFrom) and node.module == "django.db.models.signals"
            and bool({alias.name for alias in node.names} & {*HIDDEN})),
        ["from django.db.models.signals import post_save", "signals.pre_delete.connect(f)"],
        ["from django.db.models.signals import post_migrate", "super().pre_save(row, add)"],
    ),
}  # fmt: skip

each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def found(rule: Rule, path: Path) -> list[str]:
    """The places where a file breaks a rule."""
    where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
    return [f"{where}:{getattr(n, 'lineno', '?')}" for n in nodes(path) if rule.breaks(n)]


@each_rule
def test_no_file_breaks_it(rule):
    files = [path for path in rule.files() if str(path.relative_to(ROOT)) not in rule.exceptions]
    assert files
    assert [place for path in files for place in found(rule, path)] == []


@each_rule
def test_it_catches_the_bad_code_that_it_is_there_for(rule, tmp_path):
    for number, line in enumerate(rule.bad):
        path = tmp_path / f"bad{number}.py"
        path.write_text(line)
        assert found(rule, path), line


@each_rule
def test_it_lets_good_code_pass(rule, tmp_path):
    for number, line in enumerate(rule.fine):
        path = tmp_path / f"fine{number}.py"
        path.write_text(line)
        assert not found(rule, path), line


@each_rule
def test_each_exception_is_still_one(rule):
    for name, reason in rule.exceptions.items():
        assert reason
        assert found(rule, ROOT / name), f"{name} needs no exception any more"


def test_no_template_switches_its_encoding_off():
    for folder in ("saas", "apps"):
        for path in (ROOT / folder).rglob("*.html"):
            text = path.read_text()
            assert "|safe" not in text.replace(" ", ""), path
            assert "autoescape off" not in text, path
