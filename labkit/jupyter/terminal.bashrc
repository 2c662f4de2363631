# JupyterLab's terminals: the lab's environment, and a prompt that says which machine plain `docker …` speaks to.
_lab_path=$PATH
[ -r ~/.bashrc ] && . ~/.bashrc
PATH=$_lab_path # a learner's ~/.bashrc may set another one, and take labkit away with it
unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION
_lab_machine() {
  local current
  current=$(sed -n 's/.*"currentContext": *"\([^"]*\)".*/\1/p' "$DOCKER_CONFIG/config.json" 2>/dev/null)
  printf %s "${DOCKER_CONTEXT:-${current:-no lab: labkit up}}"
}
PS1='\[\e[1;32m\]$(_lab_machine)\[\e[0m\] \w \$ '
PROMPT_COMMAND=
_labkit_completion() { # asked for at the first Tab only; 124 has bash look again (bash, Programmable Completion)
  eval "$(labkit completion bash)"
  return 124
}
complete -F _labkit_completion labkit
