"""How a table's keys, values and numbers are written for people; each format then escapes the words."""

import math
from collections.abc import Iterable

from semimetric.evaluation.peers import PEERS
from semimetric.evaluation.tables import FEW, score_table
from semimetric.studies.tables.table import Metric, Place, Value

_KEYS = {
    "latent_dim": "d",
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "percent": "labels, %",
    "kl_estimator": "KL estimator",
    "log_variance": "log-variance",
    "n_components": "components",
    "metric_on": "metric loss on",
}
BASELINES = {"pca": "PCA, same d", "pca50": "PCA-50", "raw": "raw input"} | {
    name: peer.label for name, peer in PEERS.items()
}


def key_in_words(key: str) -> str:
    """Return a key as a table's head has it.

    >>> key_in_words("latent_dim"), key_in_words("learning_rate")
    ('d', 'learning rate')
    """
    return _KEYS.get(key, key.replace("_", " "))


def value_in_words(key: str, value: Value) -> str:
    """Return a key's value as a table has it.

    >>> value_in_words("labels", 6000), value_in_words("labels", None), value_in_words("beta", 0.001)
    ('6,000', 'all', '0.001')
    """
    if value is None:
        return "all" if key in ("labels", "percent") else "default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 1000 else str(value)
    return f"{value:g}" if isinstance(value, float) else value


def place_in_words(place: Place, keys: Iterable[str] | None = None) -> str:
    """Return where something stands, in one phrase.

    >>> place_in_words({"labels": 60, "latent_dim": 10, "dataset": "mnist"})
    '60 labels, d = 10, mnist'
    """
    said = []
    for key in place if keys is None else keys:
        if key not in place:
            continue
        value = value_in_words(key, place[key])
        if key in ("labels", "percent"):
            said.append(f"{value} labels" if key == "labels" or place[key] is None else f"{value} % labelled")
        elif isinstance(place[key], str):  # a word tells what it is of; a number does not
            said.append(value)
        else:
            said.append(f"{key_in_words(key)} = {value}")
    return ", ".join(said)


def name_metric(key: str) -> str:
    """Return what people call a metric.

    >>> name_metric("knn_accuracy"), name_metric("few_label_accuracy"), name_metric("pca50.knn_ami")
    ('kNN accuracy', 'few-label kNN accuracy', 'PCA-50: kNN AMI')
    """
    baseline, _, own = key.rpartition(".")
    if baseline in BASELINES:
        return f"{BASELINES[baseline]}: {name_metric(own)}"
    (row,) = score_table({key: 0.0})
    return f"few-label {row.label}" if row.group == FEW else row.label


def digits_for(values: Iterable[float]) -> int:
    """Return how many decimals a metric of such values is shown with.

    >>> digits_for([0.97, 0.1]), digits_for([104.66]), digits_for([7.25]), digits_for([123456.0])
    (3, 2, 3, 0)
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return 3 if largest < 10 else 2 if largest < 1000 else 1 if largest < 10_000 else 0


def number(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """Return a number with so many decimals, with a real minus; of three decimals without a zero before the point.

    >>> number(0.97), number(-0.0125, signed=True), number(0.09, signed=True), number(0.7, 2), number(1.0)
    ('.970', '−.013', '+.090', '0.70', '1.000')
    """
    if not math.isfinite(value):
        return "not finite"
    size = f"{abs(round_half_away(value, digits)):.{digits}f}"
    zero = float(size) == 0
    sign = "" if zero and not signed else "±" if zero else "−" if value < 0 else "+" if signed else ""
    return sign + (size[1:] if digits == 3 and size.startswith("0.") else size)


def round_half_away(value: float, digits: int) -> float:
    """Round as people do: the half goes up in size, and so does what binary fractions hold just below it.

    >>> round_half_away(0.0125, 3), round_half_away(-0.0125, 3), round_half_away(0.8445, 3)
    (0.013, -0.013, 0.845)
    """
    scaled = abs(value) * 10**digits
    return math.copysign(math.floor(scaled + 0.5 + 1e-9 * max(1.0, scaled)) / 10**digits, value)


def mean_and_sd(mean: float, sd: float | None, metric: Metric) -> str:
    """Return a mean with its spread, or alone where one seed has none.

    >>> mean_and_sd(0.97, 0.004, Metric("knn_accuracy", "kNN accuracy"))
    '.970 ± .004'
    """
    told = number(mean, metric.digits)
    return told if sd is None else f"{told} ± {number(sd, metric.digits)}"


def p_value(p: float) -> str:
    """Return a p-value with two digits that count.

    >>> p_value(0.0312), p_value(0.00004), p_value(0.5)
    ('.031', '< .001', '.50')
    """
    if p < 0.001:
        return "< .001"
    return number(p, 3 if p < 0.1 else 2).removeprefix("0")


def duration(seconds: float) -> str:
    """Return core-seconds, and what they are in hours.

    >>> duration(4812.4), duration(59)
    ('4,812 core-seconds (1 h 20 min)', '59 core-seconds')
    """
    told = f"{seconds:,.0f} core-seconds"
    minutes = round(seconds / 60)
    if seconds < 120:
        return told
    return f"{told} ({minutes // 60:,} h {minutes % 60} min)" if minutes >= 60 else f"{told} ({minutes} min)"


def seeds_in_words(n: int) -> str:
    """Return how many seeds.

    >>> seeds_in_words(1), seeds_in_words(3)
    ('one seed', '3 seeds')
    """
    return "one seed" if n == 1 else f"{n} seeds"
