"""Where roles meet permissions: the one page that says what a viewer, a clerk, an owner may do."""

from apps.activity.access import Alerts, Audit
from apps.customers.access import Customers
from apps.integrations.access import ApiKeys, Exports, Integrations, Webhooks
from apps.invoices.access import CreditNotes, Invoices, Payments
from apps.organizations.access import Members, Organizations, Security

VIEWER = frozenset({Customers.READ, Invoices.READ})
CLERK = VIEWER | {Customers.READ_CONTACT, Customers.WRITE, Invoices.DRAFT}
ACCOUNTANT = CLERK | {
    Customers.READ_BANKING,
    Invoices.READ_NOTES,
    Invoices.ISSUE,
    Payments.WRITE,
    CreditNotes.WRITE,
    Exports.CREATE,
    Members.READ,
    Integrations.READ,
    Audit.READ,
    Alerts.READ,
}
ADMIN = ACCOUNTANT | {
    Customers.READ_NOTES,
    Members.WRITE,
    ApiKeys.WRITE,
    Webhooks.WRITE,
    Security.WRITE,
}
OWNER = ADMIN | {Organizations.WRITE}

ROLES: dict[str, frozenset[str]] = {
    "viewer": VIEWER,
    "clerk": CLERK,
    "accountant": ACCOUNTANT,
    "admin": ADMIN,
    "owner": OWNER,
}
