"""The commands: by group, each with its module and a line for `labkit --help`. A module is imported only when its command is
used; `--help` imports none of them.

The modules are imported only when their command is asked for; `--help` imports none of them."""

GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Learn": {
        "check": ("check", "Grade exercises: what passed, what didn't yet, and why."),
        "hint": ("learn", "Show the next hint of a check."),
        "answer": ("learn", "Show or answer the questions of an exercise."),
        "explain": ("learn", "Explain an error message of docker or a registry."),
        "reset": ("solve", "Put an exercise, or the whole lab, back to the start."),
        "solve": ("solve", "Play the reference solution of an exercise, or show it."),
    },
    "Lab": {
        "up": ("up", "Start the lab and JupyterLab, or repair a running lab."),
        "down": ("down", "End the lab and JupyterLab. Your folder stays."),
        "status": ("status", "Show machines, registries and services of the lab."),
        "env": ("shell", "Print lines that connect this shell's docker to the lab."),
        "shell": ("shell", "Open a shell, or run a command, on a machine of the lab."),
        "jupyter": ("jupyter", "Open JupyterLab for the running lab, or end it."),
        "doctor": ("doctor", "Check this machine: what the lab needs, how to fix it."),
        "expire": ("expire", "Let a registry's tokens expire now, for a lesson."),
        "limit": ("limit", "Set how many pulls a registry allows, for a lesson."),
        "immutable": ("repository", "Keep the tags of a repository on Docker Hub as they are."),
        "private": ("repository", "Hide a repository on Docker Hub from others."),
        "image": ("image", "Build the lab image, or carry the lab to another machine."),
        "completion": ("completion", "Print lines that complete commands with Tab."),
    },
    "Author": {
        "new": ("author", "Start a new exercise from a template."),
        "verify": ("author", "Prove that exercises grade as their authors say."),
        "notebooks": ("author", "Build the notebooks from the lessons."),
    },
    "Instruct": {
        "invite": ("invite", "Give someone access to this lab, as a guest."),
        "observe": ("check", "Print what the lab holds as JSON, to grade it later."),
        "workshop": ("workshop", "Make the key of a graded workshop."),
        "marks": ("export", "Make a gradebook from saved observations."),
        "export": ("export", "Write marks for Canvas, Moodle, nbgrader and others."),
        "certificate": ("export", "Make or check a certificate of completion."),
        "lti": ("export", "Make the keys of the LTI tool."),
        "classroom": ("classroom", "Run a graded workshop for many: roster, board, marks."),
    },
}

COMMANDS = {name: module for group in GROUPS.values() for name, (module, _) in group.items()}

OWNERS = {"down", "image", "invite", "up", "verify"}
"""What only a lab's owner can do."""

VARIABLE = "_LABKIT_COMPLETE"
"""The variable that a shell sets to ask for completions."""
