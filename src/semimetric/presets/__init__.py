"""Presets: the papers' systems by name, each a composition of parts.

Adding one: a file here with a `Preset`, and a line in `PRESETS`.
"""

from semimetric.errors import nearest_names
from semimetric.presets.autoencoder import AUTOENCODER
from semimetric.presets.base import DEFAULTS, Choices, Composition, Preset
from semimetric.presets.best import BEST, BEST_FAST
from semimetric.presets.dml import DML
from semimetric.presets.dml_autoencoder import DML_AUTOENCODER
from semimetric.presets.dml_prior import DML_GMM_PRIOR, DML_UNIT_PRIOR
from semimetric.presets.metric_vae import JOINT_MVAE, METRIC_VAE
from semimetric.presets.tvae import TVAE
from semimetric.presets.vae import VAE, VAMP_VAE

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        BEST,
        BEST_FAST,
        DML,
        DML_AUTOENCODER,
        DML_UNIT_PRIOR,
        DML_GMM_PRIOR,
        METRIC_VAE,
        JOINT_MVAE,
        TVAE,
        AUTOENCODER,
        VAE,
        VAMP_VAE,
    )
}


def get_preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises
    ------
    ValueError
        If there is none; the message names the nearest.

    >>> get_preset("dml").citation
    'Safir et al. 2022, algorithm 1'
    """
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}: {nearest_names(name, PRESETS)}")
    return PRESETS[name]


__all__ = ["DEFAULTS", "PRESETS", "Choices", "Composition", "Preset", "get_preset"]
