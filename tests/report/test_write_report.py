"""The files that a report leaves, and what the page says."""

import re

import numpy as np
import pytest
from PIL import Image

from semimetric.errors import RunError
from semimetric.report import PICTURES, write_report

HOSTILE = ["<script>alert(1)</script>", "a & b", '"><img src=x onerror=alert(2)>', "$\\frac{$"]


@pytest.mark.parametrize("kind", ["images", "colour", "vectors"])
def test_every_picture_is_a_png_that_shows_something(make_run, kind):
    run = make_run(kind)
    assert write_report(run) == run / "report.html"
    for name in PICTURES:
        with Image.open(run / f"{name}.png") as picture:
            assert picture.format == "PNG"
            assert 400 <= picture.width <= 2400
            assert 300 <= picture.height <= 3600
            pixels = np.asarray(picture.convert("RGB"))
        corner = pixels[-1, -1]
        drawn = (pixels != corner).any(axis=2).mean()
        assert drawn > 0.01, f"{name}.png is blank"
        assert len(set(map(bytes, pixels[::7, ::7].reshape(-1, 3)))) > 10
    assert not list(run.glob(".*partial")), "a temporary file was left behind"


def test_page_loads_nothing_and_names_every_picture(make_run, page_of):
    page = page_of(write_report(make_run()))
    assert [address for address in page.addresses if not address.startswith(("data:", "#"))] == []
    assert page.images_without_alt == 0
    anchors = [address[1:] for address in page.addresses if address.startswith("#")]
    assert set(anchors) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    style = re.search(r"<style>(.*?)</style>", (make_run() / "report.html").read_text(), re.DOTALL)
    assert style
    assert "url(" not in style.group(1)
    assert "@import" not in style.group(1)


def test_scores_stand_beside_the_baselines_with_the_best_marked(make_run, section_of):
    html = section_of(write_report(make_run()), "scores")
    few = re.search(r'<tr><th scope="row">kNN accuracy.*?</tr>', html, re.DOTALL)
    assert few
    cells = re.findall(r"<td(?: class=\"(\w+)\")?>([\d.]+)", few.group())
    assert cells == [("best", "0.931"), ("", "0.653"), ("", "0.681")]
    probe = re.findall(r'<tr><th scope="row">kNN accuracy.*?</tr>', html, re.DOTALL)[1]
    assert re.findall(r"<td(?: class=\"(\w+)\")?>([\d.]+)", probe) == [
        ("", "0.957"),
        ("best", "0.961"),
        ("", "0.904"),
    ]
    assert "raw input" in html
    assert "PCA-2" in html
    assert "1-NN from the same labels alone" in html
    assert "65.3 %" in html


def test_settings_are_shown(make_run, page_of):
    text = page_of(write_report(make_run())).text
    for said in ("dml-autoencoder", "shapes", "500 training, 8 of them labelled, 120 test", "3 min 12 s"):
        assert said in text
    assert "semimetric fit shapes --labels 8" in text
    assert "epoch 4" in text
    assert "python 3.11.7" in text


def test_text_of_the_user_is_never_markup(make_run, page_of):
    config = dict.fromkeys(("preset", "dataset", "command", "evaluated_on"), HOSTILE[0])
    path = write_report(make_run(names=HOSTILE, config=config))
    page, plain = page_of(path), page_of(write_report(make_run()))
    assert page.scripts == plain.scripts
    assert page.handlers == []
    assert "alert(1)</script>" not in path.read_text(encoding="utf-8")
    assert HOSTILE[0] in page.text
    assert HOSTILE[2] in page.text


def test_class_names_replace_whole_number_labels(make_run, page_of, section_of):
    path = write_report(make_run(config={"class_names": ["ant", "bee", "cow", "dog"]}))
    assert "4: ant, bee, cow, dog" in page_of(path).text
    assert "ant taken for bee" in section_of(path, "confusion")


def test_confusion_counts(make_run, section_of):
    # 120 rows of 4 classes; rows 0, 10, … 110 are taken for the next class: 12 mistakes, of classes 0 and 2.
    text = section_of(write_report(make_run()), "confusion")
    assert "108 of 120 rows (90.0 %)" in text
    assert "0 taken for 1 (6), 2 taken for 3 (6)" in text


def test_confusion_says_what_predicts(make_run, section_of):
    spread = section_of(write_report(make_run()), "confusion")
    assert "of their own class, by the labels that were spread to the nearest training rows." in spread
    without = make_run(without=("cluster_sizes", "cluster_inputs"))
    assert "of their own class, by the nearest labelled rows." in section_of(write_report(without), "confusion")


def test_a_second_report_replaces_the_first_and_takes_stale_pictures_away(make_run):
    run = make_run()
    write_report(run)
    assert (run / "reconstructions.png").exists()
    write_report(make_run(without=("reconstruction_inputs", "reconstruction_outputs")))
    assert not (run / "reconstructions.png").exists()
    assert (run / "latent.png").exists()


def test_same_run_same_report(make_run):
    run = make_run(dimensions=5)
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first


def test_missing_and_contradictory_runs_are_refused(make_run, tmp_path):
    with pytest.raises(RunError, match="no such folder"):
        write_report(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"y_test has shape \(7,\), not \(120,\)"):
        write_report(make_run(arrays={"y_test": np.zeros(7, dtype=int)}))
    with pytest.raises(RunError, match="shown_rows and shown_inputs"):
        write_report(make_run(arrays={"shown_rows": np.array([1, 500])}))
