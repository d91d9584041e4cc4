package quota

import (
	"sync"
	"time"

	"fngen.dev/fngen/pkg/api"
)

// LeastCharge is what a tree takes of a budget at least: its rows outlive it.
const LeastCharge = 1 << 20

// Budget is what an account may add to the disk in a day, whatever becomes of it
// afterwards: it comes back evenly. What is under way when it ends may end.
type Budget struct {
	daily int64 // bytes, 0 for no bound
	now   func() time.Time

	mu    sync.Mutex
	spent map[int64]spent // by account
}

// spent is what an account has used up, as of a moment.
type spent struct {
	bytes float64
	at    time.Time
}

// NewBudget has nothing spent. daily is in bytes, 0 for no bound.
func NewBudget(daily int64) *Budget {
	return &Budget{daily: daily, now: time.Now, spent: map[int64]spent{}}
}

// current is what is used up now.
func (b *Budget) current(account int64) float64 {
	s := b.spent[account]
	return max(0, s.bytes-float64(b.daily)*b.now().Sub(s.at).Hours()/24)
}

// Look refuses an account that has nothing left.
func (b *Budget) Look(account int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.daily == 0 || b.current(account) < float64(b.daily) {
		return nil
	}
	return api.NewProblem(api.NoRoom, "this account has sent more than %s within a day, which is as much as the platform takes", gigabytes(b.daily)).
		WithHelp("wait some hours; the operator sets how much it is (FNGEND_DAILY_UPLOADS)")
}

// Spend counts what an account has sent.
func (b *Budget) Spend(account, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent[account] = spent{b.current(account) + float64(bytes), b.now()}
}
