package settings

// homeOfAnotherUser is false: the profile is always the user's own.
func homeOfAnotherUser() bool { return false }
