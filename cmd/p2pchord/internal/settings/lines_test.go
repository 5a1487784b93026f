package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// What is wrong in a config file is reported with its line, however the key is written.
func TestConfigLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"plain":            {"data = 'x'\n\ntiemout = 1\n", `:3: unknown key "tiemout"`},
		"quoted":           {"data = 'x'\n\n\"tiemout\" = 1\n", `:3: unknown key "tiemout"`},
		"dotted":           {"data = 'x'\nls . tiemout = 1\n", `:2: unknown key "tiemout"`},
		"quoted table":     {"data = 'x'\n[ \"ls\" ]\n\ntiemout = 1\n", `:4: unknown key "tiemout"`},
		"inline table":     {"data = 'x'\nls = {timeout = '1s', tiemout = 1}\n", `:2: unknown key "tiemout"`},
		"dotted table":     {"data = 'x'\n\nnod.copies = 1\n", `:3: there is no command "nod"`},
		"table of a table": {"data = 'x'\n[nod.x]\ncopies = 1\n", `:2: there is no command "nod"`},
		"array of tables":  {"data = 'x'\n[[tiemout]]\ncopies = 1\n", `:2: unknown key "tiemout"`},
		"after a list":     {"bootstrap = [\n'/ip4/1.2.3.4', # tiemout = 1\n]\ntiemout = 1\n", `:4: unknown key "tiemout"`},
		"after a long text": {
			"data = '''\ntiemout = 1\n[nod]\n'''\n[ls]\ntiemout = 1\n",
			`:6: unknown key "tiemout"`,
		},
		"the first of two":     {"[node]\ncopies = 2\n[ls]\ntiemout = 1\n[nod]\n", `:4: unknown key "tiemout"`},
		"a table for a value":  {"[ls]\ntimeout.x = 1\n", `:2: "timeout" takes a value, not a table`},
		"tables for a value":   {"\n[[ls.timeout]]\nx = 1\n", `:2: "timeout" takes a value, not a table`},
		"a key that is twice":  {"data = 'x'\n\ndata = 'y'\n", `:3: key data is already defined`},
		"a list that is open":  {"data = [\n1\n", `:2: `},
		"carriage returns":     {"data = 'x'\r\n\r\ntiemout = 1\r\n", `:3: unknown key "tiemout"`},
		"in the command's own": {"\n[node]\nlisten = []\n[ls]\nlisten = []\n", `:5: unknown key "listen"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "c.toml")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := readConfig(file, commands()); err == nil || !strings.HasPrefix(err.Error(), file+c.want) {
				t.Errorf("%v, want FILE%s", err, c.want)
			}
		})
	}
}

// commands is a tree of commands with a few flags.
func commands() *cobra.Command {
	root := &cobra.Command{Use: "p2pchord"}
	root.PersistentFlags().String("data", "", "")
	ls := &cobra.Command{Use: "ls", Run: func(*cobra.Command, []string) {}}
	root.PersistentFlags().StringArray("bootstrap", nil, "")
	ls.Flags().Duration("timeout", 0, "")
	peer := &cobra.Command{Use: "node", Run: func(*cobra.Command, []string) {}}
	peer.Flags().Int("copies", 3, "")
	peer.Flags().StringArray("listen", nil, "")
	root.AddCommand(ls, peer)
	return root
}
