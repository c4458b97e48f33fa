package bus

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var sizes = []int{300, 10_000, 300_000}

func BenchmarkAppend(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := create(b, start(b, Options{}), "r")
			payload := make([]byte, size)
			b.ReportAllocs()
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				begin := time.Now()
				if err := s.Append(context.Background(), payload); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begin))
			}
			reportMedian(b, took)
		})
	}
}

// BenchmarkAppendByLibrary is what Append is held against.
func BenchmarkAppendByLibrary(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			bus := start(b, Options{})
			create(b, bus, "r")
			payload := make([]byte, size)
			b.ReportAllocs()
			took := make([]time.Duration, 0, b.N)
			last := uint64(0)
			for b.Loop() {
				begin := time.Now()
				_, err := bus.js.PublishMsg(context.Background(), &nats.Msg{Subject: Log("r"), Data: payload}, jetstream.WithExpectLastSequence(last))
				if err != nil {
					b.Fatal(err)
				}
				last++
				took = append(took, time.Since(begin))
			}
			reportMedian(b, took)
		})
	}
}

func reportMedian(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100])/1e3, "p99-µs")
}

func BenchmarkRead(b *testing.B) {
	const n = 10_000
	for _, size := range sizes[:2] {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := create(b, start(b, Options{}), "r")
			for range n {
				appendAll(b, s, string(make([]byte, size)))
			}
			b.SetBytes(int64(n * size))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Read(context.Background(), 1, func(uint64, []byte) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
