# The prompt says which machine of the lab this is.
PS1='\[\e[1;36m\]${LAB_NODE:-\h}\[\e[0m\] (lab) \w \$ '
unset LAB_KEYS # only the machine's servers need them
alias ll='ls -l'
