"""The page in a real browser."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semimetric.report import write_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on the PATH"),
]


def browse(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page without a network, and return what the browser wrote."""
    assert BROWSER
    quiet = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
    ]
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        *quiet,
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={page.parent / 'browser'}",
        "--enable-logging=stderr",
        "--log-level=0",
        "--virtual-time-budget=8000",
        *options,
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def problems(log: str) -> list[str]:
    """What the page's scripts complained of."""
    return [line for line in log.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize(("kind", "dimensions"), [("images", 2), ("colour", 4), ("vectors", 1)])
def test_the_plot_is_drawn_without_complaint(make_run, kind, dimensions):
    page = write_report(make_run(kind, dimensions=dimensions))
    seen = browse(page, "--dump-dom")
    assert problems(seen.stderr) == []
    drawn = re.search(r'data-rendered="(\d+)"', seen.stdout)
    assert drawn, "the plot was not drawn"
    assert int(drawn.group(1)) == 120 + 8  # every row and every labelled row is a mark
    assert "scatterlayer" in seen.stdout


def test_the_prior_is_outlined_and_does_not_decide_what_is_in_view(make_run):
    Z = np.random.default_rng(0).uniform(-1, 1, (120, 2)).astype(np.float32)
    means = np.array([[0, 0], [1e4, -1e4]], dtype=np.float32)
    prior = {"prior_means": means, "prior_scales": np.ones_like(means) / 2, "prior_weights": np.ones(2) / 2}
    page = write_report(make_run(arrays={"Z_test": Z, "Z_labelled": Z[:8], **prior}))
    script = """<script>window.addEventListener("load", () => setTimeout(() => {
      const root = document.getElementById("latent-plot");
      const widest = () => Math.max(...root._fullLayout.xaxis.range.concat(root._fullLayout.yaxis.range).map(Math.abs));
      const lines = () => root.querySelectorAll(".scatterlayer .js-line").length;
      document.body.dataset.widest = widest();
      document.body.dataset.lines = lines();
      document.getElementById("show-prior").click();
      setTimeout(() => { document.body.dataset.after = lines() + " " + (widest() < 3); }, 500);
    }, 1500));</script></body>"""
    probe = page.with_name("probe.html")
    probe.write_text(page.read_text(encoding="utf-8").replace("</body>", script), encoding="utf-8")
    seen = browse(probe, "--dump-dom")
    assert problems(seen.stderr) == []
    (widest,) = re.findall(r'data-widest="([\d.]+)"', seen.stdout)
    assert 1 < float(widest) < 3
    assert re.search(r'data-lines="[1-9]', seen.stdout)
    assert re.search(r'data-after="0 true"', seen.stdout)


def test_hostile_names_run_nothing(make_run):
    names = [
        "<script>document.title='taken'</script>",
        "<img src=x onerror=\"document.title='taken'\">",
        "c",
        "d",
    ]
    seen = browse(write_report(make_run(names=names)), "--dump-dom")
    assert problems(seen.stderr) == []
    assert "data-rendered" in seen.stdout
    assert "<title>taken" not in seen.stdout


def test_pointing_at_a_mark_shows_its_picture_and_the_switches_work(make_run):
    page = write_report(make_run())
    script = """<script>window.addEventListener("load", () => setTimeout(() => {
      const root = document.getElementById("latent-plot");
      const trace = root.data.findIndex((one) => one.customdata.length > 0);
      root.emit("plotly_hover", { points: [{ customdata: root.data[trace].customdata[0] }],
                                  event: { clientX: 300, clientY: 300 } });
      const tip = document.getElementById("latent-tip");
      document.body.dataset.tip = tip.innerText.replaceAll("\\n", " ");
      document.body.dataset.thumb = tip.querySelector(".thumb").offsetWidth;
      document.getElementById("show-stars").click();
      const count = () => root.querySelectorAll(".scatterlayer .point").length;
      setTimeout(() => { document.body.dataset.marks = count(); }, 500);
    }, 1500));</script></body>"""
    probe = page.with_name("probe.html")
    probe.write_text(page.read_text(encoding="utf-8").replace("</body>", script), encoding="utf-8")
    seen = browse(probe, "--dump-dom")
    assert problems(seen.stderr) == []
    assert re.search(r'data-tip="class 0 predicted 1 ✗ wrong prediction row 0"', seen.stdout)
    assert re.search(r'data-thumb="88"', seen.stdout)
    assert re.search(r'data-marks="120"', seen.stdout), "the stars of the 8 labelled rows are hidden"


@pytest.mark.parametrize("dark", [False, True])
def test_the_screenshot_shows_a_page(make_run, tmp_path, dark):
    picture = tmp_path / "page.png"
    options = ["--blink-settings=preferredColorScheme=0"] if dark else []
    page = write_report(make_run(dimensions=3))
    browse(page, "--hide-scrollbars", "--window-size=1180,3000", f"--screenshot={picture}", *options)
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    assert pixels.shape[:2] == (3000, 1180)
    for part in np.array_split(pixels, 4):
        assert len(set(map(bytes, part[::2, ::2].reshape(-1, 3)))) > 20, "a quarter of the page is blank"
    assert (pixels[0, 0].mean() < 80) == dark
