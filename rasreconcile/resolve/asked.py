"""What was asked of the disk for one project, and what it answered: with the same answers, the same is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rasreconcile.errors import ProjectError
from rasreconcile.records import Hashed, Mention
from rasreconcile.resolve.folder import Folder
from rasreconcile.resolve.look import Answer, Look, Question
from rasreconcile.spelling import name_key


@dataclass(slots=True)
class Asked:
    """Passes every question on to the look, and writes it down."""

    look: Look
    answers: dict[Question, Answer] = field(default_factory=dict)
    whole: bool = True
    """Whether all that was asked is written down; else nothing may be remembered of what was made of it."""

    def hashed(self, path: Path, kind: str) -> Hashed:
        """Raises OSError as `Digests.of` does."""
        name = str(path)
        self.note(("digests", name, kind))
        found = self.look.hashed(name, kind)
        if isinstance(found, OSError):
            raise found
        return found

    def said(self, path: Path, kind: str) -> tuple[Mention, ...]:
        """Raises OSError as `Contents.of` does."""
        name = str(path)
        self.note(("contents", name, kind))
        found = self.look.said(name, kind)
        if isinstance(found, OSError):
            raise found
        return found

    def folder(self, path: Path) -> Listed | None:
        """None where there is no such folder. Raises ProjectError where it cannot be read."""
        name = str(path)
        self.note(("folder", name))
        found = self.look.listed(name)
        if isinstance(found, ProjectError):
            raise found
        return Listed(found, name, self) if found is not None else None

    def is_file(self, path: Path) -> bool:
        """Links are followed."""
        return self._type_of(path) == "file"

    def is_dir(self, path: Path) -> bool:
        """Links are followed."""
        return self._type_of(path) == "folder"

    def exists(self, path: Path) -> bool:
        """Links are followed."""
        name = str(path)
        self.note(("exists", name))
        return self.look.exists(name)

    def is_link(self, path: Path) -> bool:
        """Whether it is a symbolic link."""
        name = str(path)
        self.note(("link", name))
        return self.look.is_link(name)

    def real(self, path: Path | str) -> str:
        """The path without links."""
        name = str(path)
        self.note(("real", name))
        return self.look.real(name)

    def _type_of(self, path: Path) -> str:
        name = str(path)
        self.note(("type", name))
        return self.look.type_of(name)

    def written_ns(self, path: Path) -> int:
        """When the file was last written. Raises OSError."""
        name = str(path)
        self.note(("written", name))
        return self.look.written_ns(name)

    def note(self, question: Question) -> None:
        """Writes down that something rests on the answer."""
        if question not in self.answers:
            self.answers[question] = self.look.answer(question)


@dataclass(frozen=True, slots=True)
class Listed:
    """A folder whose names are asked for: of one name it is written down who answers to it, and not what else is there,
    so that a result that is published beside a project changes nothing that was asked."""

    _folder: Folder
    _name: str
    _asked: Asked

    @property
    def names(self) -> list[str]:
        """All of them, sorted."""
        self._asked.note(("names", self._name))
        return self._folder.names

    def find(self, name: str) -> Path | None:
        """The file of this name. Raises ProjectError where two names differ in case only."""
        self._asked.note(("name", self._name, name_key(name)))
        return self._folder.find(name)


def unchanged(answers: Mapping[Question, Answer], look: Look) -> bool:
    """Whether the disk answers all of it as it did."""
    try:
        return all(look.answer(question) == answer for question, answer in answers.items())
    except OSError:
        return False
