"""Test what the README and docs/ say: commands, SQL, Python, the notebook, the site."""
