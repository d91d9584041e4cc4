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

// Forget has Loki delete all that a tenant has until now. It does so later, when it
// compacts; what comes after is kept.
func (l *Loki) Forget(ctx context.Context, tenant string) error {
	ctx, cancel := context.WithTimeout(ctx, pushTime)
	defer cancel()
	for _, query := range []string{`{power=~".+"}`, lateLabels} {
		// The end must not be in the future, and is cut to seconds.
		if _, err := l.do(ctx, tenant, http.MethodPost, "/loki/api/v1/delete", url.Values{
			"query": {query}, "start": {strconv.FormatInt(epoch.Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix(), 10)},
		}, "", nil); err != nil {
			return err
		}
	}
	return nil
}
