"""Every exception that leaves a view becomes a problem document; what we did not foresee says
nothing.
"""

import logging

from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    SuspiciousOperation,
)
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
)
from django.http import Http404
from django.http.request import UnreadablePostError
from rest_framework import exceptions

from saas.crypto import Erased, Unreadable
from saas.errors import Problem

faults = logging.getLogger("saas.faults")

BY_STATUS = {
    400: "invalid-request",
    401: "invalid-token",
    403: "permission-denied",
    404: "not-found",
    405: "method-not-allowed",
    415: "unsupported-media-type",
}


def as_problem(fault: Exception) -> Problem:
    """The problem that `fault` becomes on its way out."""
    if isinstance(fault, Problem):
        return fault
    if isinstance(fault, Erased):
        return Problem("erased")
    if isinstance(fault, Unreadable):
        # Somebody altered or moved what is sealed, or a key is missing: never another text, never
        # a stack, and never a matter that an hour will mend.
        faults.critical("sealed value: %s", fault)
        return Problem("unreadable", headers={"Retry-After": "3600"})
    if isinstance(fault, (Http404, ObjectDoesNotExist)):
        return Problem("not-found")
    if isinstance(fault, PermissionDenied):
        return Problem("permission-denied")
    if isinstance(fault, (BadRequest, SuspiciousOperation, DataError, UnreadablePostError)):
        return Problem("invalid-request", "The request is malformed.")
    if isinstance(fault, exceptions.APIException) and fault.status_code in BY_STATUS:
        return Problem(BY_STATUS[fault.status_code])
    if isinstance(fault, IntegrityError):
        # A constraint had the last word: somebody else's change came between reading and writing.
        faults.warning("database: %s", type(fault).__name__)
        return Problem("conflict", "Another change came first. Read again and repeat.")
    if isinstance(fault, (OperationalError, InterfaceError)) or is_stale_plan(fault):
        # A time-out, a deadlock, a lost connection, or a prepared plan whose table has just been
        # changed: the transaction is gone, and trying again is right.
        faults.warning("database: %s", type(fault).__name__)
        return Problem("not-ready", "The database did not answer in time.")
    faults.error("unhandled", exc_info=fault)
    return Problem("internal-error")


def is_stale_plan(fault: Exception) -> bool:
    """Whether PostgreSQL could not go on with a prepared plan. What a database will never support
    is a mistake of ours, and stays one.
    """
    told = getattr(fault.__cause__, "diag", None)  # the driver's own words
    return isinstance(fault, NotSupportedError) and (
        getattr(told, "source_function", None) == "RevalidateCachedQuery"
    )
