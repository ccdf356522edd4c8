"""End customers and how third parties spell them, with the truth beside: for tests and measurements.

What belongs here: made-up names, addresses and the ways in which they go wrong. What does not: identifying anybody.
Everything follows from a seed. A spelling's truth is an end customer's id, or None for one who is not in the master.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace


def _list(text: str, separator: str = ",") -> list[str]:
    return text.split(separator)


SYLLABLES = _list(
    "ba be bel ber bo bran bro cal car cas cor dal dan del den dor el en far fen fer gal gar gor hal har hol hur jan"
    " jor kel ken kir lan lar len lin lor mal mar mel mer mon mor nel nor or pal par pel per quin ral ran rey ros sal"
    " san ser sol stan tal tan ter tor val van vel ver vil wal wen wil yor zan",
    " ",
)
ENDINGS = _list("ton,field,ley,man,son,berg,ford,stein,er,ini,ez,ak,well,wood,ham")
KINDS = _list(
    "Hospital,Medical Center,Dental Clinic,Animal Clinic,Pharmacy,University,School,Manufacturing,Engineering,Electric,"
    "Supply,Equipment,Foods,Bakery,Hotel,Logistics,Construction,Systems,Technology,Services,Group,Associates,Market,"
    "Brewery,Printing,Plastics,Steel,Paper,Chemicals,Farms"
)
LEGAL = _list("Inc,LLC,Ltd,Corp,GmbH,AG,Co,Company,S.A.,Limited,Incorporated,Corporation")
SHORT = {
    "Hospital": "Hosp.", "Medical Center": "Med. Ctr.", "University": "Univ", "Manufacturing": "Mfg.",
    "Equipment": "Equip", "Systems": "System", "Technology": "Tech.", "Services": "Svcs", "Group": "Grp",
    "Associates": "Assoc.", "Electric": "Elec.",
}  # fmt: skip
STREETS = _list("Main,Oak,Park,Mill,Lake,Church,Station,Cedar,Elm,River,Hill,King,Queen,Market,School,Bridge")
KINDS_OF_STREET = (("Street", "St."), ("Avenue", "Ave"), ("Road", "Rd."), ("Boulevard", "Blvd"), ("Lane", "Ln"))


@dataclass(frozen=True)
class Customer:
    """Somebody with a name and an address; the id is '' for one who is not in the master."""

    end_customer_id: str
    name: str
    street: str
    postal_code: str
    city: str
    country: str


@dataclass(frozen=True)
class Spelling:
    """How a third party writes a customer. ``kind``: what was done to the name."""

    kind: str
    customer: Customer
    truth: str | None


def customers(count: int, seed: int = 1) -> list[Customer]:
    """So many different customers; about one in twenty is a site of a chain, with the chain's name."""
    draw = random.Random(seed)
    cities = [(_word(draw), f"{10000 + 37 * n:05d}") for n in range(max(20, min(2000, count // 60)))]
    chains = [f"{_word(draw)} {draw.choice(KINDS)}" for _ in range(max(1, count // 1000))]
    found: dict[tuple[str, str, str], Customer] = {}
    while len(found) < count:
        city, postal_code = draw.choice(cities)
        street = f"{draw.randint(1, 999)} {draw.choice(STREETS)} {draw.choice(KINDS_OF_STREET)[0]}"
        if draw.random() < 0.05:
            name = draw.choice(chains)
        else:
            name = _word(draw)
            if draw.random() < 0.4:
                name += f" {draw.choice(['&', '', ''])} {_word(draw)}".replace("  ", " ")
            name += f" {draw.choice(KINDS)}"
        name += f" {draw.choice(LEGAL)}" if draw.random() < 0.7 else ""
        key = (name, city, street)
        found.setdefault(key, Customer(f"C-{len(found):06d}", name, street, postal_code, city, "US"))
    return list(found.values())


def spellings(known: list[Customer], count: int, seed: int = 2, strangers: float = 0.2) -> list[Spelling]:
    """So many spellings of known customers and ``strangers`` (share), each in one of WAYS, two thirds with address."""
    draw = random.Random(seed)
    others = customers(max(1, int(count * strangers)), seed + 1)
    found = []
    for number in range(count):
        stranger = number < len(others)
        customer = others[number] if stranger else draw.choice(known)
        kind = draw.choice(sorted(WAYS))
        written = replace(customer, name=WAYS[kind](customer.name, draw))
        if draw.random() < 1 / 3:
            written = replace(written, street="", postal_code="", city="")
        elif draw.random() < 0.5:
            written = replace(written, street=_shorter_street(written.street, draw))
        found.append(Spelling(kind, written, None if stranger else customer.end_customer_id))
    return found


# --- ways to write a name -------------------------------------------------------------------


def _word(draw: random.Random) -> str:
    parts = [draw.choice(SYLLABLES) for _ in range(draw.choice((1, 2, 2)))]
    return ("".join(parts) + draw.choice(ENDINGS)).capitalize()


def _legal_form(name: str, draw: random.Random) -> str:
    words = name.split()
    if words[-1] in LEGAL:
        words = words[:-1]
    return " ".join([*words, draw.choice(["", "INC.", "L.L.C.", "Ltd", "gmbh", "Corp."])]).strip()


def _letters(name: str, draw: random.Random) -> str:
    name = draw.choice([name.upper(), name.lower()])
    return name.replace("&", "and").replace(" ", draw.choice([" ", "  ", ". ", " - "]))


def _short(name: str, draw: random.Random) -> str:
    for word, short in SHORT.items():
        name = name.replace(word, short)
    return name


def _typo(name: str, draw: random.Random) -> str:
    place = draw.randrange(1, max(2, len(name) - 4))
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
    change = draw.choice(["drop", "add", "swap", "other"])
    if change == "drop":
        return name[:place] + name[place + 1 :]
    if change == "add":
        return name[:place] + letter + name[place:]
    if change == "swap":
        return name[:place] + name[place + 1 : place + 2] + name[place] + name[place + 2 :]
    return name[:place] + letter + name[place + 1 :]


def _swapped(name: str, draw: random.Random) -> str:
    words = name.split()
    draw.shuffle(words)
    return " ".join(words)


def _branch(name: str, draw: random.Random) -> str:
    return f"{name} {draw.choice(['North', 'Branch', 'Purchasing', 'Warehouse', 'Dept. 4'])}"


def _left_out(name: str, draw: random.Random) -> str:
    words = name.split()
    if len(words) > 2:
        del words[draw.randrange(1, len(words))]
    return " ".join(words)


def _shorter_street(street: str, draw: random.Random) -> str:
    for long, short in KINDS_OF_STREET:
        street = street.replace(long, short)
    return street


WAYS: dict[str, Callable[[str, random.Random], str]] = {
    "as it is": lambda name, draw: name,
    "legal form": _legal_form,
    "letters": _letters,
    "abbreviated": _short,
    "typo": _typo,
    "two typos": lambda name, draw: _typo(_typo(name, draw), draw),
    "words swapped": _swapped,
    "word added": _branch,
    "word left out": _left_out,
}
"""What is done to a name, by kind."""
