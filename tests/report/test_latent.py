"""Which rows the plane shows, and what the interactive plot is given."""

import io

import numpy as np
from PIL import Image

from semimetric.report import latent
from semimetric.report.latent import latent_plane
from semimetric.report.latent_plot import plot
from semimetric.report.palette import COLOURS
from semimetric.report.thumbnails import sprite_sheet
from semimetric.report.view import view_of
from semimetric.runs.directory import RunDirectory


def test_rows_with_thumbnails_come_first_and_points_are_bounded(make_run, monkeypatch):
    monkeypatch.setattr(latent, "MOST_TEST", 70)
    monkeypatch.setattr(latent, "MOST_LABELLED", 5)
    plane = latent_plane(view_of(RunDirectory(make_run()).read()))
    assert len(plane.rows) == 70
    assert set(range(0, 120, 2)) <= set(plane.rows.tolist())  # the 60 rows whose inputs are kept
    assert len(plane.labelled_rows) == 5


def test_every_mark_leads_to_its_row_and_its_picture(make_run):
    record = RunDirectory(make_run()).read()
    view = view_of(record)
    drawn = plot(view, latent_plane(view))
    seen = []
    for trace in drawn["traces"]:
        for x, y, index in zip(trace["x"], trace["y"], trace["customdata"], strict=True):
            point = drawn["points"][index]
            seen.append(index)
            assert point["class"] == trace["name"]
            if "row" in point:
                assert np.allclose(view.Z[point["row"]], [x, y], atol=1e-4)
                assert (point.get("wrong") == 1) == bool(view.wrong[point["row"]])
    assert sorted(seen) == list(range(120 + 8))
    assert drawn["sprites"]["count"] == 60 + 8


def test_sprite_sheet_holds_each_picture_in_its_place():
    pictures = [np.full((4, 6), value, dtype=np.uint8) for value in (10, 60, 110, 160, 210)]
    content, kind, columns, width, height = sprite_sheet(pictures)
    assert (kind, width, height) == ("image/png", 6, 4)
    sheet = np.asarray(Image.open(io.BytesIO(content)))
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        tile = sheet[row * 4 : row * 4 + 4, column * 6 : column * 6 + 6]
        assert np.array_equal(tile, picture)


def test_large_pictures_are_made_smaller():
    _, kind, _, width, height = sprite_sheet([np.zeros((128, 64, 3), dtype=np.uint8)])
    assert (kind, width, height) == ("image/jpeg", 22, 44)


def _oklab(linear: np.ndarray) -> np.ndarray:
    to_lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.cbrt(linear @ to_lms.T) @ to_lab.T


def test_colours_stay_apart_for_colour_blind_eyes():
    # Full dichromacy after Machado, Oliveira and Fernandes 2009, table 1 (severity 1.0).
    eyes = {
        "normal": np.eye(3),
        "protan": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deutan": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        "tritan": [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    }
    srgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in COLOURS])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    for eye, matrix in eyes.items():
        seen = _oklab(np.clip(linear @ np.asarray(matrix).T, 0, 1))
        distances = np.linalg.norm(seen[:, None] - seen[None], axis=2) + np.eye(len(COLOURS))
        assert distances.min() > 0.1, eye
