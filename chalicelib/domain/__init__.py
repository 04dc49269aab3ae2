"""Pure logic: values in, values out; no AWS, environment, clock or randomness."""
