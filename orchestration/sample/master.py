"""Master data and claims of the sample company: one query per entity and delivery, columns of the contract.

What belongs here: SQL over the tables of ``lines``. Part: the date from which the rows hold, or the
month of the rates or claims. Every query is ordered by the entity's key.
"""

from __future__ import annotations

from orchestration.sample.company import LAKESIDE, Company
from orchestration.sample.lines import listed, quoted


def query(entity: str, part: str, company: Company) -> str:
    """The rows of one delivery. Raises KeyError for an entity that is no master data."""
    if entity == "fx_rate":
        return _fx_rate(part)
    if entity == "fund_claim":
        return _fund_claim(company, part)
    if entity == "partner_tier":
        return _tier_change(company) if part == str(company.tier_change) else _tier(company)
    if entity == "partner_group":
        return _group_change(company) if part == str(company.group_change) else _group(company)
    return {
        "partner": _partner,
        "end_customer": _end_customer,
        "product": _product,
        "product_unit": _product_unit,
        "product_cross_reference": _cross_reference,
    }[entity](company)


def _partner(company: Company) -> str:
    distributors = ", ".join(
        f"({quoted(d.source)}, {quoted(d.partner_id)}, {quoted(d.name)}, {quoted(d.region)}, {quoted(d.country)})"
        for d in company.distributors
    )
    return f"""
        with distributor (source, partner_id, partner_name, region, country) as (values {distributors}),
        buying_group as (select unnest([{listed(company.regions)}]) as region)
        select partner_id, partner_name, 'distributor' as partner_type, cast(null as varchar) as parent_partner_id,
            'distribution' as channel, region, country
        from distributor
        union all
        select 'G-' || region, 'Buying Group ' || region[1] || lower(region[2:]), 'buying_group', null,
            'buying_group', region, 'US'
        from buying_group
        union all
        select store.reseller_id, 'Store ' || store.store_id, 'reseller', distributor.partner_id,
            store.channel, store.region, coalesce(distributor.country, 'US')
        from store left join distributor using (source)
        order by partner_id
    """


def _tier(company: Company) -> str:
    start = f"date '{company.start}'"
    distributors = listed(tuple(distributor.partner_id for distributor in company.distributors))
    return f"""
        select reseller_id as partner_id, tier, {start} as valid_from, cast(null as date) as valid_to from store
        union all
        select unnest([{distributors}]), 'gold', {start}, null
        order by partner_id, valid_from
    """


def _tier_change(company: Company) -> str:
    """For each store that moves: its first tier, now ended, and its new one."""
    moves = ", ".join(f"({quoted(old)}, {quoted(new)}, {count})" for old, new, count in company.tier_moves)
    change = f"date '{company.tier_change}'"
    return f"""
        with move (tier, new_tier, stores) as (values {moves}),
        moved as (
            select reseller_id, tier, new_tier
            from store join move using (tier)
            qualify row_number() over (partition by tier order by draw('tier_move', store_id), store_id) <= stores
        )
        select reseller_id as partner_id, tier, date '{company.start}' as valid_from, {change} - 1 as valid_to
        from moved
        union all
        select reseller_id, new_tier, {change}, null from moved
        order by partner_id, valid_from
    """


def _group(company: Company) -> str:
    return f"""
        select reseller_id as partner_id, 'G-' || region as group_id, date '{company.start}' as valid_from,
            cast(null as date) as valid_to
        from store where grouped
        order by partner_id, group_id, valid_from
    """


def _group_change(company: Company) -> str:
    """Stores that go to the next group (old membership ended, new one begun), and stores that join."""
    change = f"date '{company.group_change}'"
    regions = listed(company.regions)
    return f"""
        with chosen as (
            select
                *,
                'G-' || region as group_id,
                'G-' || ([{regions}])[1 + list_position([{regions}], region) % {len(company.regions)}] as next_group_id
            from store
            -- of the largest stores, so that the change is felt
            where size_rank <= {company.gold_stores + company.silver_stores}
            qualify row_number() over (partition by grouped order by draw('group_move', store_id), store_id)
                <= case when grouped then {company.group_switches} else {company.group_joins} end
        )
        select reseller_id as partner_id, group_id, date '{company.start}' as valid_from, {change} - 1 as valid_to
        from chosen where grouped
        union all
        select reseller_id, case when grouped then next_group_id else group_id end, {change}, null from chosen
        order by partner_id, group_id, valid_from
    """


def _end_customer(company: Company) -> str:
    return """
        select
            'H-' || household_id as end_customer_id,
            'Household ' || household_id as end_customer_name,
            'household' as end_customer_type,
            cast(null as varchar) as industry,
            household_size as size_band,
            income as income_band,
            age as age_band,
            household_comp as composition,
            region
        from customer
        order by end_customer_id
    """


def _product(company: Company) -> str:
    return """
        select
            cast(product_id as varchar) as product_id,
            concat_ws(' ', product_type, package_size) as product_name,
            product_category as family,
            'B-' || manufacturer_id as brand,
            department as category,
            'EA' as base_unit,
            money(list_cents) as list_price
        from own_product
        order by product_id
    """


def _product_unit(company: Company) -> str:
    return f"""
        select cast(product_id as varchar) as product_id, unit, factor
        from own_product cross join (values ('EA', 1), ('CS', {company.units_per_case})) as units (unit, factor)
        order by product_id, unit
    """


def _cross_reference(company: Company) -> str:
    return f"""
        select {quoted(LAKESIDE)} as line_source, item_code as partner_product_id,
            cast(product_id as varchar) as product_id, date '{company.start}' as valid_from,
            cast(null as date) as valid_to
        from item_code
        order by item_code
    """


def _fx_rate(part: str) -> str:
    """Both directions; the way back is the reciprocal, rounded to 8 decimals."""
    as_rate = "cast({} * cast(0.00000001 as decimal(9, 8)) as decimal(18, 8))"
    there = as_rate.format("cad_in_usd")
    back = as_rate.format("divided(10000000000000000, cad_in_usd)")
    return f"""
        with monthly as (select * from rate where month_name(rate_date) = {quoted(part)})
        select 'CAD' as from_currency, 'USD' as to_currency, rate_date, {there} as rate from monthly
        union all
        select 'USD', 'CAD', rate_date, {back} from monthly
        order by from_currency, to_currency, rate_date
    """


def _fund_claim(company: Company, part: str) -> str:
    """The claims of a month's file, as the company declares them."""
    rows = ", ".join(
        "("
        + ", ".join(
            "null" if value in ("", None) else quoted(str(value))
            for value in (
                claim.claim_id,
                claim.program_id,
                claim.partner_id,
                claim.claim_date,
                claim.amount,
                claim.currency,
                claim.status,
                claim.approved_by,
                claim.approved_on,
            )
        )
        + ")"
        for claim in company.claims
        if f"{company.year}-{claim.month:02}" == part
    )
    return f"""
        select * from (values {rows}) as claim
            (claim_id, program_id, partner_id, claim_date, amount, currency, status, approved_by, approved_on)
        order by claim_id
    """
