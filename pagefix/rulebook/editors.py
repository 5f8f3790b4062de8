"""The JSON Schema of a rule file, for editors: made from the forms, so it cannot differ.

Floor 3.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, get_args, get_origin, is_typeddict

from pagefix.finding import Kind
from pagefix.rulebook.forms import FORMS
from pagefix.rulebook.reader import fields
from pagefix.rulebook.script_rule import ScriptForm

__all__ = ["json_schema"]


def json_schema() -> str:
    """Return the schema as text (``str``, JSON): one alternative for each kind of rule."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A rule of pagefix",
        "oneOf": [{"$ref": f"#/definitions/{name}"} for name in (*FORMS, "script")],
        "definitions": {
            **{str(kind): _form(form, kind) for kind, form in FORMS.items()},
            "script": _form(ScriptForm, Kind.FLOW),
        },
    }
    return json.dumps(schema, indent=2)


def _form(form: type, kind: str | None = None) -> dict[str, Any]:
    known = fields(form)
    properties = {}
    for key, field in known.items():
        properties[key] = _of(field.type)
        if field.words:
            properties[key]["description"] = field.words
    required = [key for key, field in known.items() if field.required]
    if kind is not None:
        properties["kind"]["enum"] = [kind]
        if kind != Kind.FLOW:
            required.append("kind")
    return {
        "type": "object",
        "description": (form.__doc__ or "").strip().splitlines()[0],
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _of(type_: Any) -> dict[str, Any]:
    if is_typeddict(type_):
        return _form(type_)
    if get_origin(type_) is list:
        return {"type": "array", "items": _of(get_args(type_)[0]), "minItems": 1}
    if get_origin(type_) is dict:
        return {"type": "object", "additionalProperties": _of(get_args(type_)[1])}
    if type_ is bool:
        return {"type": "boolean"}
    if type_ is int:
        return {"type": "integer"}
    if issubclass(type_, StrEnum):
        return {"type": "string", "enum": [each.value for each in type_]}
    return {"type": "string", "pattern": r"\S"}
