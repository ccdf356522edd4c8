"""Every parameter of the sample company, and its seed, in one place.

What belongs here: figures and names that are declared (chosen, not computed). What does not: SQL.
A later ``scale`` parameter belongs here too; ``lines.own_line`` is the one place that would
multiply lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

ERP = "erp_invoices"
NORTH = "north_pos"
LAKESIDE = "lakeside_pos"
PRAIRIE = "prairie_pos"

MONTHS = tuple(range(1, 13))
NOT_DECEMBER = MONTHS[:-1]


@dataclass(frozen=True)
class Pick:
    """``count`` lines of each of ``months`` of ``source`` that get the injection ``injection``.

    ``known``: picked among the lines with (True) or without (False) an end customer in the master.
    Picks of one source and month never share a line.
    """

    injection: str
    source: str
    count: int
    months: tuple[int, ...] = MONTHS
    known: bool = True


@dataclass(frozen=True)
class Late:
    """The file of ``month`` of ``source`` is delivered on ``delivered``, not on its day."""

    source: str
    month: int
    delivered: date


@dataclass(frozen=True)
class Quote:
    """Lines of ``product`` that ``source`` sold to ``household`` quote the authorisation ``number``.

    Real lines sold on the days from ``first`` through ``last``, and their returns; nothing else of them changes.
    """

    number: str
    source: str
    household: int
    product: int
    first: date
    last: date


@dataclass(frozen=True)
class Claim:
    """What the fund-claims file of ``month`` says of one claim. A later file says what became of it."""

    month: int
    claim_id: str
    program_id: str
    partner_id: str
    claim_date: date
    amount: str
    currency: str
    status: str
    approved_by: str = ""
    approved_on: date | None = None


@dataclass(frozen=True)
class Distributor:
    """A third party who reports sell-through; ``country`` and ``currency`` hold for its stores too."""

    partner_id: str
    name: str
    source: str
    region: str
    country: str = "US"
    currency: str = "USD"


def _picks() -> tuple[Pick, ...]:
    picks = [
        Pick("return", ERP, 60),
        Pick("credit_memo", ERP, 10),
        Pick("duplicate", ERP, 5),
        Pick("late_line", ERP, 30, NOT_DECEMBER),
        Pick("unknown_product", ERP, 2, known=False),
        Pick("customer_blank", ERP, 10),
        Pick("customer_unknown", ERP, 3),
        Pick("negative_price", ERP, 2),
        Pick("bad_date", ERP, 1, (3,)),
        Pick("bad_amount", ERP, 1, (3,)),
        Pick("correction", ERP, 40, (2,)),
        Pick("case_sale", NORTH, 60),
        Pick("customer_name_only", NORTH, 10, known=False),
        Pick("bad_date", NORTH, 1, (5,)),
        Pick("bad_amount", NORTH, 1, (5,)),
        Pick("bad_date", LAKESIDE, 1, (6,)),
        Pick("bad_amount", LAKESIDE, 1, (6,)),
    ]
    for source, returns, late in ((NORTH, 20, 15), (LAKESIDE, 15, 12), (PRAIRIE, 15, 10)):
        # a cancellation must come after its line: none for the month whose file is late
        cancelled = tuple(m for m in NOT_DECEMBER if (source, m) != (LAKESIDE, 3))
        picks += [
            Pick("return", source, returns),
            Pick("credit_memo", source, 3),
            Pick("duplicate", source, 3),
            Pick("late_line", source, late, NOT_DECEMBER),
            Pick("cancellation", source, 3, cancelled),
            Pick("unknown_product", source, 4 if source == LAKESIDE else 3, known=False),
            Pick("customer_blank", source, 5),
            Pick("customer_unknown", source, 2),
        ]
    return tuple(picks)


def _quotes() -> tuple[Quote, ...]:
    """What the distributors quote. The authorisations themselves: seeds/programs/special-price.yml."""
    first, last = date(2017, 1, 1), date(2017, 7, 31)
    return tuple(
        Quote(number, source, household, product, first, last)
        for number, source, household, product in (
            ("SP-1001", NORTH, 1975, 5574377),  # more than authorised from May on
            ("SP-1001", NORTH, 2006, 5574377),  # another end customer
            ("SP-1001", LAKESIDE, 575, 5574377),  # issued to another distributor
            ("SP-1002", NORTH, 2337, 1067695),  # authorised from February to April only
            ("SP-1003", LAKESIDE, 351, 8020166),
            ("SP-1003", LAKESIDE, 351, 1052155),  # the same number, a second product
            ("SP-1003", LAKESIDE, 1869, 8020166),  # another end customer
            ("SP-1004", LAKESIDE, 1722, 5574377),
            ("SP-1004", LAKESIDE, 1722, 1067695),  # another product
            ("SP-9001", NORTH, 1488, 1067695),  # no such authorisation
        )
    )


def _claims() -> tuple[Claim, ...]:
    """Claims on the fund of seeds/programs/spring-coop.yml, which expires on 2017-06-15."""
    fund, maria = "SPRING-COOP", "maria.keller"
    return (
        Claim(3, "FC-0001", fund, "D-NORTH", date(2017, 2, 20), "320.00", "USD", "approved", maria, date(2017, 3, 1)),
        Claim(3, "FC-0002", fund, "D-LAKE", date(2017, 3, 15), "450.00", "USD", "submitted"),
        # in another currency than the fund
        Claim(
            3, "FC-0003", fund, "D-PRAIRIE", date(2017, 3, 20), "300.00", "CAD", "approved", maria, date(2017, 3, 28)
        ),
        Claim(4, "FC-0002", fund, "D-LAKE", date(2017, 3, 15), "450.00", "USD", "approved", maria, date(2017, 4, 12)),
        Claim(
            4, "FC-0004", fund, "D-PRAIRIE", date(2017, 4, 10), "260.00", "USD", "approved", maria, date(2017, 4, 18)
        ),
        Claim(4, "FC-0005", fund, "D-LAKE", date(2017, 4, 25), "390.00", "USD", "approved", maria, date(2017, 4, 28)),
        # more than is left in the fund
        Claim(5, "FC-0006", fund, "D-LAKE", date(2017, 5, 12), "240.50", "USD", "approved", maria, date(2017, 5, 22)),
        Claim(5, "FC-0007", fund, "D-NORTH", date(2017, 5, 20), "150.00", "USD", "rejected"),
        # by a store, which takes no part; on a fund that does not exist
        Claim(5, "FC-0008", fund, "R-367", date(2017, 5, 8), "75.00", "USD", "approved", maria, date(2017, 5, 22)),
        Claim(
            5,
            "FC-0009",
            "AUTUMN-COOP",
            "D-NORTH",
            date(2017, 5, 25),
            "110.00",
            "USD",
            "approved",
            maria,
            date(2017, 5, 29),
        ),
        # never decided; made after the fund expired
        Claim(6, "FC-0010", fund, "D-PRAIRIE", date(2017, 6, 10), "120.00", "USD", "submitted"),
        Claim(6, "FC-0011", fund, "D-NORTH", date(2017, 6, 20), "180.00", "USD", "approved", maria, date(2017, 6, 27)),
    )


@dataclass(frozen=True)
class Company:
    """Parameters of the sample company. The same parameters give the same bytes."""

    seed: int = 20170101
    year: int = 2017

    # whose goods: the manufacturers with most lines among these brands and departments
    manufacturers: int = 40
    excluded_manufacturers: tuple[int, ...] = (2,)
    brand: str = "National"
    departments: tuple[str, ...] = ("GROCERY", "DRUG GM", "NUTRITION", "MEAT-PCKGD", "COSMETICS")

    # the channel: stores in order of lines are served directly until this share of lines is reached
    direct_percent: int = 50
    distributors: tuple[Distributor, ...] = (
        Distributor("D-NORTH", "North Wholesale", NORTH, "NORTH"),
        Distributor("D-LAKE", "Lakeside Distribution", LAKESIDE, "EAST"),
        Distributor("D-PRAIRIE", "Prairie Distributors", PRAIRIE, "WEST", "CA", "CAD"),
    )
    regions: tuple[str, ...] = ("NORTH", "SOUTH", "EAST", "WEST")
    grocery_lines_per_basket: int = 4  # at least so many of our lines per basket: grocery, else convenience
    sales_reps: int = 12

    # tiers by rank of lines; on the change date so many stores of each move are moved
    gold_stores: int = 40
    silver_stores: int = 60
    tier_change: date = date(2017, 4, 1)
    tier_moves: tuple[tuple[str, str, int], ...] = (
        ("gold", "silver", 4),
        ("silver", "gold", 4),
        ("bronze", "silver", 4),
    )

    # buying groups G-<region>: this percentage of stores belongs to its region's group
    grouped_percent: int = 70
    group_change: date = date(2017, 5, 1)
    group_switches: int = 6
    group_joins: int = 5

    # Canadian dollar: US dollars for one, level of each month (made up), and noise of 1/100,000 around it
    cad_levels: tuple[str, ...] = (
        "0.7550", "0.7610", "0.7480", "0.7430", "0.7360", "0.7520",
        "0.7650", "0.7710", "0.7690", "0.7580", "0.7490", "0.7530",
    )  # fmt: skip
    cad_noise: int = 200

    # the calendar: lines of a month come on this day of the next month
    erp_day: int = 3
    distributor_day: int = 4
    late_files: tuple[Late, ...] = (Late(LAKESIDE, 3, date(2017, 5, 15)),)
    repeated_months: tuple[tuple[str, int], ...] = ((ERP, 2), (PRAIRIE, 4))  # sent again a day later, same bytes
    correction_date: date = date(2017, 4, 10)
    correction_month: int = 2
    replacement_date: date = date(2017, 6, 12)
    replacement_month: int = 4
    replaced_stores: int = 3  # the largest of D-NORTH

    units_per_case: int = 12
    picks: tuple[Pick, ...] = _picks()
    quotes: tuple[Quote, ...] = _quotes()
    claims: tuple[Claim, ...] = _claims()

    @property
    def start(self) -> date:
        """Day on which the master data are delivered, and from which they hold."""
        return date(self.year, 1, 1)

    @property
    def third_parties(self) -> dict[str, Distributor]:
        """Distributor of each sell-through source."""
        return {distributor.source: distributor for distributor in self.distributors}


COMPANY = Company()
