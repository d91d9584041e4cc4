package history

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"fngen.dev/fngen/pkg/api"
)

// Read are the events of a release behind one, which is counted from 1, in their order,
// and which the last of them is.
func Read(ctx context.Context, st Store, projectID int64, number, after int) (events []api.Event, last int, err error) {
	rows, err := st.Events(ctx, projectID, number, after)
	if err != nil {
		return nil, after, err
	}
	for last = after; len(rows) > 0; rows = rows[1:] {
		lines := bytes.Split(rows[0].Lines, []byte("\n"))
		for i, line := range lines {
			at := rows[0].First + i
			if at <= last {
				continue
			}
			var e api.Event
			if err := json.Unmarshal(line, &e); err != nil {
				return nil, after, fmt.Errorf("decode event %d of release %d: %w", at, number, err)
			}
			events, last = append(events, e), at
		}
	}
	return events, last, nil
}
