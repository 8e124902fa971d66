"""A piece of work with the memory that it takes, asked of a plan before it starts."""

from dataclasses import dataclass

from tradsys.machine.plan import Plan


@dataclass(frozen=True, slots=True)
class Work:
    """Something to be done, the memory it takes at its peak, and what a smaller machine could do instead.

    `trains_network` says that an accelerator would be used.
    """

    name: str
    n_bytes: int
    instead: str
    trains_network: bool = False

    @property
    def sentence(self) -> str:
        """The work and its size."""
        return f"{self.name}: about {self.n_bytes / 10**6:,.0f} MB"

    def check(self, plan: Plan) -> None:
        """Raise MachineError where the plan has no room for it."""
        plan.demand(self.name, self.n_bytes, self.instead)
