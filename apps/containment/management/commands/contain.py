"""The tool for the worst hour: each sub-command stops one kind of harm."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, transaction

from apps.accounts.models import User
from apps.containment import services
from apps.containment.models import Kind, Measure
from apps.integrations.models import OAuthApplication
from apps.operations.management.commands.access_matrix import operations
from apps.operations.organizations import each_across_tenants
from saas.audit import trail
from saas.authentication.keys import is_well_formed
from saas.authentication.lookup import key_principal
from saas.errors import Problem

NOT_BACK = "It cannot be taken back."
NAMED = "its slug or id"
KEY = "its id, its public part, or `-`: then the whole secret is read from standard input"
A_DAY = 24 * 60 * 60
LONGEST = {"reason": 500, "by": 100}  # as the columns
MACHINES = {"oauth.token", "oauth.revoke", "oauth.introspect", "oauth.metadata"}


class Command(BaseCommand):
    """`manage.py contain freeze-org acme --reason … --by …`"""

    help = "Stop harm: what it does holds on every process within two seconds."
    requires_system_checks = ()  # in the worst hour something else may be wrong too

    def add_arguments(self, parser: ArgumentParser) -> None:
        """A sub-command for each act; who asks for it answers for it."""
        acts = parser.add_subparsers(dest="what", required=True)

        def act(name: str, help: str, **named: str) -> Any:
            one = acts.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}")
            for argument, meaning in named.items():
                one.add_argument(argument, help=meaning)
            if name != "list":
                one.add_argument("--reason", required=True, help="in words; the trail keeps it")
                one.add_argument("--by", required=True, help="your name")
            return one

        key = act("revoke-key", f"end an API key. {NOT_BACK}", key=KEY)
        key.add_argument("--organization", default="", help="its slug or id: found sooner")
        act("revoke-app", "end all tokens of a client, and let it have none", client_id="its id")
        member = f"end a membership, its keys and grants. {NOT_BACK}"
        act("revoke-member", member, organization=NAMED, email="their address")
        act("revoke-org-tokens", f"end every key and token. {NOT_BACK}", organization=NAMED)
        frozen = "serve nothing of an organization, and change nothing; its data stays"
        act("freeze-org", frozen, organization=NAMED)
        read_only = act("read-only", "change nothing: of an organization, or anywhere")
        whose = f"{NAMED}; none: the whole house"
        read_only.add_argument("organization", nargs="?", default="", help=whose)
        act(
            "disable-op", "serve one operation to nobody", operation="as in manage.py access_matrix"
        )
        reauth = act("force-reauth", f"everybody signs in again, or one person. {NOT_BACK}")
        whom = reauth.add_mutually_exclusive_group(required=True)
        whom.add_argument("--organization", default="", help=NAMED)
        whom.add_argument("--person", dest="email", default="", help="their address")
        diverted = "serve nothing but signed calls and bound tokens, from some networks alone"
        divert = act("divert-org", diverted, organization=NAMED)
        divert.add_argument("--networks", required=True, help="203.0.113.0/24,2001:db8::/32")
        maintenance = act("maintenance", "serve nothing to anybody")
        maintenance.add_argument("--retry-after", type=int, default=300, help="seconds")
        act("list", "what stands")
        lift = act("lift", "take a measure back", measure="its id, or its kind")
        whose = "the organization, operation or client, where a kind is named"
        lift.add_argument("about", nargs="?", default="", help=whose)

    def handle(self, *_: Any, what: str, **options: Any) -> None:
        """Do it, or say in one sentence why not."""
        said = {name: str(options.get(name, "-")).strip() for name in LONGEST}
        refuse_nonsense(said, [word for word in options.values() if isinstance(word, str)])
        act: Callable[..., str] = getattr(self, what.replace("-", "_"))
        try:
            with transaction.atomic():  # all of it, or nothing
                self.stdout.write(act(said, **options))
        except Problem as problem:
            raise CommandError(problem.detail) from None
        except Error as fault:
            raise CommandError(f"Nothing is done, the database says: {fault}") from None

    # Ends.

    def revoke_key(self, said: dict[str, str], key: str, organization: str, **_: Any) -> str:
        """By its id, its public part, or as `-`: the whole secret, read from standard input, so
        that it stands in no list of processes and no history.
        """
        if key == "-":
            secret = sys.stdin.readline().strip()
            principal = key_principal(secret) if is_well_formed(secret) else None
            if principal is None:
                return "This key opens nothing."
            key, organization = str(principal.id), str(principal.tenant_id)
        found = [services.end_key(key, **said) for _ in recorded(organization)]
        if True not in found and False not in found:
            raise CommandError("There is no such key.")
        return f"Revoked. {NOT_BACK}" if True in found else "It was revoked before."

    def revoke_app(self, said: dict[str, str], client_id: str, **_: Any) -> str:
        """Its tokens end for good; that it gets none can be lifted."""
        try:
            measure, is_new = services.shut_app(client_id, **said)
        except OAuthApplication.DoesNotExist:
            raise CommandError("There is no such client.") from None
        return f"Its tokens have ended, for good. {stands(measure, is_new)}"

    def revoke_member(self, said: dict[str, str], organization: str, email: str, **_: Any) -> str:
        """Of one organization."""
        user = person(email)
        ended = one_of(organization, lambda: services.end_member(user, **said))
        return f"Ended. {NOT_BACK}" if ended else "They are no member."

    def revoke_org_tokens(self, said: dict[str, str], organization: str, **_: Any) -> str:
        """All that opens anything."""
        count = one_of(organization, lambda: services.end_credentials(**said))
        services_left = one_of(organization, services.clients_with_secrets)
        left = f" These still get tokens, until revoke-app: {', '.join(services_left)}."
        return f"{count} ended. {NOT_BACK}{left if services_left else ''}"

    def force_reauth(self, said: dict[str, str], organization: str, email: str, **_: Any) -> str:
        """Sessions and people's tokens; keys and services go on."""
        if email:
            count = services.end_sign_ins_of(person(email), **said)
            return f"Signed out, in {count} organizations. {NOT_BACK}"
        count = one_of(organization, lambda: services.end_sign_ins(**said))
        return f"{count} people signed out. {NOT_BACK}"

    # Measures.

    def freeze_org(self, said: dict[str, str], organization: str, **_: Any) -> str:
        """403 to everybody of it."""
        return taken(Kind.FREEZE, id_of(organization), said)

    def read_only(self, said: dict[str, str], organization: str, **_: Any) -> str:
        """Reads go on."""
        return taken(Kind.READ_ONLY, id_of(organization) if organization else "", said)

    def divert_org(self, said: dict[str, str], organization: str, networks: str, **_: Any) -> str:
        """What is not proved beyond its credential hears 403."""
        try:
            kept = [str(ip_network(one.strip())) for one in networks.split(",")]
        except ValueError as fault:
            raise CommandError(f"{fault}.") from None
        return taken(Kind.DIVERT, id_of(organization), said, networks=kept)

    def disable_op(self, said: dict[str, str], operation: str, **_: Any) -> str:
        """503 to everybody."""
        if operation not in MACHINES | {row[0] for row in operations()[1:]}:
            raise CommandError(f"There is no operation {operation}: see manage.py access_matrix.")
        return taken(Kind.DISABLE_OP, operation, said)

    def maintenance(self, said: dict[str, str], retry_after: int, **_: Any) -> str:
        """503 to everybody, for everything."""
        if not 1 <= retry_after <= A_DAY:
            raise CommandError(f"--retry-after is a number of seconds, from 1 to {A_DAY}.")
        return taken(Kind.MAINTENANCE, "", said, retry_after=retry_after)

    def lift(self, said: dict[str, str], measure: str, about: str, **_: Any) -> str:
        """By the id that `list` shows, or by its kind and what it is about."""
        if (id := services.as_id(measure)) is None:
            of_organization = measure in services.OF_ORGANIZATIONS and about
            which = {"kind": measure, "about": id_of(about) if of_organization else about}
            id = (
                Measure.objects.filter(lifted_at=None, **which).values_list("pk", flat=True).first()
            )
        measures = Measure.objects.filter(pk=id) if id else Measure.objects.none()
        if not measures.exists():
            raise CommandError("There is no such measure; what was revoked does not come back.")
        return f"{services.lift(measures.get().pk, **said)} is lifted."

    def list(self, _: dict[str, str], **__: Any) -> str:
        """A line for each measure that stands."""
        return "\n".join(
            f"{one.pk} {one} since {one.at:%Y-%m-%d %H:%M:%S} UTC by {one.by}: {one.reason}"
            for one in Measure.objects.filter(lifted_at=None).order_by("at")
        )


def refuse_nonsense(said: dict[str, str], words: list[str]) -> None:
    """Before anything is looked up: a reason and a name that can be kept and, as each word, read
    back: a line break in a reason would forge a line of `list`.
    """
    if not all(said.values()):
        raise CommandError("A reason in words is wanted, and a name.")
    for name, most in LONGEST.items():
        if len(said[name]) > most:
            raise CommandError(f"--{name} has at most {most} characters.")
    if not all(map(str.isprintable, words)):
        raise CommandError("A word holds a line break, or what nobody can read.")


def taken(kind: Kind, about: str, said: dict[str, str], **kept: Any) -> str:
    """Take a measure, and say so."""
    return stands(*services.take(kind, about, kept=kept, **said))


def stands(measure: Measure, is_new: bool) -> str:
    """How to take it back."""
    return f"{measure} stands{'' if is_new else ' already'}. To lift it: contain lift {measure.pk}"


def recorded(organization: str) -> Any:
    """Each organization, or the one, bound, with a trail; each commits as it is left."""
    for one in each_across_tenants(organization):
        with trail.recording():
            yield one


def one_of[T](organization: str, work: Callable[[], T]) -> T:
    """What `work` gives in the one organization. Raises CommandError where there is none."""
    done = [work() for _ in recorded(organization)] if organization else []  # never all of them
    if not done:
        raise CommandError(f"There is no organization {organization}.")
    return done[0]


def id_of(organization: str) -> str:
    """Its id, by its slug or id."""
    return one_of(organization, lambda: str(services.bound_tenant()))


def person(email: str) -> User:
    """Whoever has this address."""
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise CommandError("Nobody has this address.")
    return user
