"""MedMNIST's two-dimensional datasets at 28 pixels, with their official splits.

Names, sizes, checksums and licences are those that the publishers state (Yang et al., Scientific Data 2023,
https://doi.org/10.5281/zenodo.10519652).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from semimetric.data.dataset import Dataset, DatasetEntry
from semimetric.data.download import RemoteFile
from semimetric.errors import DataError

# Known, but not single-label: asked for by name, they get a reason instead of "unknown dataset".
UNSUPPORTED = {
    "chestmnist": "its rows carry 14 yes-or-no labels each, and semimetric needs one class per row",
}


def read_medmnist(path: Path, flag: str, class_names: tuple[str, ...]) -> Dataset:
    """Read one MedMNIST ``.npz``: uint8 images (n, h, w) or (n, h, w, 3), labels as int64 (n,).

    Raises
    ------
    DataError
        The file is damaged, lacks a split, or its arrays do not fit each other.
    """
    splits: dict[str, np.ndarray] = {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            for split in ("train", "val", "test"):
                X, y = archive[f"{split}_images"], archive[f"{split}_labels"]
                splits[f"X_{split}"], splits[f"y_{split}"] = X, _labels(y, X, path, split, class_names)
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"{path} is not MedMNIST's {flag}: {error.args[0]}") from error
    except Exception as error:  # what decoders raise on damaged bytes is almost anything
        raise DataError(
            f"{path} is damaged or not an .npz file ({error}); replace it, or delete it to download anew"
        ) from error
    return Dataset(name=flag, **splits, class_names=class_names, source=str(path))


def _labels(y: np.ndarray, X: np.ndarray, path: Path, split: str, class_names: tuple[str, ...]) -> np.ndarray:
    if X.dtype != np.uint8 or X.ndim not in (3, 4):
        raise DataError(f"{path}: {split}_images holds {X.dtype} of shape {X.shape}; expected uint8 images")
    if y.shape not in ((len(X), 1), (len(X),)) or y.dtype.kind not in "iu":
        raise DataError(
            f"{path}: {split}_labels holds {y.dtype} of shape {y.shape}; expected one integer for each of "
            f"{len(X)} images"
        )
    y = y.reshape(-1).astype(np.int64)
    if len(y) and not (y.min() >= 0 and y.max() < len(class_names)):
        raise DataError(f"{path}: {split}_labels runs to {y.max()}; expected 0 to {len(class_names) - 1}")
    return y


def _entry(
    flag: str,
    description: str,
    md5: str,
    sizes: tuple[int, int, int],
    class_names: tuple[str, ...],
    colour: bool = False,
    licence: str = "CC BY 4.0",
) -> DatasetEntry:
    def read(paths: Mapping[str, Path]) -> Dataset:
        return read_medmnist(paths[f"{flag}.npz"], flag, class_names)

    url = f"https://zenodo.org/records/10519652/files/{flag}.npz?download=1"
    return DatasetEntry(
        name=flag,
        description=description,
        shape=(28, 28, 3) if colour else (28, 28),
        classes=len(class_names),
        sizes=dict(zip(("train", "val", "test"), sizes, strict=True)),
        licence=licence,
        read=read,
        folder="medmnist",
        files=(RemoteFile(f"{flag}.npz", md5, (url,)),),
    )


_ORGANS = (
    *("bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right"),
    *("liver", "lung-left", "lung-right", "pancreas", "spleen"),
)

MEDMNIST = (
    _entry(
        "pathmnist",
        "colorectal tissue under the microscope",
        "a8b06965200029087d5bd730944a56c1",
        (89996, 10004, 7180),
        (
            *("adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle"),
            *("normal colon mucosa", "cancer-associated stroma", "colorectal adenocarcinoma epithelium"),
        ),
        colour=True,
    ),
    _entry(
        "dermamnist",
        "pigmented skin lesions",
        "0744692d530f8e62ec473284d019b0c7",
        (7007, 1003, 2005),
        (
            *("actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma"),
            *("benign keratosis-like lesions", "dermatofibroma", "melanoma", "melanocytic nevi"),
            "vascular lesions",
        ),
        colour=True,
        licence="CC BY-NC 4.0",
    ),
    _entry(
        "octmnist",
        "optical coherence tomography of the retina",
        "c68d92d5b585d8d81f7112f81e2d0842",
        (97477, 10832, 1000),
        ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    ),
    _entry(
        "pneumoniamnist",
        "chest X-rays of children",
        "28209eda62fecd6e6a2d98b1501bb15f",
        (4708, 524, 624),
        ("normal", "pneumonia"),
    ),
    _entry(
        "retinamnist",
        "retina photographs, five grades of retinopathy",
        "bd4c0672f1bba3e3a89f0e4e876791e4",
        (1080, 120, 400),
        ("0", "1", "2", "3", "4"),
        colour=True,
    ),
    _entry(
        "breastmnist",
        "breast ultrasound",
        "750601b1f35ba3300ea97c75c52ff8f6",
        (546, 78, 156),
        ("malignant", "normal, benign"),
    ),
    _entry(
        "bloodmnist",
        "blood cells under the microscope",
        "7053d0359d879ad8a5505303e11de1dc",
        (11959, 1712, 3421),
        (
            *("basophil", "eosinophil", "erythroblast"),
            "immature granulocytes(myelocytes, metamyelocytes and promyelocytes)",
            *("lymphocyte", "monocyte", "neutrophil", "platelet"),
        ),
        colour=True,
    ),
    _entry(
        "tissuemnist",
        "kidney cortex cells under the microscope",
        "ebe78ee8b05294063de985d821c1c34b",
        (165466, 23640, 47280),
        (
            *("Collecting Duct, Connecting Tubule", "Distal Convoluted Tubule"),
            *("Glomerular endothelial cells", "Interstitial endothelial cells", "Leukocytes", "Podocytes"),
            *("Proximal Tubule Segments", "Thick Ascending Limb"),
        ),
    ),
    _entry(
        "organamnist",
        "abdominal CT, organs seen in axial slices",
        "68e3f8846a6bd62f0c9bf841c0d9eacc",
        (34561, 6491, 17778),
        _ORGANS,
    ),
    _entry(
        "organcmnist",
        "abdominal CT, organs seen in coronal slices",
        "b9ceb9546e10131b32923c5bbeaea2b1",
        (12975, 2392, 8216),
        _ORGANS,
    ),
    _entry(
        "organsmnist",
        "abdominal CT, organs seen in sagittal slices",
        "9ab87b696fb54e2a387ebe992d6ed5f1",
        (13932, 2452, 8827),
        _ORGANS,
    ),
)
