"""The registry's front: host names, tokens, rules and the access log. Runs inside the lab image, on its own."""
