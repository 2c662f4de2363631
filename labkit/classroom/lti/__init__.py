"""LTI 1.3: the workshop as a tool of a learning platform such as Moodle or Canvas. Sign-in, names and roles, and marks that go
back. pylti1p3next does the protocol; what it leaves open is closed here and named where it is done."""
