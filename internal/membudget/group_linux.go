package membudget

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// groupLimit is the memory limit of this process's control group, of the first or the second
// version, and of those above it; the greatest number when there is none.
func groupLimit() int64 {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return math.MaxInt64
	}
	return limitOf(string(groups), func(file string) (string, bool) {
		b, err := os.ReadFile(file)
		return string(b), err == nil
	})
}

// limitOf reads the limit from the contents of /proc/self/cgroup.
func limitOf(groups string, read func(file string) (string, bool)) int64 {
	limit := int64(math.MaxInt64)
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, file := "", ""
		switch {
		case parts[0] == "0" && parts[1] == "":
			root, file = "/sys/fs/cgroup", "memory.max"
		case contains(parts[1], "memory"):
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// In a container the path may be that of the host, and the root the container's own group.
		for at := path.Clean("/" + parts[2]); ; at = path.Dir(at) {
			if text, ok := read(path.Join(root, at, file)); ok {
				if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil && n > 0 {
					limit = min(limit, n)
				}
			}
			if at == "/" {
				break
			}
		}
	}
	if limit >= 1<<60 { // how the first version writes "none"
		return math.MaxInt64
	}
	return limit
}

func contains(list, name string) bool {
	for s := range strings.SplitSeq(list, ",") {
		if s == name {
			return true
		}
	}
	return false
}
