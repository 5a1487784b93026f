package main

// homeIsAnothers is false: the profile is always the user's own.
func homeIsAnothers() bool { return false }
