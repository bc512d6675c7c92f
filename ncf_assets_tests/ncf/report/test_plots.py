"""The training curves: what is drawn, and how large and how coloured it is."""

import struct

from ncf_assets.ncf.report import HistoryRow, training_curve_png
from ncf_assets.ncf.report.plots import training_curve_svg
from ncf_assets.ncf.report.record import MISSING, epoch_table
from ncf_assets_tests.ncf.report.drawn import HISTORY


def test_without_validation_no_epoch_is_chosen() -> None:
    """The last epoch is shown, with dashes for what nobody measured, and the loss is drawn."""
    rows = [HistoryRow("mlp", e, 0.5, None, None, 1.0, 10.0) for e in (1, 2)]
    (row,) = epoch_table(rows)
    assert (row.epoch, row.hr, row.ndcg) == ("2 (last)", MISSING, MISSING)
    svg = training_curve_svg(rows)
    assert "Training loss" in svg
    assert "Validation" not in svg


def test_the_png_is_under_100_kilobytes() -> None:
    """Three networks of 100 epochs fit in Dagster's metadata, at a readable width."""
    rows = [
        HistoryRow(name, e, 1 / (e + 1), 0.5 - 0.3 / (e + 1), 0.3 - 0.2 / (e + 1), 1.0, 1.0)
        for name in ("gmf", "mlp", "neumf")
        for e in range(100)
    ]
    png = training_curve_png(rows)
    (width,) = struct.unpack(">I", png[16:20])  # IHDR follows 8 bytes signature, 8 of its head
    assert len(png) < 100_000
    assert width >= 800


def test_the_curves_take_the_colour_of_the_page() -> None:
    """Axes and text are `currentColor`, the ground is transparent, each network is named."""
    svg = training_curve_svg(HISTORY)
    assert "currentColor" in svg
    assert "#010203" not in svg
    assert "#ffffff" not in svg
    assert all(name in svg for name in ("GMF", "NeuMF", "chosen epoch", "share of users"))
