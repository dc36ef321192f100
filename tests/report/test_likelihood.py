"""Scores with a unit stand in a table of their own, and out of the picture of shares."""

import re

from semimetric.report import write_report

METRICS = {
    "knn_accuracy": 0.5,
    "reconstruction_error": 31.25,
    "kl": 22.504,
    "vae_loss": 104.66,
    "elbo": -1104.661,
    "log_likelihood": None,
}


def cells(html, label):
    row = re.search(rf'<tr><th scope="row">{re.escape(label)} <small>.*?</tr>', html, re.DOTALL)
    assert row, label
    return re.findall(r"<td[^>]*>(.*?)</td>", row.group())


LABELS = ("ELBO", "VAE loss: error of a sample + KL", "KL to the prior", "reconstruction error of the mean")


def test_the_table_has_a_column_for_whoever_has_such_a_score(make_run, section_of):
    baselines = {"raw": {"knn_accuracy": 0.4}, "pca": {"knn_accuracy": 0.25, "reconstruction_error": 0.05}}
    html = section_of(write_report(make_run(metrics={**METRICS, "baselines": baselines})), "scores")
    first, second = html.split("<h3>")
    assert [cells(second, label) for label in LABELS] == [
        ["−1,104.66", "–"],
        ["104.66", "–"],
        ["22.50", "–"],
        ["31.25", "0.05"],
    ]
    assert "a lower bound of the log-likelihood; higher is better" in second
    assert "log-likelihood <small>" not in second  # the run has no number for it
    for name in ("31.25", "22.5", "VAE loss", "Other"):
        assert name not in first
    assert "raw input" not in second


def test_the_picture_of_shares_does_not_change(make_run):
    shares = {"knn_accuracy": 0.5, "baselines": {}}
    plain = make_run(metrics=shares)
    write_report(plain)
    before = (plain / "scores.png").read_bytes()
    write_report(make_run(metrics={**METRICS, "baselines": {}}))
    assert (plain / "scores.png").read_bytes() == before


def test_unlabelled_data_has_likelihoods_and_no_other_score(make_run, section_of):
    run = make_run(metrics={"log_likelihood": -85.57, "elbo": -88.6, "baselines": {}})
    html = section_of(write_report(run), "scores")
    assert 'class="absent"' in html
    assert cells(html, "log-likelihood") == ["−85.57"]
    assert not (run / "scores.png").exists()
