package price

// Tokens are what one answer took. Their sorts do not overlap: each token is
// counted, and paid, once.
type Tokens struct {
	Input        int64 // of the request, that had nothing to do with the cache
	Output       int64
	CacheRead    int64
	CacheWrite   int64 // kept for five minutes
	CacheWrite1h int64
	Fast         bool `json:",omitempty"` // they came faster than usual, for a higher price
}

// MostTokens is the highest figure that is believed of an answer.
const MostTokens = 1 << 32

// Bound brings figures that an upstream told into a range whose costs mean
// something.
func (t *Tokens) Bound() {
	for _, n := range []*int64{&t.Input, &t.Output, &t.CacheRead, &t.CacheWrite, &t.CacheWrite1h} {
		*n = min(max(*n, 0), MostTokens)
	}
}
