package scenarios

import (
	"slices"
	"strings"
)

// suggest says which of the known words was probably meant, where one is near
// enough, and lists them all, sorted.
func suggest(word, what string, known []string) string {
	sorted := slices.Sorted(slices.Values(known))
	hint := what + ": " + strings.Join(sorted, ", ")
	best, distance := "", max(1, min(len(word), 12)/3)+1
	for _, k := range sorted {
		if d := edits(word, k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		hint = `did you mean "` + best + `"? ` + hint
	}
	return hint
}

// edits is how many characters have to be put in, taken out, replaced or
// swapped with their neighbour to make b of a. Long words are far from all.
func edits(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return 40
	}
	a, b = strings.ToLower(a), strings.ToLower(b)
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
