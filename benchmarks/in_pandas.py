"""The hand-written script's question answered in pandas: ``payouts(data) -> pandas.DataFrame``.

What belongs here: what an analyst would write in pandas, reading the lines month by month so that memory stays bounded.
Whole numbers as in handwritten/3_tiers.sql. A correction is looked for among the lines of its month, which is
where this company's corrections are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.company import YEAR

if TYPE_CHECKING:
    import pandas as pd

KEY = ["source", "document_number", "line_number"]
COLUMNS = [
    *KEY,
    *("stream", "record_intent", "sold_to_id", "distributor_id", "reseller_id", "product_id", "document_date"),
    *("document_type", "region", "currency", "net_amount", "quantity", "unit", "file_sequence", "row_number"),
]
PROGRAM_COLUMNS = [
    *("program_key", "currency", "participant_role", "aggregate", "earning_scope", "target_scope", "basis_measure"),
    *("basis", "growth_payout", "boundary", "method", "rate_kind", "lump_sum", "increment", "participant_cap"),
]
FOREVER = "2100-01-01"
PRODUCT_RULES = ("category", "family", "brand")


def payouts(data: Path) -> pd.DataFrame:
    """Payout (cents) per program_key, participant_id and period_id."""
    import pandas as pd

    program = _read(data / "programs" / "program.parquet").query("calculated")[PROGRAM_COLUMNS]
    lines = _Lines(data)
    scopes = _scopes(data, program, lines)
    sums = [part for month in range(1, 13) for part in _summed(lines.month(month), scopes)]
    summed = pd.concat(sums).groupby(["scope_key", "participant_id", "quarter"], as_index=False).sum()
    return _paid(_measured(data, program, summed), _read(data / "programs" / "program_tier.parquet"))


def _read(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    import pyarrow.dataset as ds

    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    frame: pd.DataFrame = ds.dataset(files).to_table(columns=columns).to_pandas()
    return frame


class _Lines:
    """Lines by month, with the small tables that they need."""

    def __init__(self, data: Path) -> None:
        import pandas as pd
        import pyarrow.dataset as ds

        self.dataset = ds.dataset(sorted((data / "accepted" / "line").glob("*.parquet")))
        self.partner = _read(data / "accepted" / "partner")
        self.product = _read(data / "accepted" / "product")
        self.product_code = pd.Index(self.product["product_id"])
        units = _read(data / "accepted" / "product_unit", ["product_id", "unit", "factor"])
        self.factor = {
            unit: units[units["unit"] == unit]
            .set_index("product_id")["factor"]
            .reindex(self.product_code)
            .astype("int64")
            for unit in units["unit"].unique()
        }
        rates = _read(data / "accepted" / "fx_rate").sort_values("rate_date")
        days = pd.DataFrame({"day": _days(pd.date_range(f"{YEAR}-01-01", f"{YEAR}-12-31"))})
        self.rate: dict[tuple[str, str], Any] = {}
        for (origin, target), rows in rates.groupby(["from_currency", "to_currency"]):
            rows = rows.assign(day=_days(rows["rate_date"]))
            matched = pd.merge_asof(days, rows, on="day", tolerance=pd.Timedelta(days=10))
            self.rate[str(origin), str(target)] = (matched["rate"] * 10000).astype("int64").to_numpy()
        self.stretch = self._stretches(data)

    def _stretches(self, data: Path) -> pd.DataFrame:
        """Stretches of days in which a partner's tier and group stand still, with both."""
        import pandas as pd

        tier = _dated(_read(data / "accepted" / "partner_tier"))
        group = _dated(_read(data / "accepted" / "partner_group"))
        starts = pd.concat(
            [
                self.partner[["partner_id"]].assign(first=pd.Timestamp("1900-01-01")),
                tier.rename(columns={"valid_from": "first"})[["partner_id", "first"]],
                group.rename(columns={"valid_from": "first"})[["partner_id", "first"]],
            ]
        ).drop_duplicates()
        starts = starts.assign(first=_days(starts["first"])).sort_values(["first", "partner_id"], ignore_index=True)
        for name, rows in (("tier", tier), ("group_id", group)):
            rows = rows.sort_values("valid_from").rename(columns={"valid_from": "first", "valid_to": f"{name}_to"})
            starts = pd.merge_asof(
                starts, rows[["partner_id", "first", f"{name}_to", name]], on="first", by="partner_id"
            )
            starts.loc[starts[f"{name}_to"] < starts["first"], name] = None
        return starts.merge(self.partner[["partner_id", "partner_type", "channel"]], on="partner_id").sort_values(
            "first", ignore_index=True
        )

    def month(self, month: int) -> pd.DataFrame:
        """The lines of a month that count; money in cents, quantity in base units, day of the year from 0."""
        import numpy as np
        import pandas as pd
        import pyarrow as pa
        import pyarrow.compute as pc

        first = pd.Timestamp(year=YEAR, month=month, day=1)
        last = first + pd.offsets.MonthEnd()
        table = self.dataset.to_table(
            columns=COLUMNS,
            filter=(pc.field("document_date") >= first.date()) & (pc.field("document_date") <= last.date()),
        )
        for name, scale in (("net_amount", 100), ("quantity", 1)):
            scaled = pc.multiply(table[name], pa.scalar(scale, pa.decimal128(3, 0)))
            table = table.set_column(table.schema.get_field_index(name), name, scaled.cast(pa.int64()))
        texts = [name for name in COLUMNS if pa.types.is_string(table.schema.field(name).type) and name not in KEY[1:]]
        for name in texts:
            table = table.set_column(table.schema.get_field_index(name), name, table[name].dictionary_encode())
        frame: pd.DataFrame = table.to_pandas(self_destruct=True)
        frame = frame.sort_values(["file_sequence", "row_number"]).drop_duplicates(KEY, keep="last")
        frame = frame[frame["record_intent"] != "cancellation"].drop(columns=[*KEY, "record_intent"])
        frame["product"] = self.product_code.get_indexer(frame["product_id"].astype(str))
        factor = np.ones(len(frame), dtype="int64")
        for unit, factors in self.factor.items():
            inside = (frame["unit"] == unit).to_numpy()
            factor[inside] = factors.to_numpy()[frame["product"].to_numpy()[inside]]
        frame["quantity"] = frame["quantity"] * factor
        date = _days(frame["document_date"])
        frame["day"] = date.dt.day_of_year - 1
        frame["date"] = date
        frame["quarter"] = (month + 2) // 3
        for target in ("USD", "CAD"):
            amount = frame["net_amount"].to_numpy() * 10000
            for (origin, to), rates in self.rate.items():
                if to == target:
                    inside = (frame["currency"] == origin).to_numpy()
                    amount[inside] = frame["net_amount"].to_numpy()[inside] * rates[frame["day"].to_numpy()[inside]]
            frame[target] = amount
        for role in ("sold_to", "distributor", "reseller"):
            frame[role] = self._stretch_of(frame, f"{role}_id")
        return frame.drop(columns=["product_id", "unit", "document_date", "date", "day", "currency", "net_amount"])

    def _stretch_of(self, frame: pd.DataFrame, column: str) -> Any:
        """Number of the stretch that each line's partner is in on its date; -1 without a partner."""
        import pandas as pd

        known = pd.DataFrame(
            {"partner_id": frame[column].astype("str"), "first": frame["date"], "line": range(len(frame))}
        ).dropna()
        known = pd.merge_asof(
            known.sort_values("first"),
            self.stretch[["partner_id", "first"]].assign(at=self.stretch.index),
            on="first",
            by="partner_id",
        )
        found = pd.Series(-1, index=range(len(frame)))
        found[known["line"]] = known["at"].to_numpy()
        return found.to_numpy()


def _days(values: Any) -> pd.Series:
    """Dates as pandas compares them: all in one unit."""
    import pandas as pd

    return pd.Series(pd.to_datetime(values)).astype("datetime64[us]")


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return rows.assign(
        valid_from=_days(rows["valid_from"]), valid_to=_days(rows["valid_to"]).fillna(pd.Timestamp(FOREVER))
    )


def _scopes(data: Path, program: pd.DataFrame, lines: _Lines) -> list[dict[str, Any]]:
    """Each scope: which products and which stretches of partners it takes, and its other conditions."""
    import pandas as pd

    stretch, product = lines.stretch, lines.product
    rules = _read(data / "programs" / "program_scope_rule.parquet")
    who = _read(data / "programs" / "program_participant_rule.parquet")
    found = []
    scopes = _read(data / "programs" / "program_scope.parquet")
    for scope in scopes.itertuples():
        own = program[program["program_key"] == scope.program_key].iloc[0]
        mine = rules[rules["scope_key"] == scope.scope_key]
        values = {name: set(rows["value"]) for name, rows in mine.groupby("dimension")}
        products = pd.concat([product[name].isin(values.get(name, ())) for name in PRODUCT_RULES], axis=1).any(axis=1)
        admitted = stretch["partner_id"] == ""
        for rule in who[who["program_key"] == scope.program_key].itertuples():
            reseller = stretch["partner_type"] == "reseller"
            if rule.kind == "all":
                admitted |= True
            elif rule.kind == "partner":
                admitted |= stretch["partner_id"] == rule.value
            elif rule.kind == "group":
                admitted |= stretch["group_id"] == rule.value
            elif rule.value == "distributors":
                admitted |= stretch["partner_type"] == "distributor"
            elif rule.value == "resellers":
                admitted |= reseller
            elif rule.value == "grocery_resellers":
                admitted |= reseller & (stretch["channel"] == "grocery")
            else:
                admitted |= reseller & (stretch["tier"] + "_resellers" == rule.value)
        found.append(
            {
                "scope_key": scope.scope_key,
                "stream": scope.stream,
                "role": own["participant_role"],
                "currency": own["currency"],
                "products": products.to_numpy(),
                "admitted": admitted.fillna(False).to_numpy(dtype=bool),
                "participant": stretch["group_id" if own["aggregate"] == "group" else "partner_id"],
                "min_amount": _whole(scopes.loc[[scope.Index], "min_amount"], 1000000).iloc[0],
                "regions": values.get("region"),
                "document_types": values.get("document_type"),
            }
        )
    return found


def _summed(frame: pd.DataFrame, scopes: list[dict[str, Any]]) -> list[pd.DataFrame]:
    """Sums of each scope by participant over one month's lines; amounts in millionths."""
    found = []
    product, streams = frame["product"].to_numpy(), {}
    for stream in ("sell_in", "sell_through"):
        streams[stream] = (frame["stream"] == stream).to_numpy()
    for scope in scopes:
        stretch = frame[scope["role"]].to_numpy()
        inside = streams[scope["stream"]] & scope["products"][product] & (stretch >= 0) & scope["admitted"][stretch]
        rows = frame[inside]
        for column, key in (("region", "regions"), ("document_type", "document_types")):
            if scope[key]:
                rows = rows[rows[column].isin(scope[key])]
        if scope["min_amount"] is not None:
            rows = rows[rows[scope["currency"]].abs() >= scope["min_amount"]]
        sums = (
            rows[["quarter", scope["role"], scope["currency"], "quantity"]]
            .set_axis(["quarter", "at", "amount", "quantity"], axis=1)
            .groupby(["quarter", "at"], as_index=False)
            .sum()
        )
        participants = scope["participant"].to_numpy()[sums.pop("at").to_numpy()]
        found.append(sums.assign(participant_id=participants, scope_key=scope["scope_key"]))
    return found


def _measured(data: Path, program: pd.DataFrame, summed: pd.DataFrame) -> pd.DataFrame:
    """Basis, payout base and figure of each payout, in millionths as whole numbers of any size."""
    import numpy as np

    keys = ["program_key", "participant_id", "quarter"]
    target, earning = (
        program[["program_key", f"{kind}_scope"]]
        .merge(summed, left_on=f"{kind}_scope", right_on="scope_key")
        .drop(columns=["scope_key", f"{kind}_scope"])
        for kind in ("target", "earning")
    )
    both = target.merge(earning, on=keys, how="outer", suffixes=("_target", "_earning")).fillna(0)
    both["period_id"] = f"{YEAR}-Q" + both["quarter"].astype(int).astype(str)
    both = both.merge(program, on="program_key")
    figures = _read(data / "programs" / "program_figure.parquet")
    both = both.merge(
        figures,
        how="left",
        left_on=["basis_measure", "participant_id", "period_id"],
        right_on=["measure_key", "participant_id", "period_id"],
    )
    scale = {"amount": 1, "quantity": 1000000}
    whole = {
        (of, kind): (both[f"{of}_{kind}"].astype("int64") * scale[of]).astype(object)
        for of in scale
        for kind in ("target", "earning")
    }
    both["figure_whole"] = _whole(both["figure"], 1000000).fillna(0)
    both["basis_whole"] = np.where(both["basis"] == "quantity", whole["quantity", "target"], whole["amount", "target"])
    base = np.where(both["rate_kind"] == "per_unit", whole["quantity", "earning"], whole["amount", "earning"])
    growth = (both["basis"] == "growth") & (both["growth_payout"] == "on_growth")
    both["base_whole"] = np.maximum(np.where(growth, both["basis_whole"] - both["figure_whole"], base), 0)
    return both


def _whole(values: Any, scale: int) -> pd.Series:
    """A column of decimals as whole numbers of any size; None where there is none (never through floats)."""
    import pandas as pd

    found = [None if value is None or value != value else int(value * scale) for value in values]
    return pd.Series(found, index=values.index, dtype=object)


def _paid(measured: pd.DataFrame, tiers: pd.DataFrame) -> pd.DataFrame:
    """The payout in cents, rounded once half away from zero."""
    import numpy as np
    import pandas as pd

    tiers = tiers.sort_values(["program_key", "tier_number"])
    for name, scale in (("threshold", 1000000), ("next_threshold", 1000000), ("rate", 10000), ("flat_amount", 10000)):
        tiers[name] = _whole(tiers[name], scale)
    tiers["next_rate"] = tiers.groupby("program_key")["rate"].shift(-1)
    scopes = ["earning_scope", "target_scope", "basis_measure", "currency", "participant_role", "aggregate"]
    measured = measured.drop(columns=[*scopes, "measure_key", "scope_key"], errors="ignore")
    rows = measured.merge(tiers, on="program_key")
    ratio = rows["basis"].isin(["growth", "attainment"]).to_numpy()
    b, p, figure = (rows[f"{name}_whole"].to_numpy(dtype=object) for name in ("basis", "base", "figure"))
    has_next = rows["next_threshold"].notna().to_numpy()
    f, n, rate, next_rate, flat = (
        rows[name].where(rows[name].notna(), 0).to_numpy(dtype=object)
        for name in ("threshold", "next_threshold", "rate", "next_rate", "flat_amount")
    )
    f, n = np.where(ratio, f * figure // 100000000, f), np.where(ratio, n * figure // 100000000, n)
    inclusive = (rows["boundary"] == "inclusive").to_numpy()
    reached = ((b > 0) & np.where(inclusive, b >= f, b > f)).astype(bool)
    rows = rows.assign(reached=reached).reset_index(drop=True)
    keys = ["program_key", "participant_id", "period_id"]
    top = rows[reached].groupby(keys)["tier_number"].transform("max")
    highest = (rows["tier_number"] == top.reindex(rows.index)).to_numpy()
    method = rows["method"].to_numpy()
    upto = np.where(has_next, np.minimum(b, n), b)
    step = _whole(rows["increment"], 1000000).fillna(1).to_numpy(dtype=object)
    straight = (method == "linear") & highest & has_next
    weighted = np.select(
        [
            (method == "retrospective") & highest,
            method == "total",
            method == "incremental",
            method == "rolling",
            (method == "whole_increment") & highest,
            straight,
            (method == "linear") & highest,
        ],
        [
            rate * p,
            rate * p,
            rate * (upto - f),
            rate * upto,
            rate * ((b - f) // step * step),
            rate * f * (n - f) + (b - f) * (next_rate * n - rate * f),
            rate * b,
        ],
        default=0,
    )
    flats = (
        ((method == "retrospective") & highest)
        | np.isin(method, ["incremental", "total"])
        | ((method == "lump_sum") & (highest | (rows["lump_sum"] == "each").to_numpy()))
    )
    parts = pd.DataFrame({"weighted": weighted, "flat": np.where(flats, flat * 1000000, 0)}).astype(object)
    parts["stretch"] = np.where(straight, n - f, 1)
    parts[keys] = rows[keys]
    grouped = parts[reached].groupby(keys)
    total = grouped[["weighted", "flat"]].sum().join(grouped["stretch"].max()).reset_index()
    total = measured.merge(total, on=keys, how="left")
    for name in ("weighted", "flat", "stretch"):
        total[name] = total[name].where(total[name].notna(), int(name == "stretch")).astype(object)
    marginal = (total["basis"] == "growth") & (total["growth_payout"] == "marginal_growth")
    shared = (total["method"].isin(["incremental", "rolling", "whole_increment", "linear"]) & ~marginal).to_numpy()
    shared = shared & (total["stretch"] == 1).to_numpy() & (total["basis_whole"] > 0).to_numpy(dtype=bool)
    b, p = total["basis_whole"].to_numpy(dtype=object), total["base_whole"].to_numpy(dtype=object)
    w, a, s = (total[name].to_numpy(dtype=object) for name in ("weighted", "flat", "stretch"))
    numerator = np.where(shared, w * p + a * b, w + a * s)
    denominator = np.where(shared, b, s) * 100000000
    cents = np.where(numerator < 0, -1, 1) * ((2 * abs(numerator) + denominator) // (2 * denominator))
    cap = _whole(total["participant_cap"], 100)
    total["cents"] = [paid if most is None else min(paid, most) for paid, most in zip(cents, cap, strict=True)]
    return total[[*keys, "cents"]].sort_values(keys, ignore_index=True)
