package logs

import (
	"log"
	"os"
	"strings"

	golog "github.com/ipfs/go-log/v2"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// LevelUsage is the help of --log-level.
const LevelUsage = "what to log to stderr: debug, info, warn, error (default), or `LEVEL,PACKAGE=LEVEL...`"

// ParseLevels reads a --log-level: a level for all packages, and levels for single ones, separated
// by commas.
func ParseLevels(spec string) (all golog.LogLevel, packages map[string]golog.LogLevel, err error) {
	all, packages = golog.LevelError, map[string]golog.LogLevel{}
	for part := range strings.SplitSeq(spec, ",") {
		name, level, one := strings.Cut(strings.TrimSpace(part), "=")
		if !one {
			name, level = "", name
		}
		l, err := golog.Parse(level)
		if err != nil || level == "" || one && name == "" {
			return 0, nil, fault.New(fault.Usage, "--log-level %q: it must be debug, info, warn, or error, or like warn,node=debug", spec)
		}
		if one {
			packages[name] = l
		} else {
			all = l
		}
	}
	return all, packages, nil
}

// Logs sets up what this process logs.
type Logs struct {
	LookupEnv func(string) (string, bool)
	Out       *console.Output

	targets console.LogTargets // of go-log before its lines went through Out
}

// Set makes go-log log to stderr, at the levels of --log-level, or else of GOLOG_LOG_LEVEL. It logs
// text on a terminal and JSON elsewhere, unless GOLOG_LOG_FMT says otherwise.
func (l *Logs) Set(spec string) error {
	cfg := golog.GetConfig()
	if cfg.URL == "" {
		l.targets = console.LogTargets{Stdout: cfg.Stdout, Stderr: cfg.Stderr}
		cfg.Stdout, cfg.Stderr, cfg.URL = false, false, sinkURL()
	}
	if _, set := l.LookupEnv("GOLOG_LOG_FMT"); !set {
		cfg.Format = golog.JSONOutput
		if console.IsTerminal(os.Stderr) {
			cfg.Format = golog.PlaintextOutput
		}
	}
	if spec != "" {
		var err error
		if cfg.Level, cfg.SubsystemLevels, err = ParseLevels(spec); err != nil {
			return err
		}
	}
	to := func(line string) { l.Out.Log(l.targets, line, cfg.Format == golog.PlaintextOutput) }
	target.Store(&to)
	golog.SetupLogging(cfg)
	log.SetFlags(0)
	log.SetOutput(stdLog{})
	return nil
}

// stdLog gives a level to what dependencies write through the standard library's log. The mDNS
// package, for one, reports there which network interfaces it can't use.
type stdLog struct{}

func (stdLog) Write(line []byte) (int, error) {
	golog.Logger("std").Warn(strings.TrimSpace(string(line)))
	return len(line), nil
}
