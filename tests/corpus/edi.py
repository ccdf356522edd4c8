"""Kinds of X12 files: separators, envelopes that do not match, sets that are wrong."""

from __future__ import annotations

from typing import Any

from tests.corpus.kind import Kind, Row, accepted, quarantined
from tests.corpus.others import gz

X12 = {"type": "x12", "set": "867"}
PATHS = {
    "document_number": "REF02[REF01=IV]",
    "line_number": "LIN01",
    "document_type": {"column": "PTD01", "values": {"SS": "invoice", "BN": "return"}},
    "document_date": "DTM02[DTM01=003]",
    "reference_document_number": "REF02[REF01=OI]",
    "record_intent": {"column": "BPT01", "values": {"00": "original", "05": "replacement"}},
    "reseller_id": "N104[N101=ST]",
    "end_customer_name": "N102[N101=EU]",
    "product_id": "LIN[VN]",
    "quantity": "QTY02[QTY01=32]",
    "unit": "QTY03",
    "net_amount": "AMT02[AMT01=1] | QTY02[QTY01=32] * UIT02",
    "currency": "CUR02",
}

GOOD = """ISA*00*          *00*          *ZZ*DISTRIBUTOR    *ZZ*MANUFACTURER   *170403*0615*U*00401*000000101*0*P*>~
GS*PT*DISTRIBUTOR*MANUFACTURER*20170403*0615*101*X*004010~
ST*867*0001~
BPT*00*POS-1*20170403~
CUR*DS*USD~
PTD*SS~
DTM*003*20170331~
REF*IV*D1~
N1*ST*STORE*92*R-1~
N1*EU*Müller~
QTY*32*2*EA~
LIN*1*VN*0077~
AMT*1*5.58~
CTT*1*2~
SE*13*0001~
GE*1*101~
IEA*1*000000101~
"""
"""One set with the good line; its row is segment 11."""

FIRST = 11


def kind(name: str, title: str, content: str | bytes, *rows: Row, error: str = "", **format_: Any) -> Kind:
    data = content if isinstance(content, bytes) else content.encode()
    declared = ", ".join(f"{field}: {value}" for field, value in format_.items())
    return Kind(
        f"x12_{name}", title, data, rows, error, {**X12, **format_}, {"columns": PATHS}, declared.replace("'", '"')
    )


def changed(*pairs: tuple[str, str]) -> str:
    """The good file with other text."""
    text = GOOD
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


RECEIPT = "ST*997*0002~\nAK1*PO*1~\nAK9*A*1*1*1~\nSE*4*0002~\n"

X12_FILES = (
    kind("right", "an 867", GOOD, accepted(FIRST, net_amount="5.58", quantity="2", document_date="2017-03-31")),
    kind("wrapped", "line ends of Windows after the terminators", GOOD.replace("\n", "\r\n"), accepted(FIRST)),
    kind("one_line", "no line ends at all", GOOD.replace("\n", ""), accepted(FIRST)),
    kind(
        "separators",
        "other separators, the line end as terminator",
        GOOD.replace("*", "|").replace(">", ":").replace("~", ""),
        accepted(FIRST, end_customer_name="Müller"),
    ),
    kind(
        "two_interchanges",
        "two interchanges, each with separators of its own",
        GOOD + "\n" + changed(("*D1~", "*D2~")).replace("*", "|").replace("~\n", "!"),
        accepted(FIRST),
        accepted(17 + FIRST),
    ),
    kind("gzip", "packed with gzip", gz(GOOD.encode()), accepted(FIRST), compression="gzip"),
    kind(
        "price",
        "no amount: quantity times price",
        changed(("AMT*1*5.58~", "UIT*EA*2.79~")),
        accepted(FIRST, net_amount="5.58"),
    ),
    kind(
        "windows_text",
        "Windows text, declared as UTF-8",
        GOOD.encode("cp1252"),
        error="not readable as X12: byte 279: not readable as utf-8 text",
    ),
    kind(
        "windows_declared",
        "Windows text",
        GOOD.encode("cp1252"),
        accepted(FIRST, end_customer_name="Müller"),
        encoding="cp1252",
    ),
    kind("lower_case", "segment ids in lower case", GOOD.lower(), error="segment 1: expected ISA, found 'isa*00*"),
    kind(
        "isa_width",
        "an ISA segment whose blanks were cut",
        changed(("DISTRIBUTOR    *", "DISTRIBUTOR*")),
        error="segment 1 (ISA): ISA06 has 11 characters, expected 15",
    ),
    kind(
        "cut_off",
        "cut off in the middle of a segment",
        GOOD[: GOOD.index("0077")],
        error="the file ends in segment 12 ('LIN*1*VN*'): expected IEA",
    ),
    kind(
        "no_iea", "cut off before IEA", GOOD[: GOOD.index("IEA")], error="the file ends after segment 16: expected IEA"
    ),
    kind("rest", "something after IEA", GOOD + "Best regards\n", error="segment 18: expected ISA, found 'Best regards"),
    kind(
        "ge_count",
        "GE counts another number of sets",
        changed(("GE*1*", "GE*2*")),
        error="segment 16 (GE): GE01 counts 2 sets, but the group has 1",
    ),
    kind(
        "iea_count",
        "IEA counts another number of groups",
        changed(("IEA*1*", "IEA*3*")),
        error="segment 17 (IEA): IEA01 counts 3 groups, but the interchange has 1",
    ),
    kind(
        "control_number",
        "IEA has another control number than ISA",
        changed(("IEA*1*000000101", "IEA*1*000000102")),
        error="segment 17 (IEA): IEA02 is 000000102, but ISA13 is 000000101",
    ),
    kind("no_ge", "GE is missing", changed(("GE*1*101~\n", "")), error="segment 16 (IEA): expected GE before it"),
    kind(
        "release",
        "an old release",
        changed(("*004010", "*003060")),
        error="segment 2 (GS): version '003060' in GS08, expected 004010 or 005010",
    ),
    kind(
        "se_count",
        "SE counts another number of segments",
        changed(("SE*13*", "SE*14*")),
        quarantined("segment 15 (SE, 13 of set 0001): SE01 counts 14 segments, but the set has 13", FIRST),
    ),
    kind(
        "se_control",
        "SE has another control number than ST",
        changed(("SE*13*0001", "SE*13*0002")),
        quarantined("SE02 is 0002, but ST02 is 0001", FIRST),
    ),
    kind("no_se", "SE is missing", changed(("SE*13*0001~\n", "")), quarantined("expected SE before it", FIRST)),
    kind(
        "ctt_count",
        "CTT counts another number of lines",
        changed(("CTT*1*", "CTT*4*")),
        quarantined("CTT01 counts 4, but the set has 1 PTD, 1 QTY, 1 LIN", FIRST),
    ),
    kind(
        "ctt_sum",
        "CTT sums other quantities",
        changed(("CTT*1*2", "CTT*1*3")),
        quarantined("CTT02 is 3, but the sum of QTY02 is 2", FIRST),
    ),
    kind(
        "no_bpt",
        "the beginning segment is missing",
        changed(("BPT*00*POS-1*20170403~\n", ""), ("SE*13", "SE*12")),
        quarantined("segment 4 (CUR, 2 of set 0001): expected BPT before it", FIRST - 1),
    ),
    kind(
        "no_details",
        "a set without details is a row that says so",
        GOOD[: GOOD.index("PTD")] + GOOD[GOOD.index("CTT") :].replace("CTT*1*2", "CTT*0").replace("SE*13", "SE*5"),
        quarantined("segment 6 (CTT, 4 of set 0001): expected PTD before it", 3),
    ),
    kind(
        "unknown_segment",
        "a segment that the set does not have",
        changed(("AMT*1*5.58~", "AMT*1*5.58~\nZZZ*1~"), ("SE*13", "SE*14")),
        quarantined("segment 14 (ZZZ, 12 of set 0001): set 867 has no such segment", FIRST),
    ),
    kind(
        "misplaced",
        "a segment where it does not belong",
        changed(("AMT*1*5.58~", "AMT*1*5.58~\nLIN*2*VN*0077~"), ("SE*13", "SE*14")),
        quarantined("segment 14 (LIN, 12 of set 0001): not expected after AMT", FIRST),
    ),
    kind(
        "acknowledgement",
        "an acknowledgement among the reports",
        changed(("GE*1", f"{RECEIPT}GE*2")),
        accepted(FIRST),
        quarantined("segment 16 (ST, 1 of set 0002): set 997 in ST01, expected 867", 16),
    ),
    kind(
        "acknowledgement_ignored",
        "an acknowledgement that is knowingly not read",
        changed(("GE*1", f"{RECEIPT}GE*2")),
        accepted(FIRST),
        ignored_sets=["997"],
    ),
    kind(
        "one_wrong_set",
        "a wrong set beside a right one",
        changed(("ST*867*0001", "ST*867*0007\nST*867*0001".replace("\n", "~\n")), ("GE*1", "GE*2")),
        quarantined("segment 4 (ST, 2 of set 0007): expected SE before it", 3),
        accepted(FIRST + 1),
    ),
    kind(
        "two_references",
        "two invoice numbers for one line",
        changed(("REF*IV*D1~", "REF*IV*D1~\nREF*IV*D2~"), ("SE*13", "SE*14")),
        quarantined("REF02[REF01=IV] is given more than once: 'D1' and 'D2'", FIRST + 1),
    ),
    kind(
        "composite",
        "a composite element that is mapped as if it were simple",
        changed(("*EA~", "*EA>1~")),
        quarantined("QTY03 has components or repeats: 'EA>1'", FIRST),
    ),
    kind(
        "no_quantity",
        "a quantity of another kind",
        changed(("QTY*32*2", "QTY*38*2")),
        quarantined("missing_quantity", FIRST),
    ),
    kind(
        "purpose",
        "a purpose code that the mapping does not know",
        changed(("BPT*00", "BPT*99")),
        quarantined("record_intent: '99' is not one of 00, 05", FIRST),
    ),
)
