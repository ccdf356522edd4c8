"""Values set at field paths of a document, and every combination of them."""

from __future__ import annotations

import pytest

from orchestration.simulation import variants
from orchestration.simulation.published import SimulationError

TREE: variants.Tree = {
    "id": "LADDER",
    "tiers": {"method": "retrospective", "levels": [{"from": "0", "rate": "1"}, {"from": "100", "rate": "2"}]},
    "cap": {"participant": "10"},
}


def changed(*texts: str, number: int = 1) -> variants.Tree:
    settings = [variants.setting(text) for text in texts]
    return variants.changed(TREE, settings, variants.combinations(settings)[number - 1])


def test_a_value_goes_where_the_path_leads_and_nowhere_else() -> None:
    made = changed("tiers.levels[1].rate=2.5")
    assert made["tiers"]["levels"] == [{"from": "0", "rate": "1"}, {"from": "100", "rate": "2.5"}]
    assert TREE["tiers"]["levels"][1]["rate"] == "2"
    assert {name: value for name, value in made.items() if name != "tiers"} == {
        name: value for name, value in TREE.items() if name != "tiers"
    }


def test_every_combination_is_a_variant_the_last_field_changing_fastest() -> None:
    settings = [variants.setting("tiers.levels[0].rate=1,1.5"), variants.setting("tiers.method=total,rolling")]
    found = variants.combinations(settings)
    assert [(each.number, tuple(each.values.values())) for each in found] == [
        (1, ("1", "total")),
        (2, ("1", "rolling")),
        (3, ("1.5", "total")),
        (4, ("1.5", "rolling")),
    ]
    assert found[3].label == "tiers.levels[0].rate=1.5, tiers.method=rolling"
    made = variants.changed(TREE, settings, found[3])
    assert (made["tiers"]["levels"][0]["rate"], made["tiers"]["method"]) == ("1.5", "rolling")


def test_without_settings_there_is_one_variant_as_written() -> None:
    [only] = variants.combinations([])
    assert (only.number, only.label) == (1, "as written")
    assert variants.changed(TREE, [], only) == TREE


def test_fields_that_are_not_there_are_made_and_an_empty_value_leaves_them_out() -> None:
    assert changed("floor.participant=5")["floor"] == {"participant": "5"}
    assert "cap" not in changed("cap.participant=10,", number=2)
    assert changed("tiers.levels[0].rate=")["tiers"]["levels"][0] == {"from": "0"}
    assert changed("tiers.levels[0]=")["tiers"]["levels"] == [{"from": "100", "rate": "2"}]


def test_a_value_in_brackets_is_a_list() -> None:
    setting = variants.setting("participants.segments=[gold, silver],[bronze]")
    assert setting.values == ("[gold, silver]", "[bronze]")
    assert changed("participants.segments=[gold, silver]")["participants"] == {"segments": ["gold", "silver"]}


def test_a_setting_may_name_its_program() -> None:
    assert changed("OTHER:tiers.method=total") == TREE
    assert changed("LADDER:tiers.method=total")["tiers"]["method"] == "total"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tiers.method", "expected PATH=VALUE"),
        ("Tiers.method=total", "expected PATH=VALUE"),
        ("tiers.levels[x].rate=1", "expected PATH=VALUE"),
        ("tiers.method=total,total", "a value is given more than once"),
        ("tiers.levels[2].rate=1", "tiers.levels has 2 elements, from [0]"),
        ("cap[0]=1", "cap is not a list"),
        ("tiers.method.name=1", "tiers.method has no fields"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(text: str, said: str) -> None:
    with pytest.raises(SimulationError) as error:
        changed(text)
    assert said in str(error.value)


def test_two_hundred_variants_are_the_most_and_a_field_is_set_once() -> None:
    values = ",".join(map(str, range(100)))
    both = [variants.setting(f"budget={values}"), variants.setting("cap.program=1,2")]
    assert len(variants.combinations(both)) == variants.MOST_VARIANTS
    with pytest.raises(SimulationError, match="300 variants; at most 200"):
        variants.combinations([both[0], variants.setting("cap.program=1,2,3")])
    with pytest.raises(SimulationError, match="names budget more than once"):
        variants.combinations([variants.setting("budget=1"), variants.setting("budget=2")])
