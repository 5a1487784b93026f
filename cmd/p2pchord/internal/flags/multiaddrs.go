package flags

import (
	ma "github.com/multiformats/go-multiaddr"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// Multiaddrs parses the multiaddrs of a flag. With withID each must end with the ID of a peer.
func Multiaddrs(flag string, list []string, withID bool) ([]ma.Multiaddr, error) {
	var out []ma.Multiaddr
	for _, s := range list {
		m, err := ma.NewMultiaddr(s)
		if err != nil {
			return nil, fault.New(fault.Usage, "%s %q is not a multiaddr (%w): write it like /ip4/192.0.2.1/tcp/4701%s", flag, s, err, idExample(withID))
		}
		if _, err := m.ValueForProtocol(ma.P_P2P); withID && err != nil {
			return nil, fault.New(fault.Usage, "%s %q doesn't say whose address it is: it must end with /p2p/ID, as the peer shows it", flag, s)
		}
		out = append(out, m)
	}
	return out, nil
}

func idExample(withID bool) string {
	if withID {
		return "/p2p/ID"
	}
	return ""
}
