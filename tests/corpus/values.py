"""Kinds of values in text files: numbers, dates, identifiers."""

from __future__ import annotations

from tests.corpus.kind import CSV, Kind, accepted, held, line, quarantined, text

SEMICOLON = {**CSV, "separator": ";", "decimal": ","}
THIN = "\u202f"


def amount(value: str) -> bytes:
    return text(line(amount=value), separator=";")


def date(value: str) -> bytes:
    return text(line(date=value))


NUMBERS = (
    Kind(
        "european",
        "1.234,56 where it is declared",
        amount("1.234,56"),
        (accepted(net_amount="1234.56"),),
        format={**SEMICOLON, "thousands": "."},
        declared='decimal: ",", thousands: "."',
    ),
    Kind(
        "american",
        "1,234.56 where it is declared",
        text(line(amount="1,234.56"), separator=";"),
        (accepted(net_amount="1234.56"),),
        format={**CSV, "separator": ";", "thousands": ","},
        declared='decimal: ".", thousands: ","',
    ),
    Kind(
        "european_undeclared",
        "1.234,56 where a decimal point is declared",
        text(line(amount="1.234,56"), separator=";"),
        (quarantined("net_amount: '1.234,56' is not a number"),),
        format={**CSV, "separator": ";"},
    ),
    Kind(
        "american_undeclared",
        "1,234.56 where a decimal comma is declared",
        amount("1,234.56"),
        (quarantined("net_amount: '1,234.56' is not a number"),),
        format=SEMICOLON,
        declared='decimal: ","',
    ),
    Kind(
        "lost_thousands",
        "1,234 with a decimal comma is one and a bit: as declared",
        amount("1,234"),
        (accepted(net_amount="1.234"),),
        format=SEMICOLON,
        declared='decimal: ","',
    ),
    Kind(
        "broken_groups",
        "12.34.567,00: thousands that are none",
        amount("12.34.567,00"),
        (quarantined("net_amount: '12.34.567,00' is not a number"),),
        format={**SEMICOLON, "thousands": "."},
        declared='decimal: ",", thousands: "."',
    ),
    Kind(
        "scientific",
        "scientific notation in text",
        text(line(amount="1.5E+03")),
        (quarantined("net_amount: '1.5E+03' is not a number"),),
    ),
    Kind(
        "huge_exponent",
        "an exponent beyond all bounds",
        text(line(amount="1e999999999")),
        (quarantined("net_amount: '1e999999999' is not a number"),),
    ),
    Kind(
        "not_finite",
        "NaN and Infinity",
        text(line(1, amount="NaN"), line(2, amount="Infinity")),
        (quarantined("net_amount: 'NaN' is not a number", 2), quarantined("net_amount: 'Infinity' is not a number", 3)),
    ),
    Kind(
        "parentheses",
        "(5.58) for minus 5.58",
        text(line(type="return", ref="D0", qty="(2)", amount="(5.58)")),
        (accepted(net_amount="-5.58", quantity="-2"),),
        format={**CSV, "negatives": "parentheses"},
        declared="negatives: parentheses",
    ),
    Kind(
        "parentheses_undeclared",
        "(5.58), undeclared",
        text(line(amount="(5.58)")),
        (quarantined("net_amount: '(5.58)' is not a number"),),
    ),
    Kind(
        "trailing_minus",
        "5.58- for minus 5.58",
        text(line(type="return", ref="D0", qty="2-", amount="5.58-")),
        (accepted(net_amount="-5.58", quantity="-2"),),
        format={**CSV, "negatives": "trailing"},
        declared="negatives: trailing",
    ),
    Kind(
        "trailing_undeclared",
        "5.58-, undeclared",
        text(line(amount="5.58-")),
        (quarantined("net_amount: '5.58-' is not a number"),),
    ),
    Kind(
        "leading_undeclared",
        "-5.58 where only a trailing minus is declared",
        text(line(amount="-5.58")),
        (quarantined("net_amount: '-5.58' is not a number"),),
        format={**CSV, "negatives": "trailing"},
        declared="negatives: trailing",
    ),
    Kind(
        "minus_on_both_sides",
        "-5.58-: both ways at once",
        text(line(amount="-5.58-")),
        (quarantined("net_amount: '-5.58-' is not a number"),),
        format={**CSV, "negatives": ["leading", "trailing"]},
        declared="negatives: [leading, trailing]",
    ),
    Kind(
        "currency_sign",
        "currency signs before and after",
        text(
            line(1, amount="$5.58"),
            line(2, amount="5.58 USD"),
            line(3, type="return", ref="D1", qty="-1", amount="-$5.58"),
            line(4, type="return", ref="D1", qty="-1", amount="$ -5.58"),
        ),
        (
            accepted(2, net_amount="5.58"),
            accepted(3, net_amount="5.58"),
            accepted(4, net_amount="-5.58"),
            accepted(5, net_amount="-5.58"),
        ),
        format={**CSV, "currency_signs": ["$", "USD"]},
        declared="currency_signs: [$, USD]",
    ),
    Kind(
        "sign_and_parentheses",
        "($5.58): a sign within parentheses",
        text(line(type="return", ref="D0", qty="-2", amount="($5.58)")),
        (accepted(net_amount="-5.58"),),
        format={**CSV, "currency_signs": "$", "negatives": ["leading", "parentheses"]},
        declared="currency_signs: $, negatives: [leading, parentheses]",
    ),
    Kind(
        "other_currency_sign",
        "a currency sign that was not declared",
        text(line(amount="€5.58")),
        (quarantined("net_amount: '€5.58' is not a number"),),
        format={**CSV, "currency_signs": "$"},
        declared="currency_signs: $",
    ),
    Kind(
        "sign_undeclared",
        "a currency sign, undeclared",
        text(line(amount="$5.58")),
        (quarantined("net_amount: '$5.58' is not a number"),),
    ),
    Kind(
        "thin_spaces",
        "thin spaces between thousands",
        text(line(amount=f"1{THIN}234.56")),
        (accepted(net_amount="1234.56"),),
        format={**CSV, "thousands": THIN},
        declared="thousands: a thin space",
    ),
    Kind(
        "thin_undeclared",
        "thin spaces between thousands, undeclared",
        text(line(amount=f"1{THIN}234.56")),
        (quarantined("is not a number"),),
    ),
    Kind(
        "fixed_spaces",
        "fixed spaces around values",
        text(line(amount="\u00a05.58\u00a0", product="\u00a00077")),
        (accepted(net_amount="5.58", product_id="0077"),),
    ),
    Kind("typographic_minus", "a typographic minus", text(line(amount="−5.58")), (quarantined("is not a number"),)),
    Kind(
        "other_digits", "digits of another script", text(line(qty="٢")), (quarantined("quantity: '٢' is not a number"),)
    ),
    Kind(
        "many_decimals",
        "more decimals than money has",
        text(line(amount="5.58001")),
        (quarantined("net_amount: '5.58001' has more than 4 decimals"),),
    ),
    Kind(
        "many_digits",
        "more digits than money has",
        text(line(amount="123456789012345")),
        (quarantined("net_amount: '123456789012345' has more than 14 digits before the decimals"),),
    ),
    Kind(
        "word_for_number", "n/a instead of a number", text(line(amount="n/a")), (quarantined("'n/a' is not a number"),)
    ),
    Kind(
        "percent_undeclared",
        "a percentage where money is expected",
        text(line(amount="5 %")),
        (quarantined("net_amount: '5 %' is not a number"),),
    ),
    Kind(
        "leading_zeros",
        "a plus, zeros before and behind",
        text(line(amount="+0005.5800")),
        (accepted(net_amount="5.58"),),
    ),
    Kind(
        "returns_positive",
        "returns reported without a sign",
        text(line(type="return", ref="D0")),
        (accepted(quantity="-2", net_amount="-5.58"),),
        mapping={"signs": {"return": "reversed"}},
        declared="signs: {return: reversed}",
    ),
    Kind(
        "returns_undeclared",
        "returns reported without a sign, undeclared",
        text(line(type="return", ref="D0")),
        (quarantined("return_not_negative"),),
    ),
    Kind(
        "negative_price",
        "quantity and amount with opposite signs",
        text(line(qty="-2")),
        (quarantined("negative_price"),),
    ),
    Kind("missing_amount", "no amount", text(line(amount="")), (quarantined("missing_net_amount"),)),
)

DATES = (
    Kind("no_such_day", "31 February", date("2017-02-31"), (quarantined("'2017-02-31' is not a date (%Y-%m-%d)"),)),
    Kind(
        "no_leap_day", "29 February of a common year", date("2017-02-29"), (quarantined("'2017-02-29' is not a date"),)
    ),
    Kind("leap_day", "29 February of a leap year", date("2016-02-29"), (accepted(document_date="2016-02-29"),)),
    Kind(
        "two_digit_year",
        "a year of two digits",
        date("31.03.17"),
        (accepted(document_date="2017-03-31"),),
        format={**CSV, "date_format": "%d.%m.%y"},
        declared='date_format: "%d.%m.%y"',
    ),
    Kind(
        "two_digits_undeclared",
        "a year of two digits, declared with four",
        date("31.03.17"),
        (quarantined("document_date: '31.03.17' is not a date (%d.%m.%Y)"),),
        format={**CSV, "date_format": "%d.%m.%Y"},
        declared='date_format: "%d.%m.%Y"',
    ),
    Kind(
        "day_and_month",
        "the month first, declared with the day first",
        date("03/31/2017"),
        (quarantined("document_date: '03/31/2017' is not a date (%d/%m/%Y)"),),
        format={**CSV, "date_format": "%d/%m/%Y"},
        declared='date_format: "%d/%m/%Y"',
    ),
    Kind(
        "month_name",
        "a month by its name",
        date("31-Mar-2017"),
        (accepted(document_date="2017-03-31"),),
        format={**CSV, "date_format": "%d-%b-%Y"},
        declared='date_format: "%d-%b-%Y"',
    ),
    Kind(
        "time_of_day",
        "a time behind the date",
        date("31.03.2017 23:59"),
        (accepted(document_date="2017-03-31"),),
        format={**CSV, "date_format": "%d.%m.%Y %H:%M"},
        declared='date_format: "%d.%m.%Y %H:%M"',
    ),
    Kind(
        "time_undeclared",
        "a time behind the date, undeclared",
        date("2017-03-31 23:59:00"),
        (quarantined("document_date: '2017-03-31 23:59:00' is not a date"),),
    ),
    Kind(
        "serial_date",
        "a day number of a workbook",
        date("42825"),
        (accepted(document_date="2017-03-31"),),
        format={**CSV, "date_format": "excel_serial_1900"},
        declared="date_format: excel_serial_1900",
    ),
    Kind(
        "serial_undeclared",
        "a day number of a workbook, undeclared",
        date("42825"),
        (quarantined("document_date: '42825' is not a date"),),
    ),
    Kind("zero_date", "0000-00-00", date("0000-00-00"), (quarantined("document_date: '0000-00-00' is not a date"),)),
    Kind("missing_date", "no date", date(""), (quarantined("missing_document_date"),)),
    Kind(
        "other_date_column",
        "a format of this date alone",
        date("31.03.2017"),
        (accepted(document_date="2017-03-31"),),
        mapping={"columns": {"document_date": {"column": "date", "date_format": "%d.%m.%Y"}}},
        declared="columns.document_date.date_format",
    ),
)

IDENTIFIERS = (
    Kind(
        "lost_zeros",
        "a product code that lost its leading zeros",
        text(line(product="77")),
        (quarantined("unknown_product"),),
    ),
    Kind(
        "padded",
        "a product code that lost its leading zeros",
        text(line(product="77")),
        (accepted(product_id="0077"),),
        mapping={"columns": {"product_id": {"column": "product", "zero_pad": 4}}},
        declared="zero_pad: 4",
    ),
    Kind(
        "float_code",
        "a product code that became a number: 77.0",
        text(line(product="77.0")),
        (quarantined("unknown_product"),),
    ),
    Kind(
        "scientific_code",
        "a product code in scientific notation",
        text(line(product="7.7E+01")),
        (quarantined("unknown_product"),),
    ),
    Kind(
        "formula",
        "a formula instead of a name stays text",
        text(line(name="=cmd|'/c calc'!A1")),
        (accepted(end_customer_name="=cmd|'/c calc'!A1"),),
    ),
    Kind(
        "other_scripts",
        "names in other scripts, with signs outside of the first plane",
        text(line(name="株式会社 🏥 شركة")),
        (accepted(end_customer_name="株式会社 🏥 شركة"),),
    ),
    Kind(
        "unknown_partner", "a partner whom nobody knows", text(line(store="R-999")), (quarantined("unknown_partner"),)
    ),
    Kind("unknown_unit", "a unit that the product does not have", text(line(unit="PAL")), (quarantined("unit"),)),
    Kind(
        "unknown_type",
        "a document type that the mapping does not list",
        text(line(type="bill")),
        (quarantined("document_type: 'bill' is not one of invoice"),),
        mapping={"columns": {"document_type": {"column": "type", "values": {"invoice": "invoice"}}}},
        declared="columns.document_type.values",
    ),
    Kind("missing_number", "no document number", text(line(doc="")), (quarantined("missing_document_number"),)),
    Kind("currency_in_words", "a currency that is no code", text(line(currency="Dollar")), (quarantined("currency"),)),
    Kind("missing_store", "no reseller", text(line(store="")), (quarantined("missing_reseller_id"),)),
    Kind(
        "return_without_document",
        "a return that names no document",
        text(line(type="return", qty="-2", amount="-5.58")),
        (held("return_without_reference"),),
    ),
)
