"""Who plays in the demo: three organizations, what they sell and to whom. Nobody here exists."""

from typing import Any, NamedTuple


class Draft(NamedTuple):
    """A draft invoice, found again by its reference; `by` is the role of whoever makes it."""

    by: str
    customer: str
    reference: str
    lines: tuple[dict[str, str], ...]
    more: dict[str, Any] = {}


class Company(NamedTuple):
    """An organization with its customers, in the form in which the API takes them."""

    name: str
    slug: str
    time_zone: str
    customers: tuple[dict[str, Any], ...]
    drafts: tuple[Draft, ...]


def address(line1: str, postal_code: str, city: str, country: str) -> dict[str, Any]:
    """A postal address with all of its names."""
    return {
        "line1": line1,
        "line2": None,
        "postal_code": postal_code,
        "city": city,
        "country": country,
    }


def line(description: str, quantity: str, unit_price: str, tax_rate: str) -> dict[str, str]:
    """One position of an invoice."""
    return {
        "description": description,
        "quantity": quantity,
        "unit_price": unit_price,
        "tax_rate": tax_rate,
    }


ACME = Company(
    "Acme",
    "acme",
    "Europe/Berlin",
    (
        {
            "name": "Initech GmbH",
            "country": "DE",
            "email": "billing@initech.example",
            "address": address("Hauptstr. 12", "50667", "Köln", "DE"),
            "tax_id": "DE123456789",
            "iban": "DE89370400440532013000",
            "internal_note": "Pays late, and always in full.",
        },
        {
            "name": "Umbrella SARL",
            "country": "FR",
            "email": "compta@umbrella.example",
            "address": address("8 rue des Lilas", "69003", "Lyon", "FR"),
            "tax_id": "FR12345678901",
            "iban": "FR1420041010050500013M02606",
        },
        {
            "name": "Hooli B.V.",
            "country": "NL",
            "email": "accounts@hooli.example",
            "address": address("Keizersgracht 100", "1015 CV", "Amsterdam", "NL"),
            "iban": "NL91ABNA0417164300",
        },
    ),
    (
        Draft(
            "clerk",
            "Initech GmbH",
            "ACME-1",
            (
                line("Consulting, hours", "12", "95.00", "19.00"),
                line("Travel by rail", "1", "148.60", "7.00"),
            ),
            {"note": "Thank you for your order.", "internal_note": "Ask about the next quarter."},
        ),
        Draft(
            "clerk",
            "Hooli B.V.",
            "ACME-2",
            (line("Workshop, days", "2", "1450.00", "21.00"),),
        ),
        Draft(
            "accountant",
            "Umbrella SARL",
            "ACME-3",
            (line("Licence, year", "1", "4800.00", "20.00"),),
            {"internal_note": "Discount agreed by the owner."},
        ),
        Draft(
            "admin",
            "Initech GmbH",
            "ACME-4",
            (line("Hosting, months", "3", "59.90", "19.00"),),
        ),
    ),
)

GLOBEX = Company(
    "Globex",
    "globex",
    "America/New_York",
    (
        {
            "name": "Wayne Tools Ltd",
            "country": "GB",
            "email": "payables@wayne.example",
            "address": address("1 Castle Street", "EH1 2NG", "Edinburgh", "GB"),
            "tax_id": "GB123456789",
            "iban": "GB29NWBK60161331926819",
            "internal_note": "Wants paper copies.",
        },
        {
            "name": "Stark Logistik",
            "country": "AT",
            "email": "rechnung@stark.example",
            "address": address("Ringstr. 5", "1010", "Wien", "AT"),
            "iban": "AT611904300234573201",
        },
    ),
    (
        Draft(
            "clerk",
            "Wayne Tools Ltd",
            "GLOBEX-1",
            (line("Drill bits, boxes", "40", "12.25", "20.00"),),
        ),
        Draft(
            "accountant",
            "Stark Logistik",
            "GLOBEX-2",
            (line("Storage, pallets", "16", "8.75", "20.00"),),
            {"internal_note": "Check the pallet count."},
        ),
    ),
)

INITECH = Company(  # a customer of Acme; modules that ask more of a caller ask it here
    "Initech",
    "initech",
    "Europe/Berlin",
    (
        {
            "name": "Vandelay Import GmbH",
            "country": "DE",
            "email": "einkauf@vandelay.example",
            "address": address("Am Hafen 3", "20457", "Hamburg", "DE"),
            "iban": "DE89370400440532013000",
        },
    ),
    (
        Draft(
            "clerk",
            "Vandelay Import GmbH",
            "INITECH-1",
            (line("Cover sheets, packs", "250", "1.10", "19.00"),),
        ),
    ),
)

COMPANIES = (ACME, GLOBEX, INITECH)
STRANGER = "mallory@nowhere.example"
