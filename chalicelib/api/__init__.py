"""Request parsing, problem responses and the OpenAPI document."""
