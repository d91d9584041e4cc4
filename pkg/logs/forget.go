package logs

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// epoch is before any log of ours. Loki takes "1" for no time.
var epoch = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

// goneWithin is when Loki has certainly deleted what it was told to: what it holds in
// memory it writes within 12 hours (max_chunk_age), then it waits for the end of the time to
// cancel, compacts, and removes files after 2 hours more (retention_delete_delay).
const goneWithin = 24 * time.Hour

// Forget has Loki delete all that a tenant has until now. Loki finds it for some minutes
// more, since it keeps in mind what is to be deleted, and has deleted it by the time that
// is returned. What comes after is kept.
func (l *Loki) Forget(ctx context.Context, tenant string) (gone time.Time, err error) {
	now := time.Now()
	ctx, cancel := context.WithTimeout(ctx, pushTime)
	defer cancel()
	for _, query := range []string{`{power=~".+"}`, lateLabels} {
		// The end must not be in the future, and is cut to seconds.
		if _, err := l.do(ctx, tenant, http.MethodPost, "/loki/api/v1/delete", url.Values{
			"query": {query}, "start": {strconv.FormatInt(epoch.Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)},
		}, "", nil); err != nil {
			return time.Time{}, err
		}
	}
	return now.Add(goneWithin), nil
}
