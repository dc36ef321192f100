"""A mixture that is fitted to the embeddings of a trained space, and stays as it is from then on."""

from semimetric.priors.mixture import MixturePrior, scattered


class FittedPrior(MixturePrior):
    """A mixture of diagonal Gaussians for the "staged" routine to fit, between its stages.

    The future work of Safir et al. 2022: the prior takes the shape of the metric space, instead of the space that
    of the prior.

    Parameters
    ----------
    n_components, latent_dim : int
    """

    wants_embeddings = True

    def __init__(self, n_components: int, latent_dim: int) -> None:
        super().__init__(scattered(n_components, latent_dim))
