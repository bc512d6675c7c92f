"""The plots show the right data, in files small enough and colors distinct enough."""

import struct
from dataclasses import replace

import pytest

from ncf_assets.report import HistoryRow, plots
from ncf_assets.report.cutoff_plot import cutoff_panels
from ncf_assets.report.drawing import STYLES
from ncf_assets.report.plots import Plot
from ncf_assets.report.segment_plot import segment_name, segment_panels
from ncf_assets_tests.report.drawn import DATA, FULL, HISTORY, SAMPLED, metric, model

LONG = [
    HistoryRow(name, "choose", e, 1 / (e + 1), 0.5 - 0.3 / (e + 1), 0.3 - 0.2 / (e + 1), 1.0, 1.0)
    for name in ("gmf", "mlp", "neumf", "neumf_scratch")
    for e in range(100)
]
PLOTS = plots(replace(DATA, history=LONG))
each_plot = pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.title)


def test_the_plots_come_in_reading_order() -> None:
    """Training comes first, then the length of the list, then the segments of users."""
    assert [plot.title for plot in PLOTS] == [
        "Training",
        "By length of the list",
        "By length of the user's history",
        "By popularity of the item",
    ]


@each_plot
def test_an_image_is_under_100_kilobytes_in_base64(plot: Plot) -> None:
    """At a readable width, Dagster's UI must stay fast (dagster-io/dagster#17189)."""
    png = plot.png()
    (width,) = struct.unpack(">I", png[16:20])  # IHDR follows 8 bytes signature, 8 of its head
    assert len(png) * 4 / 3 < 100_000
    assert width >= 800


@each_plot
def test_a_drawing_takes_the_color_of_the_page(plot: Plot) -> None:
    """Axes and text are `currentColor`, the ground is transparent, and NeuMF is named."""
    svg = plot.svg()
    assert "currentColor" in svg
    assert "#010203" not in svg
    assert "#ffffff" not in svg
    assert "NeuMF" in svg


def test_equal_data_make_equal_drawings() -> None:
    """A drawing has no date and no random id, and the format before changes nothing of it."""
    drawn, again = ([plot.svg() for plot in plots(replace(DATA, history=LONG))] for _ in "ab")
    assert drawn == again
    for plot, svg in zip(PLOTS, drawn, strict=True):
        plot.png()
        assert plot.svg() == svg


def luminance(color: str) -> float:
    """Return the relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", STYLES)
@pytest.mark.parametrize("ground", ["#ffffff", "#14171c"])
def test_every_line_is_seen_in_light_and_dark(name: str, ground: str) -> None:
    """The contrast is 3:1 at least, as WCAG 2.2 asks of graphics.

    The grounds are the page's.
    """
    lighter, darker = sorted(map(luminance, (STYLES[name]["color"], ground)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 3


def test_a_history_without_validation_draws_the_loss_alone() -> None:
    """There is no panel without a value."""
    rows = [HistoryRow("mlp", "choose", e, 0.5, None, None, 1.0, 10.0) for e in (1, 2)]
    (plot,) = plots(replace(DATA, history=rows, metrics=[]))
    assert "Training loss" in plot.svg()
    assert "Validation" not in plot.svg()


def test_nothing_is_drawn_of_nothing() -> None:
    """There is no history, and figures are of one length and of no segments."""
    assert plots(replace(DATA, history=[], metrics=[metric("neumf", "hr", 0.5)])) == []


def test_the_chosen_epoch_is_named() -> None:
    """The ring is in the legend."""
    (plot,) = plots(replace(DATA, history=HISTORY, metrics=[]))
    assert "chosen epoch" in plot.svg()


def test_curves_run_over_k_for_both_metrics_and_protocols() -> None:
    """NDCG at 5 is a quarter of √5 times that at 10, as `drawn` makes it."""
    panels = cutoff_panels([*model("neumf", 0.4, SAMPLED), *model("neumf", 0.4)])
    assert [(p.protocol.name, p.metric) for p in panels] == [
        (FULL, "hr"),
        (FULL, "ndcg"),
        (SAMPLED, "hr"),
        (SAMPLED, "ndcg"),
    ]
    ks, values = zip(*panels[1].curves["neumf"], strict=True)
    assert ks == (1, 5, 10, 20)
    assert values[1:3] == pytest.approx((0.4 * 5**0.5 / 4, 0.4))


def test_segments_are_ordered_by_what_they_count_cold_items_first() -> None:
    """The order is by number, not by text: 5 to 19 precedes 20 to 99, and cold is 0."""
    panel, _ = segment_panels(DATA.metrics, "popularity")
    names = [segment_name(segment) for segment in panel.segments]
    assert names == ["0 (cold)", "1 to 4", "5 to 19", "20 to 99"]
    assert panel.users("cold") == 34


def test_an_interval_that_its_mean_leaves_by_rounding_is_drawn() -> None:
    """If a few users all have the same value, mean and interval are sums in different orders.

    Rounding may then put the mean outside the interval.
    """
    rounded = [
        replace(row, ci_low=row.value + 1e-9, ci_high=row.value - 1e-9) for row in DATA.metrics
    ]
    for plot in plots(replace(DATA, metrics=rounded)):
        assert plot.svg()
