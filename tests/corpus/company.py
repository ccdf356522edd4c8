"""The company that the corpus is delivered to: shipped mappings, and master data that know the good line."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import yaml

from orchestration.settings import REPOSITORY, Settings
from tests.corpus.kind import Kind

MASTER = {
    "erp_partners": "partner_id,partner_name,partner_type,parent_partner_id,channel,region,country\n"
    "D-1,One,distributor,,grocery,,US\nR-1,Two,reseller,,grocery,,US\n",
    "erp_products": "product_id,product_name,family,brand,category,base_unit,list_price\n0077,Milk,F,B,C,EA,2.79\n",
    "erp_product_units": "product_id,unit,factor\n0077,EA,1\n",
}


def settings_in(folder: Path) -> Settings:
    """Settings of such a company, with mapping files of its own."""
    return Settings(data=folder / "data", sources=folder / "sources", memory_limit="1GB")


def prepare(settings: Settings, kinds: Iterable[Kind]) -> None:
    """Write the mapping files of kinds beside the shipped ones, and deliver the master data."""
    shutil.copytree(REPOSITORY / "seeds" / "sources", settings.sources)
    for source, content in MASTER.items():
        (settings.landing / source).mkdir(parents=True)
        (settings.landing / source / "master.csv").write_text(content)
    for kind in kinds:
        document = yaml.safe_dump(kind.document, allow_unicode=True, sort_keys=False)
        (settings.sources / f"{kind.name}.yml").write_text(document, encoding="utf-8")
        (settings.landing / kind.name).mkdir()
