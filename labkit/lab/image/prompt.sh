# The prompt says which machine of the lab this is.
PS1='\[\e[1;36m\]${LAB_NODE:-\h}\[\e[0m\] (lab) \w \$ '
alias ll='ls -l'
