package ignore

import "strings"

// partial are the endings of files that programs are still writing, and of temporary files that
// they keep beside others.
var partial = []string{
	// Downloads.
	".part", ".partial", ".filepart", ".crdownload", ".download", ".opdownload", ".aria2", ".!ut", ".!qb", ".bc!",
	".tmp", ".temp", "~", // editors and office programs
}

// BusyMarks are the endings of files that are beside a file while it is being downloaded: some
// programs make NAME first, and then write to NAME.part.
var BusyMarks = []string{".part", ".crdownload", ".aria2"}

// SkippedName reports whether a file or folder of this base name is never shared.
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
