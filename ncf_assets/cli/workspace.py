"""How Dagster's own commands are told about the code location."""

from ncf_assets.warehouse import PROJECT_DATA

WORKSPACE = PROJECT_DATA.parent / "workspace.yaml"


def workspace_options() -> list[str]:
    """Options of `dagster-daemon` and `dagster-graphql` that name the code location."""
    if WORKSPACE.exists():
        return ["-w", str(WORKSPACE)]
    return ["-m", "ncf_assets.definitions"]
