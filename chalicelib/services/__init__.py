"""Services that the Lambda handlers and the API's routes call. Stores are passed in."""
