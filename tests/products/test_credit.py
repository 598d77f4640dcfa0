"""Products name the services whose pictures they are made from."""

from __future__ import annotations

from pathlib import Path

import rasterio
from store_cases import make_product

from radar_cleaner.config.services import Credit, credit_of, find_service
from radar_cleaner.products.cf import PRODUCT_ATTRS
from radar_cleaner.products.composite import composite_attrs
from radar_cleaner.products.credit import credit_attrs
from radar_cleaner.products.geotiff import write_geotiff
from radar_cleaner.storage.reader import open_store

BOM, CHMI = find_service("bom_128km"), find_service("chmi_maxz")
PACKING = PRODUCT_ATTRS["references"]


def test_a_product_names_attribution_licence_and_page_of_its_service() -> None:
    attrs = credit_attrs(credit_of(["bom_128km"]))
    assert attrs["attribution"] == BOM.attribution and attrs["license"] == BOM.licence
    assert attrs["references"] == f"{BOM.page}; {PACKING}"


def test_a_product_without_a_service_has_the_attributes_of_all_products() -> None:
    assert credit_attrs(Credit()) == credit_attrs(credit_of([None])) == {}


def test_several_ranges_of_a_service_are_named_once() -> None:
    assert credit_of(["bom_128km", "bom_256km", None, "bom_128km"]) == credit_of(["bom_64km"])


def test_a_composite_names_each_service_once_and_the_packing_at_the_end() -> None:
    both = credit_attrs(credit_of(["bom_128km", "chmi_maxz"]))
    bom, chmi = (credit_attrs(credit_of([name])) for name in ("bom_128km", "chmi_maxz"))
    without = {"references": PACKING}
    assert composite_attrs({"A": bom, "B": chmi}) == both == composite_attrs({"A": bom, "B": without, "C": both})
    assert both["attribution"] == f"{BOM.attribution}; {CHMI.attribution}"
    assert str(both["references"]).split("; ") == [BOM.page, CHMI.page, PACKING]
    assert composite_attrs({"A": without, "B": without}) == without


def test_a_geotiff_has_the_credit_as_tags(tmp_path: Path) -> None:
    attrs = credit_attrs(credit_of(["bom_128km"]))
    product = make_product(tmp_path / "20240711.zarr", attrs=attrs)
    write_geotiff(tmp_path / "a.tif", open_store(product, "product"), 0, 1720656000)
    with rasterio.open(tmp_path / "a.tif") as picture:
        assert {name: picture.tags()[name] for name in attrs} == attrs
