"""A reference model of the stores, and a state machine that holds the services to it."""
