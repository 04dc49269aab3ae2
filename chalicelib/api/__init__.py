"""The HTTP API: routes, request parsing, responses, problems and the OpenAPI document."""
