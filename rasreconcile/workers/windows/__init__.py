"""Windows hosts: an agent that speaks as the shell scripts do elsewhere, and how arguments are written there."""
