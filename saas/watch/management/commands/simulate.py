"""Plant one: lines of an attack go the way that real ones go."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from saas.tenancy.across_tenants import each_tenant_across_tenants
from saas.watch.detectors import detectors
from saas.watch.feed import Watch
from saas.watch.findings import Finding, report
from saas.watch.lines import Scene
from saas.watch.tallies import MemoryTallies


class Command(BaseCommand):
    """`manage.py simulate <kind> --organization acme`: a real alert, with real letters."""

    help = "Make a detector ring for a principal of an organization, and say what to look at."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, and where."""
        parser.add_argument("kind", nargs="?", help="without one, the kinds that there are")
        parser.add_argument("--organization", default="acme", help="its slug")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raise an alert; nothing else of the house is touched, and no counter that is shared."""
        if not settings.SAAS_DEMO:
            raise CommandError("It makes alerts of nothing: where SAAS_DEMO is set, and not here.")
        known = detectors()
        if options["kind"] not in known:
            self.stdout.write("\n".join(sorted(known)))
            if options["kind"]:
                raise CommandError(f"There is no {options['kind']}.")
            return
        detector, scene = known[options["kind"]], scene_in(options["organization"])
        told: list[Finding] = []
        watch = Watch(found=[detector], store=MemoryTallies(), live=False, tell=told.append)
        for line in detector.before(scene) + detector.simulate(scene):
            watch(line)
        watch.drain(replayed=True)
        if not told:
            raise CommandError("Nothing was found: does it need a table (SAAS_GEOIP_PATH)?")
        for finding in told:
            report(finding)
        self.stdout.write(
            f"{detector.kind}: {detector.means}\n"
            f"Look at GET {settings.SAAS_ORIGIN}/api/v1/alerts?kind={detector.kind} with a key of "
            f"{options['organization']}, at the letters of its owners and admins "
            f"({settings.SAAS_ORIGIN}/dev/mail), and at the table of house alerts.\n"
            f"What to do: {settings.SAAS_ORIGIN}/docs/playbooks/{detector.playbook}"
        )


def scene_in(slug: str) -> Scene:
    """A principal of that organization: its last key, else the organization's own id."""
    tenants = apps.get_model(settings.SAAS_TENANT_MODEL)
    found = [
        Scene(principal=str(key_of(tenant_id)), org=str(tenant_id))
        for tenant_id in each_tenant_across_tenants()
        if tenants.objects.filter(pk=tenant_id, slug=slug).exists()
    ]
    if not found:
        raise CommandError(f"There is no organization {slug}.")
    return found[0]


def key_of(tenant_id: UUID) -> UUID:
    """A key that can be named; the bound organization's newest."""
    keys = apps.get_model(settings.SAAS_API_KEY_MODEL)
    newest = keys.objects.filter(revoked_at=None).order_by("-pk").first()
    return newest.pk if newest else tenant_id
