"""The pages of deployed apps, shown in a browser on the learner's machine (docs/decisions/0024-the-apps-page.md)."""
