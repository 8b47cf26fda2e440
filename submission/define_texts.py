"""Methods and comments of a define.xml, each text once for each variable name that has it.

Sources: Define-XML 2.1 sections 5.3.13 (MethodDef) and 5.3.14 (def:CommentDef).
"""

from __future__ import annotations

from submission.define_model import Text

COMPUTATION, IMPUTATION = "Computation", "Imputation"


class Texts:
    """Methods (prefix MT) or comments (COM); `called` words their names, comments have none."""

    def __init__(self, prefix: str, called: str = "") -> None:
        """Empty."""
        self.prefix, self.called = prefix, called
        self.texts: dict[tuple[str, str, str], Text] = {}

    def add(self, text: str, user: str, type_: str = "") -> Text | None:
        """The text for a user such as AE.AESTDY; None where there is nothing to say."""
        if not text:
            return None
        name = user.partition(".")[2] or user
        key = (name, text, type_)
        if key not in self.texts:
            self.texts[key] = Text(text, type_)
        self.texts[key].users.append(user)
        return self.texts[key]

    def finished(self) -> list[Text]:
        """All texts by OID, which they have now: MT.AESTDY where a name has one text, MT.AE.EPOCH where a dataset has
        one of its own, MT.EPOCH.1 where several share it.
        """
        by_name: dict[str, list[Text]] = {}
        used = {key: text for key, text in self.texts.items() if text.users}
        for (name, _, _), text in used.items():
            by_name.setdefault(name, []).append(text)
        for name, texts in by_name.items():
            shared = 0
            for text in texts:
                users = list(dict.fromkeys(text.users))
                if len(texts) == 1:
                    oid, label = name, name
                elif len(users) == 1:
                    oid, label = users[0], users[0]
                else:
                    shared += 1
                    oid = f"{name}.{shared}"
                    label = f"{name} in {', '.join(u.removesuffix(name).rstrip('.') for u in users)}"
                text.oid = f"{self.prefix}.{oid}"
                text.name = f"{self.called} {label}" if self.called else ""
        return sorted(used.values(), key=lambda t: t.oid)
