package membership

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/p2pchord/p2pchord/internal/durable"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// maxAddresses bounds the addresses that are kept.
const maxAddresses = 16

// Addresses returns the multiaddrs of bootstrap peers that were kept for this network.
func (n *Network) Addresses() ([]string, error) { return readAddresses(n.file(addressesName)) }

// AddressesAt is Network.Addresses of the data folder dir, without opening its network.
func AddressesAt(dir string) ([]string, error) {
	return readAddresses(filepath.Join(dir, folderName, addressesName))
}

func readAddresses(path string) ([]string, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Failed, "can't read the network's addresses: %w", err)
	}
	return strings.Fields(string(raw)), nil
}

// KeepAddresses keeps multiaddrs of bootstrap peers, the first of them before those that are kept
// already.
func (n *Network) KeepAddresses(addrs []string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	have, err := n.Addresses()
	if err != nil {
		return err
	}
	var all []string
	for _, a := range slices.Concat(addrs, have) {
		if !slices.Contains(all, a) && len(all) < maxAddresses {
			all = append(all, a)
		}
	}
	if slices.Equal(all, have) {
		return nil
	}
	if err := durable.WriteFile(n.file(addressesName), []byte(strings.Join(all, "\n")+"\n"), 0o600); err != nil {
		return fault.New(fault.Failed, "can't keep the network's addresses: %w", err)
	}
	return nil
}
