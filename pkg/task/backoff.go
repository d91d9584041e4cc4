package task

import "time"

// Attempts that follow an attempt that failed wait longer and longer: 1 s, four times
// as long each time, an hour at most.
const (
	firstPause = time.Second
	growth     = 4
)

// Tier is how long a task waits before its next attempt, after as many as failed since
// it was sent. jitter is any number of [0, 1): the pause is changed by a fifth at most,
// so that tasks which failed together do not come back together, and rounded up to a tier.
func Tier(failed int, jitter float64) time.Duration {
	longest := Tiers[len(Tiers)-1]
	pause := firstPause
	for range failed - 1 {
		if pause *= growth; pause >= longest {
			return longest
		}
	}
	pause = time.Duration(float64(pause) * (0.8 + 0.4*jitter))
	for _, tier := range Tiers {
		if tier >= pause {
			return tier
		}
	}
	return longest
}
