"""The content of a small training plan."""

SMALL = {
    "name": "small",
    "about": "A plan for tests",
    "split": {
        "start": "2014-01-01", "stop": "2020-01-01", "calibrate": "2021-07-01", "evaluate": "2023-07-01",
        "end": "2025-11-01",
    },
    "pd": {"rounds": 40, "patience": 10, "max_bin": 15, "min_rows": 40},
    "lgd": {"rounds": 20, "min_rows": 10, "max_bin": 7},
    "challengers": {"binning": "own"},
    "champion": {"shape": "tables", "reason": "a small tape must show the whole road"},
    "bars": [{"statistic": "proof.violations", "at_most": 0}],
}  # fmt: skip
