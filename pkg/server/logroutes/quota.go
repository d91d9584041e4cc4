package logroutes

import (
	"fmt"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// tellEvery is how often it is told that a project's quota is used up.
const tellEvery = time.Minute

// entryCost is what an entry counts beside its message.
const entryCost = 100

// logQuota is what a project may write to its log in a day: it comes back evenly.
type logQuota struct {
	daily int64 // bytes, 0 for no bound
	now   func() time.Time

	mu sync.Mutex
	m  map[string]*usedLog // by tenant
}

type usedLog struct {
	bytes float64
	at    time.Time
	// dropped are entries of which nothing was told yet, told is when something was.
	dropped int
	told    time.Time
	// rejected and rejectedTold are the same of entries that cannot be stored.
	rejected     int
	rejectedTold time.Time
}

func newLogQuota(daily int64) *logQuota {
	return &logQuota{daily: daily, now: time.Now, m: map[string]*usedLog{}}
}

func (q *logQuota) of(tenant string) *usedLog {
	u, ok := q.m[tenant]
	now := q.now()
	if !ok {
		u = &usedLog{at: now}
		q.m[tenant] = u
	}
	u.bytes = max(0, u.bytes-float64(q.daily)*now.Sub(u.at).Hours()/24)
	u.at = now
	return u
}

// take returns the entries for which there is room, how many there are not, and now and
// then what is to be told of those.
func (q *logQuota) take(tenant string, entries []api.LogEntry) (fit []api.LogEntry, dropped int, told string) {
	if q.daily == 0 {
		return entries, 0, ""
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	u := q.of(tenant)
	for _, e := range entries {
		if u.bytes > float64(q.daily) {
			break
		}
		u.bytes += cost(e)
		fit = append(fit, e)
	}
	dropped = len(entries) - len(fit)
	u.dropped += dropped
	if u.dropped > 0 && q.now().Sub(u.told) >= tellEvery {
		told = fmt.Sprintf("%d entries of the log were dropped: the project has written as much as it may in a day, %d MB", u.dropped, q.daily>>20)
		u.dropped, u.told = 0, q.now()
	}
	return fit, dropped, told
}

// refused counts entries that the store does not take, and returns now and then what is to
// be told of them.
func (q *logQuota) refused(tenant string, entries int) (told string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	u := q.of(tenant)
	u.rejected += entries
	if u.rejected == 0 || q.now().Sub(u.rejectedTold) < tellEvery {
		return ""
	}
	told = fmt.Sprintf("%d entries of the log were dropped: they came too late to be stored", u.rejected)
	u.rejected, u.rejectedTold = 0, q.now()
	return told
}

// giveBack is for entries that were not stored, and come again.
func (q *logQuota) giveBack(tenant string, entries []api.LogEntry) {
	if q.daily == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	u := q.of(tenant)
	for _, e := range entries {
		u.bytes = max(0, u.bytes-cost(e))
	}
}

func cost(e api.LogEntry) float64 { return float64(len(e.Message) + entryCost) }
