"""Measurements for the documents: ablation, charts, suites. Never imported by the product."""
