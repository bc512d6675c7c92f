"""Where each dataset of the registry stands: whether it has a report that its tables still fit."""

from dataclasses import dataclass

from ncf_assets.datasets import load
from ncf_assets.warehouse import DamagedError, Stamp, Warehouse
from ncf_assets.warehouse.lineage import broken_links

CURRENT, OUT_OF_DATE, MISSING = "current", "out of date", "missing"


@dataclass(frozen=True)
class Standing:
    """One dataset: its report's stamp if it can be read, and why it is not current, if so."""

    dataset: str
    state: str
    report: Stamp | None = None
    reason: str = ""


def standings(warehouse: Warehouse) -> list[Standing]:
    """The standing of each dataset of the registry, in the order of their names.

    One whose metrics have the columns of another version counts as missing.
    """
    return [_standing(warehouse, dataset) for dataset in sorted(load(warehouse.registry))]


def _standing(warehouse: Warehouse, dataset: str) -> Standing:
    try:
        report = warehouse.find_stamp("evaluation_report", dataset)
        metrics = warehouse.find_stamp("metrics", dataset)
        broken = broken_links(warehouse, ["evaluation_report"], dataset)
        if report is None or metrics is None:
            return Standing(dataset, MISSING)
        if not warehouse.has_its_columns("metrics", dataset):
            return Standing(dataset, MISSING, reason="; ".join(broken))
    except DamagedError as error:
        return Standing(dataset, MISSING, reason=str(error))
    return Standing(dataset, OUT_OF_DATE if broken else CURRENT, report, "; ".join(broken))
