package term

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Table writes rows in aligned columns below a heading for a person, or, when the
// output is piped, tab separated and without the heading for a program. Cells are
// escaped.
func Table(w io.Writer, tty bool, heading []string, rows [][]string) error {
	var b strings.Builder
	if !tty {
		for _, row := range rows {
			b.WriteString(strings.Join(escapeCells(row), "\t") + "\n")
		}
	} else {
		for _, line := range Align(append([][]string{heading}, rows...)) {
			b.WriteString(line + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Align makes a line of each row, with the cells of a column below each other.
// Cells are escaped.
func Align(rows [][]string) []string {
	var widths []int
	for i, row := range rows {
		rows[i] = escapeCells(row)
		for j, cell := range rows[i] {
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], utf8.RuneCountInString(cell))
		}
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		var line strings.Builder
		for j, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)+2))
		}
		lines[i] = strings.TrimRight(line.String(), " ")
	}
	return lines
}

// escapeCells also turns tabs into spaces: a tab ends a cell.
func escapeCells(row []string) []string {
	out := make([]string, len(row))
	for i, cell := range row {
		out[i] = strings.ReplaceAll(Escape(cell), "\t", " ")
	}
	return out
}
