package membudget

import (
	"math"
	"testing"
)

func TestLimitOfControlGroups(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, groups string
		files        map[string]string
		want         int64
	}{
		{"second version", "0::/a/b\n", map[string]string{"/sys/fs/cgroup/a/b/memory.max": "100663296\n"}, 96 << 20},
		{"of a group above", "0::/a/b\n", map[string]string{
			"/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/memory.max": "1048576\n",
		}, 1 << 20},
		{"the least counts", "0::/a/b\n", map[string]string{
			"/sys/fs/cgroup/a/b/memory.max": "2097152\n", "/sys/fs/cgroup/a/memory.max": "1048576\n",
		}, 1 << 20},
		{"none", "0::/a\n", map[string]string{"/sys/fs/cgroup/a/memory.max": "max\n"}, math.MaxInt64},
		{"no file", "0::/a\n", nil, math.MaxInt64},
		{"first version", "5:cpu,memory:/x\n4:cpu:/y\n0::/\n", map[string]string{"/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "104857600\n"}, 100 << 20},
		{"first version, none", "5:memory:/x\n", map[string]string{"/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n"}, math.MaxInt64},
		{"in a container that shows the host's path", "5:memory:/docker/0123\n", map[string]string{"/sys/fs/cgroup/memory/memory.limit_in_bytes": "104857600\n"}, 100 << 20},
		{"nonsense", "what\n0::../..\n", map[string]string{"/sys/fs/cgroup/memory.max": "-5"}, math.MaxInt64},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := limitOf(c.groups, func(file string) (string, bool) { text, ok := c.files[file]; return text, ok })
			if got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestRuntimeLimit(t *testing.T) {
	t.Parallel()
	for group, want := range map[int64]int64{96 << 20: 72 << 20, 1000 << 20: 900 << 20, 40 << 20: 20 << 20} {
		if got := runtimeLimit(group); got != want {
			t.Errorf("of %d MiB: %d MiB, want %d", group>>20, got>>20, want>>20)
		}
	}
}
