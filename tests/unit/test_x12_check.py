"""X12 files: separators, envelopes, grammars; what is refused, and with which words.

The files in tests/edi keep to the public guides of a distributor's 867 in release 4010
(vdocuments.net/867-product-transfer-and-resale-report-dandhcom-gui-purpose-to-indicate.html) and of ECIA's 844
(stedi.com/app/guides/view/ecia/844/01H25WJRDNTD4821JBS9V8CA9V): their segments, with values of our own.
"""

from __future__ import annotations

import io
import random
import re

import pytest

from orchestration.settings import REPOSITORY
from orchestration.x12 import SETS, Separators, Verdict, X12Error, check, load, syntax
from orchestration.x12.grammar import VERSIONS

POS = (REPOSITORY / "tests" / "edi" / "coastal_pos.edi").read_text()
CLAIMS = (REPOSITORY / "tests" / "edi" / "coastal_claims.edi").read_text()


def checked(text: str | bytes, code: str = "867", **options: object) -> Verdict:
    content = text.encode() if isinstance(text, str) else text
    return check(io.BytesIO(content), code, **options)  # type: ignore[arg-type]


def wrong(text: str, code: str = "867", **options: object) -> str:
    """What is wrong with the only set of a file."""
    (reason,) = checked(text, code, **options).wrong.values()
    return reason


def counted(text: str) -> str:
    """The file with SE01 set to what its sets have, so that only the fault in question is left."""
    segments = [segment.lstrip() for segment in text.split("~")]
    begin = 0
    for index, segment in enumerate(segments):
        if segment.startswith("ST*"):
            begin = index
        elif segment.startswith("SE*"):
            segments[index] = re.sub(r"^SE\*\d+", f"SE*{index - begin + 1}", segment)
    return "~\n".join(segments)


@pytest.mark.parametrize(("text", "code", "segments"), [(POS, "867", 42), (CLAIMS, "844", 25)])
def test_files_of_the_guides_are_right(text: str, code: str, segments: int) -> None:
    assert checked(text, code) == Verdict(segments, 1, 1, 1, {})


@pytest.mark.parametrize("code", SETS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_grammar_has_the_lines_it_counts(code: str, version: str) -> None:
    grammar = load(code, version)
    assert grammar.set == code
    assert {grammar.detail, *grammar.counted, grammar.hashed[0], "ST", "SE"} <= set(grammar.segments)
    assert {name for name, _ in grammar.implied_decimals} | set(grammar.pairs) <= set(grammar.segments)


def test_a_set_of_version_5010_may_have_segments_that_4010_has_not() -> None:
    text = counted(POS.replace("REF*IV*7001~\n", "REF*IV*7001~\nLQ*ZZ*A~\n"))
    assert wrong(text).startswith(
        "segment 12 (LQ, 10 of set 0001): not expected after REF; expected REF, PRF, PER, MAN"
    )
    newer = text.replace("*U*00401*", "*^*00501*").replace("X*004010", "X*005010X123")
    assert checked(newer).wrong == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("~\n", "~"),
        ("~\n", "~\r\n"),
        ("~\n", "~  \n"),
        ("~\n", "\n"),
        ("~\n", "\r\n"),
        ("~\n", "\x1c"),
        ("*", "|"),
        ("*", "\x1d"),
        (">", ":"),
    ],
)
def test_any_separators(old: str, new: str) -> None:
    assert checked(POS.replace(old, new)) == Verdict(42, 1, 1, 1, {})


def test_blank_ends_two_interchanges_and_several_groups() -> None:
    assert checked("\ufeff\n" + POS + "\r\n  \n").segments == 42
    both = checked(POS + "\n\n" + POS.replace("*", "|").replace("~\n", "\n"))
    assert (both.interchanges, both.groups, both.sets, both.segments) == (2, 2, 2, 84)
    group = POS[POS.index("GS*") : POS.index("IEA*")]
    twice = POS.replace(group, group + group.replace("*101*X", "*102*X").replace("GE*1*101", "GE*1*102"))
    two = checked(twice.replace("IEA*1", "IEA*2"))
    assert (two.groups, two.sets) == (2, 2)
    part = POS[POS.index("ST*867") : POS.index("GE*1")]
    sets = checked(POS.replace(part, part + part.replace("*0001", "*0002")).replace("GE*1", "GE*2"))
    assert sets.sets == 2


@pytest.mark.parametrize("size", [1, 7, 100, 331])
def test_the_size_of_blocks_does_not_matter(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "BLOCK_BYTES", size)
    text = "\n" + POS + " \n" + CLAIMS.replace("844", "867") + POS.replace("~\n", "~\r\n")
    verdict = checked(text.replace("HOUSEHOLD", "HÄUSER"))
    assert (verdict.interchanges, verdict.segments, list(verdict.wrong)) == (3, 42 + 25 + 42, [45])


REFUSED = [
    ("", "file is empty"),
    (" \n\n", "file is empty"),
    ("BELEG;POSITION\n1;2\n", "segment 1: expected ISA, found 'BELEG;POSITION\\n1;2\\n'"),
    (POS.lower(), "segment 1: expected ISA, found 'isa*00*          *00'"),
    (POS[POS.index("GS*") :], "segment 1: expected ISA, found 'GS*PT*COASTALDIST*NO'"),
    (POS[:60], "segment 1 (ISA): the file ends after 60 of its 106 characters"),
    (POS.replace("COASTALDIST    ", "COASTALDIST"), "segment 1 (ISA): ISA06 has 11 characters, expected 15"),
    (POS.replace("~", "*"), "segment 1 (ISA): two separators are the same"),
    (POS.replace(">~", "A~", 1), "segment 1 (ISA): 'A' cannot be the component separator"),
    (POS.replace("*00401*", "*00501*"), "segment 1 (ISA): 'U' cannot be the repetition separator"),
    (
        POS[: POS.index(" ROAD")],
        "the file ends in segment 13 ('N3*12 HARBOR'): expected IEA at the end of the interchange",
    ),
    (POS[: POS.index("IEA*")], "the file ends after segment 41: expected IEA at the end of the interchange"),
    (POS[:-2], "the file ends in segment 42 ('IEA*1*000000101')"),
    (POS + "X", "segment 43: expected ISA, found 'X'"),
    (POS.replace("HARBOR", "HAR\0BOR"), "byte 370: a NUL character, which no text has"),
    (POS.replace("IEA*1*", "IEA*2*"), "segment 42 (IEA): IEA01 counts 2 groups, but the interchange has 1"),
    (POS.replace("IEA*1*000000101", "IEA*1*000000102"), "segment 42 (IEA): IEA02 is 000000102, but ISA13 is 000000101"),
    (POS.replace("GE*1*", "GE*0*"), "segment 41 (GE): GE01 counts 0 sets, but the group has 1"),
    (POS.replace("GE*1*101", "GE*1*102"), "segment 41 (GE): GE02 is 102, but GS06 is 101"),
    (POS.replace("GE*1*101~", "GE~"), "segment 41 (GE): GE01 counts nothing sets, but the group has 1"),
    (POS.replace("GE*1*101~\n", ""), "segment 41 (IEA): expected GE before it"),
    (POS.replace("004010", "003060"), "segment 2 (GS): version '003060' in GS08, expected 004010 or 005010"),
    (POS.replace("GS*PT", "GX*PT"), "segment 2 (GX): expected GS or IEA"),
    (POS.replace("GS*PT", "gs*PT"), "segment 2 (gs): expected GS or IEA"),
    (POS.replace("GE*1", "N1*X~\nGE*1"), "segment 41 (N1): expected ST or GE"),
    (POS.replace("IEA*1", "ISA*1"), "segment 42 (ISA): expected IEA before it"),
    (POS.replace("ST*867*0001~\n", ""), "segment 3 (BPT): expected ST or GE"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_files_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(X12Error, match=re.escape(message)):
        checked(text)


WRONG = [
    (POS.replace("SE*38", "SE*37"), "segment 40 (SE, 38 of set 0001): SE01 counts 37 segments, but the set has 38"),
    (POS.replace("SE*38", "SE*x"), "segment 40 (SE, 38 of set 0001): SE01 counts x segments, but the set has 38"),
    (POS.replace("SE*38*0001", "SE*38*1"), "segment 40 (SE, 38 of set 0001): SE02 is 1, but ST02 is 0001"),
    (POS.replace("SE*38*0001~\n", ""), "segment 40 (GE, 38 of set 0001): expected SE before it"),
    (POS.replace("CTT*4*14", "CTT*5*14"), "CTT01 counts 5, but the set has 3 PTD, 4 QTY, 4 LIN"),
    (POS.replace("CTT*4*14", "CTT*4*15"), "segment 39 (CTT, 37 of set 0001): CTT02 is 15, but the sum of QTY02 is 14"),
    (counted(POS.replace("BPT*00*POS-2017-03*20170403*DR~\n", "")), "segment 4 (CUR, 2 of set 0001): expected BPT"),
    (counted(POS.replace("PTD*SS~\n", "PTX*SS~\n")), "segment 9 (PTX, 7 of set 0001): set 867 has no such segment"),
    (counted(POS.replace("PTD*SS~\n", "ptd*SS~\n")), "segment 9 (ptd, 7 of set 0001): set 867 has no such segment"),
    (counted(POS.replace("PTD*SS~\n", "PTD*SS~\n~")), "segment 10 (nothing, 8 of set 0001): the segment is empty"),
    (counted(POS.replace("CUR*DS*USD~", "CUR*DS*USD~\nCUR*DS*USD~")), "segment 6 (CUR, 4 of set 0001): not expected"),
    (
        counted(POS.replace("DTM*090*20170301~", "DTM*090*20170301~\n" * 11)),
        "segment 16 (DTM, 14 of set 0001): used more than 10 times",
    ),
    (counted(re.sub(r"PTD(.|\n)*(?=CTT)", "", POS)), "segment 9 (CTT, 7 of set 0001): expected PTD before it"),
    (POS.replace("ST*867", "ST*852"), "segment 3 (ST, 1 of set 0001): set 852 in ST01, expected 867"),
    (POS.replace("ST*867*0001", "ST"), "segment 3 (ST, 1 of set nothing): set nothing in ST01, expected 867"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[message[:60] for _, message in WRONG])
def test_sets_that_are_wrong(text: str, message: str) -> None:
    assert message in wrong(text)


def test_a_wrong_set_leaves_the_others() -> None:
    part = POS[POS.index("ST*867") : POS.index("GE*1")]
    broken = part.replace("QTY*32*2*EA~\n", "QTY*32*2*EA~\nXXX*1~\n")
    verdict = checked(POS.replace(part, part + broken + part).replace("GE*1", "GE*3"))
    assert list(verdict.wrong) == [3 + 38]
    assert verdict.wrong[41] == (
        "segment 55 (XXX, 15 of set 0001): set 867 has no such segment; expected LIN, PO3, PO4, UIT, AMT, ITA, PID, "
        "MEA, PWK, PKG, REF, PER, DTM, CUR, DD, LDT, LM, LX, FA1, QTY, PTD, CTT, SE"
    )


def test_acknowledgements_among_the_reports() -> None:
    receipt = "ST*997*0002~\nAK1*PO*1~\nAK9*A*1*1*1~\nSE*4*0002~\n"
    mixed = POS.replace("GE*1", f"{receipt}GE*2")
    assert list(checked(mixed).wrong.values()) == ["segment 41 (ST, 1 of set 0002): set 997 in ST01, expected 867"]
    assert checked(mixed, ignored=("997",)).wrong == {}
    miscounted = mixed.replace("SE*4*0002", "SE*5*0002")
    assert "SE01 counts 5 segments, but the set has 4" in wrong(miscounted, ignored=("997",))


def test_the_hash_total_of_the_standard_is_one_too() -> None:
    """The standard sums digits without decimal points and signs; most senders simply add."""
    for total, right in (("12.35", True), ("12.350", True), ("47", True), ("12.34", False), ("x", False)):
        text = POS.replace("QTY*32*2*EA", "QTY*32*.35*EA").replace("CTT*4*14", f"CTT*4*{total}")
        assert (checked(text).wrong == {}) is right, total


@pytest.mark.parametrize("text", ["9" * 5000, "9" * 41, "٣", "1_0", "1e3", "+", "-", "."])
def test_numbers_that_are_none_are_left_to_the_rows(text: str) -> None:
    changed = POS.replace("QTY*32*2*EA", f"QTY*32*{text}*EA")
    assert "CTT02 is 14, but the sum of QTY02 is 12" in wrong(changed)
    for field in ("CTT*4", "SE*38"):
        assert wrong(POS.replace(field, f"{field[:-1]}{text}")).startswith("segment")


def test_text_that_cannot_be_decoded() -> None:
    latin = POS.replace("HOUSEHOLD", "HÄUSER").encode("latin-1")
    with pytest.raises(X12Error, match="byte 412: not readable as utf-8 text: invalid continuation byte"):
        checked(latin)
    assert checked(latin, encoding="latin-1").segments == 42
    with pytest.raises(X12Error, match="not readable as ascii text"):
        checked(latin, encoding="ascii")


def test_a_file_without_terminators_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "MAX_SEGMENT", 1000)
    monkeypatch.setattr(syntax, "BLOCK_BYTES", 500)
    with pytest.raises(X12Error, match=r"segment 16: no terminator '~' in 1000 characters"):
        checked(POS[: POS.index("QTY*")] + "N" * 5000)


def test_separators_must_differ_and_be_no_data() -> None:
    assert Separators("*", ">", "~").problem() == ""
    assert Separators("*", ">", "~", "*").problem().startswith("two separators are the same")
    assert Separators("*", " ", "~").problem() == "' ' cannot be the component separator"


def mutations(text: str, count: int, seed: int) -> list[str]:
    """The text with bytes changed, removed, repeated or moved, a few at a time."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        characters = list(text)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(characters))
            kind = chance.randrange(5)
            if kind == 0:
                characters[at] = chance.choice("*~>\n0A9 é\x00^:.-N")
            elif kind == 1:
                del characters[at : at + chance.randint(1, 30)]
            elif kind == 2:
                characters[at:at] = characters[at : at + chance.randint(1, 60)]
            elif kind == 3:
                characters = characters[: max(at, 1)]
            else:
                other = chance.randrange(len(characters))
                characters[at], characters[other] = characters[other], characters[at]
        made.append("".join(characters))
    return made


@pytest.mark.parametrize(("text", "code"), [(POS, "867"), (CLAIMS, "844")])
def test_mutated_files_are_refused_in_words_or_read(text: str, code: str) -> None:
    outcomes = set()
    for mutated in mutations(text, 400, seed=20170401):
        try:
            outcomes.add(bool(checked(mutated, code).wrong))
        except X12Error:
            outcomes.add(None)
    assert outcomes == {True, False, None}
