"""How rows that a user gives come before a fitted model."""

import torch
from numpy.typing import ArrayLike
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from semimetric.data.arrays import InputForm, lay_out
from semimetric.data.normalisation import Normaliser
from semimetric.estimator.inference import Inputs
from semimetric.model import Model
from semimetric.training import choose_device


class Application:
    """The part of `MetricEmbedder` that applies what was fitted to rows: their form is checked, the device chosen."""

    device: str
    model_: Model
    normaliser_: Normaliser
    input_form_: InputForm

    def _inputs(self, X: ArrayLike) -> Inputs:
        """Return ``X`` as the model takes it, uncopied; values are checked as they pass through the model."""
        check_is_fitted(self)
        array = check_array(X, allow_nd=True, ensure_all_finite=False, dtype="numeric")
        if array.ndim == 2 and not self.input_form_.is_image:  # of images, scikit-learn would miscount the features
            validate_data(self, X, reset=False, skip_check_array=True)
        rows, form = lay_out(array, self.input_form_)
        return Inputs(rows, form, self.normaliser_, self._device())

    def _device(self) -> torch.device:
        """The device to compute on; the model is moved there if it is elsewhere."""
        device = choose_device(self.device)
        self.model_.to(device)
        self.normaliser_.to(device)
        return device
