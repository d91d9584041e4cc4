package source

import "fmt"

// bytesOf is a size as a person reads it.
func bytesOf(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// bytesOver is a size that is over a limit, as fine as is needed to see that.
func bytesOver(n, limit int64) string {
	switch {
	case n >= limit+1<<28:
		return bytesOf(n)
	case n >= limit+1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes, %d too many", n, n-limit)
}
