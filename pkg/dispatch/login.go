package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"fngen.dev/fngen/pkg/store"
)

// writeLogin has the workers of a project find how to reach the broker. It writes only
// what is not there: what was written is known by its digest, and that it is still the
// newest by the number of its version.
func (s *Service) writeLogin(ctx context.Context, p store.Project) error {
	login := s.Broker.Worker(p.Name, p.ID)
	text, err := json.Marshal(login)
	if err != nil {
		return fmt.Errorf("encode the login of project %s: %w", p.Name, err)
	}
	sum := sha256.Sum256(text)
	digest := hex.EncodeToString(sum[:])
	version, err := s.Logins.BrokerVersion(ctx, p.Name)
	if err != nil {
		return err
	}
	known, number, err := s.Ledger.Login(ctx, p.ID)
	if err != nil || version != 0 && known == digest && number == version {
		return err
	}
	if err := s.Logins.WriteBroker(ctx, p.Name, login); err != nil {
		return err
	}
	if version, err = s.Logins.BrokerVersion(ctx, p.Name); err != nil {
		return err
	}
	return s.Ledger.KeepLogin(ctx, p.ID, digest, version)
}
