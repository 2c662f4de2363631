# expect: all passed
limited; proxy; both; pulled
cut_off; again worker2
labkit reset 12-mirror
limited; proxy; both; pulled
cut_off; again worker2
