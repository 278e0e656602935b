"""Request models of the gateway: the bodies that callers send, for exports and generated clients.

They are narrower in words than the contract (docs/openapi/public.json) but not in what they allow: the gateway knows JSON schema draft 4.
"""

from collections.abc import Mapping

from aws_cdk import aws_apigateway as apigateway

_ANY = apigateway.JsonSchema(type=apigateway.JsonSchemaType.OBJECT)
_TEXT = apigateway.JsonSchema(type=apigateway.JsonSchemaType.STRING, min_length=1, max_length=256)
_SCHEMAS = {
    "Prediction": apigateway.JsonSchema(
        schema=apigateway.JsonSchemaVersion.DRAFT4,
        title="Prediction",
        type=apigateway.JsonSchemaType.OBJECT,
        required=["model", "features"],
        properties={
            "model": _TEXT,
            "version": apigateway.JsonSchema(type=[apigateway.JsonSchemaType.INTEGER, apigateway.JsonSchemaType.NULL]),
            "features": apigateway.JsonSchema(type=apigateway.JsonSchemaType.ARRAY, min_items=1, max_items=100, items=_ANY),
            "include_features": apigateway.JsonSchema(type=apigateway.JsonSchemaType.BOOLEAN),
        },
    ),
    "Records": apigateway.JsonSchema(
        schema=apigateway.JsonSchemaVersion.DRAFT4,
        title="Records",
        type=apigateway.JsonSchemaType.OBJECT,
        required=["records"],
        properties={"records": apigateway.JsonSchema(type=apigateway.JsonSchemaType.ARRAY, min_items=1, items=_ANY)},
    ),
}


def add_models(api: apigateway.RestApi, names: Mapping[str, str]) -> dict[str, apigateway.Model]:
    """Return the models `{route: name}` of the API."""
    return {
        route: api.add_model(f"{name}Model", model_name=name, content_type="application/json", schema=_SCHEMAS[name])
        for route, name in names.items()
    }
