"""What `--select` selects."""

import click
import dagster as dg
import pytest

from ncf_assets.cli.arguments import asset_names
from ncf_assets.cli.selection import resolve_selection
from ncf_assets_tests.running import DEFS

GRAPH = DEFS.resolve_asset_graph()
ALL = set(asset_names())


def selected(select: str) -> set[str]:
    """The names of what is selected."""
    return {key.to_user_string() for key in resolve_selection(select)}


def group(name: str) -> set[str]:
    """The assets of a group that the job makes."""
    return {asset for asset in ALL if GRAPH.get(dg.AssetKey(asset)).group_name == name}


@pytest.mark.parametrize(
    ("select", "assets"),
    [
        ("users", {"users"}),
        ("users,items", {"users", "items"}),
        ('key:"users" or key:items', {"users", "items"}),
        ("raw_reviews", {"raw_reviews", "rejected_reviews"}),  # which one pass makes
        ("metrics", {"metrics", "comparisons", "seed_metrics"}),
        ("group:train", group("train")),
        ("group:train and not key:mlp_model", group("train") - {"mlp_model"}),
        ("(group:train, ease_model) and gmf_model", {"gmf_model"}),
        ("1+users", {"users", "latest_reviews", "filters"}),
        ("roots(group:prepare) and users+", set()),
        ("item_we*", None),
    ],
)
def test_a_selection_is_dagsters_with_bare_names(select: str, assets: set[str] | None) -> None:
    """Names, groups, `and`, `or`, `not`, depths; commas are `or`."""
    if assets:
        assert selected(select) == assets
    else:
        with pytest.raises(click.UsageError):
            selected(select)


def test_plus_takes_all_upstream_or_downstream() -> None:
    """Up to the source, and down to the report."""
    assert {"raw_reviews", "train", "gmf_model"} <= selected("+gmf_model")
    assert "test_ranks" not in selected("+gmf_model")
    assert {"gmf_model", "test_ranks", "evaluation_report"} <= selected("gmf_model+")
    assert "users" not in selected("gmf_model+")


def test_what_has_a_tag_is_selected() -> None:
    """All models, wherever they are."""
    models = selected("tag:makes=model")
    assert {"gmf_model", "ease_model", "served_model"} <= models
    assert all(name.endswith("_model") for name in models)


@pytest.mark.parametrize(
    ("select", "complaint"),
    [
        ("neumf", "no asset 'neumf' in the job everything. "),
        ("user", "Did you mean users?"),
        ("evaluation", "'evaluation' is a step that makes comparisons, metrics, seed_metrics."),
        ("group:trian", "Groups are evaluate, ingest, prepare, serve, split, train;"),
        ("users++", "--select does not understand 'users++'. Give a selection such as"),
        ("status:healthy", "--select does not understand 'status:healthy'."),
        ("", "--select does not understand ''."),
    ],
)
def test_a_mistaken_selection_is_told(select: str, complaint: str) -> None:
    """With what there is."""
    with pytest.raises(click.UsageError) as refused:
        resolve_selection(select)
    assert complaint in str(refused.value)
