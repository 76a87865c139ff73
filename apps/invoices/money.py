"""Money is exact: a Decimal beside an ISO 4217 code, which says how many decimals it has."""

from decimal import ROUND_HALF_UP, Context, Decimal

# The currencies of ISO 4217 (list one, January 2026) by their number of decimals. Metals, drawing
# rights and the codes for tests have none, and nobody is invoiced in them.
_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
    CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL
    MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR
    PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
    TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
DECIMALS = {code: places for places, codes in _CODES.items() for code in codes.split()}
CURRENCIES = tuple(sorted(DECIMALS))
STEPS = {code: Decimal(1).scaleb(-places) for code, places in DECIMALS.items()}
ZERO = Decimal(0)
ZEROS = {code: ZERO.quantize(step) for code, step in STEPS.items()}  # without a sign

DIGITS = 15  # of an amount, decimals included: what both databases keep exactly
# Wide enough that the quotient of a product of two such numbers by a third is rounded to a tie
# only where it is one. The default of 28 digits would round once here and once more to the cent.
EXACT = Context(prec=80, rounding=ROUND_HALF_UP)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """`amount` with the decimals of `currency`: half goes away from zero, and zero has no sign."""
    return amount.quantize(STEPS[currency], None, EXACT) or ZEROS[currency]


def written(amount: Decimal, currency: str) -> str:
    """An amount as it travels: exactly the decimals of its currency."""
    return str(amount.quantize(STEPS[currency], None, EXACT) or ZEROS[currency])


def plain(number: Decimal, places: int = 0) -> str:
    """A number as it travels, without trailing zeros beyond `places` decimals."""
    whole, _, fraction = format(EXACT.add(number, ZERO), "f").partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole


def places_of(amount: Decimal) -> int:
    """How many decimals `amount` was written with."""
    return max(0, -int(amount.as_tuple().exponent))


def is_storable(amount: Decimal, currency: str) -> bool:
    """Whether an amount of this size has no more than DIGITS digits in its currency."""
    return abs(amount) < Decimal(10) ** (DIGITS - DECIMALS[currency])
