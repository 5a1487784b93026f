package transfer

import (
	"context"
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
	"github.com/p2pchord/p2pchord/internal/vault"
	"github.com/p2pchord/p2pchord/protocol/pb"
)

// listing is what is listed: the files whose names begin with prefix.
type listing struct {
	prefix string
	vault  *vault.Vault // nil: files are not encrypted
}

func (c *Client) listing(prefix string) (listing, error) {
	l := listing{prefix: prefix}
	if c.cfg.Vault == nil {
		return l, nil
	}
	var err error
	l.vault, err = c.cfg.Vault()
	return l, err
}

// request returns the question for a member. Of encrypted files it asks for those of the folder
// that the prefix is in.
func (l listing) request() *pb.List {
	if l.vault == nil {
		return &pb.List{Prefix: l.prefix}
	}
	ask := &pb.List{Prefix: l.vault.Prefix()}
	if strings.Contains(l.prefix, "/") {
		ask.Tag = l.vault.FolderTag(l.prefix)
	}
	return ask
}

// listed describes a file that a member lists; nil if it is none of those that were asked for.
func (c *Client) listed(ctx context.Context, l listing, f *pb.Listing) (*FileInfo, error) {
	info := Describe(&pb.RecordBody{
		Name: f.GetName(), Size: f.GetSize(), Hash: f.GetHash(), Modified: f.GetModified(),
		ModifiedBeforeEpoch: f.GetModifiedBeforeEpoch(), ModifiedNanos: f.GetModifiedNanos(), Mode: f.GetMode() & MaxMode,
		Clock: f.GetVersion().GetClock(), Writer: f.GetVersion().GetWriter(),
	}, int(f.GetCopies()))
	if l.vault == nil {
		return &info, nil
	}
	d, err := l.vault.OpenListing(f)
	if err != nil && len(f.GetSealed()) == 0 {
		d, err = c.fetchDescription(ctx, l, f)
		if code := fault.CodeOf(err); err != nil && code != fault.NotFound && code != fault.Integrity {
			return nil, err
		}
	}
	if err != nil {
		// Deleted meanwhile; or this peer has no key for it, as for what strangers put there.
		return nil, nil
	}
	info.clear(d)
	if !strings.HasPrefix(info.Name, l.prefix) {
		return nil, nil
	}
	return &info, nil
}

// fetchDescription reads the description of a file that is listed by a member of an earlier
// version, which leaves it out.
func (c *Client) fetchDescription(ctx context.Context, l listing, f *pb.Listing) (*pb.Description, error) {
	t := target{name: f.GetName(), stored: f.GetName(), vault: l.vault}
	if !strings.HasPrefix(t.stored, l.vault.Prefix()) {
		return nil, errOther
	}
	found, err := c.fetchRecord(ctx, t, &pb.Get{Name: t.stored})
	if err != nil {
		return nil, err
	}
	return found.opened.Description, nil
}
