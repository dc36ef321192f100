"""What a study's file says about its table."""

from pydantic import BaseModel, ConfigDict


class TableSpec(BaseModel):
    """The layout of a study's table."""

    model_config = ConfigDict(extra="allow")
