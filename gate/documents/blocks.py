"""What the blocks of faults, probes and loads are made from: a form that knows all of its fields, and web addresses."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Block(BaseModel):
    """A block of settings. A field that it does not know is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Expectation(Block):
    """What counts as a good answer of a probe."""

    @property
    def gives_number(self) -> bool:
        """Whether answers come with a number, which a tolerance may bound."""
        return False


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f'"{text}" is not an address; write it like http://checkout.shop:8080/buy')
    return text


Url = Annotated[
    str, AfterValidator(_address), Field(description="The address to ask.", examples=["http://checkout.shop:8080/buy"])
]
