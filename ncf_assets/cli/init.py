"""`ncf-assets init`: a folder with a registry and a workspace, for datasets of one's own."""

import shutil
from pathlib import Path

import click

from ncf_assets.cli.wrapping import say
from ncf_assets.warehouse.paths import bundled, workspace_file


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Make FOLDER a project of your own.

    It gets data/datasets.toml, the registry to add your datasets to, with the bundled Sample;
    data/raw/, where source files go; and workspace.yaml, which Dagster's own commands read. Run
    `ncf-assets` within FOLDER to use it. Nothing that is there is replaced.
    """
    data = folder / "data"
    registry, workspace = data / "datasets.toml", folder / "workspace.yaml"
    for file in (registry, workspace):
        if file.exists():
            raise click.ClickException(f"{file} exists. Name another folder, or remove it.")
    (data / "raw").mkdir(parents=True, exist_ok=True)
    (data / "sample").mkdir(exist_ok=True)
    for file in bundled("sample").iterdir():
        if not (target := data / "sample" / file.name).exists():
            shutil.copyfile(file, target)
    shutil.copyfile(workspace_file(), workspace)
    shutil.copyfile(bundled("datasets.toml"), registry)  # last: with it the folder is a project
    say(f"{folder} is ready. Add your datasets to {registry}, then:")
    click.echo(f"  cd {folder}\n  ncf-assets materialize Sample")
