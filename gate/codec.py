"""Values of the model as the JSON that our custom resources hold, and back: camelCase, seconds, RFC 3339 times."""

from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from gate.errors import Permanent

T = TypeVar("T")
CONFIG = ConfigDict(alias_generator=to_camel, ser_json_timedelta="float", extra="ignore")


class Codec(Generic[T]):
    """Reads and writes one dataclass of the model. Fields unknown to this version are passed over when read."""

    def __init__(self, type_: type[T]) -> None:
        self._name = type_.__name__
        # pydantic takes a configuration for a plain dataclass only from around it: hence the tuple of one.
        one_of: Any = tuple
        self._adapter: TypeAdapter[Any] = TypeAdapter(one_of[type_], config=CONFIG)

    def write(self, value: T) -> dict[str, Any]:
        """All fields, the empty ones as null: in a merge patch that is what clears them."""
        (written,) = self._adapter.dump_python((value,), mode="json", by_alias=True)
        return dict(written)

    def write_new(self, value: T) -> dict[str, Any]:
        """The fields that have a value, for an object that is created."""
        (written,) = self._adapter.dump_python((value,), mode="json", by_alias=True, exclude_none=True)
        return dict(written)

    def read(self, data: dict[str, Any], what: str) -> T:
        """Raises `Permanent` that names `what` when the data does not have the shape."""
        try:
            (value,) = self._adapter.validate_python([data])
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"][1:])
            raise Permanent(f"{what}: {where}: {first['msg']}; another version of the gate wrote it") from error
        result: T = value
        return result
