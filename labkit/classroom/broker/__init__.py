"""Makes and keeps the labs of a workshop's learners. Only this has the socket of the engine that runs them."""
