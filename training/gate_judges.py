"""Gates whose colour is more than the worst of their parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from eco_credit.rulebook import RuleSet
from training.gate_limits import AMBER, GREEN, NOT_RUN, RED, RULES, Limits, found_at, look_up, worst
from training.metrics.compare import tail_of
from training.metrics.grades import order_of

Statistics = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A colour, why, and the limits in words (green, amber, red)."""

    colour: str
    note: str
    words: tuple[str, str, str]


def number_of(rules: RuleSet, name: str) -> float:
    """A limit that is one number."""
    return rules.number(f"{RULES}.{name}")


def overfit(found: Statistics, rules: RuleSet) -> Verdict:
    """G1c: AUC in time, cross-validated, less AUC out of time; the plain in-time AUC stands in for it, too strictly."""
    limits = Limits.of(rules, "overfit")
    words = (*limits.words, "else")
    honest, plain = look_up(found, "cross_validation.overfit.value"), look_up(found, "overfit")
    if honest is not None:
        return Verdict(limits.colour(honest), "in-time AUC out of fold", words)
    if plain is None:
        return Verdict(NOT_RUN, "", words)
    colour = limits.colour(plain)
    note = f"{plain:.4f} from the AUC of the rows fitted on, which flatters training: not cross-validated"
    return Verdict(colour, note, words)


def champion(found: Statistics, rules: RuleSet) -> Verdict:
    """G1d: superior, or no worse by the margin and in neither loss; no worse by the margin alone is amber."""
    level, margin = number_of(rules, "superiority"), number_of(rules, "non_inferiority_margin")
    words = (
        f"superior p < {level:g}, or no worse by {margin:g} (p < {level:g}) and neither loss worse",
        f"no worse by {margin:g} only",
        "else",
    )
    superior, difference, error = (look_up(found, f"champion.{k}") for k in ("superior", "auc.value", "auc_error"))
    losses = look_up(found, "champion.worse_losses")
    if superior is None or difference is None or error is None or losses is None:
        return Verdict(NOT_RUN, "", words)
    no_worse = tail_of(difference + margin, error)
    note = f"superior p {superior:.3g}; no worse p {no_worse:.3g}; losses worse: {losses:.0f} of 2"
    if superior < level or (no_worse < level and losses == 0):
        return Verdict(GREEN, note, words)
    return Verdict(AMBER if no_worse < level else RED, note, words)


def grade_pd(found: Statistics, rules: RuleSet) -> Verdict:
    """G2b: no grade too low after Holm and few before it."""
    level, limits = number_of(rules, "tests"), Limits.of(rules, "grade_pd")
    words = (f"none after Holm and {limits.words[0]} of grades", f"{limits.words[1]} of grades", "else")
    rows = found_at(found, "pd.grades") or []
    if not rows or any("holm" not in row for row in rows):
        return Verdict(NOT_RUN, "", words)
    low, after = [row for row in rows if row["jeffreys"] < level], [row for row in rows if row["holm"] < level]
    colour = limits.colour(len(low) / len(rows))
    named = ", ".join(row["grade"] for row in after) or "none"
    note = f"{len(low)} of {len(rows)} grades below {level:g}; after Holm: {named}"
    return Verdict(worst([colour, AMBER if after else GREEN]), note, words)


def grade_order(found: Statistics, rules: RuleSet) -> Verdict:
    """G3: default rates rise over grades, rows do not crowd into one, no PD is 0 or 1."""
    level, allowed = number_of(rules, "tests"), Limits.of(rules, "inversions")
    dense, rise, extreme = (Limits.of(rules, name) for name in ("concentration", "concentration_rise", "extreme_pd"))
    words = (
        f"inversions {allowed.words[0]}; index {dense.words[0]}; rise p {rise.words[0]}; no PD of 0 or 1",
        f"inversions {allowed.words[1]}, by chance",
        "else",
    )
    rows, index = found_at(found, "pd.grades") or [], look_up(found, "grades.concentration.index")
    if len(rows) < 2 or index is None or any("size" not in row for row in rows):
        return Verdict(NOT_RUN, "", words)
    order = order_of([r["default_rate"] * r["size"] for r in rows], [r["size"] for r in rows], level=level)
    rose, at_ends = look_up(found, "initial.concentration_rose"), look_up(found, "grades.extreme") or 0.0
    colours = [
        RED if order.significant else allowed.colour(order.inversions),
        dense.colour(index),
        extreme.colour(at_ends),
        GREEN if rose is None else rise.colour(rose),
    ]
    told = "no initial distribution to compare with" if rose is None else f"rise p {rose:.3g}"
    note = f"{order.inversions} inversions, {order.significant} beyond chance; index {index:.3g}; {told}"
    return Verdict(worst(colours), note, words)


def psi(found: Statistics, rules: RuleSet) -> Verdict:
    """G5a: red only where chance is no excuse."""
    limits = Limits.of(rules, "psi")
    words = (*limits.words, "above amber and above the limit of chance")
    value, chance = look_up(found, "stability.score.value"), look_up(found, "stability.score.limit")
    if value is None or chance is None:
        return Verdict(NOT_RUN, "", words)
    colour = limits.colour(value)
    return Verdict(AMBER if colour == RED and value <= chance else colour, f"limit of chance {chance:.3g}", words)


def csi(found: Statistics, rules: RuleSet) -> Verdict:
    """G5b: red only for one of the most used inputs."""
    limits, most = Limits.of(rules, "csi"), int(number_of(rules, "top_inputs"))
    words = (*limits.words, f"above amber for one of the {most} most used inputs")
    inputs = found_at(found, "stability.inputs")
    if not inputs:
        return Verdict(NOT_RUN, "", words)
    used = found_at(found, "stability.most_used")
    top = set(inputs if used is None else used[:most])  # without a ranking every input counts as most used
    colours, moved = [], []
    for name, part in inputs.items():
        colour = limits.colour(part["value"])
        colours.append(AMBER if colour == RED and name not in top else colour)
        if colours[-1] != GREEN:
            moved.append(f"{name} {part['value']:.2f}")
    return Verdict(worst(colours), "moved: " + (", ".join(moved) or "none"), words)


def walk(found: Statistics, rules: RuleSet) -> Verdict:
    """G5c: steady over at least four origins."""
    steady, floor = Limits.of(rules, "walk_forward_sd"), Limits.of(rules, "walk_forward_worst")
    least = number_of(rules, "origins")
    words = (f"sd {steady.words[0]}; worst {floor.words[0]}; {least:.0f} origins", f"sd {steady.words[1]}", "else")
    sd, low = look_up(found, "walk_forward.sd"), look_up(found, "walk_forward.worst")
    if sd is None or low is None:
        return Verdict(NOT_RUN, "", words)
    folds = found_at(found, "walk_forward.folds")
    if folds is None or len(folds) < least:
        return Verdict(NOT_RUN, f"{len(folds or [])} origins, {least:.0f} needed", words)
    note = f"{len(folds)} origins; worst AUC {low:.3f}"
    up, down = look_up(found, "migration.upper"), look_up(found, "migration.lower")
    if up is not None and down is not None:
        note += f"; migration bandwidth {up:.3f} to worse grades, {down:.3f} to better"
    return Verdict(worst([steady.colour(sd), floor.colour(low)]), note, words)


def lgd_level(found: Statistics, rules: RuleSet) -> Verdict:
    """G6a: the worst kind decides; kinds with too few rows are named, not judged."""
    limits = Limits.of(rules, "lgd_level")
    words = (f"p {limits.words[0]} for all kinds", f"p {limits.words[1]}", "else")
    pooled = look_up(found, "lgd.underestimated")
    if pooled is None:
        return Verdict(NOT_RUN, "", words)
    kinds = found_at(found, "lgd.by_kind") or {}
    tested = {"all": pooled} | {kind: part["p_value"] for kind, part in kinds.items() if part["p_value"] is not None}
    few = [f"{kind} ({part['rows']})" for kind, part in kinds.items() if part["p_value"] is None]
    note = "p: " + ", ".join(f"{kind} {p:.3g}" for kind, p in tested.items())
    note += "; too few rows: " + ", ".join(few) if few else ""
    return Verdict(worst([limits.colour(p) for p in tested.values()]), note, words)


def lgd_ranks(found: Statistics, rules: RuleSet) -> Verdict:
    """G6b: three tests, two are amber."""
    area, rank = Limits.of(rules, "lgd_gauc"), Limits.of(rules, "lgd_spearman")
    words = (f"gAUC {area.words[0]}; Spearman {rank.words[0]}; error below that of the mean", "two of three", "else")
    names = ("lgd.gauc.value", "lgd.spearman", "lgd.mae.value", "lgd.mae_of_segment")
    gauc, spearman, mae, base = (look_up(found, name) for name in names)
    if gauc is None or mae is None or base is None:
        return Verdict(NOT_RUN, "", words)
    met = [area.colour(gauc) == GREEN, spearman is not None and rank.colour(spearman) == GREEN, mae < base]
    told = "none" if spearman is None else f"{spearman:.3f}"
    note = f"gAUC {gauc:.3f}; Spearman {told}; error {mae:.3f}, mean of the kind {base:.3f}"
    return Verdict({3: GREEN, 2: AMBER}.get(sum(met), RED), note, words)


def value_floor(found: Statistics, rules: RuleSet) -> Verdict:
    """G7: the floor holds as often as it says, the band too, and both are worth more than one haircut."""
    count, band = Limits.of(rules, "floor_breaches"), Limits.of(rules, "band_coverage")
    words = (
        f"breaches p {count.words[0]}; band {band.words[0]}; loss below that of one ratio for all",
        f"breaches p {count.words[1]}",
        "else",
    )
    p, ours = look_up(found, "lgd.floor_breaches.p_value"), look_up(found, "lgd.floor_pinball")
    covered = _first(found, "lgd.value_band_coverage.value", "lgd.band_coverage.value")
    given = look_up(found, "lgd.haircut_pinball")
    fixed = look_up(found, "lgd.fixed_pinball") if given is None else given
    if p is None or covered is None or ours is None or fixed is None:
        return Verdict(NOT_RUN, "", words)
    rival = "the best single ratio in hindsight" if given is None else "the fixed haircut"
    note = f"breaches p {p:.3g}; band {covered:.3f}; pinball {ours:.4f}, {rival} {fixed:.4f}"
    rest = GREEN if band.colour(covered) == GREEN and ours < fixed else AMBER
    return Verdict(worst([count.colour(p), rest]), note, words)


def _first(found: Statistics, *paths: str) -> float | None:
    """The first figure there is."""
    return next((value for path in paths if (value := look_up(found, path)) is not None), None)


def shadow_run(found: Statistics, rules: RuleSet) -> Verdict:
    """G11: enough cases, the swapped-in no worse, answers in time."""
    cases, days = number_of(rules, "shadow_cases"), number_of(rules, "shadow_days")
    level, pace = number_of(rules, "shadow_worse"), Limits.of(rules, "latency")
    words = (
        f"{cases:.0f} cases or {days:.0f} days; swap p >= {level:g}; p99 {pace.words[0]} ms",
        "short sample, or outcomes not yet known",
        "worse or too slow",
    )
    seen, latency = look_up(found, "shadow.cases"), look_up(found, "shadow.latency_p99")
    if not seen or latency is None:
        return Verdict(NOT_RUN, "times of the answers were not given" if seen else "", words)
    worse, ran = look_up(found, "shadow.worse"), look_up(found, "shadow.days") or 0.0
    if pace.colour(latency) == RED or (worse is not None and worse < level):
        return Verdict(RED, f"swap p {worse}; p99 {latency:.1f} ms", words)
    short = (seen < cases and ran < days) or worse is None
    note = f"{seen:.0f} cases, {ran:.0f} days; p99 {latency:.1f} ms"
    return Verdict(AMBER if short else GREEN, note + ("; outcomes not yet known" if worse is None else ""), words)


JUDGES: Mapping[str, Callable[[Statistics, RuleSet], Verdict]] = {
    judge.__name__: judge
    for judge in (
        overfit, champion, grade_pd, grade_order, psi, csi, walk, lgd_level, lgd_ranks, value_floor, shadow_run,
    )
}  # fmt: skip
