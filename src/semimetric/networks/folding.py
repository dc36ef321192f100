"""Networks as they are after training: batch norm is then a linear map, and part of the convolution before it."""

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def folded(network: nn.Module) -> nn.Module:
    """Return a network in evaluation mode that computes the same, with batch norms folded into convolutions.

    What is not a convolution followed by its batch norm in an `nn.Sequential` is shared with ``network``, not copied.
    Equal to rounding (Jacob et al. 2018, section 3.2).

    >>> import torch
    >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    >>> x = torch.randn(2, 1, 5, 5)
    >>> len(folded(network)), torch.allclose(folded(network)(x), network(x), atol=1e-6)
    (2, True)
    """
    network.eval()
    if type(network) is not nn.Sequential:
        return network
    layers: list[nn.Module] = []
    for layer in network:
        before = layers[-1] if layers else None
        if isinstance(layer, nn.BatchNorm2d) and type(before) is nn.Conv2d and layer.track_running_stats:
            layers[-1] = fuse_conv_bn_eval(before, layer)
        else:
            layers.append(folded(layer))
    return nn.Sequential(*layers)
