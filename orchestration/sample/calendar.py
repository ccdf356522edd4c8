"""The delivery calendar: which file comes when. Pure; reads nothing.

``part`` names the rows of a file: ``2017-03`` (lines, rates or claims of a month), ``2017-02 corrected``,
``2017-04 replacement``, or the date from which master data hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from orchestration.sample.company import ERP, LAKESIDE, NORTH, PRAIRIE, Company

LINES = "line"
CLAIMS = "fund_claim"

_LINE_FILES = {
    ERP: "invoices_{month}.csv",
    NORTH: "north_{month}.csv",
    LAKESIDE: "Lakeside POS {month}.xlsx",
    PRAIRIE: "prairie_{month}.parquet",
}

_MASTER = {
    "partner": ("erp_partners", "partners"),
    "partner_tier": ("erp_partner_tiers", "partner_tiers"),
    "partner_group": ("erp_partner_groups", "partner_groups"),
    "end_customer": ("erp_end_customers", "end_customers"),
    "product": ("erp_products", "products"),
    "product_unit": ("erp_product_units", "product_units"),
    "product_cross_reference": ("erp_cross_references", "cross_references"),
}


@dataclass(frozen=True)
class Delivery:
    """One file: ``entity`` is what its rows are, ``part`` which of them it holds."""

    delivered: date
    source: str
    file_name: str
    entity: str
    part: str


def deliveries(company: Company) -> list[Delivery]:
    """Every file of the year, in order of (delivery date, source, file name)."""
    found = [*_master_files(company), *_rate_files(company), *_claim_files(company), *_line_files(company)]
    return sorted(found, key=lambda d: (d.delivered, d.source, d.file_name))


def _master_files(company: Company) -> list[Delivery]:
    held = [(entity, company.start) for entity in _MASTER]
    held += [("partner_tier", company.tier_change), ("partner_group", company.group_change)]
    return [
        Delivery(day, _MASTER[entity][0], f"{_MASTER[entity][1]}_{day}.csv", entity, str(day)) for entity, day in held
    ]


def _rate_files(company: Company) -> list[Delivery]:
    files = []
    for month in range(1, 13):
        name = f"{company.year}-{month:02}"
        last = _day(company, month + 1, 1) - timedelta(days=1)
        files.append(Delivery(last, "erp_fx_rates", f"rates_{name}.csv", "fx_rate", name))
    return files


def _claim_files(company: Company) -> list[Delivery]:
    """One file for each month of which there are claims, with the invoices of the month."""
    files = []
    for month in sorted({claim.month for claim in company.claims}):
        name = f"{company.year}-{month:02}"
        day = _day(company, month + 1, company.erp_day)
        files.append(Delivery(day, "erp_fund_claims", f"fund_claims_{name}.csv", CLAIMS, name))
    return files


def _line_files(company: Company) -> list[Delivery]:
    late = {(item.source, item.month): item.delivered for item in company.late_files}
    files = []
    for source, pattern in _LINE_FILES.items():
        day = company.erp_day if source == ERP else company.distributor_day
        for month in range(1, 13):
            name = f"{company.year}-{month:02}"
            delivered = late.get((source, month), _day(company, month + 1, day))
            files.append(Delivery(delivered, source, pattern.format(month=name), LINES, name))
            if (source, month) in company.repeated_months:
                again = pattern.format(month=f"{name}_again")
                files.append(Delivery(delivered + timedelta(days=1), source, again, LINES, name))
    for source, month, delivered, what in (
        (ERP, company.correction_month, company.correction_date, "corrected"),
        (NORTH, company.replacement_month, company.replacement_date, "replacement"),
    ):
        name = f"{company.year}-{month:02}"
        file_name = _LINE_FILES[source].format(month=f"{name}_{what}")
        files.append(Delivery(delivered, source, file_name, LINES, f"{name} {what}"))
    return files


def _day(company: Company, month: int, day: int) -> date:
    """Day ``day`` of a month of the company's year; month 13 is January of the next."""
    return date(company.year + (month - 1) // 12, (month - 1) % 12 + 1, day)
