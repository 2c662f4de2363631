# expect: all passed
limited; proxy; both; pulled
cut_off; again worker2
