"""Looking on while a model is trained: a function that is called after every epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[int], None] | None] = ContextVar("listener", default=None)


@contextmanager
def after_each_epoch(listener: Callable[[int], None]) -> Iterator[None]:
    """Have ``listener`` called with the number of each epoch, from 1, that a fit in this ``with`` block has finished.

    Its checkpoint is then written. What the listener raises ends the fit. In a fit on several devices nobody is called.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell_epoch(epoch: int) -> None:
    """Call the listener, if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(epoch)
