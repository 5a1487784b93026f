package durable

// syncFolder does nothing: Windows has no fsync for folders, NTFS journals its names.
func syncFolder(string) error { return nil }
