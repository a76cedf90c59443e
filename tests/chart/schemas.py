#!/usr/bin/env python3
"""Writes the JSON schemas that kubeconform checks manifests against, a file for each kind: Kubernetes' own, from its OpenAPI
document, and those of CustomResourceDefinitions.

Usage: schemas.py SWAGGER.JSON CRD.YAML... DIRECTORY
As with the API server's strict check, a field that is not in the schema is a mistake.
"""
import json
import pathlib
import sys

import yaml

PREFIX = "#/definitions/"
INT_OR_STRING = {"type": ["integer", "string"]}
NUMBER_OR_STRING = {"type": ["number", "string"]}


def strict(schema):
    """The schema with what JSON Schema has no words for put differently, and without unknown fields."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        return INT_OR_STRING
    result = {key: value for key, value in schema.items() if key not in ("description", "format", "default")}
    for key in ("properties", "definitions"):
        if key in result:
            result[key] = {name: strict(value) for name, value in result[key].items()}
    for key in ("items", "additionalProperties"):
        if key in result:
            result[key] = strict(result[key])
    for key in ("allOf", "anyOf", "oneOf"):
        if key in result:
            result[key] = [strict(each) for each in result[key]]
    if "properties" in result and not result.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    return result


def references(schema):
    """The names of the definitions that a schema needs."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(PREFIX)
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def with_definitions(name, definitions):
    """A schema that stands alone."""
    needed, new = {}, [name]
    while new:
        current = new.pop()
        if current not in needed:
            needed[current] = definitions[current]
            new.extend(references(definitions[current]))
    return {"$ref": PREFIX + name, "definitions": needed}


def of_kubernetes(path):
    definitions = {name: strict(schema) for name, schema in json.loads(path.read_text())["definitions"].items()}
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = NUMBER_OR_STRING
    for name, schema in definitions.items():
        kinds = schema.get("x-kubernetes-group-version-kind", [])
        if len(kinds) == 1:
            yield kinds[0]["group"], kinds[0]["version"], kinds[0]["kind"], with_definitions(name, definitions)


def of_crd(path):
    for crd in yaml.safe_load_all(path.read_text()):
        spec = crd["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            for field in ("apiVersion", "kind", "metadata"):
                schema["properties"].setdefault(field, {})
            yield spec["group"], version["name"], spec["names"]["kind"], schema


def main(swagger, *crds):
    *crds, directory = map(pathlib.Path, crds)
    found = list(of_kubernetes(pathlib.Path(swagger)))
    for crd in crds:
        found.extend(of_crd(crd))
    for group, version, kind, schema in found:
        name = "-".join(filter(None, (kind.lower(), group.split(".")[0], version)))   # as kubeconform asks for it
        (directory / f"{name}.json").write_text(json.dumps(schema))


if __name__ == "__main__":
    main(*sys.argv[1:])
