"""Write a new tenant-owned resource that inherits the whole corridor, with its tests."""

import re
from argparse import ArgumentParser
from pathlib import Path
from string import Template
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

TEMPLATES = Path(__file__).resolve().parents[2] / "resource"
NAME = re.compile(r"[a-z]{2,30}")

# Where the new name joins what exists: file, the line it follows, and what is written after it.
JOINS = (
    ("config/settings/base.py", '    "apps.integrations",\n', '    "apps.$plural",\n'),
    (
        "config/v1.py",
        '    path("", include("apps.customers.urls")),\n',
        '    path("", include("apps.$plural.urls")),\n',
    ),
    (
        "config/roles.py",
        "from apps.organizations.access import Members, Organizations, Security\n",
        "from apps.$plural.access import $Plural\n",
    ),
    ("config/roles.py", "VIEWER = frozenset({Customers.READ, ", "$Plural.READ, "),
    ("config/roles.py", "CLERK = VIEWER | {Customers.READ_CONTACT, ", "$Plural.WRITE, "),
    (
        "tests/matrix/samples.py",
        "SAMPLES: dict[str, Sample] = {\n",
        '    "$plural": Sample(bodies={"POST": {"name": "First"}}),\n'
        '    "$plural/{id}": Sample(\n'
        '        lambda tenant: made(tenant.owner.post("$plural", {"name": "First"})),\n'
        '        {"PATCH": {"name": "Second"}},\n'
        "    ),\n",
    ),
)


class Command(BaseCommand):
    """`manage.py startresource contract`: an app, its routes, its permissions and its tests."""

    help = "Write a new tenant-owned resource."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One noun, and its plural where an s is not enough."""
        parser.add_argument("singular", help="the noun, such as contract")
        parser.add_argument("--plural", help="such as contracts; the noun with an s when absent")

    def handle(self, *, singular: str, plural: str | None, **options: Any) -> None:
        """Write everything, or nothing when a name is taken or a place has moved."""
        plural = plural or singular + "s"
        if not (NAME.fullmatch(singular) and NAME.fullmatch(plural)):
            raise CommandError("A name has 2 to 30 small letters and nothing else.")
        root, names = Path(settings.BASE_DIR), name_forms(singular, plural)
        app, tests = root / "apps" / plural, root / "tests" / "apps" / plural
        if app.exists():
            raise CommandError(f"apps/{plural} exists already.")
        files = joined(root, names)
        files |= {app / target(t): rendered(t, names) for t in TEMPLATES.glob("*.py-tpl")}
        files[app / "migrations" / "__init__.py"] = ""
        test = TEMPLATES / "tests" / "test_resource.py-tpl"
        files[tests / f"test_{plural}.py"] = rendered(test, names)
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.stdout.write(
            f"apps/{plural} is written, routed and permitted: read it, change its fields, then\n"
            "  manage.py makemigrations && manage.py migrate && make format openapi test"
        )


def name_forms(singular: str, plural: str) -> dict[str, str]:
    """The names as the templates use them."""
    return {
        "singular": singular,
        "plural": plural,
        "Singular": singular.capitalize(),
        "Plural": plural.capitalize(),
    }


def rendered(template: Path, names: dict[str, str]) -> str:
    """A template's text with the names in it."""
    return Template(template.read_text()).substitute(names)


def target(template: Path) -> str:
    """The name of the file that a template becomes."""
    return template.name.removesuffix("-tpl")


def joined(root: Path, names: dict[str, str]) -> dict[Path, str]:
    """The files that name every resource, with the new one in them."""
    texts: dict[Path, str] = {}
    for file, anchor, addition in JOINS:
        path = root / file
        text = texts.get(path, path.read_text())
        if text.count(anchor) != 1:
            raise CommandError(f"{file} has changed: put {names['plural']} there by hand.")
        texts[path] = text.replace(anchor, anchor + Template(addition).substitute(names))
    return texts
