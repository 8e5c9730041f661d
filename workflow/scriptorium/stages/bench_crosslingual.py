"""stub"""

from pydantic import Field

from scriptorium.spec import Spec


class BenchCrosslingualSpec(Spec):
    """What is timed."""

    runs: int = Field(7, gt=0, description="pairs of every case")
