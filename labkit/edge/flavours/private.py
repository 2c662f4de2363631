"""A registry of a team's own: plain CNCF Distribution with a token server. Everybody who signs in may do everything."""

from .base import Flavour


class Private(Flavour):
    realm = "https://registry.lab:5000/token"
    service = "registry.lab"
    read = write = delete = "signed-in"
    lists = True
