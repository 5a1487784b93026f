package ignore

import "strings"

// partial are the endings of files that programs are still writing, and of those that
// they keep beside others.
var partial = []string{
	".part", ".partial", ".filepart", ".crdownload", ".download", ".opdownload", ".aria2", ".!ut", ".!qb", ".bc!", // downloads
	".tmp", ".temp", "~", // editors and office programs
}

// BusyMarks are the endings of files beside one that is still being fetched: the
// browser or downloader has made NAME already, and writes to NAME.part.
var BusyMarks = []string{".part", ".crdownload", ".aria2"}

// SkippedName tells that a file or folder of this base name is never shared.
func SkippedName(base string) bool {
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "~$") ||
		strings.HasPrefix(base, "#") && strings.HasSuffix(base, "#") {
		return true
	}
	lower := strings.ToLower(base)
	for _, end := range partial {
		if strings.HasSuffix(lower, end) {
			return true
		}
	}
	return lower == "thumbs.db" || lower == "desktop.ini"
}
