"""Looking on while a model is trained: a function that is called after every epoch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[Sequence[Mapping[str, float]]], None]

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def after_each_epoch(listener: Listener) -> Iterator[None]:
    """Have ``listener`` called after each epoch that a fit in this ``with`` block has finished.

    It is given the history so far (`TrainingResult.history`), not to be changed: a row for each epoch, a resumed fit's
    earlier ones among them, the last of which is the epoch's own. Its checkpoint is then written. What the listener
    raises ends the fit. In a fit on several devices nobody is called.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell_epoch(history: Sequence[Mapping[str, float]]) -> None:
    """Call the listener, if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(history)
