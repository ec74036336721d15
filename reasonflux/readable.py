"""Records that people read and that JSON holds; how they look stands in `showing.py`, loaded when it is asked for."""

from typing import Any, cast


class Readable:
    """Base of `Solution`: `print(solution)` and `solution.to_dict()`."""

    def to_dict(self) -> dict[str, Any]:
        """All of it in values that JSON holds."""
        from reasonflux import showing

        return showing.as_dict(cast(Any, self))

    def __str__(self) -> str:
        """The trajectory as text, without colours."""
        from reasonflux import showing

        return showing.as_text(cast(Any, self))
