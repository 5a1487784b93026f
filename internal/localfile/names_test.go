package localfile

import (
	"errors"
	"testing"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// A name that leads elsewhere on Windows is refused there, and is a name like others elsewhere.
func TestNamesOnWindows(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		`..\..\x`, `..\x`, `\x`, `\\server\share\x`, `C:x`, `C:\x`, `c:`, `a/..\..\x`, `a:b`, `a/file.txt:stream`, `a/b::$DATA`,
		"CON", "con", "a/nul", "NUL.txt", "nul .txt", "aux.tar.gz", "PRN", "COM1", "com9.log", "LPT1", "LPT³", "COM¹.x", "COM0", "CONIN$", "conout$",
		"a.", "a ", "a./b", "a /b", "...", `\\?\C:\x`, `\\.\PhysicalDrive0`, "a*b", "a?b", "a|b", "a<b", "a>b", `a"b`, "a\x01b",
	} {
		if err := checkName("windows", name); !errors.Is(err, fault.NotAllowed) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"a", "a/b.txt", "CONSOLE", "COM10", "nully", "LPT", ".hidden", "a.b.c", "日本/語", "COM", "COMx", "a b", " a", "auxiliary/x"} {
		if err := checkName("windows", name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "..", "../x", "/x", "a/../../x", "a//b", ".", "a/.", "a/"} {
		for _, goos := range []string{"linux", "windows", "darwin"} {
			if err := checkName(goos, name); !errors.Is(err, fault.NotAllowed) {
				t.Errorf("%s, %q: %v", goos, name, err)
			}
		}
	}
	for _, name := range []string{`..\x`, "a:b", "CON", "a.", "a "} {
		if err := checkName("linux", name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
