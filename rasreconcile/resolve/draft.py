"""A plan of the spec with what it reads, before the plans that it needs are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rasreconcile.output_names import filled
from rasreconcile.plans import Address
from rasreconcile.project.references import Reference
from rasreconcile.resolve.findings import Closure
from rasreconcile.resolve.producers import Producer
from rasreconcile.resolve.projects import FoundProject
from rasreconcile.spec import EngineSpec


@dataclass(slots=True)
class Draft:
    """A plan before its upstream plans are known."""

    found: FoundProject
    address: Address
    number: str
    engine: EngineSpec
    output: Path
    closure: Closure = field(default_factory=Closure)

    def producer(
        self, short_id: str = "", dss: str | None = None, dss_outside: Reference | None = None
    ) -> Producer:
        """The plan as one that may write files for others."""
        project = self.found.path
        return Producer(
            address=self.address,
            folder=project.parent,
            stem=project.stem,
            number=self.number,
            output=self.output,
            outputs=self.outputs,
            short_id=short_id,
            dss=dss,
            dss_outside=dss_outside,
        )

    @property
    def needs(self) -> tuple[Address, ...]:
        """As the spec says, and for the files it reads that other plans make; its own were there before it runs."""
        named = [Address(need) for need in self.found.entry.needs]
        makers = [address for address, _ in self.closure.made if address != self.address]
        return tuple(dict.fromkeys((*named, *makers)))

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the spec says that its runs bring back, patterns too."""
        words = (filled(w, stem=self.found.path.stem, number=self.number) for w in self.found.entry.outputs)
        return tuple(dict.fromkeys(words))
