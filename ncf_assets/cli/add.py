"""`ncf-assets add`: propose a block of the registry for a file, and write it after a yes."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ncf_assets.cli.arguments import registry
from ncf_assets.datasets import RegistryError, local_file, read_blocks
from ncf_assets.datasets.validation import check_name
from ncf_assets.ingest.compression import SourceError
from ncf_assets.warehouse.paths import Paths, data_dir


@click.command()
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--user", help="The column that has the users.")
@click.option("--item", help="The column that has the items.")
@click.option("--rating", help="The column that has the ratings.")
@click.option("--timestamp", help="The column that has the times.")
@click.option("--query", help="A select whose rows are read, over FILE or what is in it.")
@click.option("--yes", is_flag=True, help="Write the block without asking.")
def add(name: str, file: Path, query: str | None, yes: bool, **columns: str | None) -> None:
    """Propose a block for FILE, and write it as dataset NAME after a yes.

    FILE may be a folder of files. The block is written to datasets.local.toml next to the registry,
    which an update leaves alone.

    The columns are found by their names, or by the options. Look at the block, and at what its
    first rows are with it: separator, header, columns and the unit of times are not guessed again.
    """
    from ncf_assets.ingest.proposal import propose

    target = local_file(Paths(data_dir()).registry)
    if name.casefold() in {known.casefold() for known in registry()}:
        raise click.ClickException(f"there is a dataset {name}. Choose another name.")
    try:
        if target.exists():
            read_blocks(target)  # below what nobody can read, a block would be lost
        check_name(f"{target}, [{name}]", name)
        known = {role: column for role, column in columns.items() if column}
        proposal = propose(file, known, datetime.now(UTC).date(), query)
    except (RegistryError, SourceError) as error:
        raise click.ClickException(f"{str(error).rstrip('.')}.") from error
    click.echo("\n".join([proposal.block(name), "", *(f"# {line}" for line in proposal.found)]))
    if not yes:
        click.confirm(f"Write this to {target}?", abort=True)
    with target.open("a", encoding="utf-8") as file_of_registry:
        file_of_registry.write(f"\n{proposal.block(name)}\n")
    click.echo(f"Now run: ncf-assets materialize {name}")
