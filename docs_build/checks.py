"""Generate the page of all checks on tables, from the headers of their .sql files."""

from docs_build.graph import heading, nodes, row
from ncf_assets.checks import Check, checks

HEAD = """# Checks

A check looks at the rows that are about to be published. One that finds a row stops the run:
nothing of the table is published, the old partition stays, and the message names the rule, the
first row that breaks it and the remedy. One that warns lets the run go on. A test breaks each check
on purpose.

"""


def page() -> str:
    """Return the checks by table, in the order of the pipeline."""
    return HEAD + "\n".join(
        f"## {name} {{ #{name} }}\n\n{heading('check', 'rule', 'otherwise')}"
        + "".join(map(_row, checks()[name]))
        for name in nodes()
        if name in checks()
    )


def _row(check: Check) -> str:
    effect = "warns" if check.warns else "stops"
    return row(f"`{check.name}`", check.description, f"**{effect}:** {check.remedy}")
