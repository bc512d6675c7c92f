"""Test the report, with a file for each module; `drawn` has what they share."""
