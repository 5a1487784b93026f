package localfile

import (
	"path/filepath"
	"runtime"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// CheckName returns an error if a file of the ring can't have its name on this machine. The
// name has '/' between its parts.
func CheckName(name string) error { return checkName(runtime.GOOS, name) }

// checkName is CheckName for a system.
func checkName(goos, name string) error {
	if goos == "windows" {
		for part := range strings.SplitSeq(name, "/") {
			if why := windowsRefuses(part); why != "" {
				return badName(name, why)
			}
		}
	}
	if goos == runtime.GOOS && !filepath.IsLocal(filepath.FromSlash(name)) {
		return badName(name, "it leads out of the folder")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return badName(name, "it leads out of the folder")
		}
	}
	return nil
}

func badName(name, why string) error {
	return fault.New(fault.NotAllowed, "a file on this machine can't be called %q: %s; give -o FILE to write it elsewhere", name, why)
}

// windowsRefuses returns the reason why a part of a path doesn't mean a file or folder of that very
// name on Windows.
func windowsRefuses(part string) string {
	if i := strings.IndexFunc(part, func(r rune) bool { return r < ' ' || strings.ContainsRune(`<>:"|?*\`, r) }); i >= 0 {
		return "on Windows a name has none of " + `< > : " | ? * \`
	}
	if strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") {
		return "on Windows a name doesn't end with a dot or a blank"
	}
	if isDevice(part) {
		return "on Windows it is a device"
	}
	return ""
}

// isDevice reports whether Windows interprets a part of a path as a device: with any extension, and
// blanks before it, in older versions.
func isDevice(part string) bool {
	base, _, _ := strings.Cut(part, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	number, ok := strings.CutPrefix(base, "COM")
	if !ok {
		number, ok = strings.CutPrefix(base, "LPT")
	}
	return ok && len([]rune(number)) == 1 && strings.Contains("0123456789¹²³", number)
}
