"""What a report sets going. The answer has left before anything is looked up, so it takes as long
for a secret that opens nothing.
"""

from django.tasks import task

from apps.integrations.exposure import compromised
from apps.leaks.reports import shown


@task
def examine_report(reporter: str, leaks: list[list[str]]) -> None:
    """One task for each leak: what stops one does not stop the others."""
    for secret, url in leaks:
        examine.enqueue(reporter, secret, url)


@task
def examine(reporter: str, secret: str, url: str) -> None:
    """End the credential, if it is a living one."""
    at = shown(url)
    compromised(secret, f"found in public by {reporter}", place=f" at {at}" if at else "")
