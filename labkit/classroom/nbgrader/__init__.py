"""nbgrader: a course whose notebooks are graded from signed observations, and its gradebook. Tried with nbgrader 0.9.6."""
