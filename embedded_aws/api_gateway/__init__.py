"""API Gateway's REST API over a Chalice app: routes, authorizers, limits and compression."""
