"""The data contract: every entity that lands, its columns, and the columns that we add.

One description serves the readers (parsing), validation (types), the empty Parquet file that
gives an entity its schema before any row has come, the dbt sources and docs/data-contract.md.

Grain and key of each entity stand in ENTITIES. Text columns are kept as they came (trimmed);
every other column is parsed, and in raw/ its text is kept beside it in ``<column>_text``.
"""

from __future__ import annotations

from dataclasses import dataclass

TEXT = "VARCHAR"
DATE = "DATE"
INTEGER = "INTEGER"
AMOUNT = "DECIMAL(18,4)"  # money as documents state it; more than 4 decimals is a parse error
QUANTITY = "DECIMAL(18,4)"
FACTOR = "DECIMAL(18,6)"  # units per base unit
RATE = "DECIMAL(18,8)"  # exchange rates


@dataclass(frozen=True)
class Column:
    """One column of an entity. ``required``: a row without it is quarantined."""

    name: str
    type: str
    meaning: str
    example: str = ""
    required: bool = False
    domain: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entity:
    """One kind of row. ``key``: the natural key; the newest file wins for a key that comes again."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the entity has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")


DOCUMENT_TYPES = ("invoice", "credit_memo", "return")
RECORD_INTENTS = ("original", "addendum", "replacement", "cancellation")
STREAMS = ("sell_in", "sell_through")
PARTNER_TYPES = ("distributor", "reseller", "dealer", "retailer", "buying_group")
CLAIM_STATUSES = ("submitted", "approved", "rejected")
STOCK_DECISIONS = ("released", "held")
REPLY_STATUSES = ("accepted", "paid", "partly_paid", "rejected", "returned")

_ADDRESS = (
    Column("end_customer_street", TEXT, "end customer's street and house number", "12 Main Street"),
    Column("end_customer_postal_code", TEXT, "end customer's postal code", "60614"),
    Column("end_customer_city", TEXT, "end customer's city", "Chicago"),
    Column("end_customer_country", TEXT, "end customer's country, ISO 3166 code", "US"),
    Column("end_customer_tax_id", TEXT, "end customer's tax or registration number", "36-1234567"),
)
"""What tells one end customer from another beside its name, as reported and in our master."""

REPORTED_END_CUSTOMER = (
    "end_customer_id",
    "end_customer_code",
    "end_customer_tax_id",
    "end_customer_name",
    *(column.name for column in _ADDRESS[:-1]),
)
"""Columns of a line that say who its end customer is; the first four name one, an address alone does not."""

NOT_SCORED = (
    *(name for name in REPORTED_END_CUSTOMER if name not in ("end_customer_id", "end_customer_name")),
    "product_description",
)
"""Columns of a line that help to find out what it means; a source cannot agree to fill them (delivery.fields)."""

LINE_KEY = (
    "source || '|' || replace(replace(document_number, '%', '%25'), '|', '%7C')"
    " || '|' || replace(replace(line_number, '%', '%25'), '|', '%7C')"
)
"""A line's natural key as one text, in SQL (line_key of stg_line). Bars inside the numbers are written %7C, so that
different lines never share a key."""

LINE = Entity(
    "line",
    "one line of a direct invoice or credit memo (sell-in), or of a third party's point-of-sale report (sell-through)",
    ("source", "document_number", "line_number"),
    (
        Column("stream", TEXT, "sell_in or sell_through; set by the source's mapping", "sell_in", True, STREAMS),
        Column(
            "document_number", TEXT, "number of the invoice, credit memo or sales report entry", "31198705046", True
        ),
        Column("line_number", TEXT, "number of the line in its document", "10", True),
        Column("document_type", TEXT, "what the document is", "invoice", True, DOCUMENT_TYPES),
        Column("document_date", DATE, "business date of the line; decides the period", "2017-03-31", True),
        Column("reference_document_number", TEXT, "the document that a return or credit memo refers to", "31198700001"),
        Column("record_intent", TEXT, "what a third-party row says that it is", "original", True, RECORD_INTENTS),
        Column("sold_to_id", TEXT, "partner who was invoiced", "R-367"),
        Column("ship_to_id", TEXT, "partner who received the goods", "R-367"),
        Column("distributor_id", TEXT, "distributor who sold (sell-through)", "D-LAKE"),
        Column("reseller_id", TEXT, "reseller who bought or sold on", "R-367"),
        Column("end_customer_id", TEXT, "end customer, where known", "H-1001"),
        Column("end_customer_name", TEXT, "end customer's name as reported", "Household 1001"),
        Column("end_customer_code", TEXT, "the source's own number of the end customer", "C-20881"),
        *_ADDRESS,
        Column(
            "product_id", TEXT, "our product; a partner's own code is mapped by the cross-reference", "1029743", True
        ),
        Column("product_description", TEXT, "the source's own words for the product", "Fluid milk, gallon"),
        Column("quantity", QUANTITY, "quantity in `unit`; negative for returns", "2", True),
        Column(
            "unit",
            TEXT,
            "unit of measure of the quantity; a partner's own word may be mapped",
            "EA",
            True,
        ),
        Column("net_amount", AMOUNT, "net amount of the line in `currency`; negative for returns", "5.58", True),
        Column("currency", TEXT, "ISO 4217 code", "USD", True),
        Column("authorization_number", TEXT, "special-price authorisation that the line quotes", "SP-0001"),
        Column("sales_rep_id", TEXT, "sales representative", "S-07"),
        Column("region", TEXT, "sales region of the line", "NORTH"),
    ),
)

PARTNER = Entity(
    "partner",
    "one company in the channel",
    ("partner_id",),
    (
        Column("partner_id", TEXT, "our number of the partner", "R-367", True),
        Column("partner_name", TEXT, "name", "Store 367", True),
        Column("partner_type", TEXT, "role in the channel", "reseller", True, PARTNER_TYPES),
        Column("parent_partner_id", TEXT, "the partner above it", "D-LAKE"),
        Column("channel", TEXT, "sales channel", "grocery", True),
        Column("region", TEXT, "region", "NORTH"),
        Column("country", TEXT, "ISO 3166 code", "US", True),
    ),
)

PARTNER_TIER = Entity(
    "partner_tier",
    "one partner's tier from a date on",
    ("partner_id", "valid_from"),
    (
        Column("partner_id", TEXT, "the partner", "R-367", True),
        Column("tier", TEXT, "tier, e.g. gold", "gold", True),
        Column("valid_from", DATE, "first day", "2017-01-01", True),
        Column("valid_to", DATE, "last day; empty: open", "2017-06-30"),
    ),
)

PARTNER_GROUP = Entity(
    "partner_group",
    "one partner's membership of a buying group from a date on",
    ("partner_id", "group_id", "valid_from"),
    (
        Column("partner_id", TEXT, "the member", "R-367", True),
        Column("group_id", TEXT, "the group, itself a partner of type buying_group", "G-NORTH", True),
        Column("valid_from", DATE, "first day", "2017-01-01", True),
        Column("valid_to", DATE, "last day; empty: open", ""),
    ),
)

END_CUSTOMER = Entity(
    "end_customer",
    "one end customer",
    ("end_customer_id",),
    (
        Column("end_customer_id", TEXT, "our number of the end customer", "H-1001", True),
        Column("end_customer_name", TEXT, "name", "Household 1001", True),
        Column("end_customer_type", TEXT, "household, business, hospital …", "household", True),
        *_ADDRESS,
        Column("industry", TEXT, "industry of a business", ""),
        Column("size_band", TEXT, "size (household: persons)", "2"),
        Column("income_band", TEXT, "income or turnover band", "50-74K"),
        Column("age_band", TEXT, "age band (household)", "45-54"),
        Column("composition", TEXT, "household composition", "2 Adults Kids"),
        Column("region", TEXT, "region", ""),
    ),
)

PRODUCT = Entity(
    "product",
    "one product that we sell",
    ("product_id",),
    (
        Column("product_id", TEXT, "our number of the product (SKU)", "1029743", True),
        Column("product_name", TEXT, "name", "FLUID MILK 1 GA", True),
        Column("family", TEXT, "product family", "COLD CEREAL", True),
        Column("brand", TEXT, "brand", "B-1046", True),
        Column("category", TEXT, "category above the family", "GROCERY", True),
        Column("base_unit", TEXT, "unit that quantities are converted to", "EA", True),
        Column("list_price", AMOUNT, "list price per base unit, in the company's currency", "3.49"),
    ),
)

PRODUCT_UNIT = Entity(
    "product_unit",
    "how many base units one unit of a product is",
    ("product_id", "unit"),
    (
        Column("product_id", TEXT, "the product", "1029743", True),
        Column("unit", TEXT, "unit of measure", "CS", True),
        Column("factor", FACTOR, "base units in one such unit; above zero", "12", True),
    ),
)

FX_RATE = Entity(
    "fx_rate",
    "the rate between two currencies on a date",
    ("from_currency", "to_currency", "rate_date"),
    (
        Column("from_currency", TEXT, "ISO 4217 code", "CAD", True),
        Column("to_currency", TEXT, "ISO 4217 code", "USD", True),
        Column("rate_date", DATE, "valid from this date until a newer rate", "2017-03-31", True),
        Column("rate", RATE, "units of to_currency for one unit of from_currency; above zero", "0.75020000", True),
    ),
)

PRODUCT_CROSS_REFERENCE = Entity(
    "product_cross_reference",
    "our product for a source's own product code from a date on",
    ("line_source", "partner_product_id", "valid_from"),
    (
        Column("line_source", TEXT, "the source of lines whose codes are mapped", "lakeside_pos", True),
        Column("partner_product_id", TEXT, "the source's own code", "LK-000123", True),
        Column("product_id", TEXT, "our product", "1029743", True),
        Column("valid_from", DATE, "first day", "2017-01-01", True),
        Column("valid_to", DATE, "last day; empty: open", ""),
    ),
)

UNIT_CROSS_REFERENCE = Entity(
    "unit_cross_reference",
    "our unit for a source's own word for a unit from a date on",
    ("line_source", "partner_unit", "valid_from"),
    (
        Column("line_source", TEXT, "the source of lines whose units are mapped", "lakeside_pos", True),
        Column("partner_unit", TEXT, "the source's own word", "CASE", True),
        Column("unit", TEXT, "our unit", "CS", True),
        Column("valid_from", DATE, "first day", "2017-01-01", True),
        Column("valid_to", DATE, "last day; empty: open", ""),
    ),
)

ANSWERS = ("none", "new", "open")
"""What may stand in an answer instead of an end customer: nobody, one still to be created, as if never answered."""

END_CUSTOMER_ANSWER = Entity(
    "end_customer_answer",
    "what a person says of one spelling of an end customer",
    ("end_customer_spelling",),
    (
        Column("end_customer_spelling", TEXT, "key of the spelling, from the review list", "s7d1f0c3a5b9e246", True),
        Column("answer", TEXT, "our end customer, or none, new, open; empty: not answered", "H-1001"),
        Column("answered_by", TEXT, "who answered; needed for an answer", "maria.keller"),
        Column("comment", TEXT, "why", "moved in May"),
    ),
)

FUND_CLAIM = Entity(
    "fund_claim",
    "one partner's claim on a fund (co-op, market development), as it stands when the file is written",
    ("claim_id",),
    (
        Column("claim_id", TEXT, "our number of the claim", "FC-0001", True),
        Column("program_id", TEXT, "the fund: program id, without version", "SPRING-COOP", True),
        Column("partner_id", TEXT, "the partner who claims", "D-NORTH", True),
        Column(
            "claim_date",
            DATE,
            "business date of the claim; decides whether the fund was still open",
            "2017-02-20",
            True,
        ),
        Column("amount", AMOUNT, "claimed money in `currency`; above zero", "320.00", True),
        Column("currency", TEXT, "ISO 4217 code; only claims in the fund's currency draw it down", "USD", True),
        Column(
            "status",
            TEXT,
            "how far the claim is; only approved ones draw the fund down",
            "approved",
            True,
            CLAIM_STATUSES,
        ),
        Column("approved_by", TEXT, "who approved it", "maria.keller"),
        Column("approved_on", DATE, "day of the approval", "2017-03-01"),
    ),
)

CLAIM = Entity(
    "claim",
    "one line of a partner's claim for money (special prices, rebates), as the partner submitted it",
    ("partner_id", "claim_number", "claim_line_number"),
    (
        Column("claim_number", TEXT, "the partner's number of the claim", "DM-5501", True),
        Column("claim_line_number", TEXT, "number of the line in its claim", "1", True),
        Column("claim_date", DATE, "business date of the claim", "2017-04-10", True),
        Column("partner_id", TEXT, "the partner who claims", "D-LAKE", True),
        Column(
            "record_intent", TEXT, "what the row says that it is; empty: original", "original", False, RECORD_INTENTS
        ),
        Column("program_id", TEXT, "program that the claim names, without version", "SPECIAL-PRICE"),
        Column("period_id", TEXT, "measurement period that the claim names", "2017-Q1"),
        Column("document_number", TEXT, "document of the line that is claimed for", "7002"),
        Column("line_number", TEXT, "number of that line in its document", "1"),
        Column("product_id", TEXT, "our product", "1029743"),
        Column("quantity", QUANTITY, "quantity claimed for, in `unit`", "10"),
        Column("unit", TEXT, "unit of measure of the quantity", "EA"),
        Column("authorization_number", TEXT, "special-price authorisation that the claim quotes", "SP-0001"),
        Column(
            "claimed_amount",
            AMOUNT,
            "money claimed in `currency`; negative: taken back by the partner",
            "2.85",
            True,
        ),
        Column("currency", TEXT, "ISO 4217 code", "USD", True),
        Column("end_customer_id", TEXT, "end customer, where the claim names one", "H-1001"),
        Column("claim_reason", TEXT, "why the partner claims, in its own words or codes", "MEET COMPETITION"),
    ),
)

STOCK_REPORT = Entity(
    "stock_report",
    "one distributor's stock of one product at the end of a day; what a report does not name is not in stock",
    ("distributor_id", "product_id", "stock_date"),
    (
        Column("distributor_id", TEXT, "the distributor whose stock it is", "D-LAKE", True),
        Column("product_id", TEXT, "our product, or the code that `code_source` maps", "1029743", True),
        Column(
            "code_source",
            TEXT,
            "source of lines whose cross-reference maps the code; empty: it is ours",
            "lakeside_pos",
        ),
        Column(
            "stock_date", DATE, "day at whose end it was counted; the last one of a month counts", "2017-03-31", True
        ),
        Column("quantity", QUANTITY, "stock on hand in `unit`", "480", True),
        Column("unit", TEXT, "unit of measure of the quantities", "EA", True),
        Column("opening_quantity", QUANTITY, "stock at the beginning of the month, as the distributor has it", "500"),
    ),
)

STOCK_RELEASE = Entity(
    "stock_release",
    "a person's decision on what the comparison of stock holds: one distributor, product and month",
    ("distributor_id", "product_id", "month_id"),
    (
        Column("distributor_id", TEXT, "the distributor", "D-LAKE", True),
        Column("product_id", TEXT, "our product", "1029743", True),
        Column("month_id", TEXT, "the calendar month", "2017-03", True),
        Column(
            "decision",
            TEXT,
            "released: its lines may be settled; held: not after all",
            "released",
            True,
            STOCK_DECISIONS,
        ),
        Column("decided_by", TEXT, "who decided", "maria.keller", True),
        Column("decided_on", DATE, "day of the decision; from then on it counts", "2017-04-20", True),
        Column("comment", TEXT, "why", "40 units were destroyed, see certificate 17", True),
    ),
)

PAYMENT_REPLY = Entity(
    "payment_reply",
    "one answer of an ERP or a bank to one payment of ours",
    ("payment_id", "reply_date", "status"),
    (
        Column("payment_id", TEXT, "the payment: its number, or its line key in our files", "000002-17", True),
        Column("reply_date", DATE, "day of the answer; from then on it counts", "2017-07-12", True),
        Column("status", TEXT, "what became of the payment", "paid", True, REPLY_STATUSES),
        Column(
            "amount",
            AMOUNT,
            "what was paid, refused or came back, in `currency`; empty: all of it. Needed for partly_paid",
            "1520.40",
        ),
        Column("currency", TEXT, "ISO 4217 code of the amount; empty: the payment's", "USD"),
        Column("reference", TEXT, "the ERP's or the bank's number of what it did", "5100004711"),
        Column("reason", TEXT, "why it was rejected or came back, in the sender's words or codes", "AC04"),
    ),
)

ENTITIES: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        LINE,
        PARTNER,
        PARTNER_TIER,
        PARTNER_GROUP,
        END_CUSTOMER,
        PRODUCT,
        PRODUCT_UNIT,
        FX_RATE,
        PRODUCT_CROSS_REFERENCE,
        UNIT_CROSS_REFERENCE,
        END_CUSTOMER_ANSWER,
        FUND_CLAIM,
        CLAIM,
        STOCK_REPORT,
        STOCK_RELEASE,
        PAYMENT_REPLY,
    )
}

ORIGIN = (
    Column("source", TEXT, "the source (folder of landing/) that the row came from", "erp_invoices", True),
    Column("file_sequence", INTEGER, "receipt number of the file; a higher one is newer", "12", True),
    Column("file_hash", TEXT, "SHA-256 of the file's bytes", "9f86d081…", True),
    Column("row_number", INTEGER, "row of the file as a person counts it: its first row is 1", "2", True),
)
"""Where a row came from. On every row of raw/, accepted/ and quarantine/."""

VERDICT = (
    Column("verdict", TEXT, "accepted, held (accrued, not settled) or quarantined", "accepted", True),
    Column("rules_failed", TEXT, "ids of the failed rules, joined by ';'", "unknown_product"),
)
"""What validation said of a row. On every row of accepted/ and quarantine/."""

METHODS = ("given", "answered", "exact", "normalised", "fuzzy", "unidentified", "unnamed")
"""How the end customer of a line was found; the last two: named but not found, not named at all."""

IDENTIFICATION = (
    Column("end_customer_spelling", TEXT, "key of how the row names its end customer, where that was looked up"),
    Column("end_customer_method", TEXT, "how the end customer was found", "given", True, METHODS),
)
"""What identification said of a line. On every row of accepted/line/ and quarantine/line/."""

FILE = Entity(
    "file",
    "one landed file that was received (raw/file/)",
    ("file_sequence",),
    (
        Column("source", TEXT, "the source (folder of landing/)", "erp_invoices", True),
        Column("entity", TEXT, "what its rows are; empty when no mapping fits", "line"),
        Column("file_sequence", INTEGER, "receipt number", "12", True),
        Column("file_name", TEXT, "name as delivered", "invoices_2017-03.csv", True),
        Column("file_hash", TEXT, "SHA-256 of the file's bytes", "9f86d081…", True),
        Column("file_bytes", "BIGINT", "size", "1048576", True),
        Column("rows_in", "BIGINT", "rows read (without headers); 0 when unreadable", "12000", True),
        Column("status", TEXT, "read or unreadable", "read", True, ("read", "unreadable")),
        Column("error", TEXT, "why the file could not be read", ""),
        Column(
            "parts",
            TEXT,
            "sheets or archive members that its rows came from, JSON: name, and the row_number of its first row",
            '[{"name": "North", "first_row": 1}]',
        ),
        Column("received_on", DATE, "business date on which it was received; empty: not known", "2017-04-05"),
    ),
)
"""The register of files: one Parquet per received file in raw/file/."""

SOURCE = Entity(
    "source",
    "one source, as its mapping file describes it (raw/source/)",
    ("source",),
    (
        Column("source", TEXT, "the source (folder of landing/)", "north_pos", True),
        Column("entity", TEXT, "what its rows are", "line", True),
        Column("partner_id", TEXT, "who reports: the distributor, or `direct`; empty: the rows say it", "D-NORTH"),
        Column("due_days", INTEGER, "days after a month's end within which its rows are in time", "10"),
        Column("zero_after_days", INTEGER, "days after the due day at which timeliness is zero", "30"),
        Column("first_month", TEXT, "first month that is expected; empty: the first that came", "2017-01"),
        Column("agreed_fields", TEXT, "columns agreed to be filled, joined by `|`", "end_customer_id|reseller_id"),
        Column("tolerance_percent", "DECIMAL(9,4)", "tolerated stock difference, in percent of stock available", "2"),
        Column("tolerance_quantity", QUANTITY, "tolerated stock difference, in base units", "5"),
    ),
)
"""The register of sources: one Parquet in raw/source/, written anew by every intake."""


def accepted_columns(entity: Entity) -> tuple[Column, ...]:
    """Columns of accepted/<entity>/, in order: the entity's, where from, the verdict, of lines the identification."""
    return (*entity.columns, *ORIGIN, *VERDICT, *(IDENTIFICATION if entity is LINE else ()))


def raw_columns(entity: Entity) -> tuple[Column, ...]:
    """Columns of raw/<entity>/, in order.

    The entity's columns, the text of each parsed one, ``partner_product_id`` for lines (the code
    as reported, before any cross-reference), parse errors and where the row came from.
    ``parse_errors`` is text: ``column: reason`` for each value that could not be parsed (its
    parsed column is null), joined by '; '; null when all could.
    """
    texts = tuple(
        Column(f"{column.name}_text", TEXT, f"{column.name} as the file has it")
        for column in entity.columns
        if column.type != TEXT
    )
    reported = (Column("partner_product_id", TEXT, "product code as reported"),) if entity is LINE else ()
    errors = (Column("parse_errors", TEXT, "values that could not be parsed, with reasons"),)
    return (*entity.columns, *texts, *reported, *errors, *ORIGIN)


def quarantine_columns(entity: Entity) -> tuple[Column, ...]:
    """Columns of quarantine/<entity>/: those of raw/, the verdict, of lines the identification."""
    return (*raw_columns(entity), *VERDICT, *(IDENTIFICATION if entity is LINE else ()))
