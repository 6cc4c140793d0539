"""Splink beside linkage, on the same records in one run: ``jigsaw bench linkage-peers [SETS…]``.

A set is ``febrl3``, ``febrl4`` (these two unless others are named), ``region`` or the path of a CSV or Parquet file
with a truth column ``cluster``. Both get the records in ingest's normal form and train without labels. Splink (v5,
DuckDB) is set up as its documentation's examples do it, each column by its sort; its scores are clustered twice: by its
own connected components at .95, and by linkage's average link at linkage's thresholds. A Markdown table goes to
standard error.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas
from splink import Linker, SettingsCreator, block_on
from splink import comparison_library as compare
from splink.backends.duckdb import DuckDBAPI

from bench.labelled import Identity
from bench.linkage_quality import cluster_figures, labelled_set, streamed
from bench.stack import say
from services.linkage.index.cluster import agglomerate
from services.linkage.matching.model import Thresholds

ENOUGH = 0.05
"""A column is used when it is filled in so many records."""
SORTS: Mapping[str, Callable[[str], Any]] = {
    "given": compare.NameComparison, "family": compare.NameComparison, "middle": compare.NameComparison,
    "birth_date": lambda column: compare.DateOfBirthComparison(column, input_is_string=True),
    "sex": compare.ExactMatch, "email": compare.EmailComparison,
    "address": lambda column: compare.JaroWinklerAtThresholds(column, [0.9, 0.7]),
    "town": lambda column: compare.JaroWinklerAtThresholds(column, [0.9, 0.7]),
    "birth_place": lambda column: compare.JaroWinklerAtThresholds(column, [0.9, 0.7]),
    "occupation": compare.ExactMatch, "uprn": compare.ExactMatch,
    "postcode": compare.DamerauLevenshteinAtThresholds,
    **dict.fromkeys(("reference", "nhs_number", "nino", "phone", "vehicle"), compare.DamerauLevenshteinAtThresholds),
}  # fmt: skip
FREQUENT = ("given", "family", "town", "postcode", "birth_place", "occupation", "address")
"""Columns whose values' frequencies count."""
BLOCKS = (
    ("given", "family"), ("family", "birth_date"), ("given", "birth_date"), ("postcode", "birth_date"),
    ("family", "postcode"), ("given", "postcode"), ("given", "birth_place"), ("family", "birth_place"),
    ("address", "town"), ("reference",), ("email",), ("phone",), ("nhs_number",), ("nino",),
)  # fmt: skip
TRAINED_ON = (("given", "family"), ("birth_date",))


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    found = {}
    for name in arguments or (("febrl3",) if quick else ("febrl3", "febrl4")):
        those = labelled_set(name)
        records, truth = those.records, those.truth
        ours, _, more = streamed(those, in_memory=True)
        say(f"Splink on {len(records)} records")
        began = perf_counter()
        scored, clusters = splink(records)
        took = perf_counter() - began
        whole = {one: clusters.get(one, one) for one in records}
        found[Path(name).stem] = {
            "linkage": cluster_figures(ours, truth) | more,
            "Splink, connected": cluster_figures(whole, truth)
            | {"seconds": round(took, 1), "scored_pairs": len(scored)},
            "Splink, average link": cluster_figures(average_link(list(records), scored), truth),
        }
    say(table(found))
    return found


def splink(records: Mapping[str, Identity]) -> tuple[pandas.DataFrame, dict[str, Hashable]]:
    """Scored pairs (``unique_id_l``, ``unique_id_r``, ``match_weight`` in bits), and clusters at .95."""
    frame = pandas.DataFrame.from_dict(records, orient="index")
    used = [column for column in SORTS if column in frame and frame[column].notna().mean() > ENOUGH]
    frame = frame[used].rename_axis("unique_id").reset_index()
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[_compared(column, frame[column]) for column in used],
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in BLOCKS if set(rule) <= set(used)],
    )
    linker = Linker(DuckDBAPI().register(frame), settings, log_level="WARNING")
    known = [column for column in ("given", "family", "birth_date") if column in used]
    linker.training.estimate_probability_two_random_records_match([block_on(*known)], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for rule in (rule for rule in TRAINED_ON if set(rule) <= set(used)):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    scored = linker.inference.predict(threshold_match_weight=Thresholds().least / 1000)
    clusters = _frame(linker.clustering.cluster_pairwise_predictions_at_threshold(scored, 0.95))
    pairs = _frame(scored)[["unique_id_l", "unique_id_r", "match_weight"]]
    return pairs, dict(zip(clusters["unique_id"], clusters["cluster_id"], strict=True))


def _compared(column: str, values: "pandas.Series[str]") -> Any:
    british = column == "postcode" and values.dropna().str.contains("[A-Z]").any()
    comparison = (compare.PostcodeComparison if british else SORTS[column])(column)
    return comparison.configure(term_frequency_adjustments=True) if column in FREQUENT else comparison


def _frame(found: Any) -> pandas.DataFrame:
    return found.as_pandas_dataframe()


def average_link(names: Sequence[str], scored: pandas.DataFrame) -> dict[str, Hashable]:
    """The entities that linkage's clustering makes of somebody else's scores."""
    at = {name: number for number, name in enumerate(names)}
    left, right = (scored[side].map(at).to_numpy(np.int64) for side in ("unique_id_l", "unique_id_r"))
    limits = Thresholds()
    weight = np.clip(scored["match_weight"] * 1000, limits.least, limits.most).to_numpy().astype(np.int64)
    rank = np.arange(len(names), dtype=np.uint64)
    label = agglomerate(len(names), left, right, weight, np.zeros_like(weight), rank, limits.link, limits.missing).label
    return dict(zip(names, label.tolist(), strict=True))


def table(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """One row a set and system."""
    rows = ["| set | system | precision | recall | F1 | B³ F1 | largest |", "|---|---|---|---|---|---|---|"]
    for name, systems in found.items():
        for system, one in systems.items():
            measured = ("cluster_precision", "cluster_recall", "cluster_f1", "b3_f1")
            cells = [f"{one[figure]:.4f}" for figure in measured]
            rows.append(f"| {name} | {system} | {' | '.join(cells)} | {one['largest_cluster']} |")
    return "\n".join(rows)
