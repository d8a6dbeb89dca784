"""What the blocks of faults, probes and loads are made from: a form that knows all of its fields, and web addresses."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Block(BaseModel):
    """A block of settings. A field that it does not know is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    others: ClassVar[str] = ""
    """What a fault with these settings hits beside the pods of its target, in a few words; empty: nothing."""
    of_copies: ClassVar[str] = ""
    """The field with which it hits a copy, and nothing but a copy; empty: there is none."""
    touches: ClassVar[str] = ""
    """What a fault with these settings does to each of its targets, in a few words."""
    comes_back: ClassVar[str] = ""
    """How what it did is taken back, in a few words."""


def shown_as(example: Mapping[str, Any]) -> ConfigDict:
    """The configuration of a block whose example cannot be put together from those of the fields that it needs."""
    return ConfigDict(json_schema_extra={"examples": [dict(example)]})


class Expectation(Block):
    """What counts as a good answer of a probe."""

    @property
    def gives_number(self) -> bool:
        """Whether answers come with a number, which a tolerance may bound."""
        return False


def _address(text: str) -> str:
    wrong = f'"{text}" is not an address; write it like http://checkout.shop:8080/buy'
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError as error:
        raise ValueError(wrong) from error
    if not known:
        raise ValueError(wrong)
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError(f'"{text}" has a letter that cannot stand in an address; write it like %20')
    if "@" in parts.netloc or parts.fragment:
        what = "a user" if "@" in parts.netloc else "a fragment"
        raise ValueError(f"the address of {parts.hostname} names {what}, which would not be sent; leave it out")
    return text


Url = Annotated[
    str, AfterValidator(_address), Field(description="The address to ask.", examples=["http://checkout.shop:8080/buy"])
]
