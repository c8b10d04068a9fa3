"""Speaking SSH as OpenSSH does: settings, keys, known hosts, connections."""
