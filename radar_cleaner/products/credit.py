"""Attributes of products that name the services whose pictures they are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from radar_cleaner.config.services import Credit

# `references` is of CF, `license` of ACDD; for the words that a service wants neither has a name.
CREDIT_ATTRS = ("attribution", "license", "references")
PACKING = "reflectivity is packed as in EUMETNET OPERA's ODIM_H5: gain 0.5, offset -32"
BETWEEN = "; "


def credit_attrs(credit: Credit) -> dict[str, object]:
    """Return the attributes of a product; empty without a service."""
    texts = {
        "attribution": credit.attribution,
        "license": credit.licence,
        "references": (*credit.page, PACKING) if credit.page else (),
    }
    return {name: BETWEEN.join(parts) for name, parts in texts.items() if parts}


def merge_credits(products: Iterable[Mapping[str, Any]]) -> dict[str, object]:
    """Return the credits in the attributes of several products, each once."""
    products = list(products)
    texts = {name: [product[name] for product in products if name in product] for name in CREDIT_ATTRS}
    return {name: _join(several) for name, several in texts.items() if several}


def _join(several: Iterable[str]) -> str:
    parts = dict.fromkeys(part for text in several for part in text.split(BETWEEN) if part != PACKING)
    has_packing = any(PACKING in text for text in several)
    return BETWEEN.join([*parts, *[PACKING] * has_packing])
