# expect: limit_met=passed limit_read=passed is_cache=passed is_used=mirror-other-address from_mirror=mirror-bypassed second_from_mirror=blocked without_hub=blocked
# One with another port, one with TLS: Docker falls back to the Hub for both, and says nothing.
limited; proxy; mirrored worker1 http://mirror:5001; mirrored worker2 https://mirror:5000
pulled
