"""The classroom in a browser, and its API: an ASGI app on Starlette, served by uvicorn over TLS."""
