"""A JupyterLab for each learner, on the classroom's server: JupyterHub, its proxy, and what ties them to the classroom."""
