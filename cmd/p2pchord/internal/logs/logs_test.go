package logs

import (
	"errors"
	"maps"
	"testing"

	golog "github.com/ipfs/go-log/v2"

	"github.com/p2pchord/p2pchord/internal/fault"
)

func TestParseLogLevels(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"", "loud", "=debug", "node=", "warn,,info", "warn, node=debug,swarm2=x"} {
		if all, rooms, err := ParseLevels(spec); !errors.Is(err, fault.Usage) {
			t.Errorf("%q: %v, %v, %v", spec, all, rooms, err)
		}
	}
	for spec, want := range map[string]struct {
		all   golog.LogLevel
		rooms map[string]golog.LogLevel
	}{
		"debug":            {golog.LevelDebug, nil},
		"info":             {golog.LevelInfo, nil},
		"node=info":        {golog.LevelError, map[string]golog.LogLevel{"node": golog.LevelInfo}},
		"warn, node=debug": {golog.LevelWarn, map[string]golog.LogLevel{"node": golog.LevelDebug}},
	} {
		all, rooms, err := ParseLevels(spec)
		if err != nil || all != want.all || !maps.Equal(rooms, want.rooms) {
			t.Errorf("%q: %v, %v, %v", spec, all, rooms, err)
		}
	}
}
