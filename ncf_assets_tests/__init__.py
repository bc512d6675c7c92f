"""Tests; the folders mirror `ncf_assets`."""
