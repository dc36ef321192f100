"""Where a study's runs are computed: in processes of this machine, or on a Ray cluster."""

from semimetric.studies.engines.base import ENGINES, Engine, open_engine

__all__ = ["ENGINES", "Engine", "open_engine"]
